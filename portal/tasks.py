"""What waits for a person: one line a kind of task or a call, from the roles they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from allocations.accounts.awards import Allocation, AllocationState, Award, AwardState, Consent
from allocations.accounts.projects import Membership, ProjectRole
from allocations.accounts.resources import Resource
from allocations.kernel.db import UTCDateTime
from allocations.people.confirmations import Confirmation, ConfirmationState
from allocations.people.merging import MergeRequest, MergeState
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import appeals, assessing, bids, inviting, progress, proposals, reviews
from allocations.programme.appeals import Appeal
from allocations.programme.expertise import ReviewerProfile
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import OPEN, Review
from allocations.programme.steps import StepKind
from allocations.programme.teams import TeamMember
from datasets.catalogue import Dataset, kept_by
from datasets.requests import AccessRequest, RequestState
from portal import call_tasks
from portal.waiting import Task, in_order

INVITATIONS = "/home#invitations"
NEVER_DUE: ColumnElement[datetime | None] = literal(None, UTCDateTime)


@dataclass(frozen=True, slots=True)
class Kind:
    """How many of a kind wait, what they are called, where they are, and when the first is due."""

    count: ColumnElement[int]
    text: str
    href: str
    due: ColumnElement[datetime | None] = NEVER_DUE


def waiting_for(session: Session, actor: Actor) -> list[Task]:
    """What is late first. One statement counts all kinds; kinds with nothing waiting are left out."""
    kinds = _kinds(actor)
    if not kinds:
        return []
    columns = [column for kind in kinds for column in (kind.count, kind.due)]
    labelled = (column.label(f"n{n}") for n, column in enumerate(columns))
    row: Sequence[Any] = session.execute(select(*labelled)).one()
    numbers = zip(kinds, row[::2], row[1::2], strict=True)
    counted = [Task(kind.text, kind.href, count, due) for kind, count, due in numbers if count]
    return in_order([*counted, *call_tasks.of_office(session, actor)])


def _kinds(actor: Actor) -> list[Kind]:
    mine = _mine(actor)
    if actor.has(Role.REVIEWER) or actor.scopes(Role.REVIEWER):
        mine += _of_reviewer(actor)
    if actor.has(Role.PROGRAMME_OFFICER):
        # With the provider there is nothing for the office to do.
        here = (Proposal.state == State.SUBMITTED, Proposal.step == StepKind.ADMIN_CHECK)
        submitted = and_(proposals.visible(actor), *here)
        mine.append(_proposals(submitted, "Proposals to screen", "/screening"))
        late = and_(proposals.visible(actor), progress.late())
        mine.append(_proposals(late, "Proposals past the day of their step", "/screening?state=late"))
    if appeals.is_asked(actor):
        waiting = _count(Appeal.id, appeals.answerable(actor))
        mine.append(Kind(waiting, "Appeals to answer", "/home#appeals"))
    operated = actor.scopes(Role.PROVIDER_OPERATOR)
    if operated:
        mine.append(_proposals(assessing.due(actor), "Proposals to assess", "/assessments"))
        resources = select(Resource.id).where(Resource.provider_id.in_(operated))
        pending = and_(
            Allocation.consent == Consent.PENDING,
            Allocation.state == AllocationState.OFFERED,
            Allocation.resource_id.in_(resources),
        )
        mine.append(Kind(_count(Allocation.id, pending), "Awards that need your consent", "/consents"))
    represented = actor.scopes(Role.REPRESENTATIVE)
    if represented:
        open_questions = and_(
            Confirmation.state == ConfirmationState.ASKED, Confirmation.institution_id.in_(represented)
        )
        mine.append(Kind(_count(Confirmation.id, open_questions), "People to confirm", "/confirmations"))
    if actor.has(Role.ADMINISTRATOR):
        merges = MergeRequest.state == MergeState.ASKED
        mine.append(
            Kind(_count(MergeRequest.id, merges), "Accounts that may be one person's", "/people/merges")
        )
    return mine


def _mine(actor: Actor) -> list[Kind]:
    person = actor.person_id
    returned = and_(Proposal.pi_id == person, Proposal.state == State.RETURNED)
    replying = and_(
        Proposal.pi_id == person, Proposal.state == State.IN_REVIEW, Proposal.step == StepKind.REBUTTAL
    )
    open_reviews = and_(reviews.own(actor), Review.state.in_(OPEN))
    led = select(Membership.project_id).where(
        Membership.person_id == person, Membership.role == ProjectRole.PI
    )
    offered = and_(Award.state == AwardState.OFFERED, Award.project_id.in_(led))
    held = select(Dataset.id).where(kept_by(actor))
    asked = and_(AccessRequest.state == RequestState.PENDING, AccessRequest.dataset_id.in_(held))
    return [
        Kind(_count(Proposal.id, returned), "Your proposals that came back for changes", "/proposals"),
        _proposals(replying, "Proposals whose reviews you can reply to", "/proposals"),
        Kind(_count(Award.id, offered), "Awards whose terms you have to accept", "/projects"),
        Kind(
            _count(Review.id, open_reviews),
            "Reviews asked of you",
            "/reviews",
            select(func.min(Review.due_at)).where(open_reviews).scalar_subquery(),
        ),
        Kind(_count(TeamMember.id, inviting.open_to(actor)), "Invitations to join a team", INVITATIONS),
        Kind(_count(AccessRequest.id, asked), "Requests for your datasets", "/access-requests"),
    ]


def _of_reviewer(actor: Actor) -> list[Kind]:
    written = select(ReviewerProfile.person_id).where(ReviewerProfile.confirmed_at.is_not(None))
    silent = and_(Person.id == actor.person_id, Person.id.not_in(written))
    return [
        Kind(_count(Person.id, silent), "Reviewer profile to fill in", "/reviews/profile"),
        Kind(_count(Proposal.id, bids.unanswered(actor)), "Proposals that you may ask for", "/reviews"),
    ]


def _proposals(condition: ColumnElement[bool], text: str, href: str) -> Kind:
    """Due when the step is in which they stand."""
    due = select(func.min(Proposal.step_due)).where(condition).scalar_subquery()
    return Kind(_count(Proposal.id, condition), text, href, due)


def _count(column: InstrumentedAttribute[int], condition: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count(column)).where(condition).scalar_subquery()
