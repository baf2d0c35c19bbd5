"""PDF files that people send in: what is refused, and that nothing in what is kept names its author."""

import hashlib
import io
import re
import zlib
from time import process_time

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image
from pypdf import PdfReader

from tests.portal.sending import AUTHOR, NAMED, Change, pdf, picture, refusal, sent


def unwrapped(stream: Stream) -> bytes:
    """Data as packed by the last filter when that is a picture's, else as they are."""
    raw = stream.read_raw_bytes()
    several = isinstance(stream.get(Name.Filter), Array)
    if stream.get(Name.Filter) in (Name.DCTDecode, Name.JPXDecode):
        return raw
    return zlib.decompress(raw) if several else stream.read_bytes()


def unpacked(content: bytes) -> bytes:
    """The bytes of a PDF and everything in it, with all packing undone."""
    parts = [content]
    with Pdf.open(io.BytesIO(content)) as opened:
        parts.append(repr(opened.trailer.Root).encode())
        for thing in opened.objects:
            parts.append(thing.unparse())
            if isinstance(thing, Stream):
                parts += [thing.read_raw_bytes(), unwrapped(thing)]
    return b"\n".join(parts)


def action(kind: str, **more: object) -> Dictionary:
    return Dictionary(S=Name("/" + kind), **more)


def note(**what: object) -> Change:
    def change(made: Pdf) -> None:
        given = Dictionary(Type=Name.Annot, Rect=Array([0, 0, 9, 9]), **what)
        made.pages[0].obj.Annots = Array([made.make_indirect(given)])

    return change


def catalog(**what: object) -> Change:
    def change(made: Pdf) -> None:
        for key, value in what.items():
            made.Root["/" + key] = value

    return change


def with_file(made: Pdf) -> None:
    made.attachments["x.txt"] = b"hello"


ACTIVE: list[tuple[str, Change, str]] = [
    ("script in the catalogue", catalog(OpenAction=action("JavaScript", JS="app.alert(1)")), "a script"),
    ("script by name", catalog(Names=Dictionary(JavaScript=Dictionary(Names=Array([])))), "a script"),
    ("opening action", catalog(OpenAction=action("Named", N=Name.Print)), "by themselves"),
    ("further actions", catalog(AA=Dictionary(WC=action("Named", N=Name.Print))), "by themselves"),
    ("start of a program", note(Subtype=Name.Link, A=action("Launch", F="calc.exe")), "start a program"),
    ("another file", with_file, "another file"),
    ("file in a note", note(Subtype=Name.FileAttachment), "another file"),
    ("rich media", note(Subtype=Name.RichMedia), "rich media"),
    ("film", note(Subtype=Name.Screen), "rich media"),
    ("XFA", catalog(AcroForm=Dictionary(Fields=Array([]), XFA="<xdp/>")), "XFA"),
    ("form that sends", note(Subtype=Name.Link, A=action("SubmitForm", F="http://x")), "sends itself"),
    ("form that loads", note(Subtype=Name.Link, A=action("ImportData", F="x")), "loads data"),
    ("link into a file", note(Subtype=Name.Link, A=action("GoToR", F="x.pdf")), "another file"),
    ("script as address", note(Subtype=Name.Link, A=action("URI", URI="javascript:x")), "start something"),
    ("portfolio", catalog(Collection=Dictionary()), "other files"),
    ("second step", note(Subtype=Name.Link, A=action("GoTo", Next=action("Launch"))), "start a program"),
]


@pytest.mark.parametrize("packed", [pikepdf.ObjectStreamMode.disable, pikepdf.ObjectStreamMode.generate])
@pytest.mark.parametrize(("change", "words"), [row[1:] for row in ACTIVE], ids=[row[0] for row in ACTIVE])
def test_a_pdf_that_can_act_is_refused(change: Change, words: str, packed: pikepdf.ObjectStreamMode) -> None:
    content = pdf(change, object_stream_mode=packed)

    assert (b"/ObjStm" in content) == (packed is pikepdf.ObjectStreamMode.generate)
    assert words in refusal(content)


