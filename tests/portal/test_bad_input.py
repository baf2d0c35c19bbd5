"""Bad input anywhere: a 4xx with a message, never a 500, and what was typed is still there."""

import html
import re
from pathlib import Path

import pytest
from markupsafe import escape

from tests.portal import stage
from tests.portal.filling import FormPage, filled, send
from tests.portal.forms import FORMS, LEADING_OUT
from tests.portal.stage import Portal

MARKUP = "<script>alert(1)</script><b>"
# Enough for each run, where each field gets every third; the slow one tries them all on each.
FEW = ("", "x" * 100_000, "a\0b", "a\ud800b", MARKUP, "-1", "1e999999", "NaN", "2026-02-30")
VALUES = (
    *FEW,
    " ",
    "a\x1b[31mb",
    "\"' OR 1=1 --",
    "{{ 7*7 }}%s%(x)s{0}",
    "\u202eabc\u0300\U0001f98a",
    "0",
    "1.0000001",
    "1e-999999",
    "Infinity",
    "99999999999999999999999999",
    "١٢",
    "0001-01-01T00:00",
    "9999-12-31T23:59+23:59",
    "2026-01-01T00:00:00Z",
    "accept\n",
    "../../etc",
    "somebody@",
)
JUNK = ("%00", "a%00b", "%ed%a0%80", "AIR26-99999999999", "AIR26-2147483648", "\u0661")
REFUSED = {400, 403, 404, 409, 413, 422}


def _review_id(portal: Portal, places: dict[str, str]) -> dict[str, str]:
    return {**places, "review_id": str(int(places["review_rosa"].split("-")[1]))}


_found: dict[Path, dict[str, str]] = {}


def _places(portal: Portal, kept: Path) -> dict[str, str]:
    """Looked up once: each test begins with the same data."""
    if kept not in _found:
        _found[kept] = _review_id(portal, stage.places(portal))
    return _found[kept]


class Sender:
    """Sends one form again and again, each time to the same data."""

    def __init__(self, portal: Portal, page: FormPage, kept: Path) -> None:
        self._portal, self._kept = portal, kept
        places = _places(portal, kept)
        self.page, self.address = page, page.address.format_map(places)
        self.client = portal.log_in(page.who) if page.who else portal.visitor()
        self.valid, self.texts = filled(page, self.client, places)
        self.places = places

    def send(self, data: dict[str, str]) -> tuple[int, str]:
        answer = send(self.client, self.address, data)
        if answer.status_code == self.page.done:
            self._restore()
        return answer.status_code, answer.text

    def _restore(self) -> None:
        """What was accepted has changed the data: back to the start."""
        self._portal.engine.dispose()
        file = Path(str(self._portal.engine.url.database))
        for end in ("-wal", "-shm"):
            Path(f"{file}{end}").unlink(missing_ok=True)
        file.write_bytes(self._kept.read_bytes())
        self.client = self._portal.log_in(self.page.who) if self.page.who else self._portal.visitor()


@pytest.fixture(params=FORMS, ids=lambda page: page.endpoint)
def sender(request: pytest.FixtureRequest, portal: Portal, demo_file: Path) -> Sender:
    return Sender(portal, request.param, demo_file)


def test_every_form_has_its_place_in_the_table(portal: Portal) -> None:
    rules = portal.app.url_map.iter_rules()

    views = portal.app.view_functions
    taking = {rule.endpoint for rule in rules if "POST" in (rule.methods or ())}
    # Programs fill no forms: their addresses have tests of their own.
    taking = {name for name in taking if not views[name].permission.machine}
    assert {page.endpoint for page in FORMS} | LEADING_OUT == taking


def test_a_valid_form_is_accepted(sender: Sender) -> None:
    """Otherwise the refusals below would say nothing about the field that was spoilt."""
    code, _ = sender.send(sender.valid)

    assert code == sender.page.done


