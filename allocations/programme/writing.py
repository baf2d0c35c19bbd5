"""The verbs of a proposal on the PI's side: start, save, submit, withdraw."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from allocations.accounts.projects import ProjectRole
from allocations.kernel import audit, clock, outbox, units
from allocations.kernel.answers import YES, Answer, require, when
from allocations.kernel.errors import Incomplete, Invalid
from allocations.kernel.states import move
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import answers, calls, progress, substitutes, teams
from allocations.programme.answers import Answer as AnswerRow
from allocations.programme.answers import Attachment
from allocations.programme.calls import Call
from allocations.programme.differences import word_count
from allocations.programme.proposals import (
    GraceGiven,
    Proposal,
    ProposalSubmitted,
    ProposalVersion,
    ResourceRequest,
    State,
    may_edit,
    may_give_grace,
    may_submit,
    may_withdraw,
)
from allocations.programme.questions import Question, QuestionKind
from allocations.programme.teams import InvitationState, TeamMember, TeamMemberInvited

ADDRESS = re.compile(r"[^@\s<>\"',;]+@[^@\s<>\"',;]+\.[^@\s<>\"',;]+")
# Days after the end of the call.
LATEST_START = 366
USUAL_MONTHS = 12
REQUIRED = {
    "title": "Give the proposal a title.",
    "abstract": "Write an abstract.",
    "fields_of_science": "Choose at least one field of science.",
}


@dataclass(frozen=True, slots=True)
class Summary:
    title: str
    abstract: str
    fields_of_science: tuple[str, ...]
    keywords: str
    high_risk: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """One resource: its slug, micro-units, why, the least that still makes sense, if said, and what would do
    `instead`: micro-units in place of one whole unit, by slug."""

    slug: str
    amount: int
    why: str
    least: int | None = None
    instead: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The resources section."""

    asks: tuple[Ask, ...]
    starts_on: date | None
    months: int


@dataclass(frozen=True, slots=True)
class Written:
    """Answers and files of a proposal, by question id."""

    answers: Mapping[int, AnswerRow]
    files: Mapping[int, Attachment]


@dataclass(frozen=True, slots=True)
class Invitee:
    email: str
    role: ProjectRole


def start(session: Session, actor: Actor, call: Call) -> Proposal:
    """A new draft; or the one that this person started here and has not written a word into."""
    require(calls.may_apply(actor, call))
    mine = (Proposal.call_id == call.id, Proposal.pi_id == actor.person_id)
    empty = session.scalar(select(Proposal).where(*mine, _untouched()).limit(1))
    if empty is not None:
        return empty
    _check_number(session, actor, call)
    pi = session.get_one(Person, actor.person_id)
    proposal = Proposal(call=call, pi=pi, months=min(USUAL_MONTHS, call.max_months))
    session.add(proposal)
    session.flush()
    audit.record(session, actor, "proposal.start", subject=proposal.ref)
    return proposal


def _untouched() -> ColumnElement[bool]:
    return and_(Proposal.state == State.DRAFT, Proposal.title == "", Proposal.version == 1)


def _check_number(session: Session, actor: Actor, call: Call) -> None:
    """A call may take only so many proposals of one PI; the person's row is locked against a second tab."""
    if call.per_person is None:
        return
    session.execute(select(Person.id).where(Person.id == actor.person_id).with_for_update())
    require(has_room(session, actor, call))


def has_room(session: Session, actor: Actor, call: Call) -> Answer:
    """Whether the call takes one more proposal of this person; an untouched draft is used again."""
    most = call.per_person
    if most is None:
        return YES
    gone = (State.WITHDRAWN, State.DECLINED)
    mine = (Proposal.call_id == call.id, Proposal.pi_id == actor.person_id)
    counted = select(func.count()).where(*mine, Proposal.state.not_in(gone), ~_untouched())
    has = session.scalar(counted) or 0
    many = "1 proposal" if most == 1 else f"{most} proposals"
    why = f"This call takes {many} of each PI, and yours {'counts' if most == 1 else 'are as many'}."
    return when(has < most, f"{why} One that is declined or withdrawn no longer counts.")


def written_for(session: Session, proposal: Proposal) -> Written:
    asks_files = any(question.kind == QuestionKind.FILE for question in proposal.call.questions)
    files = answers.attachments(session, proposal) if asks_files else {}
    return Written(answers.of_proposal(session, proposal), files)


def save_text(session: Session, actor: Actor, proposal: Proposal, part: Summary) -> None:
    """Drafts may be incomplete; nothing is checked."""
    require(may_edit(actor, proposal))
    for name in part.__slots__:
        value = getattr(part, name)
        setattr(proposal, name, list(value) if isinstance(value, tuple) else value)


