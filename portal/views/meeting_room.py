"""The room of a panel's meeting: every member's screen, and what is pressed and written there."""

import hashlib
from collections.abc import Callable

from flask import Blueprint, Response, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from pydantic import BaseModel

from allocations.kernel.answers import require
from allocations.kernel.errors import IllegalMove
from allocations.programme import agendas, in_the_room, meeting_room, meetings
from allocations.programme.in_the_room import Room
from allocations.programme.meetings import AgendaItem, Meeting
from allocations.programme.proposals import Proposal
from portal import amounts, fields, meanwhile
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


def _room_page(meeting: Meeting, form: Form | None = None, *, about: int = 0) -> ResponseReturnValue:
    """With the record of the item `about`, else of the one of the room; a `form` that was refused stays."""
    room = in_the_room.look(session(), actor(), meeting)
    item, proposal = _subject(room, about)
    record = _record_form(item, proposal, form) if item and proposal else form or Form()
    parts = _parts(room, str(item.id) if item else "")
    context = {"room": room, "meeting": meeting, "item": item, "proposal": proposal, **parts}
    return page("meetings/room.html", form=record, status=record.status, **context)


def _subject(room: Room, about: int) -> tuple[AgendaItem | None, Proposal | None]:
    """What the record of the page is about: the item `about`, else that of the room, else nothing."""
    current = room.current
    if about and (current is None or current.item.id != about):
        item = agendas.item_of(session(), actor(), room.meeting, about)
        return item, session().get_one(Proposal, item.proposal_id)
    return (current.item, current.proposal) if current else (None, None)


def _record_form(item: AgendaItem, proposal: Proposal, refused: Form | None) -> Form:
    kept = _kept(item, proposal)
    form = refused or Form()
    form.labels = {"minutes": "Minutes", **amounts.labels(proposal.call)}
    form.values = {meanwhile.SEEN: meanwhile.marks(kept), **kept, **form.values}
    return form


def _kept(item: AgendaItem, proposal: Proposal) -> dict[str, str]:
    return {"minutes": item.minutes, **amounts.noted(proposal)}


@blueprint.post("/meetings/<ref>/open")
@needs("meeting.prepare")
def begin(ref: str) -> ResponseReturnValue:
    meeting, here = meetings.get(session(), actor(), ref), url_for("meeting_room.show", ref=ref)
    return act(lambda: meeting_room.open_it(session(), actor(), meeting), here, "The meeting is open.")


@blueprint.post("/meetings/<ref>/close")
@needs("meeting.prepare")
def close(ref: str) -> ResponseReturnValue:
    meeting, form = meetings.get(session(), actor(), ref), posted()
    return _keep(meeting, form, lambda: meeting_room.close(session(), actor(), meeting))


@blueprint.post("/meetings/<ref>/<any(enter, leave):what>")
@needs("meeting.see")
def attend(ref: str, what: str) -> ResponseReturnValue:
    meeting, form = meetings.get(session(), actor(), ref), posted()
    verb = meeting_room.enter if what == "enter" else meeting_room.leave
    return _keep(meeting, form, lambda: verb(session(), actor(), meeting))


@blueprint.post("/meetings/<ref>/next")
@needs("meeting.run")
def go_on(ref: str) -> ResponseReturnValue:
    meeting, form = meetings.get(session(), actor(), ref), posted()
    leaving = version_in(form, "leaving")
    return _keep(meeting, form, lambda: meeting_room.go_on(session(), actor(), meeting, leaving=leaving))


@blueprint.post("/meetings/<ref>/items/<int:item>/take")
@needs("meeting.run")
def take(ref: str, item: int) -> ResponseReturnValue:
    meeting, form = meetings.get(session(), actor(), ref), posted()
    found, leaving = agendas.item_of(session(), actor(), meeting, item), version_in(form, "leaving")
    return _keep(
        meeting, form, lambda: meeting_room.take(session(), actor(), meeting, found, leaving=leaving)
    )


@blueprint.post("/meetings/<ref>/record")
@needs("meeting.run")
def record(ref: str) -> ResponseReturnValue:
    meeting, form = meetings.get(session(), actor(), ref), posted()
    return _keep(meeting, form)


def _keep(meeting: Meeting, form: Form, go: Callable[[], None] | None = None) -> ResponseReturnValue:
    """What the presser typed about an item, and then on to another: nobody goes on without it."""
    about = version_in(form, "about") or 0
    item = agendas.item_of(session(), actor(), meeting, about) if about else None
    if form.save(lambda: _record_and_go(meeting, item, form, go)):
        return see_other(url_for("meeting_room.show", ref=meeting.ref), "" if go else "The record is kept.")
    return _room_page(meeting, form, about=about)


def _record_and_go(
    meeting: Meeting, item: AgendaItem | None, form: Form, go: Callable[[], None] | None
) -> None:
    if item:
        _record(meeting, item, form)
    try:
        if go:
            go()
    except IllegalMove as refused:
        # The record is kept all the same.
        flash(refused.reason, "error")


def _record(meeting: Meeting, item: AgendaItem, form: Form) -> None:
    """What was typed into, and nothing else: others may have written the rest in the meantime."""
    proposal = session().get_one(Proposal, item.proposal_id)
    kept = _kept(item, proposal)
    meanwhile.merge(form, kept, lambda: _write(meeting, item, proposal, form))


def _write(meeting: Meeting, item: AgendaItem, proposal: Proposal, form: Form) -> None:
    noted = amounts.noted(proposal)
    if any(form.values.get(name, held) != held for name, held in noted.items()):
        given = amounts.all_typed(form, proposal)
        meeting_room.recommend(session(), actor(), meeting, item, amounts=given)
    if "minutes" in form.values:
        text = form.parse(MinutesInput).minutes
        meeting_room.write(session(), actor(), meeting, item, text=text, seen=None)


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
