"""The audit trail of everybody, for auditors: filters, the state of its chain, and the export."""

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel import audit as audit_trail
from allocations.kernel import chain
from allocations.kernel.answers import require
from allocations.kernel.errors import Invalid
from allocations.people import trail
from allocations.people.roles import Actor
from allocations.people.trail import Wanted
from portal import database, fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form
from portal.permissions import needs, query
from portal.trail import WORDS, sentence
from portal.web import before, page

log = logging.getLogger(__name__)
blueprint = Blueprint("audit", __name__)
PAGE = 50
KEYS = ("person", "verb", "subject", "since", "until")


class FilterInput(BaseModel):
    person: fields.Short = ""
    verb: fields.Short = ""
    subject: fields.Short = ""
    since: fields.Day = None
    until: fields.Day = None


def _asked() -> dict[str, str]:
    """The filters in the address, without the empty ones."""
    return {key: text for key in KEYS if (text := request.args.get(key, "").strip())}


def _link(endpoint: str, asked: dict[str, str]) -> str:
    return url_for(endpoint) + ("?" + urlencode(asked) if asked else "")


@blueprint.get("/audit")
@needs("audit.see")
@query("before", *KEYS)
def index() -> ResponseReturnValue:
    require(trail.may_see(actor()))
    asked = _asked()
    form, found = Form(asked), []
    try:
        wanted = Wanted(**form.parse(FilterInput).model_dump())
        found = list(trail.entries(session(), actor(), wanted, before=before(), size=PAGE))
    except Invalid as error:
        form.errors, form.status = dict(error.fields), 422
    links = {"export": _link("audit.export", asked), "first": _link("audit.index", asked)}
    if len(found) == PAGE:
        links["older"] = _link("audit.index", asked | {"before": str(found[-1].id)})
    told = {"form": form, "entries": found, "links": links, "verbs": WORDS, "sentence": sentence}
    return page("audit/index.html", status=form.status, **told, **_state())


def _state() -> dict[str, Any]:
    length, digest = chain.end(session())
    return {"length": length, "digest": digest, "verified": audit_trail.last_of(session(), "audit.verify")}


@blueprint.get("/audit/export")
@needs("audit.see", step_up=True)
@query(*KEYS)
def export() -> ResponseReturnValue:
    """The chosen entries as JSON lines, oldest first. A GET records nothing; the log says who took them."""
    require(trail.may_see(actor()))
    wanted = Wanted(**Form(_asked()).parse(FilterInput).model_dump())
    log.info("audit trail exported by person-%s: %s", actor().person_id, sorted(_asked()))
    answer = Response(_lines(actor(), wanted), mimetype="application/x-ndjson")
    answer.headers["Content-Disposition"] = "attachment; filename=audit-trail.jsonl"
    return answer


def _lines(reader: Actor, wanted: Wanted) -> Iterator[str]:
    """In a session of its own: the request's is closed before the last line is sent."""
    # Opened here and not at the first line, while there still is an application to ask for its engine.
    held = database.reading()

    def write() -> Iterator[str]:
        with held:
            for entry in trail.all_entries(held, reader, wanted):
                yield audit_trail.line(entry) + "\n"

    return write()
