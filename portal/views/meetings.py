"""Meetings of a panel: the lists, planning one, its agenda, and its minutes."""

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.answers import require
from allocations.kernel.errors import Invalid
from allocations.programme import agendas, calls, in_the_room, meeting_room, meetings, minutes, seating
from allocations.programme.calls import Call
from allocations.programme.meeting_room import Plan
from allocations.programme.meetings import Meeting
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted, version_in
from portal.permissions import needs, query
from portal.web import act, before, page, see_other

blueprint = Blueprint("meetings", __name__)
PAGE = 25


class PlanInput(BaseModel):
    title: fields.Needed
    starts_at: fields.Moment


@blueprint.get("/meetings")
@needs("meeting.see")
@query("before")
def index() -> ResponseReturnValue:
    """The actor's own."""
    found = meetings.own(session(), actor(), before=before(), size=PAGE)
    return page("meetings/index.html", meetings=found, older=found[-1].id if len(found) == PAGE else None)


@blueprint.get("/calls/<ref>/meetings")
@needs("meeting.convene")
def of_call(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(meetings.may_convene(actor(), call))
    return _new_page(call, Form({"title": f"Panel of {call.title}"[:200]}))


@blueprint.post("/calls/<ref>/meetings")
@needs("meeting.convene")
def convene(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(meetings.may_convene(actor(), call))
    form, made = posted("members"), list[Meeting]()
    if form.save(lambda: made.append(meeting_room.plan(session(), actor(), call, _plan(form)))):
        return see_other(
            url_for("meetings.plan", ref=made[0].ref), "The meeting is planned. Its members get a letter."
        )
    return _new_page(call, form)


def _plan(form: Form) -> Plan:
    given = form.parse(PlanInput)
    chosen = [str(one) for one in form.values.get("members", [])]
    if not all(one.isascii() and one.isdecimal() and len(one) < 10 for one in chosen):
        raise Invalid({"members": "Choose members from the list."})
    return Plan(given.title, given.starts_at, {int(one) for one in chosen})


def _new_page(call: Call, form: Form) -> ResponseReturnValue:
    planned, people = meetings.of_call(session(), call), seating.candidates(session(), call)
    return page(
        "meetings/new.html", call=call, meetings=planned, people=people, form=form, status=form.status
    )


@blueprint.route("/meetings/<ref>/plan", methods=["GET", "POST"])
@needs("meeting.prepare")
def plan(ref: str) -> ResponseReturnValue:
    meeting = meetings.get(session(), actor(), ref)
    require(meetings.may_prepare(actor(), meeting))
    form = posted("members") if request.method == "POST" else Form(_values(meeting))
    if request.method == "POST" and form.save(lambda: _change(form, meeting)):
        return see_other(url_for("meetings.plan", ref=ref), "The plan is changed.")
    form.values.setdefault("version", str(meeting.version))
    people = seating.candidates(session(), meeting.call)
    room, names = in_the_room.look(session(), actor(), meeting), seating.names_outside(session(), meeting)
    context = {"meeting": meeting, "people": people, "room": room, "names": names}
    return page("meetings/plan.html", form=form, status=form.status, **context)


def _values(meeting: Meeting) -> dict[str, Any]:
    members = [str(seat.person_id) for seat in meetings.seats(session(), meeting)]
    starts_at = f"{meeting.starts_at:%Y-%m-%dT%H:%M}"
    return {"title": meeting.title, "starts_at": starts_at, "members": members, "version": meeting.version}


def _change(form: Form, meeting: Meeting) -> None:
    meeting_room.change(session(), actor(), meeting, _plan(form), version=version_in(form))


@blueprint.post("/meetings/<ref>/agenda")
@needs("meeting.prepare")
def fill(ref: str) -> ResponseReturnValue:
    meeting, here = meetings.get(session(), actor(), ref), url_for("meetings.plan", ref=ref)
    said = "Everything undecided of your list is on the agenda, in order."
    return act(lambda: agendas.fill(session(), actor(), meeting), f"{here}#agenda", said)


@blueprint.post("/meetings/<ref>/agenda/<int:item>/<any(up, down, off):what>")
@needs("meeting.prepare")
def arrange(ref: str, item: int, what: str) -> ResponseReturnValue:
    meeting = meetings.get(session(), actor(), ref)
    found = agendas.item_of(session(), actor(), meeting, item)

    def save() -> None:
        if what == "off":
            agendas.take_off(session(), actor(), meeting, found)
        else:
            agendas.shift(session(), actor(), meeting, found, up=what == "up")

    return act(save, f"{url_for('meetings.plan', ref=ref)}#agenda")


@blueprint.get("/meetings/<ref>/minutes")
@needs("meeting.read_minutes")
def read(ref: str) -> ResponseReturnValue:
    meeting = meetings.get(session(), actor(), ref)
    require(minutes.may_read(actor(), meeting))
    return page("meetings/minutes.html", minutes=minutes.read(session(), actor(), meeting))


@blueprint.get("/meetings/<ref>/minutes.txt")
@needs("meeting.read_minutes")
def download(ref: str) -> ResponseReturnValue:
    meeting = meetings.get(session(), actor(), ref)
    require(minutes.may_read(actor(), meeting))
    text = render_template("meetings/minutes.txt", minutes=minutes.read(session(), actor(), meeting))
    answer = Response(text, mimetype="text/plain")
    answer.headers["Content-Disposition"] = f"attachment; filename={meeting.ref}-minutes.txt"
    return answer
