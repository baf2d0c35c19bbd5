"""Reviews: rows, states, and who may see which. The verbs are in `reviewing`."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    and_,
    exists,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from allocations.kernel import clock
from allocations.kernel.answers import Answer, first_no, when
from allocations.kernel.db import Base
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves
from allocations.people import eligibility
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import bars
from allocations.programme.calls import Criterion
from allocations.programme.steps import StepKind

if TYPE_CHECKING:
    from allocations.programme.proposals import Proposal


class ReviewState(enum.StrEnum):
    INVITED = "invited"
    ACCEPTED = "accepted"
    SUBMITTED = "submitted"
    REFUSED = "refused"
    CONFLICTED = "conflicted"
    CANCELLED = "cancelled"


# In these the reviewer reads the proposal.
READING = frozenset({ReviewState.INVITED, ReviewState.ACCEPTED, ReviewState.SUBMITTED})
OPEN = frozenset({ReviewState.INVITED, ReviewState.ACCEPTED})


class Score(Base):
    __tablename__ = "score"
    __table_args__ = (
        UniqueConstraint("review_id", "criterion_id"),
        CheckConstraint("value BETWEEN 1 AND 5", "value_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), init=False)
    criterion_id: Mapped[int] = mapped_column(ForeignKey("criterion.id"))
    criterion: Mapped[Criterion] = relationship(init=False, lazy="joined", innerjoin=True)
    value: Mapped[int]


class Review(Referenced, Base):
    __tablename__ = "review"
    __table_args__ = (
        Index("uq_review_reviewer", "proposal_id", "reviewer_id", unique=True),
        Index("ix_review_of_reviewer", "reviewer_id", "state"),
        CheckConstraint("confidence BETWEEN 1 AND 5", "confidence_range"),
        CheckConstraint("state <> 'submitted' OR confidence IS NOT NULL", "submitted_complete"),
    )
    PREFIX: ClassVar[str] = "REV"
    NOUN: ClassVar[str] = "review"
    MOVES: ClassVar[Moves] = {
        ReviewState.INVITED: frozenset(
            {ReviewState.ACCEPTED, ReviewState.REFUSED, ReviewState.CONFLICTED, ReviewState.CANCELLED}
        ),
        ReviewState.ACCEPTED: frozenset(
            {ReviewState.SUBMITTED, ReviewState.REFUSED, ReviewState.CONFLICTED, ReviewState.CANCELLED}
        ),
        ReviewState.SUBMITTED: frozenset({ReviewState.CONFLICTED, ReviewState.ACCEPTED}),
        ReviewState.REFUSED: frozenset({ReviewState.INVITED}),
        ReviewState.CANCELLED: frozenset({ReviewState.INVITED}),
    }

    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), init=False)
    proposal: Mapped[Proposal] = relationship(lazy="joined", innerjoin=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    reviewer: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    state: Mapped[ReviewState] = mapped_column(default=ReviewState.INVITED)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    confidence: Mapped[int | None] = mapped_column(default=None)
    to_pi: Mapped[str] = mapped_column(Text, default="")
    to_panel: Mapped[str] = mapped_column(Text, default="")
    # For nobody but the reviewer.
    private_note: Mapped[str] = mapped_column(Text, default="")
    # Owed by an applicant of the same call, who loses the own proposal by not writing it.
    is_duty: Mapped[bool] = mapped_column(default=False)
    due_at: Mapped[datetime | None] = mapped_column(default=None)
    # Why the reviewer refused or stepped back.
    reason: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(init=False)
    scores: Mapped[list[Score]] = relationship(
        init=False, cascade="all, delete-orphan", order_by=Score.criterion_id
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class ReviewEdition(Base):
    """A review as it was submitted before it was opened again; never changed, and without private notes."""

    __tablename__ = "review_edition"
    __table_args__ = (UniqueConstraint("review_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"))
    number: Mapped[int]
    # The confidence, and name and value of each criterion in the order of the rubric.
    scores: Mapped[dict[str, Any]]
    to_pi: Mapped[str] = mapped_column(Text)
    to_panel: Mapped[str] = mapped_column(Text)
    submitted_at: Mapped[datetime]


def own(actor: Actor) -> ColumnElement[bool]:
    """Reviews that this actor writes or has written, as SQL; a conflict closes them, however it came."""
    mine = and_(Review.reviewer_id == actor.person_id, Review.state.in_(READING))
    closed = [Review.proposal_id.in_(ids) for ids in (bars.declared(actor), bars.related(actor))]
    return and_(mine, ~or_(*closed))


def get(session: Session, actor: Actor, ref: str) -> Review:
    """The reviewer's own review; others' reviews are read on the proposal's pages."""
    query = select(Review).where(Review.id == id_of(Review, ref), own(actor))
    query = query.options(selectinload(Review.scores))
    return checked(session.scalar(query), ref)