def save_resources(session: Session, actor: Actor, proposal: Proposal, wanted: Wanted) -> None:
    require(may_edit(actor, proposal))
    offered = {resource.slug: resource for resource in proposal.call.resources}
    wrong = _period_faults(proposal, wanted) | _amount_faults(proposal, wanted)
    if wrong:
        raise Invalid(wrong)
    proposal.starts_on, proposal.months = wanted.starts_on, wanted.months
    flag_modified(proposal, "months")
    asked = {ask.slug: ask for ask in wanted.asks}
    for old in list(proposal.requests):
        changed = asked.pop(old.resource.slug, None)
        if changed is None:
            proposal.requests.remove(old)
        else:
            old.requested, old.why, old.minimum = changed.amount, changed.why, changed.least
            substitutes.ask(old, changed.instead)
    for ask in asked.values():
        request = ResourceRequest(
            resource=offered[ask.slug], requested=ask.amount, minimum=ask.least, why=ask.why
        )
        substitutes.ask(request, ask.instead)
        proposal.requests.append(request)


def _period_faults(proposal: Proposal, wanted: Wanted) -> dict[str, str]:
    wrong, most = {}, proposal.call.max_months
    if not 1 <= wanted.months <= most:
        wrong["months"] = f"This call grants 1 to {most} months."
    latest = proposal.call.closes_at.date() + timedelta(days=LATEST_START)
    if wanted.starts_on and wanted.starts_on > latest:
        wrong["starts_on"] = f"Start within a year of the end of the call: by {latest:%-d %B %Y}."
    return wrong


def _amount_faults(proposal: Proposal, wanted: Wanted) -> dict[str, str]:
    links = {link.pool.resource.slug: link for link in proposal.call.pools}
    wrong = substitutes.clashes({ask.slug: ask.instead for ask in wanted.asks})
    for ask in wanted.asks:
        link = links.get(ask.slug)
        if link is None:
            wrong[f"amount_{ask.slug}"] = "This resource is not part of the call."
        elif ask.amount <= 0:
            wrong[f"amount_{ask.slug}"] = "Enter more than zero, or leave the box empty."
        elif ask.amount > link.ceiling:
            most = f"{units.shown(link.ceiling)} {link.pool.resource.unit}"
            wrong[f"amount_{ask.slug}"] = f"One proposal gets at most {most}."
        else:
            wrong |= substitutes.ask_faults(proposal.call, ask.amount, ask.slug, ask.instead)
        if ask.least is not None and not 0 < ask.least <= ask.amount:
            wrong[f"least_{ask.slug}"] = (
                "Enter more than zero and at most what you ask for, or leave it empty."
            )
    return wrong


def save_team(
    session: Session, actor: Actor, proposal: Proposal, invitees: Sequence[Invitee]
) -> list[TeamMember]:
    """The listed addresses become the team, beside who has joined; returns those who get an invitation."""
    require(may_edit(actor, proposal))
    _check_team(proposal, invitees)
    flag_modified(proposal, "months")
    wanted = {invitee.email.strip().casefold(): invitee for invitee in invitees}
    asked: list[TeamMember] = []
    for member in list(proposal.team):
        invitee = wanted.pop(member.email.casefold(), None)
        if member.withdrawn_at is not None:
            if invitee is not None:
                member.role = invitee.role
                teams.ask_anew(member, inviter_id=actor.person_id)
                asked.append(member)
        elif invitee is None:
            if member.state != InvitationState.ACCEPTED:
                proposal.team.remove(member)
        elif teams.change_role(member, invitee.role):
            asked.append(member)
    added = [
        TeamMember(email=i.email.strip(), role=i.role, inviter_id=actor.person_id) for i in wanted.values()
    ]
    proposal.team.extend(added)
    session.flush()
    for member in asked + added:
        outbox.put(session, TeamMemberInvited(member.id))
    return asked + added


def _check_team(proposal: Proposal, invitees: Sequence[Invitee]) -> None:
    wrong: dict[str, str] = {}
    seen: set[str] = {proposal.pi.email.casefold()}
    for place, invitee in enumerate(invitees):
        address = invitee.email.strip().casefold()
        if not ADDRESS.fullmatch(address) or len(address) > 254:
            wrong[f"email_{place}"] = "Enter an e-mail address, such as name@university.edu."
        elif address in seen:
            wrong[f"email_{place}"] = "This address is on the team already."
        elif invitee.role not in teams.TEAM_ROLES:
            wrong[f"role_{place}"] = "Choose a role from the list."
        seen.add(address)
    if len(invitees) > 200:
        wrong["email_0"] = "A team has at most 200 members."
    if wrong:
        raise Invalid(wrong)


def missing(proposal: Proposal, written: Written) -> dict[str, str]:
    """What must be filled in before submitting, by form field."""
    absent = {name: message for name, message in REQUIRED.items() if not getattr(proposal, name)}
    for question in proposal.call.questions:
        trouble = _gap(question, written)
        if trouble:
            absent[question.field] = trouble
    if not proposal.requests:
        absent["resources"] = "Ask for at least one resource."
    if not proposal.call.is_short:
        absent |= _gaps_in_plan(proposal)
    if proposal.starts_on and proposal.starts_on < clock.today():
        absent["starts_on"] = "The start date has passed. Choose today or later."
    return absent


