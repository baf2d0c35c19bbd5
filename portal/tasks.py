"""What waits for a person: one line a kind of task, from the roles they hold."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from allocations.accounts.awards import Allocation, AllocationState, Award, AwardState, Consent
from allocations.accounts.projects import Membership, ProjectRole
from allocations.accounts.resources import Resource
from allocations.people.confirmations import Confirmation, ConfirmationState
from allocations.people.merging import MergeRequest, MergeState
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import assessing, bids, progress, proposals, reviews
from allocations.programme.expertise import ReviewerProfile
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import OPEN, Review
from allocations.programme.steps import StepKind
from datasets.catalogue import Dataset, kept_by
from datasets.requests import AccessRequest, RequestState


@dataclass(frozen=True, slots=True)
class Task:
    count: int
    text: str
    href: str


def waiting_for(session: Session, actor: Actor) -> list[Task]:
    """One statement counts everything; kinds with nothing waiting are left out."""
    kinds = _kinds(actor)
    if not kinds:
        return []
    counts = session.execute(select(*(query.label(f"n{n}") for n, (query, _, _) in enumerate(kinds)))).one()
    return [Task(n, text, href) for n, (_, text, href) in zip(counts, kinds, strict=True) if n]


def _kinds(actor: Actor) -> list[tuple[ColumnElement[int], str, str]]:
    mine = _mine(actor)
    if actor.has(Role.REVIEWER) or actor.scopes(Role.REVIEWER):
        mine += _of_reviewer(actor)
    if actor.has(Role.PROGRAMME_OFFICER):
        # With the provider there is nothing for the office to do.
        here = (Proposal.state == State.SUBMITTED, Proposal.step == StepKind.ADMIN_CHECK)
        submitted = and_(proposals.visible(actor), *here)
        mine.append((_count(Proposal.id, submitted), "Proposals to screen", "/screening"))
        late = and_(proposals.visible(actor), progress.late())
        mine.append(
            (_count(Proposal.id, late), "Proposals past the day of their step", "/screening?state=late")
        )
    if actor.has(Role.PANEL_CHAIR):
        undecided = and_(proposals.visible(actor), Proposal.state == State.IN_REVIEW)
        mine.append((_count(Proposal.id, undecided), "Proposals with the panel", "/panel"))
    operated = actor.scopes(Role.PROVIDER_OPERATOR)
    if operated:
        mine.append((_count(Proposal.id, assessing.due(actor)), "Proposals to assess", "/assessments"))
        resources = select(Resource.id).where(Resource.provider_id.in_(operated))
        pending = and_(
            Allocation.consent == Consent.PENDING,
            Allocation.state == AllocationState.OFFERED,
            Allocation.resource_id.in_(resources),
        )
        mine.append((_count(Allocation.id, pending), "Awards that need your consent", "/consents"))
    represented = actor.scopes(Role.REPRESENTATIVE)
    if represented:
        open_questions = and_(
            Confirmation.state == ConfirmationState.ASKED, Confirmation.institution_id.in_(represented)
        )
        mine.append((_count(Confirmation.id, open_questions), "People to confirm", "/confirmations"))
    if actor.has(Role.ADMINISTRATOR):
        merges = MergeRequest.state == MergeState.ASKED
        mine.append((_count(MergeRequest.id, merges), "Accounts that may be one person's", "/people/merges"))
    return mine


def _mine(actor: Actor) -> list[tuple[ColumnElement[int], str, str]]:
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
        (_count(Proposal.id, returned), "Your proposals that came back for changes", "/proposals"),
        (_count(Proposal.id, replying), "Proposals whose reviews you can reply to", "/proposals"),
        (_count(Award.id, offered), "Awards whose terms you have to accept", "/projects"),
        (_count(Review.id, open_reviews), "Reviews asked of you", "/reviews"),
        (_count(AccessRequest.id, asked), "Requests for your datasets", "/access-requests"),
    ]


def _of_reviewer(actor: Actor) -> list[tuple[ColumnElement[int], str, str]]:
    written = select(ReviewerProfile.person_id).where(ReviewerProfile.confirmed_at.is_not(None))
    silent = and_(Person.id == actor.person_id, Person.id.not_in(written))
    return [
        (_count(Person.id, silent), "Reviewer profile to fill in", "/reviews/profile"),
        (_count(Proposal.id, bids.unanswered(actor)), "Proposals that you may ask for", "/reviews"),
    ]


def _count(column: InstrumentedAttribute[int], condition: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count(column)).where(condition).scalar_subquery()
