"""The verbs of review: assign, answer, write, submit, step back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import flag_modified

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotFound
from allocations.kernel.events import Event
from allocations.kernel.states import expect, move
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import conflicts, progress, relations, reviewers
from allocations.programme.calls import Reviewers
from allocations.programme.conflicts import Conflict, Waiver
from allocations.programme.proposals import Proposal, State, same_house
from allocations.programme.relations import Level, Relation, keeping
from allocations.programme.reviewers import Reviewer
from allocations.programme.reviews import (
    Review,
    ReviewEdition,
    ReviewState,
    Score,
    is_office,
    may_accept,
    may_answer,
    may_reopen,
    may_step_back,
    may_write,
)
from allocations.programme.steps import USUAL_DAYS, StepKind


@dataclass(frozen=True, slots=True)
class ReviewerInvited(Event):
    review_id: int


@dataclass(frozen=True, slots=True)
class ReviewSubmitted(Event):
    review_id: int


@dataclass(frozen=True, slots=True)
class ReviewerSteppedBack(Event):
    review_id: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reviewer as the assignment list shows them."""

    reviewer: Reviewer
    relations: tuple[Relation, ...]
    review: Review | None

    @property
    def person(self) -> Person:
        return self.reviewer.person

    @property
    def load(self) -> int:
        return self.reviewer.load

    @property
    def kept_by(self) -> Relation | None:
        """What keeps this person from being asked."""
        return keeping(self.relations)


@dataclass(frozen=True, slots=True)
class ReviewDraft:
    """What a reviewer has typed so far; `scores` by criterion id, missing ones left out."""

    scores: Mapping[int, int]
    confidence: int | None
    to_pi: str
    to_panel: str
    # For nobody but the reviewer.
    private_note: str = ""


def may_assign(actor: Actor, proposal: Proposal) -> Answer:
    return first_no(
        when(is_office(actor, proposal), "Only the programme office and the panel chair assign reviewers."),
        when(
            not same_house(actor, proposal),
            "Nobody assigns reviewers to a proposal of their own institution. Ask a colleague of the office.",
        ),
        when(
            proposal.call.reviewed_by == Reviewers.EXPERTS,
            "In this call the applicants review each other.",
        ),
        when(proposal.state == State.IN_REVIEW, "Reviewers are assigned while a proposal is in review."),
    )


def candidates(session: Session, actor: Actor, proposal: Proposal) -> list[Candidate]:
    """All reviewers: who cannot be asked stands last, before them who takes no more today, then by load."""
    known = reviewers.of_proposal(session, actor, proposal)
    related = relations.of_people(session, [each.person for each in known], proposal)
    asked = session.scalars(select(Review).where(Review.proposal_id == proposal.id)).all()
    by_person = {review.reviewer_id: review for review in asked}
    listed = [
        Candidate(each, tuple(related[each.person.id]), by_person.get(each.person.id)) for each in known
    ]
    return sorted(listed, key=_turn)


def _turn(candidate: Candidate) -> tuple[bool, bool, int, str, int]:
    hindered = bool(candidate.reviewer.hindrance)
    person = candidate.person
    return candidate.kept_by is not None, hindered, candidate.load, person.name, person.id


def candidate(session: Session, actor: Actor, proposal: Proposal, *, person_id: int) -> Candidate:
    """One of the list; raises NotFound for anybody else."""
    listed = candidates(session, actor, proposal)
    found = next((each for each in listed if each.person.id == person_id), None)
    if found is None:
        raise NotFound
    return found


def assign(
    session: Session, actor: Actor, proposal: Proposal, *, person: Person, all_the_same: bool = False
) -> Review:
    """Ask this person for a review; asking again after a refusal re-opens the same row.

    Somebody who is away or carries enough is asked `all_the_same` only, and the trail says so.
    """
    require(may_assign(actor, proposal))
    hindrance = _hindrance(session, actor, proposal, person)
    if hindrance and not all_the_same:
        words = f"{person.name} {hindrance}. Tick “ask all the same” to ask in spite of it."
        raise Invalid({"reviewer": words})
    asked = (Review.proposal_id == proposal.id, Review.reviewer_id == person.id)
    review = session.scalar(select(Review).where(*asked))
    note = f"{person.name}, who {hindrance}" if hindrance else person.name
    if review is None:
        review = Review(proposal=proposal, reviewer=person)
        session.add(review)
        session.flush()
        audit.record(session, actor, "review.invite", subject=review.ref, note=note)
    else:
        move(session, review, ReviewState.INVITED, actor, note=note if hindrance else "")
    days = proposal.call.steps.get(str(StepKind.REVIEW), USUAL_DAYS[StepKind.REVIEW])
    review.due_at = clock.now() + timedelta(days=days)
    outbox.put(session, ReviewerInvited(review.id))
    return review


def _hindrance(session: Session, actor: Actor, proposal: Proposal, person: Person) -> str:
    """Why this reviewer takes no more today; raises Invalid for whoever cannot be asked at all."""
    reviewer = reviewers.one(session, actor, proposal.call_id, person=person)
    if reviewer is None:
        raise Invalid({"reviewer": f"{person.name} is not a reviewer of this programme."})
    kept_by = keeping(relations.of_people(session, [person], proposal)[person.id])
    if kept_by is not None:
        raise Invalid({"reviewer": f"Conflict of interest: {person.name} {kept_by.evidence}."})
    return reviewer.hindrance


def may_waive(actor: Actor, proposal: Proposal) -> Answer:
    """To let somebody review in spite of a relation that a waiver can lift."""
    office = actor.has(Role.PROGRAMME_OFFICER) and is_office(actor, proposal)
    return first_no(
        when(office, "Only a programme officer who is not on the team grants waivers."),
        may_assign(actor, proposal),
    )