def test_what_an_earlier_version_of_the_file_did_counts_too() -> None:
    """A later version without the script is appended; the script is still in the file."""
    first = pdf(
        catalog(OpenAction=action("JavaScript", JS="x")), object_stream_mode=pikepdf.ObjectStreamMode.disable
    )
    begins = re.search(rb"1 0 obj\n<< .*?/Type /Catalog >>", first, re.DOTALL)
    assert begins
    root = begins[0].replace(b"/OpenAction", b"/SomethingElse")
    where, before = len(first), first.rsplit(b"startxref\n")[1].split(b"\n")[0]
    later = root + b"\nendobj\nxref\n1 1\n%010d 00000 n \ntrailer << /Size 9 /Root 1 0 R /Prev %s >>\n" % (
        where,
        before,
    )
    content = first + later + b"startxref\n%d\n%%%%EOF\n" % (where + len(root) + 8)

    assert PdfReader(io.BytesIO(content)).root_object.get("/OpenAction") is None
    assert "a script" in refusal(content)


def bomb() -> bytes:
    """300 MB of zeros, packed to 300 kB, where a parser looks first."""
    packed = zlib.compress(b"0 " * 150_000_000, 9)
    stream = b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n" % len(packed)
    return b"%PDF-1.7\n1 0 obj\n" + stream + packed + b"\nendstream endobj\n%%EOF"


def test_a_pdf_that_unpacks_without_end_is_refused_at_once() -> None:
    content = bomb()
    began = process_time()

    assert "far more than its size" in refusal(content)
    assert process_time() - began < 3


def test_a_pdf_packed_twice_is_refused() -> None:
    def twice(made: Pdf) -> None:
        inner = zlib.compress(zlib.compress(bytes(1_000_000)))
        made.Root.Extra = made.make_stream(inner, Filter=Array([Name.FlateDecode, Name.FlateDecode]))

    assert "unusual way" in refusal(pdf(twice, compress_streams=False))


@pytest.mark.parametrize(
    "written", [b"/Filter /LZWDecode", b"/Filter /L#5AWDecode", b"/Filter 9 0 R", b"/Filter [/LZW]"]
)
def test_outdated_packing_is_refused_before_a_parser_sees_it(written: bytes) -> None:
    assert "no longer used" in refusal(b"%PDF-1.4\n1 0 obj <<" + written + b" >> stream\nendstream endobj")


def test_an_encrypted_pdf_is_refused() -> None:
    for user in ("secret", ""):
        assert "encrypted" in refusal(pdf(encryption=pikepdf.Encryption(owner="o", user=user)))


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7\nnothing", pdf()[:-200], pdf().replace(b"/Pages", b"/Pagez"), b"%PDF-1.7\n" + b"[" * 100_000],
    ids=["no objects", "cut off", "no pages", "nested"],
)
def test_a_broken_pdf_is_refused(content: bytes) -> None:
    assert "damaged" in refusal(content)


def test_too_many_pages_are_refused() -> None:
    assert sent(pdf(pages=5)).pages == 5
    assert "6 pages; at most 5" in refusal(pdf(pages=6))


def test_too_many_objects_are_refused() -> None:
    def many(made: Pdf) -> None:
        made.Root.Extra = Array([made.make_indirect(Dictionary(A=1)) for _ in range(50_001)])

    assert "too many parts" in refusal(pdf(many))


def _telling_pictures(made: Pdf, page: pikepdf.Object) -> None:
    exif = Image.Exif()
    exif[0x013B] = AUTHOR
    jpeg = picture("JPEG", exif=exif, comment=AUTHOR)
    shape = {"Type": Name.XObject, "Subtype": Name.Image, "Width": 40, "Height": 20, "BitsPerComponent": 8}
    shape["ColorSpace"] = Name.DeviceRGB
    plain = made.make_stream(jpeg, Filter=Name.DCTDecode, Metadata=made.make_stream(NAMED), **shape)
    wrapped = made.make_stream(zlib.compress(jpeg), Filter=Array([Name.FlateDecode, Name.DCTDecode]), **shape)
    boxes = b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x13xml " + NAMED + b"\0\0\0\x0cjp2c\xff\x4f\xff\x51"
    jpx = made.make_stream(boxes, Filter=Name.JPXDecode, **shape)
    page.Resources = Dictionary(XObject=Dictionary(A=plain, B=wrapped, C=jpx))


