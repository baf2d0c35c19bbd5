"""What the code must not say: commits below the portal, other clocks, machine paths, notes to self."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("portal", "k8s", "datasets", "allocations")
# Bracketed letters, so that this file does not contain what it looks for.
ADDRESSES = re.compile(r"/(wor[k]|far[m])/|pyp[i]\.org|python[h]osted|registry\.np[m]js|deb\.debia[n]")
NOTES = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")
SECRETS = re.compile(r"BEGIN ([A-Z]+ )?PRIVATE KE[Y]")
TIMES = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
}


def _modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def _embedded(path: Path) -> bool:
    return (ROOT / "k8s" / "embedded") in path.parents


def _tracked() -> Iterator[tuple[str, str]]:
    """Path and text of every file that is or would be in the repository, vendored ones left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        data = path.read_bytes() if path.is_file() and "/vendor/" not in name else b""
        if b"\0" not in data:
            yield name, data.decode("utf-8")


def _calls(path: Path) -> Iterator[tuple[str, str, int]]:
    """`thing.method(` calls with the last name of the thing."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            thing = node.func.value
            name = thing.attr if isinstance(thing, ast.Attribute) else getattr(thing, "id", "")
            yield name, node.func.attr, node.lineno


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_nothing_below_the_portal_commits_or_rolls_back() -> None:
    below = [path for path in _modules("k8s", "datasets", "allocations") if not _embedded(path)]
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in below
        for _, method, line in _calls(path)
        if method in ("commit", "rollback")
    ]

    assert wrong == []


def test_only_the_clock_knows_the_time_and_nothing_draws_lots() -> None:
    clock = ROOT / "allocations" / "kernel" / "clock.py"
    checked = [path for path in _modules(*PACKAGES) if path != clock and not _embedded(path)]
    times = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in checked
        for thing, method, line in _calls(path)
        if (thing, method) in TIMES
    ]
    lots = [str(path.relative_to(ROOT)) for path in checked if "random" in _imports(path)]

    assert (times, lots) == ([], [])


def test_imports_stand_at_the_top() -> None:
    inside = [
        f"{path.relative_to(ROOT)}:{child.lineno}"
        for path in _modules(*PACKAGES)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(node)
        if isinstance(child, ast.Import | ast.ImportFrom)
    ]

    assert inside == []


@pytest.mark.parametrize(
    "pattern", [ADDRESSES, NOTES, SECRETS], ids=["addresses of machines", "notes to self", "private keys"]
)
def test_no_file_contains(pattern: re.Pattern[str]) -> None:
    wrong = [
        f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {found[0]}"
        for name, text in _tracked()
        for found in pattern.finditer(text)
    ]

    assert wrong == []


def test_there_is_no_script_or_style_in_templates() -> None:
    """The content policy would refuse it, silently."""
    refused = re.compile(r"<style|\sstyle=|\son[a-z]+=\"|javascript:|<script(?![^>]*\bsrc=)", re.IGNORECASE)
    folder = ROOT / "portal" / "templates"
    wrong = [str(path) for path in folder.rglob("*.html") if refused.search(path.read_text(encoding="utf-8"))]

    assert wrong == []