def waive(session: Session, actor: Actor, proposal: Proposal, *, person: Person, reason: str) -> None:
    """Lift every relation of this person that can be lifted, for as long as relations are remembered.

    What bars stays; a relation of a kind that is not known today is not covered.
    """
    require(may_waive(actor, proposal))
    if not reason.strip():
        raise Incomplete({"reason": "Write why this person can judge the proposal all the same."})
    found = relations.of_people(session, [person], proposal)[person.id]
    lifted = [each for each in found if each.level == Level.WAIVER and not each.is_waived]
    if not lifted:
        raise IllegalMove(f"There is nothing that a waiver could lift for {person.name}.")
    for relation in lifted:
        waiver = Waiver(
            person_id=person.id,
            proposal_id=proposal.id,
            kind=str(relation.kind),
            evidence=relation.evidence,
            reason=reason,
            until=clock.now() + conflicts.WINDOW,
            granted_by=actor.name,
        )
        session.add(waiver)
    note = f"{person.name}: {', '.join(str(each.kind) for each in lifted)}. {reason}"
    audit.record(session, actor, "conflict.waive", subject=proposal.ref, note=note)


def unassign(session: Session, actor: Actor, review: Review) -> None:
    require(may_assign(actor, review.proposal))
    move(session, review, ReviewState.CANCELLED, actor)


def of_office(session: Session, actor: Actor, proposal: Proposal, review_id: int) -> Review | None:
    """A review of this proposal, for those who run it."""
    review = session.get(Review, review_id)
    mine = review is not None and review.proposal_id == proposal.id and is_office(actor, proposal)
    return review if mine else None


def accept(session: Session, actor: Actor, review: Review) -> None:
    require(may_accept(actor, review))
    move(session, review, ReviewState.ACCEPTED, actor)


def refuse(session: Session, actor: Actor, review: Review, *, reason: str) -> None:
    require(may_answer(actor, review))
    review.reason = reason
    move(session, review, ReviewState.REFUSED, actor, note=reason)
    outbox.put(session, ReviewerSteppedBack(review.id))


def declare_conflict(session: Session, actor: Actor, review: Review, *, reason: str) -> None:
    """Bars the reviewer from the proposal from this moment on, and takes their review out."""
    require(may_step_back(actor, review))
    if not reason.strip():
        raise Incomplete({"reason": "Say in a few words what the conflict is."})
    review.reason = reason
    session.add(Conflict(person_id=review.reviewer_id, proposal_id=review.proposal_id, reason=reason))
    move(session, review, ReviewState.CONFLICTED, actor, note=reason)
    outbox.put(session, ReviewerSteppedBack(review.id))


def save(
    session: Session, actor: Actor, review: Review, draft: ReviewDraft, *, version: int | None = None
) -> None:
    require(may_write(actor, review))
    expect(review, version)
    known = {criterion.id for criterion in review.proposal.call.criteria}
    if not set(draft.scores) <= known:
        raise Invalid({"scores": "A score names a criterion that is not in this rubric."})
    review.confidence, review.to_pi, review.to_panel = draft.confidence, draft.to_pi, draft.to_panel
    review.private_note = draft.private_note
    flag_modified(review, "to_pi")  # a change of scores alone is a change of the review, too
    kept = {score.criterion_id: score for score in review.scores}
    for criterion_id, value in draft.scores.items():
        if criterion_id in kept:
            kept[criterion_id].value = value
        else:
            review.scores.append(Score(criterion_id=criterion_id, value=value))


def missing(review: Review) -> dict[str, str]:
    """What is still to be filled in before submitting, by form field."""
    scored = {score.criterion_id for score in review.scores}
    absent = {
        f"score_{criterion.id}": f"Score “{criterion.name}”."
        for criterion in review.proposal.call.criteria
        if criterion.id not in scored
    }
    if review.confidence is None:
        absent["confidence"] = "Say how confident you are."
    if not review.to_pi.strip():
        absent["to_pi"] = "Write what the PI should read."
    return absent


def submit(session: Session, actor: Actor, review: Review) -> None:
    require(may_write(actor, review))
    absent = missing(review)
    if absent:
        raise Incomplete(absent)
    move(session, review, ReviewState.SUBMITTED, actor)
    outbox.put(session, ReviewSubmitted(review.id))
    session.flush()
    progress.review_is_in(session, review.proposal)


def reopen(session: Session, actor: Actor, review: Review) -> None:
    """To change it. Until it is submitted again it counts for nothing and nobody else reads it.

    What was submitted is kept as an edition.
    """
    require(may_reopen(actor, review))
    _keep_edition(session, review)
    move(session, review, ReviewState.ACCEPTED, actor, note="opened again")


def _keep_edition(session: Session, review: Review) -> None:
    newest = select(func.max(ReviewEdition.number)).where(ReviewEdition.review_id == review.id)
    given = sorted(review.scores, key=lambda score: score.criterion.position)
    edition = ReviewEdition(
        review_id=review.id,
        number=(session.scalar(newest) or 0) + 1,
        scores={
            "confidence": review.confidence,
            "criteria": [[score.criterion.name, score.value] for score in given],
        },
        to_pi=review.to_pi,
        to_panel=review.to_panel,
        submitted_at=review.state_since,
    )
    session.add(edition)


def of_call(session: Session, proposals: Sequence[Proposal]) -> dict[int, list[Review]]:
    """All reviews of these proposals with their scores, in two statements, by proposal id."""
    ids = [proposal.id for proposal in proposals]
    query = select(Review).where(Review.proposal_id.in_(ids)).options(selectinload(Review.scores))
    grouped: dict[int, list[Review]] = {}
    for review in session.scalars(query.order_by(Review.id)):
        grouped.setdefault(review.proposal_id, []).append(review)
    return grouped
