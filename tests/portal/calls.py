"""An officer sets up a call in the browser: through forms alone, as other tests begin a competition."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.portal.filling import send
from tests.portal.page_fields import fields_of

SUMMARY = "For work that asks a clear question."


@dataclass(frozen=True)
class Wanted:
    """What the officer chooses besides what the starting point fills in; fields as the forms name them."""

    start: str
    title: str
    opens_at: str = "2030-01-07T09:00"
    closes_at: str = "2030-02-04T17:00"
    timezone: str = "UTC"
    # Resource -> in all, and at most for one proposal (empty: no ceiling).
    pools: Mapping[str, tuple[str, str]] = field(default_factory=lambda: {"h100": ("1000", "")})
    basics: Mapping[str, str] = field(default_factory=dict)
    window: Mapping[str, str] = field(default_factory=dict)
    review: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)
    # Instead of the questions of the starting point, when there are any.
    questions: Sequence[Mapping[str, str]] = ()
    criteria: Sequence[Mapping[str, str]] = ()


def set_up(client: FlaskClient, wanted: Wanted, *, like: str = "") -> str:
    """Begin, fill in each part, publish; the reference of the call."""
    ref = write(client, wanted, like=like)
    published = send(client, f"/calls/{ref}/publish", {})
    assert published.status_code == 303, _refusals(published)
    return ref


def write(client: FlaskClient, wanted: Wanted, *, like: str = "") -> str:
    """As far as a draft with nothing missing."""
    begun = send(client, "/calls/new", {"title": wanted.title, "start": wanted.start, "like": like})
    assert begun.status_code == 303, begun.text
    ref = begun.location.split("/")[2]
    window = {"timezone": wanted.timezone, "opens_at": wanted.opens_at, "closes_at": wanted.closes_at}
    pools = {f"pool_{slug}": amount for slug, (amount, _) in wanted.pools.items()}
    pools |= {f"most_{slug}": most for slug, (_, most) in wanted.pools.items()}
    save(client, ref, "basics", {"summary": SUMMARY, **wanted.basics})
    save(client, ref, "window", {**window, **wanted.window})
    if wanted.questions:
        save(client, ref, "form", numbered("question", wanted.questions), drop="question_")
    save(
        client,
        ref,
        "review",
        {**wanted.review, **numbered("criterion", wanted.criteria)},
        drop="criterion_" if wanted.criteria else "",
    )
    save(client, ref, "resources", pools)
    save(client, ref, "letters", {f"letter_{kind}": text for kind, text in wanted.letters.items()})
    return ref


def save(client: FlaskClient, ref: str, part: str, typed: Mapping[str, str], *, drop: str = "") -> None:
    answer = send(client, address(ref, part), {**shown(client, ref, part, drop=drop), **typed})
    assert answer.status_code == 303, f"{part}: {_refusals(answer)}"


def shown(client: FlaskClient, ref: str, part: str, *, drop: str = "") -> dict[str, str]:
    """The part's form as the browser has it, less the fields whose names begin with `drop`."""
    fields = fields_of(client.get(address(ref, part)).text)
    return {name: value for name, value in fields.items() if not drop or not name.startswith(drop)}


def address(ref: str, part: str) -> str:
    return f"/calls/{ref}/edit/{part}"


def numbered(name: str, rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """`[{"label": "Why?"}]` as `question_0_label`, and so on."""
    return {f"{name}_{n}_{key}": value for n, row in enumerate(rows) for key, value in row.items()}


def _refusals(answer: TestResponse) -> str:
    return f"{answer.status_code} {re.findall('field-[a-z0-9_-]+-error', answer.text)}"
