"""Lists of publications as people keep them, and as nobody should: each line is taken in or named."""

import time

import pytest

from allocations.programme import publications

BIBTEX = r"""
% from my own page
@string{jan = "January"}
@article{one, title = {Fast {\"U}ber \'{e}tudes \& {GPU}s}, year = 2020, month = jan,
  abstract = "a " # {b}, doi = {https://doi.org/10.1000/ABC},}
@misc(two,
  title = "Two", date = {2021-05-01})
"""
RIS = (
    "TY  - JOUR\nT1  - One\nAU  - A, B\nAB  - begins\n  and ends\nPY  - 2020/01/02\nDO  - 10.1000/1\nER  - \n"
)
CSV = '\ufeffTitle;Year;DOI;Abstract\r\n"One; and more";2020;;"two\r\nlines"\r\n\r\nTwo;2021\r\n'


def test_bibtex_is_read_without_its_tex() -> None:
    one, two = publications.read(BIBTEX).drafts

    assert (one.title, one.abstract, one.year, one.doi) == (
        "Fast Über études & GPUs",
        "a b",
        2020,
        "10.1000/abc",
    )
    assert (two.title, two.year, two.doi) == ("Two", 2021, "")


def test_ris_and_csv_are_read_with_texts_of_several_lines() -> None:
    (record,) = publications.read(RIS).drafts
    rows = publications.read(CSV).drafts

    assert (record.title, record.abstract, record.year) == ("One", "begins and ends", 2020)
    assert [(row.title, row.year) for row in rows] == [("One; and more", 2020), ("Two", 2021)]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("@article{a, title={T}, year=2020}\nhello", 2, "outside of every entry"),
        ("hello\n@article{a, title={T}, year=2020}", 1, "outside of every entry"),
        ("\n@article{a, title={T, year=2020}\n@misc{b, title={T}, year=2020}", 2, "does not end"),
        ("@article{a, title={T} year=2020}", 1, "does not end"),
        ("@article{a}", 1, "no fields"),
        ("@article{a, title=foo, year=2020}", 1, "abbreviation “foo”"),
        ("@article{a, title={T}, year={}}", 1, "year is not one from 1900"),
        ("@article{a, title={T}, year=12020}", 1, "year is not one from 1900"),
        ("@article{a, title={T}, year={٢٠٢٠}}", 1, "year is not one from 1900"),
        ("@article{a, title={{}}, year=2020}", 1, "no title"),
        ("@article{a, title={" + "x" * 501 + "}, year=2020}", 1, "at most 500"),
        ("@article{a, title={T}, year=2020, doi={javascript:x}}", 1, "DOI does not look"),
        ("TI  - T\nTY  - JOUR\nTI  - T\nPY  - 2020\nER  -", 1, "outside of every record"),
        ("TY  - JOUR\nTI  - T\nPY  - 2020", 1, "does not end"),
        ("title,year\nT,2020\nT,2020,x", 3, "more cells"),
        ('title,year\n"T,2020', 2, "does not close"),
        ("title,year\n" + "x" * 200_000 + ",2020", 2, "too long"),
        ("On clouds, 2020", 1, "neither BibTeX nor RIS"),
        ("\n\nname,day\nx,y", 3, "neither BibTeX nor RIS"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line_and_why(text: str, line: int, words: str) -> None:
    refused = publications.read(text).refused

    assert [one.line for one in refused] == [line]
    assert words in refused[0].reason


HURTING = (
    "@a{" * 99_999,
    "@a{x,\n" * 50_000,
    "@a{x,t={" * 50_000,
    '@a{x,t="a"#' * 9_000,
    "@a{x," + "t=1," * 99_999,
    "@a{k,title={\\'" + " " * 99_999 + "}}",
    "@a{k,t=" + "{" * 99_999,
    "TY  - A\n" * 50_000,
    '"' * 99_999,
    "title,year\n" + '"\n' * 50_000,
    "title,year\r" + "\x00,\r" * 9,
    "\n" * 99_999,
    "",
)


@pytest.mark.parametrize("text", HURTING, ids=range(len(HURTING)))
def test_a_list_made_to_hurt_is_over_soon_and_holds_nothing(text: str) -> None:
    begun = time.perf_counter()

    assert publications.read(text).drafts == ()
    assert time.perf_counter() - begun < 5
