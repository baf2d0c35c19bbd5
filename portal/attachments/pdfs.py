"""PDF files: refused when they can act, rebuilt without what they say about their authors."""

import io

import pikepdf
from pikepdf import Dictionary, Name, ObjectStreamMode, Pdf, Stream, StreamDecodeLevel
from pikepdf.settings import set_qpdf_limits

from allocations.kernel.errors import Invalid
from portal.attachments import active, bounds
from portal.attachments.jpeg2000 import stripped_jpx
from portal.attachments.pictures import stripped_jpeg

PAGES = 50
OBJECTS = 50_000
# For the whole process, and set before anything is read: qpdf knows no limits of single files.
set_qpdf_limits(
    flate_max_memory=64_000_000,
    png_max_memory=64_000_000,
    tiff_max_memory=64_000_000,
    run_length_max_memory=64_000_000,
    dct_max_memory=64_000_000,
    max_stream_filters=2,
    parser_max_nesting=100,
    parser_max_container_size=200_000,
    doc_max_warnings=100,
)
_DAMAGED = "This PDF is damaged and cannot be read. Print it to a new PDF and send that."
_LOCKED = "This PDF is encrypted. Save it without a password and send that."

# What is listed stays; whatever else a program writes there is not needed to show the pages.
_CATALOG = {"/Type", "/Pages", "/PageLabels", "/Dests", "/Names", "/Outlines", "/Lang", "/MarkInfo"}
_CATALOG |= {"/StructTreeRoot", "/OCProperties", "/Version"}
_PAGE = {"/Type", "/Parent", "/Resources", "/MediaBox", "/CropBox", "/BleedBox", "/TrimBox", "/ArtBox"}
_PAGE |= {"/Contents", "/Rotate", "/Group", "/Annots", "/StructParents", "/Tabs", "/UserUnit"}
_LINK = {"/Type", "/Subtype", "/Rect", "/Border", "/Dest", "/A", "/StructParent", "/P", "/F"}
# Names of authors, programs, machines and times, on whatever object they sit.
_TELLING: tuple[str, ...] = (
    "Metadata",
    "PieceInfo",
    "LastModified",
    "CreatorInfo",
    "OPI",
    "AF",
    "Thumb",
    "Alternates",
)
_TELLING += (
    "Author",
    "Creator",
    "Producer",
    "CreationDate",
    "ModDate",
    "Company",
    "Manager",
    "SourceModified",
)


def cleaned(content: bytes, *, most_pages: int = PAGES) -> tuple[bytes, int]:
    """The pages, written anew, and how many there are. Links out of the file are gone, links inside stay."""
    bounds.hold(content)
    try:
        with Pdf.open(io.BytesIO(content), suppress_warnings=True, attempt_recovery=False) as pdf:
            pages = _acceptable(pdf, most_pages)
            _flatten(pdf)
            _clean(pdf)
            return _written(pdf), pages
    except pikepdf.PasswordError:
        raise Invalid({"file": _LOCKED}) from None
    except (
        pikepdf.PikepdfError,
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
    ):
        # What pikepdf raises depends on where a file is broken; none of it is the portal's fault.
        raise Invalid({"file": _DAMAGED}) from None


def _acceptable(pdf: Pdf, most_pages: int) -> int:
    if pdf.is_encrypted:
        raise Invalid({"file": _LOCKED})
    if len(pdf.objects) > OBJECTS:
        raise Invalid({"file": "This PDF has too many parts. Print it to a new PDF and send that."})
    active.refuse(pdf)
    pages = len(pdf.pages)
    if not pages:
        raise Invalid({"file": _DAMAGED})
    if pages > most_pages:
        raise Invalid({"file": f"This PDF has {pages} pages; at most {most_pages} can be sent."})
    return pages


def _flatten(pdf: Pdf) -> None:
    """What was typed into a form and what was marked becomes part of the page; who did it is lost."""
    if Name.AcroForm in pdf.Root:
        pdf.generate_appearance_streams()
    pdf.flatten_annotations("screen")


def _clean(pdf: Pdf) -> None:
    for page in pdf.pages:
        _clean_annotations(page.obj)
        _keep(page.obj, _PAGE)
    _keep(pdf.Root, _CATALOG)
    if Name.Names in pdf.Root:
        _keep(pdf.Root.Names, {"/Dests"})
    budget = bounds.Budget()
    for thing in pdf.objects:
        for inner in active.dictionaries(thing):
            _forget(inner)
        if isinstance(thing, Stream):
            _clean_stream(thing, budget)
    for key in list(pdf.trailer.keys()):
        if key not in ("/Root", "/Size"):
            del pdf.trailer[key]


def _clean_annotations(page: pikepdf.Object) -> None:
    """Only links inside the file stay. The others are emptied: tags may still point at them."""
    kept = []
    for note in page.get(Name.Annots, []):
        if not isinstance(note, Dictionary):
            continue
        _forget(note)
        inside = note.get(Name.Subtype) == Name.Link and (Name.Dest in note or Name.A in note)
        _keep(note, _LINK if inside else set())
        kept += [note] if inside else []
    if kept:
        page.Annots = pikepdf.Array(kept)
    elif Name.Annots in page:
        del page.Annots


def _forget(thing: pikepdf.Object) -> None:
    for name in _TELLING:
        if f"/{name}" in thing:
            del thing[f"/{name}"]
    for key in ("/A", "/PA", "/Next"):
        action = thing.get(key)
        if isinstance(action, Dictionary) and Name.S in action and str(action.S) != "/GoTo":
            del thing[key]


def _keep(thing: pikepdf.Object, wanted: set[str]) -> None:
    for key in list(thing.keys()):
        if key not in wanted:
            del thing[key]


def _clean_stream(stream: Stream, budget: bounds.Budget) -> None:
    """Pictures carry remarks of their own. Whatever is packed twice counts against the budget too."""
    filters = active.filters(stream)
    picture = filters[-1:] in (["/DCTDecode"], ["/DCT"], ["/JPXDecode"])
    if not picture and len(filters) < 2:
        return
    data, left = bounds.unpacked(stream.read_raw_bytes(), filters, budget)
    if not picture:
        return
    if len(left) > 1:
        raise Invalid({"file": "This PDF holds a picture that cannot be cleaned. Print it to a new PDF."})
    jpx = left == ["/JPXDecode"]
    parameters = _last(stream.get(Name.DecodeParms))
    stream.write(
        stripped_jpx(data) if jpx else stripped_jpeg(data), filter=Name(left[0]), decode_parms=parameters
    )


def _last(given: pikepdf.Object | None) -> Dictionary | None:
    parameters = given[-1] if isinstance(given, pikepdf.Array) and len(given) else given
    return parameters if isinstance(parameters, Dictionary) else None


def _written(pdf: Pdf) -> bytes:
    """Objects that nothing points at, earlier versions and bytes between objects are left behind."""
    written = io.BytesIO()
    pdf.save(
        written,
        deterministic_id=True,
        fix_metadata_version=False,
        object_stream_mode=ObjectStreamMode.generate,
        stream_decode_level=StreamDecodeLevel.none,
    )
    return written.getvalue()
