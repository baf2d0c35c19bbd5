"""What other tools hold: import contracts, and reference pages that are what the code says."""

import subprocess
import sys
from pathlib import Path

import pytest

from portal import reference

ROOT = Path(__file__).resolve().parents[2]


def test_imports_only_point_the_right_way() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_the_reference_pages_are_current() -> None:
    assert reference.stale() == []


def test_a_stale_page_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    for name, text in reference.pages().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "states.md").write_text("old", encoding="utf-8")

    assert reference.stale() == ["states.md"]


def test_the_reference_is_the_same_each_time() -> None:
    assert reference.pages() == reference.pages()
