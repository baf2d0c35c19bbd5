"""The fields of the forms of a page, with the values that a browser would send."""

from html.parser import HTMLParser


class PageFields(HTMLParser):
    """The fields of each form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        # Where people type, as against what they choose.
        self.texts: set[str] = set()
        self._open = False
        self._text = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
            self._open = True
        if tag == "option" and self._select and ("selected" in found or not self.forms[-1][self._select]):
            self.forms[-1][self._select] = found.get("value", "")
        if not self._open or not found.get("name"):
            return
        name, fields = found["name"], self.forms[-1]
        if tag == "input" and found.get("type") in ("radio", "checkbox"):
            chosen = found.get("value", "on") if "checked" in found else ""
            fields[name] = chosen or fields.get(name, "")
        elif tag == "input":
            fields[name] = found.get("value", "")
            # No browser shows a chosen file again.
            self.texts |= {name} - {name if found.get("type") in ("hidden", "file") else ""}
        elif tag == "textarea":
            fields[name], self._text = "", name
            self.texts.add(name)
        elif tag == "select":
            fields[name], self._select = "", name

    def handle_data(self, data: str) -> None:
        if self._text:
            self.forms[-1][self._text] += data.lstrip("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self._text = self._select = ""
        if tag == "form":
            self._open = False


def fields_of(text: str) -> dict[str, str]:
    """The largest form of a page, as a browser would send it."""
    fields = PageFields()
    fields.feed(text)
    return max(fields.forms, key=len)
