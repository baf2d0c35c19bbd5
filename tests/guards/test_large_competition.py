"""A whole competition of 2,000 proposals, 800 reviewers and 6,000 reviews: no page costs more statements."""

import random
from itertools import islice

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.people.institutions import Institution
from allocations.people.persons import Person
from allocations.people.roles import Role, RoleGrant
from allocations.programme.calls import Call, Criterion
from allocations.programme.expertise import ReviewerProfile
from allocations.programme.proposals import Proposal, ResourceRequest, State
from allocations.programme.reviews import Review, ReviewState, Score
from allocations.programme.steps import StepKind
from tests.guards.test_pages import _costs
from tests.portal import stage
from tests.portal.stage import Portal

pytestmark = pytest.mark.slow
PROPOSALS, REVIEWERS, REVIEWS = 2000, 800, 6000
SEED = 20261122


def compete(session: Session, call: Call) -> None:
    """Everything in the panel's hands, with three reviews each; rows straight into the tables."""
    draw, now = random.Random(SEED), clock.now()
    homes = [Institution(name=f"Home {n}", country="US") for n in range(100)]
    session.add_all(homes)
    people = [
        Person(name=f"Competitor {n}", email=f"c{n}@large.example", institution=homes[n % 100])
        for n in range(PROPOSALS + REVIEWERS)
    ]
    session.add_all(people)
    session.flush()
    applicants, reviewers = people[:PROPOSALS], people[PROPOSALS:]
    session.add_all(RoleGrant(person_id=one.id, role=Role.REVIEWER) for one in reviewers)
    session.add_all(ReviewerProfile(person_id=one.id, fields_of_science=["Physics"]) for one in reviewers)
    proposals = [
        Proposal(call=call, pi=pi, title=f"Large {n}", abstract="Words.", fields_of_science=["Physics"])
        for n, pi in enumerate(applicants)
    ]
    for proposal in proposals:
        proposal.state, proposal.step = State.IN_REVIEW, StepKind.PANEL
        proposal.step_since = proposal.step_due = proposal.submitted_at = now
        proposal.requests = [ResourceRequest(resource=one, requested=10**9) for one in call.resources]
    session.add_all(proposals)
    session.flush()
    _review(session, call, proposals, reviewers, draw)


def _review(
    session: Session, call: Call, proposals: list[Proposal], reviewers: list[Person], draw: random.Random
) -> None:
    """Three different reviewers for each proposal, never of the PI's institution."""
    rows = []
    for proposal in proposals:
        able = (one for one in draw.sample(reviewers, 12) if one.institution is not proposal.pi.institution)
        rows += [Review(proposal=proposal, reviewer=one) for one in islice(able, 3)]
    for review in rows:
        review.state, review.confidence = ReviewState.SUBMITTED, 3
        review.to_pi = review.to_panel = "Words."
    session.add_all(rows)
    session.flush()
    criteria = session.scalars(select(Criterion.id).where(Criterion.call_id == call.id)).all()
    scores = [
        {"review_id": review.id, "criterion_id": criterion, "value": draw.randint(1, 5)}
        for review in rows
        for criterion in criteria
    ]
    session.execute(insert(Score), scores)
    assert (len(proposals), len(rows)) == (PROPOSALS, REVIEWS)


def test_every_page_stays_within_its_statements(portal: Portal) -> None:
    places = stage.places(portal)
    small = _costs(portal, places)
    with portal.sessions() as session, session.begin():
        compete(session, stage.call(session, "open"))
    large = _costs(portal, places)

    over = {place: cost for place, (cost, most) in large.items() if cost > most}
    grew = {
        place: (small[place][0], cost) for place, (cost, _) in large.items() if cost > small[place][0] + 2
    }
    assert (over, grew) == ({}, {})
