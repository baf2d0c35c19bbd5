"""Files that people send in: the content says what they are, a name is a name, pictures name nobody."""

import io
import zipfile

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from portal.attachments.files import CSV, JPEG, PDF, TEXT, checked
from tests.portal.sending import ALL, AUTHOR, NAMED, pdf, picture, refusal, sent


def archive() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as made:
        made.writestr("x", "y")
    return written.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"<html><body>hi</body></html>\n%PDF-1.7",
        b" \n<!DOCTYPE html><p>hi",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'<?xml version="1.0"?><a/>',
        b"plain words <script>alert(1)</script>",
        b"words first\n" + pdf(),
        b"GIF89a" + bytes(20),
        archive(),
        b"MZ\x90\0",
        b"caf\xe9",
        b"colour \x1b[31m",
    ],
    ids=[
        "html",
        "doctype",
        "svg",
        "xml",
        "script",
        "pdf behind text",
        "gif",
        "zip",
        "exe",
        "latin-1",
        "escape",
    ],
)
def test_what_is_something_else_is_refused(content: bytes) -> None:
    for name in ("plan.pdf", "plan.txt", "plan"):
        assert "something else" in refusal(content, name)


def test_empty_large_and_unwanted_files_are_refused() -> None:
    assert "empty" in refusal(b"")
    assert "at most 10 bytes" in refusal(b"eleven byte", most=10)
    assert "at most 2 MB" in refusal(bytes(2_000_001), most=2_000_000)
    assert refusal(picture("PNG"), allowed=frozenset({PDF, JPEG})) == (
        "Send a PDF file or a JPEG picture. This is a PNG picture."
    )
    assert (
        refusal(picture("PNG"), "scan.pdf") == "The name of this file ends in .pdf, but it is a PNG picture."
    )


def test_zip_behind_a_pdf_is_left_behind() -> None:
    assert b"PK\x03\x04" not in sent(pdf() + archive()).content
    assert b"PK\x03\x04" not in sent(picture("PNG") + archive()).content
    assert b"PK\x03\x04" not in sent(picture("JPEG") + archive()).content


def test_a_png_says_nothing_about_its_author() -> None:
    remarks, exif = PngInfo(), Image.Exif()
    remarks.add_text("Author", AUTHOR)
    remarks.add_itxt("XML:com.adobe.xmp", AUTHOR, zip=False)
    remarks.add_text("Comment", AUTHOR, zip=True)
    exif[0x013B] = AUTHOR
    content = picture("PNG", pnginfo=remarks, exif=exif, icc_profile=NAMED)
    assert NAMED in content

    kept = sent(content, "chart.png")

    chunks = [
        kept.content[at + 4 :] for at in range(len(kept.content)) if kept.content[at : at + 4] == b"IDAT"
    ]
    assert NAMED not in kept.content
    assert b"zTXt" not in kept.content
    assert b"iCCP" not in kept.content
    assert chunks
    assert list(Image.open(io.BytesIO(kept.content)).get_flattened_data()) == list(
        Image.open(io.BytesIO(content)).get_flattened_data()
    )


def test_a_jpeg_says_nothing_about_its_author_and_keeps_every_point() -> None:
    exif = Image.Exif()
    exif[0x013B] = AUTHOR
    content = picture("JPEG", exif=exif, comment=AUTHOR, icc_profile=NAMED, progressive=True)
    marked = content[:2] + b"\xff\xed\0\x0d" + NAMED + content[2:]

    kept = sent(marked, "photo.JPG")

    assert (kept.name, kept.media_type, kept.pages) == ("photo.jpg", JPEG, None)
    assert NAMED not in kept.content
    assert Image.open(io.BytesIO(kept.content)).tobytes() == Image.open(io.BytesIO(content)).tobytes()


def test_a_photo_taken_on_its_side_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, AUTHOR
    kept = sent(picture("JPEG", exif=exif))

    assert Image.open(io.BytesIO(kept.content)).size == (20, 40)
    assert NAMED not in kept.content


def test_a_picture_of_too_many_points_or_a_damaged_one_is_refused() -> None:
    large = io.BytesIO()
    Image.new("1", (7_000, 7_000)).save(large, "PNG")

    assert "too large" in refusal(large.getvalue())
    assert "damaged" in refusal(picture("PNG")[:-40])
    assert "damaged" in refusal(picture("JPEG")[:-40])
    assert "damaged" in refusal(b"\xff\xd8\xff\xe0 nothing")


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("notes.txt", b"plain words", TEXT),
        ("notes.csv", b"no table", TEXT),
        ("data.csv", b"\xef\xbb\xbfa,b\n1,2\n", CSV),
        ("data.csv", b"a;b;c\r\n1;2;3\r\n", CSV),
        ("data.txt", b"a,b\n1,2\n", TEXT),
    ],
)
def test_text_and_tables_are_told_apart(name: str, content: bytes, media_type: str) -> None:
    kept = sent(content, name)

    assert kept.media_type == media_type
    assert kept.content == content.removeprefix(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("plan.pdf", "plan.pdf"),
        ("plan", "plan.pdf"),
        ("", "file.pdf"),
        (".pdf", "file.pdf"),
        ("../../etc/plan.PDF", "plan.pdf"),
        ("C:\\Users\\priya\\plan.pdf", "plan.pdf"),
        ("plan\u202efdp.pdf", "planfdp.pdf"),
        ("a\r\nb\0\x1bc.pdf", "a bc.pdf"),
        ('a"b<c>|d.pdf', "a-b-c--d.pdf"),
        ("con.pdf", "file con.pdf"),
        ("Results v2.1 final", "Results v2.1 final.pdf"),
        ("größe 研究.pdf", "größe 研究.pdf"),
        ("x" * 300 + ".pdf", "x" * 76 + ".pdf"),
    ],
)
def test_a_file_name_is_only_a_name(given: str, name: str) -> None:
    assert checked(given, pdf(), allowed=ALL, most=10_000_000).name == name