def _gap(question: Question, written: Written) -> str:
    answer = written.answers.get(question.id)
    text = answer.text.strip() if answer else ""
    if question.kind == QuestionKind.FILE:
        given = question.id in written.files
    else:
        given = bool(text or (answer and any(any(row) for row in answer.cells)))
    if question.needed and not given:
        return f"Answer “{question.label}”."
    counted = word_count(text)
    if question.words is not None and counted > question.words:
        return f"“{question.label}” has {counted:,} words; at most {question.words:,} are read."
    return ""


def _gaps_in_plan(proposal: Proposal) -> dict[str, str]:
    """A short form asks neither for reasons nor for a date: it starts at once."""
    absent = {
        f"why_{request.resource.slug}": f"Say why you need {request.resource.name}."
        for request in proposal.requests
        if not request.why.strip()
    }
    if not proposal.starts_on:
        absent["starts_on"] = "Enter the date on which you want to start."
    return absent


def submit(
    session: Session, actor: Actor, proposal: Proposal, *, annex: dict[str, Any] | None = None
) -> ProposalVersion:
    """Freeze what is written as a new version. `annex` is what other packages hold for the proposal."""
    # One moment for the question whether it is in time and for what is kept of it.
    now = clock.now()
    require(may_submit(actor, proposal))
    written = written_for(session, proposal)
    absent = missing(proposal, written)
    if absent:
        raise Incomplete(absent)
    move(session, proposal, State.SUBMITTED, actor)
    proposal.submitted_at = now
    content = snapshot(proposal, written) | _frozen_call(session, proposal.call) | (annex or {})
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    numbers = select(func.max(ProposalVersion.number)).where(ProposalVersion.proposal_id == proposal.id)
    version = ProposalVersion(
        proposal_id=proposal.id,
        number=(session.scalar(numbers) or 0) + 1,
        submitted_at=proposal.submitted_at,
        content=content,
        digest=hashlib.sha256(canonical).hexdigest(),
    )
    session.add(version)
    outbox.put(session, ProposalSubmitted(proposal.id))
    progress.begin(session, proposal)
    return version


def _frozen_call(session: Session, call: Call) -> dict[str, Any]:
    """The edition of the call that this version answers, and by which rubric it is judged."""
    edition = calls.latest_edition(session, call)
    rubric = [{"criterion": c.name, "weight": c.weight, "anchors": list(c.anchors)} for c in call.criteria]
    return {"call": call.ref, "edition": edition.number if edition else 0, "rubric": rubric}


def snapshot(proposal: Proposal, written: Written) -> dict[str, Any]:
    """Everything the reviewers judge, as plain values."""
    return {
        "title": proposal.title,
        "abstract": proposal.abstract,
        "fields_of_science": list(proposal.fields_of_science),
        "keywords": proposal.keywords,
        "answers": [_answered(question, written) for question in proposal.call.questions],
        "high_risk": proposal.high_risk,
        "pi": proposal.pi.name,
        "institution": proposal.pi.affiliation,
        "team": [{"email": m.email, "role": str(m.role)} for m in proposal.listed_team],
        "starts_on": proposal.starts_on.isoformat() if proposal.starts_on else "",
        "months": proposal.months,
        "resources": [
            {
                "resource": request.resource.name,
                "amount": units.shown(request.requested),
                "unit": request.resource.unit,
                "why": request.why,
            }
            | ({"least": units.shown(request.minimum)} if request.minimum else {})
            | ({"instead": substitutes.told(proposal.call, request)} if request.substitutes else {})
            for request in proposal.requests
        ],
    }


def _answered(question: Question, written: Written) -> dict[str, Any]:
    answer, file = written.answers.get(question.id), written.files.get(question.id)
    return {
        "section": question.section,
        "question": question.label,
        "text": answer.text if answer else "",
        "columns": list(question.options) if answer and answer.cells else [],
        "cells": answer.cells if answer else [],
        "file": {"name": file.name, "size": file.size, "digest": file.digest} if file else None,
    }


def give_grace(session: Session, actor: Actor, proposal: Proposal, *, reason: str) -> None:
    """Let this draft in for the call's minutes of grace, from now on. A second click adds nothing."""
    require(may_give_grace(actor, proposal))
    if not reason.strip():
        raise Incomplete({"reason": "Say what held them up; it stays on the record."})
    until = clock.now() + timedelta(minutes=proposal.call.grace_minutes)
    if proposal.grace_until is not None and until - proposal.grace_until < timedelta(minutes=1):
        return
    proposal.grace_until = until
    audit.record(session, actor, "proposal.give_grace", subject=proposal.ref, note=reason)
    outbox.put(session, GraceGiven(proposal.id))


def withdraw(session: Session, actor: Actor, proposal: Proposal, *, reason: str = "") -> None:
    require(may_withdraw(actor, proposal))
    move(session, proposal, State.WITHDRAWN, actor, note=reason)
