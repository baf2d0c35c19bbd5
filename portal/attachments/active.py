"""What a PDF could do when it is opened; looked for in every object, also those inside object streams."""

from collections.abc import Iterator
from typing import Any

from pikepdf import Array, Dictionary, Name, Pdf, Stream

from allocations.kernel.errors import Invalid

NODES = 1_000_000
KEYS = {
    "/JS": "a script",
    "/JavaScript": "a script",
    "/AA": "actions that start by themselves",
    "/XFA": "an XFA form",
    "/EF": "another file",
    "/EmbeddedFiles": "another file",
    "/RichMedia": "rich media",
    "/RichMediaContent": "rich media",
    "/Collection": "other files",
}
ACTIONS = {
    "/JavaScript": "a script",
    "/Launch": "a command to start a program",
    "/SubmitForm": "a form that sends itself",
    "/ImportData": "a form that loads data",
    "/GoToR": "a link into another file",
    "/GoToE": "a link into another file",
    "/Rendition": "rich media",
    "/Movie": "rich media",
    "/Sound": "rich media",
    "/RichMediaExecute": "rich media",
    "/GoTo3DView": "rich media",
}
SUBTYPES = {
    "/RichMedia": "rich media",
    "/Screen": "rich media",
    "/Movie": "rich media",
    "/Sound": "rich media",
    "/3D": "rich media",
    "/FileAttachment": "another file",
}


def refuse(pdf: Pdf) -> None:
    """Raises `Invalid` for the first thing found that acts, opens or carries something else."""
    left = NODES
    for thing in pdf.objects:
        for inner in dictionaries(thing):
            left -= len(inner.keys())
            if left < 0:
                raise Invalid({"file": "This PDF has too many parts. Print it to a new PDF and send that."})
            _look_at(inner)
    _look_at_opening(pdf.Root.get(Name.OpenAction))


def dictionaries(thing: Any) -> Iterator[Any]:
    """A dictionary or stream and those written inside it; what is only pointed at has its own turn."""
    waiting = [thing]
    while waiting:
        found = waiting.pop()
        if isinstance(found, Dictionary | Stream):
            yield found
            inside = [found[key] for key in found.keys()]  # noqa: SIM118 (only keys() knows streams)
        elif isinstance(found, Array):
            inside = list(found)
        else:
            continue
        waiting += [
            child for child in inside if isinstance(child, Dictionary | Array) and not child.is_indirect
        ]


def filters(stream: Stream) -> list[str]:
    named = stream.get(Name.Filter)
    found = [named] if isinstance(named, Name) else list(named or [])
    if "/Crypt" in map(str, found) or len(found) > 2 or len(set(map(str, found))) < len(found):
        raise Invalid({"file": "This PDF is packed in an unusual way. Print it to a new PDF and send that."})
    return [str(name) for name in found]


def _look_at(thing: Any) -> None:
    keys = set(thing.keys())
    for key in keys & KEYS.keys():
        _say(KEYS[key])
    _look_up(thing.get(Name.S), ACTIONS)
    _look_up(thing.get(Name.Subtype), SUBTYPES)
    if Name.F in thing and isinstance(thing, Stream):
        _say("another file")
    address = thing.get(Name.URI)
    if address is not None and not isinstance(address, Dictionary):
        scheme = str(address).strip().lower().split(":")[0]
        if scheme in ("javascript", "data", "file", "vbscript"):
            _say("a link that could start something")


def _look_up(word: Any, table: dict[str, str]) -> None:
    if isinstance(word, Name) and str(word) in table:
        _say(table[str(word)])


def _look_at_opening(opening: Any) -> None:
    """Where the file opens is fine; LaTeX writes that into every document."""
    if isinstance(opening, Dictionary) and opening.get(Name.S) != Name.GoTo:
        _say("actions that start by themselves")


def _say(what: str) -> None:
    raise Invalid({"file": f"This PDF contains {what}. Print it to a new PDF and send that."})
