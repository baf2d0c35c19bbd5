"""A form as the tests fill it in and send it."""

from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.portal.page_fields import PageFields


@dataclass(frozen=True)
class FormPage:
    endpoint: str
    who: str
    address: str
    # What a person chooses or writes besides what the page is filled with.
    typed: dict[str, str] = field(default_factory=dict)
    # False: a button, whose fields are all in `typed` and which has no page to show again.
    page: bool = True
    # What a valid one is answered with: 200 only where something is shown that is kept nowhere.
    done: int = 303


def filled(
    page: FormPage, client: FlaskClient, places: dict[str, str]
) -> tuple[dict[str, str], frozenset[str]]:
    """A valid form as a browser would send it, and the names of the fields that people type in."""
    typed = {name: value.format_map(places) for name, value in page.typed.items()}
    if not page.page:
        return typed, frozenset()
    fields = PageFields()
    fields.feed(client.get(page.address.format_map(places)).text)
    return {**max(fields.forms, key=len), **typed}, frozenset(fields.texts)


def send(client: FlaskClient, address: str, data: dict[str, str]) -> TestResponse:
    """As bytes, so that lone surrogates and the like arrive as an attacker would send them."""
    pairs = (f"{_quoted(name)}={_quoted(value)}" for name, value in data.items())
    return client.post(address, data="&".join(pairs), content_type="application/x-www-form-urlencoded")


def _quoted(text: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"))
