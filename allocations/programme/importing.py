"""Starting from an earlier proposal: what still fits is copied, and the rest is named."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from allocations.accounts.projects import ProjectRole
from allocations.kernel import units
from allocations.kernel.answers import require
from allocations.kernel.errors import NotFound
from allocations.people.roles import Actor
from allocations.programme import answers, substitutes, writing
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal, ResourceRequest, leads, may_edit
from allocations.programme.teams import InvitationState, TeamMember
from allocations.programme.writing import Ask, Wanted

TEXTS = {
    "title": "title",
    "abstract": "abstract",
    "fields_of_science": "fields of science",
    "keywords": "keywords",
}


@dataclass(frozen=True, slots=True)
class Brought:
    """In words for the person: what was copied, and what was not and why."""

    copied: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def told(self) -> str:
        copied = f"Copied: {', '.join(self.copied)}." if self.copied else "There was nothing to copy."
        return f"{copied} Not copied: {'; '.join(self.left)}." if self.left else copied


def is_fresh(proposal: Proposal) -> bool:
    """Nothing of its summary is written yet."""
    return not proposal.title and not proposal.abstract


def earlier(session: Session, actor: Actor, proposal: Proposal) -> Sequence[Proposal]:
    """What this person leads or led besides this one, newest first."""
    co_led = select(TeamMember.proposal_id).where(
        TeamMember.person_id == actor.person_id,
        TeamMember.role == ProjectRole.CO_PI,
        TeamMember.state == InvitationState.ACCEPTED,
    )
    mine = or_(Proposal.pi_id == actor.person_id, Proposal.id.in_(co_led))
    query = select(Proposal).where(mine, Proposal.id != proposal.id, Proposal.title != "")
    return session.scalars(query.order_by(Proposal.id.desc()).limit(50)).all()


def bring(session: Session, actor: Actor, proposal: Proposal, older: Proposal) -> Brought:
    """Copy into a draft what it has not got yet; what is written stays."""
    require(may_edit(actor, proposal))
    if not leads(actor, older):
        raise NotFound
    copied = _texts(proposal, older)
    asks, resources, left = _amounts(proposal, older)
    months, too_long = _months(proposal, older)
    kept = tuple(
        Ask(r.resource.slug, r.requested, r.why, r.minimum, substitutes.rates(r)) for r in proposal.requests
    )
    wanted = Wanted((*kept, *asks), proposal.starts_on, months)
    writing.save_resources(session, actor, proposal, wanted)
    session.flush()
    number = answers.bring(session, actor, proposal, older)
    copied += resources + ([_counted(number, "answer")] if number else [])
    return Brought(tuple(copied), (*left, *too_long, *_not_here(session, proposal, older)))


def _texts(proposal: Proposal, older: Proposal) -> list[str]:
    copied = []
    for name, words in TEXTS.items():
        if getattr(older, name) and not getattr(proposal, name):
            value = getattr(older, name)
            setattr(proposal, name, list(value) if isinstance(value, list) else value)
            copied.append(words)
    return copied


def _amounts(proposal: Proposal, older: Proposal) -> tuple[list[Ask], list[str], list[str]]:
    """What the call offers within its ceilings; in words what is copied, and what is not."""
    asked = {request.resource_id for request in proposal.requests}
    asks, copied, left = [], [], []
    for request in older.requests:
        resource, link = request.resource, proposal.call.link_for(request.resource_id)
        told = f"{units.shown(request.requested)} {resource.unit} of {resource.name}"
        if link is None:
            left.append(f"{told}, which this call does not offer")
        elif request.requested > link.ceiling:
            left.append(f"{told}, because one proposal gets at most {units.shown(link.ceiling)} here")
        elif request.resource_id not in asked:
            asks.append(_ask(proposal.call, request))
            if request.substitutes:
                left.append(f"what could stand in for {resource.name}")
            copied.append(told)
    return asks, copied, left


def _ask(call: Call, request: ResourceRequest) -> Ask:
    """A short form does not ask for the least. What would do instead depends on what a call offers."""
    least = None if call.is_short else request.minimum
    return Ask(request.resource.slug, request.requested, request.why, least)


def _months(proposal: Proposal, older: Proposal) -> tuple[int, list[str]]:
    most = proposal.call.max_months
    if proposal.requests:
        return proposal.months, []
    if older.months <= most:
        return older.months, []
    return min(proposal.months, most), [f"its length of {older.months} months: at most {most} are granted"]


def _not_here(session: Session, proposal: Proposal, older: Proposal) -> list[str]:
    asked = {(question.label.casefold(), question.kind) for question in proposal.call.questions}
    known = answers.of_proposal(session, older)
    other = [q for q in older.call.questions if q.id in known and (q.label.casefold(), q.kind) not in asked]
    left = [f"{_counted(len(other), 'answer')} to questions that this call does not ask"] if other else []
    return [*left, "start date, team, datasets and files"]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