def _telling(made: Pdf) -> None:
    """The author's name wherever programs are known to leave it."""
    made.docinfo["/Author"] = AUTHOR
    made.docinfo["/Title"] = f"Plan of {AUTHOR}"
    made.docinfo["/Producer"] = f"Writer of {AUTHOR}"
    made.Root.Metadata = made.make_stream(f"<x:xmpmeta>{AUTHOR}</x:xmpmeta>".encode())
    made.Root.PieceInfo = Dictionary(App=Dictionary(Private=AUTHOR))
    made.Root.Threads = Array([made.make_indirect(Dictionary(I=Dictionary(Author=AUTHOR)))])
    made.Root.SpiderInfo = Dictionary(By=AUTHOR)
    made.trailer.DocChecksum = pikepdf.String(AUTHOR)
    made.trailer.ID = Array([pikepdf.String(AUTHOR.ljust(16)), pikepdf.String(AUTHOR.ljust(16))])
    page = made.pages[0].obj
    page.Metadata = made.make_stream(NAMED)
    page.PieceInfo = Dictionary(App=Dictionary(Private=AUTHOR))
    page.Thumb = made.make_stream(NAMED)
    _telling_pictures(made, page)
    link = Dictionary(Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), A=action("URI", URI=f"https://x/{AUTHOR}"))
    inside = Dictionary(
        Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), A=action("GoTo", D=Array([page, Name.Fit])), T=AUTHOR
    )
    remark = made.make_indirect(
        Dictionary(Subtype=Name.Text, Rect=Array([0, 0, 9, 9]), T=AUTHOR, Contents=AUTHOR)
    )
    page.Annots = Array([link, inside, remark])
    made.Root.StructTreeRoot = Dictionary(Type=Name.StructTreeRoot, K=Dictionary(Type=Name.OBJR, Obj=remark))
    group = made.make_indirect(
        Dictionary(Type=Name.OCG, Name="Layer", Usage=Dictionary(CreatorInfo=Dictionary(Creator=AUTHOR)))
    )
    made.Root.OCProperties = Dictionary(OCGs=Array([group]), D=Dictionary(Creator=AUTHOR))


def test_a_pdf_says_nothing_about_its_author() -> None:
    content = pdf(_telling, static_id=False)
    assert unpacked(content).count(NAMED) > 10

    kept = sent(content)

    assert NAMED not in unpacked(kept.content)
    assert NAMED.hex().encode() not in unpacked(kept.content).lower()
    assert AUTHOR.encode("utf-16-be") not in unpacked(kept.content)


def test_what_the_pages_show_stays() -> None:
    kept = sent(pdf(_telling, pages=2))
    reader = PdfReader(io.BytesIO(kept.content), strict=True)

    assert kept.pages == len(reader.pages) == 2
    assert b"We fold proteins" in reader.pages[0].get_contents().get_data()  # type: ignore[union-attr]
    images = reader.pages[0]["/Resources"]["/XObject"]  # type: ignore[index]
    for name in ("/A", "/B"):
        assert Image.open(io.BytesIO(images[name]._data)).size == (40, 20)
    assert [link.get_object()["/A"]["/S"] for link in reader.pages[0]["/Annots"]] == ["/GoTo"]


def test_what_was_typed_into_a_form_becomes_part_of_the_page() -> None:
    def form(made: Pdf) -> None:
        shown = made.make_stream(b"BT (typed words) Tj ET", Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
        note(Subtype=Name.Widget, FT=Name.Tx, T="name", V="typed words", AP=Dictionary(N=shown), F=4)(made)
        made.Root.AcroForm = Dictionary(Fields=Array([made.pages[0].obj.Annots[0]]))

    kept = sent(pdf(form)).content

    assert b"AcroForm" not in unpacked(kept)
    assert b"typed words" in unpacked(kept)
    assert b"/Widget" not in unpacked(kept)


def test_a_document_that_opens_at_a_page_is_fine() -> None:
    def opening(made: Pdf) -> None:
        made.Root.OpenAction = action("GoTo", D=Array([made.pages[0].obj, Name.Fit]))

    assert sent(pdf(opening)).pages == 1


def test_cleaning_again_changes_nothing_and_the_digest_is_that_of_what_is_kept() -> None:
    first = sent(pdf(_telling))

    assert first.digest == hashlib.sha256(first.content).hexdigest()
    assert sent(first.content) == sent(first.content)
    assert sent(pdf(_telling)).content == first.content
