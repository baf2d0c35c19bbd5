"""Who learns whose name while a proposal is judged; asked by every page, letter, file and export."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import meetings, talking
from allocations.programme.calls import Call, Disclosure
from allocations.programme.proposals import Proposal, State, on_team
from allocations.programme.reviews import OPEN, READING, Review, ReviewEdition, ReviewState, is_office
from allocations.programme.steps import StepKind
from allocations.programme.talking import Message, Rebuttal

DECIDED = frozenset({State.AWARDED, State.DECLINED})
NOT_SHOWN = "Not shown: this call is reviewed without names"


def tells_judges(call: Call) -> bool:
    """Whether those who judge in this call may know the PI, the team and their institutions."""
    return call.disclosure != Disclosure.DOUBLE_BLIND


def shows_team(actor: Actor, proposal: Proposal) -> bool:
    """Whether this actor may know the PI, the team and their institutions.

    In a double-blind call those who judge do not, also after the decision; the office and the chair do,
    because they look after conflicts of interest.
    """
    if tells_judges(proposal.call):
        return True
    return on_team(actor, proposal) or is_office(actor, proposal) or actor.is_system


def asker_line(actor: Actor, proposal: Proposal) -> str:
    """Who asks for data, as far as a custodian may know.

    In a double-blind call they decide about a use; whose project it is they learn when it is awarded, and
    can take access back then. Some of them review in the same call.
    """
    if shows_team(actor, proposal) or proposal.state == State.AWARDED:
        return f"{proposal.pi.name}, {proposal.pi.affiliation}"
    return NOT_SHOWN


def shows_reviewers(actor: Actor, proposal: Proposal) -> bool:
    """Whether this actor may know who wrote the reviews of this proposal."""
    open_to_all = proposal.call.disclosure == Disclosure.OPEN
    return open_to_all or is_office(actor, proposal) or actor.is_system


def hears_reviewers(actor: Actor, proposal: Proposal) -> bool:
    """Whether the team reads what the reviewers wrote to the PI: for the reply, or after the decision."""
    answering = proposal.call.has_step(StepKind.REBUTTAL) and proposal.state == State.IN_REVIEW
    replying = answering and proposal.step is not None and proposal.step.place >= StepKind.REBUTTAL.place
    return on_team(actor, proposal) and (replying or proposal.state in DECIDED)


def pi_line(actor: Actor, proposal: Proposal) -> str:
    """Who leads the proposal, as far as this actor may know."""
    return f"{proposal.pi.name}, {proposal.pi.affiliation}" if shows_team(actor, proposal) else NOT_SHOWN


def pi_name(actor: Actor, proposal: Proposal) -> str:
    """For lists; empty where it is not shown."""
    return proposal.pi.name if shows_team(actor, proposal) else ""


@dataclass(frozen=True, slots=True)
class Comment:
    """What one reviewer wrote to the PI, with the name or number that the PI may know."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Circle:
    """The people around one proposal's reviews and what they wrote, as one actor may know them.

    Everybody reads the same numbers, so that the PI and the reviewers speak of the same “Reviewer 2”.
    """

    actor: Actor
    proposal: Proposal
    # Of all who were asked, in the order of their numbers.
    asked: Sequence[Review]
    sent: Rebuttal | None
    # Of all reviews: asked for through `earlier` alone.
    editions: Sequence[ReviewEdition] = ()
    # A member of a panel's meeting that has the proposal on its agenda.
    seated: bool = False

    @property
    def own(self) -> Review | None:
        return next((review for review in self.asked if self.actor.is_person(review.reviewer_id)), None)

    @property
    def readable(self) -> list[Review]:
        """The office and the chair read all; a reviewer the others' after submitting, and a member of the
        panel's meeting unless their own is still to come; the team none."""
        if on_team(self.actor, self.proposal):
            return []
        if is_office(self.actor, self.proposal):
            return list(self.asked)
        own, judged = self.own, self.has_judged
        return [r for r in self.asked if r is own or (judged and r.state == ReviewState.SUBMITTED)]

    @property
    def has_judged(self) -> bool:
        """Nothing that others wrote can sway this reader's own review any more."""
        return self.has_heard or (self.own is not None and self.own.state == ReviewState.SUBMITTED)

    @property
    def taken_out(self) -> int:
        """How many reviews a conflict declared after writing has taken out; for those who read the others."""
        reads = self.has_judged or is_office(self.actor, self.proposal)
        return len(self._written_off()) if reads and not on_team(self.actor, self.proposal) else 0

    @property
    def has_heard(self) -> bool:
        """Sits in the panel's meeting, and owes no review of this proposal."""
        return self.seated and (self.own is None or self.own.state not in OPEN)

    @property
    def earlier(self) -> dict[int, list[ReviewEdition]]:
        """What reviews said before they were opened again, newest first, by review id.

        For the reviewer, and for the office where it reads the whole text; for nobody else.
        """
        office = is_office(self.actor, self.proposal)
        whole = [r for r in self.readable if r is self.own or (office and r.state == ReviewState.SUBMITTED)]
        newest_first = sorted(self.editions, key=lambda edition: -edition.number)
        kept = {review.id: [one for one in newest_first if one.review_id == review.id] for review in whole}
        return {key: editions for key, editions in kept.items() if editions}

    @property
    def comments(self) -> list[Comment]:
        """What submitted reviews say to the PI, for those who are to hear it by now."""
        if not hears_reviewers(self.actor, self.proposal):
            return []
        done = [r for r in self.asked if r.state == ReviewState.SUBMITTED and r.to_pi]
        return [Comment(self.name(review.reviewer), review.to_pi) for review in done]

    @property
    def reply(self) -> Rebuttal | None:
        """The PI's reply: for the team, for those who have judged, and for those who run it."""
        may = talking.hears_reply(self.actor, self.proposal, self.own) or self.has_heard
        return self.sent if may or on_team(self.actor, self.proposal) else None

    def name(self, person: Person) -> str:
        """A reviewer's number, with the name for those who may know it. The office speaks as the office."""
        numbers = {review.reviewer_id: n for n, review in enumerate(self._numbered(), start=1)}
        number = numbers.get(person.id)
        label = f"Reviewer {number}" if number else "Chair or programme office"
        if self.actor.is_person(person.id):
            return f"You ({label})" if number else "You"
        return f"{person.name} ({label})" if shows_reviewers(self.actor, self.proposal) else label

    def _numbered(self) -> list[Review]:
        """Who steps back after writing keeps the number: texts speak of the others by theirs."""
        return [r for r in self.asked if r.state in READING or r in self._written_off()]

    def _written_off(self) -> list[Review]:
        return [r for r in self.asked if r.state == ReviewState.CONFLICTED and r.confidence is not None]

    def messages(self, session: Session) -> Sequence[Message]:
        """The discussion, for those who take part."""
        return talking.discussion(session, self.actor, self.proposal, self.own)


def circle(session: Session, actor: Actor, proposal: Proposal) -> Circle:
    """Of a visible proposal, in two statements."""
    query = (
        select(Review, Rebuttal, ReviewEdition, Proposal.id.in_(meetings.read_by_seat(actor)))
        .select_from(Proposal)
        .outerjoin(Review, Review.proposal_id == Proposal.id)
        .outerjoin(Rebuttal, Rebuttal.proposal_id == Proposal.id)
        .outerjoin(ReviewEdition, ReviewEdition.review_id == Review.id)
        .where(Proposal.id == proposal.id)
        .options(selectinload(Review.scores))
    )
    found = session.execute(query).all()
    asked = sorted({review for review, *_ in found if review is not None}, key=_place)
    editions = [edition for *_, edition, _ in found if edition is not None]
    sent, seated = next(((sent, bool(seated)) for _, sent, _, seated in found), (None, False))
    return Circle(actor, proposal, asked, sent, editions, seated)


def _place(review: Review) -> str:
    """An order that tells neither who was asked first nor who was quick."""
    return hashlib.sha256(f"{review.proposal_id}/{review.id}".encode()).hexdigest()
