"""Forms of a page, as a person without scripts would send them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

Fields = dict[str, str | list[str]]


@dataclass
class SeenForm:
    action: str
    fields: Fields = field(default_factory=dict)
    # Name and value of each thing to press or to tick.
    buttons: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        return {*self.fields, *(name for name, _ in self.buttons + self.boxes)}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[SeenForm] = []
        self.inside = False
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = True
            self.found.append(SeenForm(given.get("action", "")))
        elif self.inside:
            self._inside(tag, given)

    def _inside(self, tag: str, given: dict[str, str]) -> None:
        form, name = self.found[-1], given.get("name", "")
        if tag == "select":
            self.select = name
        elif tag == "option":
            form.fields.setdefault(self.select, given.get("value", ""))
        elif tag == "button" and name:
            form.buttons.append((name, given.get("value", "")))
        elif tag == "input" and given.get("type") in ("checkbox", "radio"):
            form.boxes.append((name, given.get("value", "on")))
        elif tag in ("input", "textarea") and name:
            form.fields[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "form"


def forms_of(page: str) -> list[SeenForm]:
    reader = _Reader()
    reader.feed(page)
    return reader.found


class _Title(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = False
        self.words: list[str] = []

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.open = self.open or tag == "h1"

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag != "h1"

    def handle_data(self, data: str) -> None:
        self.words += [data] if self.open else []


def heading(page: str) -> str:
    """The words of the page's h1."""
    reader = _Title()
    reader.feed(page)
    return " ".join("".join(reader.words).split())
