"""The room of a panel's meeting: every member's screen, and what is pressed and written there."""

import hashlib

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from pydantic import BaseModel

from allocations.kernel.answers import require
from allocations.programme import agendas, in_the_room, meeting_room, meetings
from allocations.programme.in_the_room import Room
from allocations.programme.meetings import AgendaItem, Meeting
from allocations.programme.proposals import Proposal
from portal import amounts, fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted, version_in
from portal.permissions import needs, query
from portal.web import act, page, see_other

blueprint = Blueprint("meeting_room", __name__)


class MinutesInput(BaseModel):
    minutes: fields.Note = ""


class ReasonInput(BaseModel):
    reason: fields.Note = ""


@blueprint.get("/meetings/<ref>")
@needs("meeting.see")
def show(ref: str) -> ResponseReturnValue:
    meeting = meetings.get(session(), actor(), ref)
    return _room_page(meeting)


@blueprint.get("/meetings/<ref>/now")
@needs("meeting.see")
@query("seen", "about")
def now(ref: str) -> ResponseReturnValue:
    """The fragment that an open page asks for again; nothing when it reads as the page has `seen` it.

    `about` is the item that the page's forms are about: they stay while the room goes on.
    """
    meeting = meetings.get(session(), actor(), ref)
    about = request.args.get("about", "")
    parts = _parts(in_the_room.look(session(), actor(), meeting), about[:12])
    if request.args.get("seen") == parts["seen"]:
        return Response(status=204)
    return render_template("meetings/_poll.html", meeting=meeting, **parts)


def _parts(room: Room, about: str) -> dict[str, str]:
    """The two parts that a poll renews, and what they are known by: a screen that shows the same is left
    alone."""
    told = {"room": room, "meeting": room.meeting, "about": about}
    now, agenda = (render_template(f"meetings/{name}.html", **told) for name in ("_room", "_agenda"))
    seen = hashlib.sha256(f"{now}{agenda}".encode()).hexdigest()[:16]
    return {"now": Markup(now), "agenda": Markup(agenda), "seen": seen, "about": about}  # noqa: S704


def _room_page(
    meeting: Meeting, forms: dict[str, Form] | None = None, *, about: int = 0
) -> ResponseReturnValue:
    """With forms for the item `about`, else for the one of the room."""
    room = in_the_room.look(session(), actor(), meeting)
    item, proposal = _subject(room, about)
    given = _forms(item, proposal) | (forms or {}) if item and proposal else {}
    wrong = next((form for form in given.values() if form.errors), Form())
    parts = _parts(room, str(item.id) if item else "")
    context = {"room": room, "meeting": meeting, "item": item, "proposal": proposal, **parts}
    return page("meetings/room.html", given=given, form=wrong, status=wrong.status, **context)


def _subject(room: Room, about: int) -> tuple[AgendaItem | None, Proposal | None]:
    """What the forms of the page are about: the item `about`, else that of the room, else nothing."""
    current = room.current
    if about and (current is None or current.item.id != about):
        item = agendas.item_of(session(), actor(), room.meeting, about)
        return item, session().get_one(Proposal, item.proposal_id)
    return (current.item, current.proposal) if current else (None, None)


def _forms(item: AgendaItem, proposal: Proposal) -> dict[str, Form]:
    noted = Form({"version": str(proposal.version), **amounts.shown(proposal)})
    return {"amounts": noted, "minutes": Form({"version": str(item.version), "minutes": item.minutes})}


@blueprint.post("/meetings/<ref>/open")
@needs("meeting.prepare")
def begin(ref: str) -> ResponseReturnValue:
    meeting, here = meetings.get(session(), actor(), ref), url_for("meeting_room.show", ref=ref)
    return act(lambda: meeting_room.open_it(session(), actor(), meeting), here, "The meeting is open.")


@blueprint.post("/meetings/<ref>/close")
@needs("meeting.prepare")
def close(ref: str) -> ResponseReturnValue:
    meeting, here = meetings.get(session(), actor(), ref), url_for("meeting_room.show", ref=ref)
    return act(lambda: meeting_room.close(session(), actor(), meeting), here, "The meeting is closed.")