@pytest.mark.parametrize(
    ("values", "step"), [(FEW, 3), pytest.param(VALUES, 1, marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_a_spoilt_field_is_refused_or_taken_and_never_a_crash(
    sender: Sender, values: tuple[str, ...], step: int
) -> None:
    crashed, lost, raw = [], [], []
    for place, name in enumerate(filter(_first_of_its_kind, sender.valid)):
        for value in values[place % step :: step]:
            code, text = sender.send({**sender.valid, name: value})
            what = f"{name}={value[:30]!r}: {code}"
            if code not in REFUSED and code != sender.page.done:
                crashed.append(what)
            if MARKUP in text:
                raw.append(what)
            if code == 422 and sender.page.page and not _told(sender, name, value, text):
                lost.append(what)

    assert (crashed, lost, raw) == ([], [], [])


def _first_of_its_kind(name: str) -> bool:
    """The second criterion is like the first; its anchors are like each other; days are like days."""
    return not re.match(r"(criterion|question)_[1-9]|criterion_0_anchor_[1-9]|days_[b-z]", name)


def _told(sender: Sender, name: str, value: str, text: str) -> bool:
    """The page says what is wrong, and typed text stands in it again."""
    kept = name not in sender.texts or "\ud800" in value or str(escape(value))[:2000] in text
    return "error-summary" in text and kept


@pytest.mark.slow
def test_a_missing_field_is_refused_or_does_without(sender: Sender) -> None:
    wrong = {}
    for name in sender.valid:
        code, _ = sender.send({key: value for key, value in sender.valid.items() if key != name})
        if code not in REFUSED and code != sender.page.done:
            wrong[name] = code
    code, _ = sender.send({})

    assert wrong == {}
    assert code in REFUSED or code == sender.page.done


@pytest.mark.slow
def test_fields_that_do_not_belong_change_nothing(sender: Sender) -> None:
    extra = {
        "state": "awarded",
        "pi_id": "1",
        "pool_nothing": "5",
        "amount_nothing": "5",
        "score_99999": "5",
        "use_nothing": "x",
        "criterion_99_name": "x",
        "email_999": "x",
        "\0": "x",
        "a" * 10_000: "x",
    }
    for name, value in extra.items():
        code, _ = sender.send({**sender.valid, name: value})
        assert code in REFUSED or code == sender.page.done, name[:40]


def test_everything_spoilt_at_once_is_a_page_with_messages(sender: Sender) -> None:
    code, text = sender.send(dict.fromkeys(sender.valid, MARKUP * 200))

    assert code in REFUSED or code == sender.page.done
    assert MARKUP not in text
    assert html.escape("Traceback") not in text


@pytest.mark.slow
def test_each_database_refuses_what_it_cannot_store_with_a_page(portal_on_engine: Portal) -> None:
    """PostgreSQL takes no NUL, no text beyond a column's length and no number beyond 32 or 64 bits."""
    values = ("a\0b", "x" * 100_000, "9" * 26)
    places = _review_id(portal_on_engine, stage.places(portal_on_engine))
    crashed = []
    for page in FORMS:
        client = portal_on_engine.log_in(page.who) if page.who else portal_on_engine.visitor()
        valid, _ = filled(page, client, places)
        for name in filter(_first_of_its_kind, valid):
            codes = {
                value: send(client, page.address.format_map(places), {**valid, name: value}).status_code
                for value in values
            }
            crashed += [f"{page.endpoint} {name}={v[:9]!r}: {c}" for v, c in codes.items() if c >= 500]

    assert crashed == []


def test_an_address_with_junk_in_it_is_a_page(portal_on_engine: Portal) -> None:
    rules = [r for r in portal_on_engine.app.url_map.iter_rules() if "<" in r.rule and r.endpoint != "static"]
    rules = [rule for rule in rules if rule.endpoint not in stage.for_programs(portal_on_engine)]
    client = portal_on_engine.log_in("owen")
    crashed = []
    for junk in JUNK:
        for rule in rules:
            address = re.sub("<[^>]+>", junk, rule.rule)
            for method in {"GET", "POST"} & set(rule.methods or ()):
                code = client.open(address, method=method).status_code
                crashed += [f"{method} {address}: {code}"] if code not in (400, 404) else []

    assert crashed == []
