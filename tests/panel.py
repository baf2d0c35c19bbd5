"""A call with many reviewed proposals, written straight into the tables."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.resources import Resource
from allocations.kernel import clock, units
from allocations.people.institutions import Institution
from allocations.people.persons import Person
from allocations.programme.calls import Call, Criterion
from allocations.programme.conflicts import Conflict
from allocations.programme.proposals import Proposal, ResourceRequest, State
from allocations.programme.reviews import Review, ReviewState, Score
from allocations.programme.steps import StepKind

ASKED = 100


def people(session: Session, word: str, many: int) -> list[Person]:
    """Each with an institution of their own."""
    made = [
        Person(
            name=f"{word} {n}",
            email=f"{word.lower()}{n}@crowd.example",
            institution=Institution(name=f"House {n} of the {word}s", country="US"),
        )
        for n in range(many)
    ]
    session.add_all(made)
    session.flush()
    return made


def crowd(
    session: Session, call: Call, many: int, *, word: str = "", readers: int = 6, writers: int = 0
) -> list[Proposal]:
    """`many` proposals at the panel with three reviews each, the first the best.

    Of the reviewers the first is a point too kind. `word` tells one crowd from another; everybody writes
    one proposal, unless there are only so many `writers`.
    """
    authors = people(session, f"{word}Author", writers or many)
    reviewers = people(session, f"{word}Reader", readers)
    criteria = session.scalars(select(Criterion).where(Criterion.call_id == call.id)).all()
    made = []
    for n in range(many):
        proposal = waiting(
            call, authors[n % len(authors)], call.resources[0], title=f"{word}Proposal {n:04d}"
        )
        session.add(proposal)
        made.append(proposal)
        for k in range(3):
            reader = (n + k) % readers
            value = min(5, max(1, 5 - (4 * n) // many - (k == 2) + (reader == 0)))
            session.add(review(proposal, reviewers[reader], value, criteria=criteria))
    session.flush()
    return made


def waiting(call: Call, author: Person, resource: Resource, *, title: str) -> Proposal:
    """In review, with the panel."""
    proposal = Proposal(call=call, pi=author, title=title, abstract="Words.", state=State.IN_REVIEW)
    proposal.step, proposal.step_since = StepKind.PANEL, clock.now()
    proposal.requests = [ResourceRequest(resource=resource, requested=ASKED * units.MICRO)]
    return proposal


def review(proposal: Proposal, reader: Person, value: int, *, criteria: Sequence[Criterion]) -> Review:
    made = Review(proposal=proposal, reviewer=reader, state=ReviewState.SUBMITTED, confidence=3)
    made.to_pi = "Words."
    made.scores = [Score(criterion_id=one.id, value=value) for one in criteria]
    return made


def bar(session: Session, person_id: int, proposal: Proposal) -> None:
    """From now on this person must not know of the proposal."""
    session.add(Conflict(person_id=person_id, proposal_id=proposal.id, reason="My brother wrote it."))
    session.flush()
