"""A proposal as a PDF, read back: the words, the bookmarks, and nothing about who wrote it."""

import hashlib
import io
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from portal.documents.papers import Grid, Paper, Prose, Section, proposal_pdf

ROOT = Path(__file__).resolve().parents[2]
PAPER = Paper(
    reference="AIR26-0042",
    title="Protein folding – with Ελληνικά and Łódź",
    call="AI research call 2026",
    submitted_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    digest="ab" * 32,
    people=(("PI", "Priya Raman, State University"),),
    sections=(
        Section("Summary", (Prose("Abstract", "We fold proteins.\n\nQuickly."), Prose("Keywords", ""))),
        Section(
            "Amounts",
            (
                Grid(
                    "Requests",
                    ("Resource", "Amount"),
                    (("A100 80 GB", "2,000 GPU-hours"), ("Storage",), ("A", "B", "C")),
                ),
            ),
        ),
    ),
)


def written(text: str) -> Paper:
    return replace(PAPER, sections=(Section("Summary", (Prose("Abstract", text),)),))


def opened(paper: Paper) -> PdfReader:
    return PdfReader(io.BytesIO(proposal_pdf(paper)), strict=True)


def words(paper: Paper) -> str:
    return "\n".join(page.extract_text() for page in opened(paper).pages)


def test_everything_that_was_submitted_is_there() -> None:
    text = words(PAPER)

    for wanted in (
        "Protein folding – with Ελληνικά and Łódź",
        "AI research call 2026",
        "1 March 2026, 12:00 UTC",
        "Priya Raman, State University",
        "We fold proteins.",
        "Quickly.",
        "Not given",
        "2,000 GPU-hours",
        "Storage",
        "B C",
    ):
        assert wanted in text


def test_every_page_says_what_it_belongs_to() -> None:
    pages = opened(written("A sentence of the plan. " * 800)).pages

    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        text = page.extract_text()
        assert "AIR26-0042" in text
        assert "ab" * 32 in text
        assert f"Page {number} of {len(pages)}" in text


def test_headings_are_bookmarks() -> None:
    outline = opened(PAPER).outline

    assert [item.title for item in outline if not isinstance(item, list)] == ["Summary", "Amounts"]
    assert [item.title for item in outline[1]] == ["Abstract", "Keywords"]


def test_the_properties_name_the_proposal_and_nobody() -> None:
    reader = opened(PAPER)

    assert dict(reader.metadata or {}) == {"/Title": "AIR26-0042", "/CreationDate": "D:20260301120000Z"}
    assert reader.xmp_metadata is None
    assert reader.root_object["/Lang"] == "en"


def test_screen_readers_find_headings_and_paragraphs() -> None:
    root = opened(written("A sentence of the plan. " * 800)).root_object
    kinds = [kid.get_object()["/S"] for kid in root["/StructTreeRoot"]["/K"][0].get_object()["/K"]]

    assert root["/MarkInfo"]["/Marked"] is True or str(root["/MarkInfo"]["/Marked"]) == "True"
    assert kinds.count("/H1") == 1
    assert "/H2" in kinds
    assert "/H3" in kinds
    assert kinds.count("/P") > 3


def test_without_people_nobody_is_named() -> None:
    content = proposal_pdf(replace(PAPER, people=()))

    assert "Priya" not in words(replace(PAPER, people=()))
    assert b"Priya" not in content


def test_the_same_proposal_gives_the_same_bytes() -> None:
    assert proposal_pdf(PAPER) == proposal_pdf(PAPER)
    assert proposal_pdf(PAPER) != proposal_pdf(replace(PAPER, digest="cd" * 32))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("研究提案書 연구 계획", "研究提案書"),
        ("مرحبا بالعالم", "مرحبا"),
        ("שלום עולם", "שלום"),
        ("∑ ≤ ∂ → Ω √", "∑ ≤ ∂ → Ω √"),
        ("{nb} **plain** __text__", "{nb} **plain** __text__"),
        ("a\x00b\x1bc\ud800d", "a�b�c�d"),
        ("DNA 🧬", "DNA �"),
        ("สวัสดี", "��"),
        ("\u202eevil\u202c", "evil"),
    ],
)
def test_what_can_be_drawn_is_drawn_and_the_rest_is_marked(text: str, wanted: str) -> None:
    assert wanted in words(written(text))


def test_a_reader_is_told_when_characters_are_missing() -> None:
    assert "cannot draw" in words(written("DNA 🧬"))
    assert "cannot draw" not in words(PAPER)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "م" * 10_000,
        "語" * 10_000,
        "א1(b)" * 2_000,
        "א" + " " * 5_000 + "א",
        "e" + "\u0301" * 5_000,
        "\u200d\ufe0f\u00ad" * 2_000,
        "\n" * 5_000,
        "👩\u200d🔬" * 2_000,
    ],
    ids=["latin", "arabic", "han", "mixed", "gap", "accents", "joiners", "lines", "emoji"],
)
def test_hostile_text_is_only_text(text: str) -> None:
    paper = replace(
        written(text),
        title=text,
        reference=text,
        people=((text[:500], text),),
        sections=(
            Section(text, (Prose(text, text), Grid(text, ("A", text), ((text, "b"), ("c", text))))),
            Section("", (Grid("", (), ()), Grid("x", tuple("abcdefgh"), ((text,),)))),
        ),
    )

    assert len(opened(paper).pages) >= 1


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=400))
def test_any_text_gives_a_document(text: str) -> None:
    paper = replace(
        written(text), title=text, sections=(Section(text, (Grid(text, (text, "b"), ((text, text),)),)),)
    )

    assert proposal_pdf(paper).startswith(b"%PDF-")


def test_the_fonts_are_the_ones_on_record() -> None:
    listed = tomllib.loads((ROOT / "VENDOR.toml").read_text(encoding="utf-8"))["file"]
    fonts = {entry["file"]: entry["sha256"] for entry in listed if "documents/fonts/" in entry["file"]}
    folder = ROOT / "portal" / "documents" / "fonts"

    assert fonts == {
        str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
    }
