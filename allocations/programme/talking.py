"""What is said between the reviews and the decision: the PI's reply and the reviewers' discussion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import Incomplete, Invalid
from allocations.kernel.events import Event
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import bars, progress
from allocations.programme.proposals import Proposal, State, is_pi, on_team, same_house, visible
from allocations.programme.reviews import Review, ReviewState, is_office
from allocations.programme.steps import StepKind

LONGEST = 10_000
# Messages of a discussion that are shown.
MOST = 500


@dataclass(frozen=True, slots=True)
class RebuttalSent(Event):
    proposal_id: int


class Rebuttal(Base):
    """The PI's reply to the reviews: one, before discussion and decision."""

    __tablename__ = "rebuttal"

    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


class Message(Base):
    """One contribution to the discussion of a proposal."""

    __tablename__ = "message"
    __table_args__ = (Index("ix_message_of_proposal", "proposal_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    author: Mapped[Person] = relationship(init=False, lazy="joined", innerjoin=True, viewonly=True)
    text: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


def may_reply(actor: Actor, proposal: Proposal) -> Answer:
    return first_no(
        is_pi(actor, proposal),
        when(
            proposal.state == State.IN_REVIEW and proposal.step == StepKind.REBUTTAL,
            "You can reply while the call waits for replies: after the reviews, before the decision.",
        ),
    )


def reply(session: Session, actor: Actor, proposal: Proposal, *, text: str) -> None:
    """Send the PI's reply; it ends the step. A second one finds the step over."""
    require(may_reply(actor, proposal))
    _check(text)
    session.add(Rebuttal(proposal_id=proposal.id, text=text))
    audit.record(session, actor, "proposal.reply", subject=proposal.ref)
    outbox.put(session, RebuttalSent(proposal.id))
    progress.go_on(session, proposal, actor=actor)


def may_discuss(actor: Actor, proposal: Proposal, review: Review | None) -> Answer:
    """`review` is the actor's own of this proposal. Those who have judged talk, and those who run it."""
    return first_no(
        when(not on_team(actor, proposal), "The team does not take part in the discussion."),
        when(not same_house(actor, proposal), "Nobody discusses a proposal of their own institution."),
        when(is_office(actor, proposal) or _judged(actor, review), "Submit your own review first."),
        when(proposal.call.has_step(StepKind.DISCUSSION), "This call has no discussion."),
        when(proposal.state == State.IN_REVIEW, "This proposal is decided or withdrawn."),
        when(
            proposal.step is not None and proposal.step.place >= StepKind.DISCUSSION.place,
            "The discussion opens when its step begins.",
        ),
    )


def own_review(session: Session, actor: Actor, proposal: Proposal) -> Review | None:
    mine = (Review.proposal_id == proposal.id, Review.reviewer_id == actor.person_id)
    return session.scalar(select(Review).where(*mine))


def hears_reply(actor: Actor, proposal: Proposal, review: Review | None) -> bool:
    """Whether this actor, who is not on the team, reads the PI's reply; `review` as in `may_discuss`."""
    return is_office(actor, proposal) or _judged(actor, review)


def _judged(actor: Actor, review: Review | None) -> bool:
    if review is None or review.state != ReviewState.SUBMITTED:
        return False
    return actor.is_person(review.reviewer_id)


def say(session: Session, actor: Actor, proposal: Proposal, *, text: str) -> Message:
    """Add to the discussion; the same words again, as a second click sends them, add nothing."""
    require(may_discuss(actor, proposal, own_review(session, actor, proposal)))
    _check(text)
    newest = select(Message).where(Message.proposal_id == proposal.id).order_by(Message.id.desc()).limit(1)
    last = session.scalar(newest)
    if last is not None and (last.author_id, last.text) == (actor.person_id, text):
        return last
    message = Message(proposal_id=proposal.id, author_id=_person(actor), text=text)
    session.add(message)
    session.flush()
    return message


def discussion(
    session: Session, actor: Actor, proposal: Proposal, review: Review | None
) -> Sequence[Message]:
    """The newest, oldest first; nothing for those who may not take part. `review` as in `may_discuss`."""
    if not may_discuss(actor, proposal, review):
        return []
    query = select(Message).where(Message.proposal_id == proposal.id)
    return session.scalars(query.order_by(Message.id.desc()).limit(MOST)).all()[::-1]


def news(session: Session, actor: Actor, *, since: datetime, until: datetime) -> list[tuple[Proposal, int]]:
    """How much others have said in the discussions that this actor takes part in, by proposal.

    Nothing of a proposal with which the actor has a relation that bars, whatever their office.
    """
    others = (Message.sent_at >= since, Message.sent_at < until, Message.author_id != actor.person_id)
    counted = select(Message.proposal_id, func.count().label("number")).where(*others)
    new = counted.group_by(Message.proposal_id).subquery()
    open_ones = (visible(actor), Proposal.id.not_in(bars.related(actor)), Proposal.state == State.IN_REVIEW)
    query = select(Proposal, new.c.number).join(new, new.c.proposal_id == Proposal.id).where(*open_ones)
    found = session.execute(query.options(selectinload(Proposal.team)).order_by(Proposal.id)).all()
    mine = select(Review).where(
        Review.reviewer_id == actor.person_id, Review.proposal_id.in_([proposal.id for proposal, _ in found])
    )
    own = {review.proposal_id: review for review in session.scalars(mine)}
    return [(one, number) for one, number in found if may_discuss(actor, one, own.get(one.id))]


def _person(actor: Actor) -> int:
    if actor.person_id is None:
        raise Invalid({"text": "Only people take part in a discussion."})
    return actor.person_id


def _check(text: str) -> None:
    if not text.strip():
        raise Incomplete({"text": "Write something first."})
    if len(text) > LONGEST:
        raise Invalid({"text": f"This is {len(text):,} characters long; at most {LONGEST:,} fit here."})
