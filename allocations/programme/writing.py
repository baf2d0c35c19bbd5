"""The verbs of a proposal on the PI's side: start, save, submit, withdraw."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from allocations.accounts.projects import ProjectRole
from allocations.kernel import audit, clock, outbox, units
from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete, Invalid
from allocations.kernel.states import expect, move
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import calls, teams
from allocations.programme.calls import Call
from allocations.programme.proposals import (
    Proposal,
    ProposalSubmitted,
    ProposalVersion,
    ResourceRequest,
    State,
    may_edit,
    may_submit,
    may_withdraw,
)
from allocations.programme.teams import TeamMember, TeamMemberInvited

ADDRESS = re.compile(r"[^@\s<>\"',;]+@[^@\s<>\"',;]+\.[^@\s<>\"',;]+")
# Days after the end of the call.
LATEST_START = 366
REQUIRED = {
    "title": "Give the proposal a title.",
    "abstract": "Write an abstract.",
    "fields_of_science": "Choose at least one field of science.",
    "merit": "Explain the scientific merit.",
    "plan": "Describe the computational plan.",
    "data_plan": "Describe the data plan.",
    "starts_on": "Enter the date on which you want to start.",
}


@dataclass(frozen=True, slots=True)
class Summary:
    title: str
    abstract: str
    fields_of_science: tuple[str, ...]
    keywords: str


@dataclass(frozen=True, slots=True)
class Case:
    merit: str
    plan: str
    data_plan: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One resource: its slug, micro-units, and why."""

    slug: str
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The resources section."""

    asks: tuple[Ask, ...]
    starts_on: date | None
    months: int


@dataclass(frozen=True, slots=True)
class Invitee:
    email: str
    role: ProjectRole


def start(session: Session, actor: Actor, call: Call) -> Proposal:
    require(calls.may_apply(actor, call))
    proposal = Proposal(call=call, pi=session.get_one(Person, actor.person_id))
    session.add(proposal)
    session.flush()
    audit.record(session, actor, "proposal.start", subject=proposal.ref)
    return proposal


def save_text(
    session: Session, actor: Actor, proposal: Proposal, part: Summary | Case, *, version: int | None = None
) -> None:
    """Drafts may be incomplete; nothing is checked but that this is the newest reading."""
    require(may_edit(actor, proposal))
    expect(proposal, version)
    for name in part.__slots__:
        value = getattr(part, name)
        setattr(proposal, name, list(value) if isinstance(value, tuple) else value)


def save_resources(
    session: Session, actor: Actor, proposal: Proposal, wanted: Wanted, *, version: int | None = None
) -> None:
    require(may_edit(actor, proposal))
    expect(proposal, version)
    _check_period(proposal, wanted)
    offered = {resource.slug: resource for resource in proposal.call.resources}
    for ask in wanted.asks:
        if ask.slug not in offered:
            raise Invalid({f"amount_{ask.slug}": "This resource is not part of the call."})
        if ask.amount <= 0:
            raise Invalid({f"amount_{ask.slug}": "Enter more than zero, or leave the box empty."})
        pool = proposal.call.pool_for(offered[ask.slug].id)
        if pool is not None and ask.amount > pool.amount:
            raise Invalid({f"amount_{ask.slug}": f"The whole call has {units.shown(pool.amount)}."})
    proposal.starts_on, proposal.months = wanted.starts_on, wanted.months
    flag_modified(proposal, "months")
    asked = {ask.slug: ask for ask in wanted.asks}
    for old in list(proposal.requests):
        changed = asked.pop(old.resource.slug, None)
        if changed is None:
            proposal.requests.remove(old)
        else:
            old.requested, old.why = changed.amount, changed.why
    for ask in asked.values():
        request = ResourceRequest(resource=offered[ask.slug], requested=ask.amount, why=ask.why)
        proposal.requests.append(request)


def _check_period(proposal: Proposal, wanted: Wanted) -> None:
    most = proposal.call.max_months
    if not 1 <= wanted.months <= most:
        raise Invalid({"months": f"This call grants 1 to {most} months."})
    latest = proposal.call.closes_at.date() + timedelta(days=LATEST_START)
    if wanted.starts_on and wanted.starts_on > latest:
        raise Invalid({"starts_on": f"Start within a year of the end of the call: by {latest:%-d %B %Y}."})


def save_team(
    session: Session,
    actor: Actor,
    proposal: Proposal,
    invitees: Sequence[Invitee],
    *,
    version: int | None = None,
) -> None:
    """The listed addresses become the team; those who are new get an invitation."""
    require(may_edit(actor, proposal))
    expect(proposal, version)
    _check_team(proposal, invitees)
    flag_modified(proposal, "months")
    wanted = {invitee.email.strip().casefold(): invitee for invitee in invitees}
    asked: list[TeamMember] = []
    for member in list(proposal.team):
        invitee = wanted.pop(member.email.casefold(), None)
        if invitee is None:
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


def missing(proposal: Proposal) -> dict[str, str]:
    """What must be filled in before submitting, by form field."""
    absent = {name: message for name, message in REQUIRED.items() if not getattr(proposal, name)}
    if not proposal.requests:
        absent["resources"] = "Ask for at least one resource."
    for request in proposal.requests:
        if not request.why.strip():
            absent[f"why_{request.resource.slug}"] = f"Say why you need {request.resource.name}."
    if proposal.starts_on and proposal.starts_on < clock.today():
        absent["starts_on"] = "The start date has passed. Choose today or later."
    return absent


def submit(
    session: Session, actor: Actor, proposal: Proposal, *, annex: dict[str, Any] | None = None
) -> ProposalVersion:
    """Freeze what is written as a new version. `annex` is what other packages hold for the proposal."""
    require(may_submit(actor, proposal))
    absent = missing(proposal)
    if absent:
        raise Incomplete(absent)
    move(session, proposal, State.SUBMITTED, actor)
    proposal.submitted_at = clock.now()
    content = snapshot(proposal) | (annex or {})
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
    return version


def snapshot(proposal: Proposal) -> dict[str, Any]:
    """Everything the reviewers judge, as plain values."""
    return {
        "title": proposal.title,
        "abstract": proposal.abstract,
        "fields_of_science": list(proposal.fields_of_science),
        "keywords": proposal.keywords,
        "merit": proposal.merit,
        "plan": proposal.plan,
        "data_plan": proposal.data_plan,
        "pi": proposal.pi.name,
        "institution": proposal.pi.affiliation,
        "team": [{"email": m.email, "role": str(m.role)} for m in proposal.team],
        "starts_on": proposal.starts_on.isoformat() if proposal.starts_on else "",
        "months": proposal.months,
        "resources": [
            {
                "resource": request.resource.name,
                "amount": units.shown(request.requested),
                "unit": request.resource.unit,
                "why": request.why,
            }
            for request in proposal.requests
        ],
    }


def withdraw(session: Session, actor: Actor, proposal: Proposal, *, reason: str = "") -> None:
    require(may_withdraw(actor, proposal))
    move(session, proposal, State.WITHDRAWN, actor, note=reason)