def owed_by(person_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Of rows that name a person: owes reviews as an applicant, or has written them."""
    mine = (Review.reviewer_id == person_id, Review.is_duty, Review.state.in_(READING))
    return exists().where(*mine)


def page(session: Session, actor: Actor, *, before: int | None = None, size: int = 50) -> Sequence[Review]:
    """The actor's own reviews that still open, newest first."""
    query = select(Review).where(own(actor))
    if before is not None:
        query = query.where(Review.id < before)
    return session.scalars(query.order_by(Review.id.desc()).limit(size)).all()


def due(review: Review) -> datetime | None:
    """Until when it is to be written; none once it is."""
    if review.state not in OPEN:
        return None
    reviewing = review.proposal.step == StepKind.REVIEW
    return review.due_at or (review.proposal.step_due if reviewing else None)


def is_office(actor: Actor, proposal: Proposal) -> bool:
    """Runs the review of this proposal. Somebody on its team never does."""
    if _on_team(actor, proposal):
        return False
    return actor.has(Role.PROGRAMME_OFFICER) or actor.has(Role.PANEL_CHAIR, proposal.call_id)


def _on_team(actor: Actor, proposal: Proposal) -> bool:
    return actor.is_person(proposal.pi_id) or any(actor.is_person(m.person_id) for m in proposal.team)


def may_answer(actor: Actor, review: Review) -> Answer:
    """To accept or refuse the invitation."""
    return first_no(
        when(actor.is_person(review.reviewer_id), "Only the invited reviewer answers."),
        when(
            not review.is_duty, "You agreed to review when you applied. If you have a conflict, declare it."
        ),
        when(review.state in OPEN, f"This review is {review.state} already."),
    )


def may_accept(actor: Actor, review: Review) -> Answer:
    return first_no(may_answer(actor, review), eligibility.may_review(actor))


def may_write(actor: Actor, review: Review) -> Answer:
    return first_no(
        when(actor.is_person(review.reviewer_id), "Only the reviewer writes this review."),
        when(review.state != ReviewState.INVITED, "Accept the invitation first."),
        when(review.state == ReviewState.ACCEPTED, "A submitted review does not change."),
        when(review.proposal.state == "in_review", "This proposal is no longer under review."),
        when(not _is_over(review), "The deadline for this review has passed."),
        # An invitation to the team may be accepted at any time, also by somebody who reviews it.
        when(not _on_team(actor, review.proposal), "Nobody reviews a proposal of their own team."),
    )


def _is_over(review: Review) -> bool:
    """Among applicants the deadline is strict: it decides about somebody's own proposal."""
    return review.is_duty and review.due_at is not None and review.due_at <= clock.now()


def may_reopen(actor: Actor, review: Review) -> Answer:
    """To change a submitted review after the PI's reply, or after what the others have said."""
    proposal = review.proposal
    talked = proposal.state == "in_review" and proposal.step in (StepKind.REBUTTAL, StepKind.DISCUSSION)
    return first_no(
        when(actor.is_person(review.reviewer_id), "Only the reviewer changes this review."),
        when(not review.is_duty, "Among applicants a submitted review stays as it is."),
        when(review.state == ReviewState.SUBMITTED, "Only a submitted review is opened again."),
        when(talked, "A review is changed while the PI replies or the reviewers discuss."),
        when(not _on_team(actor, proposal), "Nobody reviews a proposal of their own team."),
    )


def may_step_back(actor: Actor, review: Review) -> Answer:
    """To declare a conflict: possible at any time before the decision."""
    return first_no(
        when(actor.is_person(review.reviewer_id), "Only the reviewer can declare this."),
        when(review.state in READING, f"This review is {review.state} already."),
        when(review.proposal.state == "in_review", "This proposal is decided or withdrawn."),
    )
