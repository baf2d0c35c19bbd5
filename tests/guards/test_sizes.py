"""Size and shape: files, functions, nesting, arguments and templates stay within the design page's limits."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("portal", "k8s", "datasets", "allocations", "tests", "migrations", "benchmarks")
# A migration is a record of what was, written by Alembic.
SOURCES = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "versions" not in path.parts
)
MODULES = [*SOURCES, ROOT / "wsgi.py"]
TEMPLATES = sorted((ROOT / "portal" / "templates").rglob("*.html"))
FILE, FUNCTION, NESTING, ARGUMENTS, TEMPLATE = 400, 40, 3, 6, 150
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "services", "managers"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def _functions(path: Path) -> Iterator[Function]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _length(function: Function) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def _arguments(function: Function) -> int:
    """Positional and keyword-only ones; `self`, `cls` and collected ones do not count.

    Nor do a test's: pytest passes them, fixtures and the columns of a table.
    """
    if function.name.startswith("test_"):
        return 0
    taken = function.args
    named = [a.arg for a in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
    return len(named) - (named[:1] in (["self"], ["cls"]))


def _depth(node: ast.AST, level: int = 0) -> int:
    """Blocks inside blocks; an `elif` stands beside its `if`, and a function inside starts anew."""
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef | ast.Lambda):
            continue
        beside = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, _depth(child, level + (isinstance(child, BLOCKS) and not beside)))
    return deepest


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_keeps_within_the_limits(path: Path) -> None:
    wrong = []
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if lines > FILE:
        wrong.append(f"{lines} lines")
    for function in _functions(path):
        where = f"{function.name} (line {function.lineno})"
        found = {
            "lines": (_length(function), FUNCTION),
            "levels": (_depth(function), NESTING),
            "arguments": (_arguments(function), ARGUMENTS),
        }
        wrong += [f"{where}: {n} {what}, at most {most}" for what, (n, most) in found.items() if n > most]

    assert wrong == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_keeps_within_the_limit(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= TEMPLATE


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in MODULES if path.stem in VAGUE] == []
