"""The security page names only files and tests that exist, and leaves no item of its list out."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
FILE = re.compile(r"`((?:portal|docs|tests|allocations|datasets|k8s)/[\w/.-]+\.(?:py|md))`")
# Sections of ASVS 5.0 -> items that apply to log-in, sessions, authorisation and the browser.
ITEMS = {
    "3.3": (1, 2, 3, 4),
    "3.4": (1, 3),
    "3.5": (1, 2, 3, 4),
    "3.7": (2,),
    "4.1": (3,),
    "6.1": (3,),
    "6.3": (4,),
    "6.8": (1, 2, 4),
    "7.1": (1, 2, 3),
    "7.2": (1, 2, 3, 4),
    "7.3": (1, 2),
    "7.4": (1, 2, 4, 5),
    "7.5": (1, 2),
    "7.6": (1, 2),
    "8.1": (1, 2),
    "8.2": (1, 2, 3),
    "8.3": (1, 2),
    "8.4": (1,),
    "9.1": (1, 2, 3),
    "9.2": (1, 2, 3, 4),
    "10.1": (1, 2),
    "10.2": (1, 2),
    "10.3": (1, 2, 3, 4),
    "10.4": (1, 2, 3, 4, 5, 6, 8, 9, 10, 11),
    "10.5": (1, 2, 3, 4, 5),
    "10.6": (1, 2),
    "10.7": (1, 2, 3),
    "13.3": (1,),
    "16.3": (1, 2, 3),
}


def _rows() -> list[list[str]]:
    cells = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    return [row for row in cells if row[0] != "item"]


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_and_file_that_the_page_names_exists() -> None:
    tests = TEST.findall(PAGE)
    missing = [name for path, name in tests if name not in _functions(ROOT / path)]
    gone = [path for path in FILE.findall(PAGE) if not (ROOT / path).exists()]

    assert len(tests) > 70
    assert (missing, gone) == ([], [])


def test_each_item_is_met_with_a_test_or_has_a_reason_why_not() -> None:
    rows = [row for row in _rows() if len(row) != 2]

    assert [row[0] for row in rows if len(row) != 4 or not TEST.search(row[3])] == []
    assert all(all(cell.strip() for cell in row) for row in _rows())


def test_no_item_is_forgotten_and_none_is_there_twice() -> None:
    found = [item for row in _rows() for item in re.findall(r"\b\d+\.\d+\.\d+\b", row[0])]

    assert sorted(found) == sorted(f"{section}.{n}" for section, numbers in ITEMS.items() for n in numbers)