@blueprint.post("/meetings/<ref>/<any(enter, leave):what>")
@needs("meeting.see")
def attend(ref: str, what: str) -> ResponseReturnValue:
    meeting, here = meetings.get(session(), actor(), ref), url_for("meeting_room.show", ref=ref)
    verb = meeting_room.enter if what == "enter" else meeting_room.leave
    return act(lambda: verb(session(), actor(), meeting), here)


@blueprint.post("/meetings/<ref>/next")
@needs("meeting.run")
def go_on(ref: str) -> ResponseReturnValue:
    meeting, here = meetings.get(session(), actor(), ref), url_for("meeting_room.show", ref=ref)
    leaving = version_in(posted())
    return act(lambda: meeting_room.go_on(session(), actor(), meeting, leaving=leaving), here)


@blueprint.post("/meetings/<ref>/items/<int:item>/take")
@needs("meeting.run")
def take(ref: str, item: int) -> ResponseReturnValue:
    meeting, here = meetings.get(session(), actor(), ref), url_for("meeting_room.show", ref=ref)
    found, leaving = agendas.item_of(session(), actor(), meeting, item), version_in(posted())
    return act(lambda: meeting_room.take(session(), actor(), meeting, found, leaving=leaving), here)


@blueprint.post("/meetings/<ref>/items/<int:item>/amounts")
@needs("proposal.decide")
def note(ref: str, item: int) -> ResponseReturnValue:
    meeting, form = meetings.get(session(), actor(), ref), posted()
    found = agendas.item_of(session(), actor(), meeting, item)
    if form.save(lambda: _note(meeting, found, form)):
        return see_other(url_for("meeting_room.show", ref=ref), "The amounts are noted.")
    row = session().get_one(Proposal, found.proposal_id)
    return _room_page(meeting, {"amounts": _again(form, row)}, about=item)


def _note(meeting: Meeting, item: AgendaItem, form: Form) -> None:
    proposal = session().get_one(Proposal, item.proposal_id)
    given, version = amounts.typed(form, proposal), version_in(form)
    meeting_room.recommend(session(), actor(), meeting, item, amounts=given, version=version)


def _again(form: Form, row: Proposal | AgendaItem) -> Form:
    """What was typed stays; saving it again is on purpose, and on top of what is shown beside it."""
    form.values["version"] = str(row.version)
    return form


@blueprint.post("/meetings/<ref>/items/<int:item>/minutes")
@needs("meeting.run")
def write(ref: str, item: int) -> ResponseReturnValue:
    meeting, form = meetings.get(session(), actor(), ref), posted()
    found = agendas.item_of(session(), actor(), meeting, item)
    if form.save(lambda: _write(meeting, found, form)):
        return see_other(url_for("meeting_room.show", ref=ref), "The minutes are kept.")
    return _room_page(meeting, {"minutes": _again(form, found)}, about=item)


def _write(meeting: Meeting, item: AgendaItem, form: Form) -> None:
    text, seen = form.parse(MinutesInput).minutes, version_in(form)
    meeting_room.write(session(), actor(), meeting, item, text=text, seen=seen)


@blueprint.route("/meetings/<ref>/items/<int:item>/conflict", methods=["GET", "POST"])
@needs("meeting.recuse")
def recuse(ref: str, item: int) -> ResponseReturnValue:
    meeting, form = meetings.get(session(), actor(), ref), posted()
    found = agendas.item_of(session(), actor(), meeting, item)
    if request.method == "POST" and form.save(lambda: _recuse(meeting, found, form)):
        here = url_for("meeting_room.show", ref=ref)
        return see_other(here, "Your conflict is noted. The proposal is closed to you from now on.")
    require(meetings.may_recuse(actor(), meeting))
    proposal = session().get_one(Proposal, found.proposal_id)
    return page("meetings/conflict.html", meeting=meeting, proposal=proposal, form=form, status=form.status)


def _recuse(meeting: Meeting, item: AgendaItem, form: Form) -> None:
    reason = form.parse(ReasonInput).reason
    meeting_room.recuse(session(), actor(), meeting, item, reason=reason)
