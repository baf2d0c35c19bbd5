"""Bids: what a reviewer is asked about, what is kept of it, and what it does to an assignment."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotAllowed, NotFound
from allocations.kernel.outbox import EventRow
from allocations.people import roles
from allocations.people.personal_relations import RelationKind
from allocations.people.roles import Actor
from allocations.programme import bidding, bids, offered, relations, reviewing
from allocations.programme.assigning import Wish
from allocations.programme.bids import Bid, BidValue
from allocations.programme.calls import Disclosure
from allocations.programme.conflicts import Conflict
from allocations.programme.proposals import Proposal
from allocations.programme.relations import LEVELS, Kind, Level
from allocations.programme.reviews import Review
from allocations.programme.teams import InvitationState, TeamMember
from tests import cast as stage
from tests.allocations.staffed import computed, seen
from tests.allocations.test_coauthors import CARLOS, RUTH, publish
from tests.allocations.test_personal_relations import state
from tests.allocations.test_staffing import WORLD, populate
from tests.cast import Cast

DAY = timedelta(days=1)


def ask(cast: Cast) -> None:
    bidding.open_bidding(cast.session, cast.owen, cast.call, until=clock.now() + 7 * DAY)
    cast.session.flush()


def say(cast: Cast, actor: Actor, proposal: Proposal, value: BidValue | None) -> int:
    changed = bids.save(cast.session, actor, cast.call, wishes={proposal.id: value})
    cast.session.flush()
    return changed


def listed(cast: Cast, actor: Actor) -> set[int]:
    return {offer.id for offer in bids.page(cast.session, actor, cast.call)}


@settings(max_examples=40)
@given(world=WORLD)
def test_a_reviewer_is_asked_about_nothing_that_anything_keeps_them_from(
    session: Session, cast: Cast, world: dict[str, Any]
) -> None:
    with session.begin_nested() as example:
        people, made = populate(cast, world)
        apart = set(relations.barred(session, people, made))
        asked = {(r.proposal_id, r.reviewer_id) for r in session.scalars(select(Review))}
        for person in people:
            actor = roles.actor_of(session, person)
            shown = set(session.scalars(select(Proposal.id).where(offered.shown(actor))))
            team = {m.proposal_id for each in made for m in each.team if m.person_id == person.id}
            applies = bool(team) or any(each.pi_id == person.id for each in made)
            free = {p.id for p in made if not {(p.id, person.id)} & (apart | asked)}
            assert shown <= (set() if applies else free)
            if person.institution_id is not None:
                assert shown == (set() if applies else free)
        example.rollback()


def test_the_house_and_the_former_partners_of_anybody_on_the_team_are_not_asked(
    session: Session, cast: Cast
) -> None:
    """Uma, on the team, is of Ruth's institution, and once wrote a proposal with Ravi."""
    proposal, other = stage.in_review(cast), stage.open_call(cast, title="Another call")
    ask(cast)
    before = [listed(cast, actor) for actor in (cast.ruth, cast.ravi, cast.rosa)]
    assert cast.people["uma"] in [member.person for member in proposal.team]
    cast.people["uma"].institution = cast.people["ruth"].institution
    shared = Proposal(call=other, pi=cast.people["ravi"], title="Before")
    session.add(shared)
    joined = TeamMember(email="uma@example.edu", role=ProjectRole.USER, person=cast.people["uma"])
    joined.state = InvitationState.ACCEPTED
    shared.team.append(joined)
    session.flush()

    after = [listed(cast, actor) for actor in (cast.ruth, cast.ravi, cast.rosa)]

    assert (before, after) == ([{proposal.id}] * 3, [set(), set(), {proposal.id}])


def _acquainted(cast: Cast, how: str) -> None:
    """Ruth and Carlos, who is on the team."""
    cast.people["ruth"].orcid, cast.people["carlos"].orcid = RUTH, CARLOS
    ruth, carlos, collaborator = cast.ruth, cast.carlos, RelationKind.COLLABORATOR
    match how:
        case "a DOI":
            publish(cast.session, cast, ruth, doi="10.1000/1")
            publish(cast.session, cast, carlos, doi="10.1000/1")
        case "her iD":
            publish(cast.session, cast, carlos, authors=f"Somebody {RUTH}")
        case "his iD":
            publish(cast.session, cast, ruth, authors=f"Somebody {CARLOS}")
        case "her word":
            state(cast.session, cast, "ruth", collaborator, "carlos")
        case "his word":
            state(cast.session, cast, "carlos", collaborator, "ruth")


@pytest.mark.parametrize("how", ["a DOI", "her iD", "his iD", "her word", "his word"])
def test_co_authors_and_acquaintances_are_asked_only_after_a_waiver(
    session: Session, cast: Cast, how: str
) -> None:
    proposal = stage.in_review(cast)
    ask(cast)
    _acquainted(cast, how)
    session.flush()
    before = listed(cast, cast.ruth)

    reviewing.waive(session, cast.owen, proposal, person=cast.person(cast.ruth), reason="Long ago.")
    session.flush()

    assert (before, listed(cast, cast.ruth)) == (set(), {proposal.id})
    assert listed(cast, cast.ravi) == {proposal.id}


def test_no_kind_of_relation_is_unknown_to_what_is_shown() -> None:
    """A new kind that bars has to be put into `offered.shown` as well."""
    barring = {kind for kind, level in LEVELS.items() if level != Level.TOLD}

    assert barring == {
        *(Kind.TEAM, Kind.DECLARED, Kind.ACCOUNT, Kind.PROJECT),
        *(Kind.PROPOSAL, Kind.INSTITUTION, Kind.UNCHECKED),
        *(Kind.PERSONAL, Kind.NAMED, Kind.COAUTHOR),
    }


def test_what_was_said_is_kept_changed_and_taken_back(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    ask(cast)

    changed = [
        say(cast, cast.ruth, proposal, value) for value in (BidValue.EAGER, BidValue.EAGER, BidValue.WILLING)
    ]
    kept = [offer.value for offer in bids.page(session, cast.ruth, cast.call)]
    say(cast, cast.ruth, proposal, None)

    assert (changed, kept) == ([1, 0, 1], [BidValue.WILLING])
    assert session.scalar(select(func.count(Bid.id))) == 0


def test_only_reviewers_of_the_call_are_asked_and_only_while_it_is_open(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    for actor in (cast.ruth, cast.owen):
        with pytest.raises(NotAllowed):
            bids.page(session, actor, cast.call)
    ask(cast)
    say(cast, cast.ruth, proposal, BidValue.EAGER)
    for actor in (cast.owen, cast.priya, cast.chen):
        with pytest.raises(NotAllowed):
            bids.page(session, actor, cast.call)
    bidding.close_bidding(session, cast.owen, cast.call)

    with pytest.raises(NotAllowed, match="closed"):
        say(cast, cast.ruth, proposal, BidValue.UNWILLING)
    assert (listed(cast, cast.ruth), listed(cast, cast.ravi)) == ({proposal.id}, set())
    with pytest.raises(IllegalMove):
        bidding.close_bidding(session, cast.owen, cast.call)


def test_whoever_applies_in_the_call_sees_nothing_of_the_others(session: Session, cast: Cast) -> None:
    stage.in_review(cast)
    ask(cast)
    session.add(Proposal(call=cast.call, pi=cast.person(cast.ruth), title="My own draft"))
    session.flush()

    assert listed(cast, cast.ruth) == set()
    assert listed(cast, cast.ravi) != set()


def test_a_bid_on_what_is_not_shown_is_passed_over(session: Session, cast: Cast) -> None:
    barred, free = stage.in_review(cast), stage.in_review(cast)
    ask(cast)
    session.add(Conflict(person_id=cast.ruth.person_id, proposal_id=barred.id, reason="x"))
    session.flush()
    wishes = dict.fromkeys((barred.id, free.id, 99_999), BidValue.EAGER)

    assert bids.save(session, cast.ruth, cast.call, wishes=wishes) == 1
    assert session.scalars(select(Bid.proposal_id)).all() == [free.id]
    with pytest.raises(NotFound):
        bids.one(session, cast.ruth, cast.call, barred.ref)


def test_a_declared_conflict_closes_the_proposal_and_drops_the_bid(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    ask(cast)
    say(cast, cast.ruth, proposal, BidValue.EAGER)
    offer = bids.one(session, cast.ruth, cast.call, proposal.ref)
    with pytest.raises(Incomplete):
        bids.declare_conflict(session, cast.ruth, cast.call, offer, reason=" ")

    bids.declare_conflict(session, cast.ruth, cast.call, offer, reason="We are married.")
    session.flush()

    assert (listed(cast, cast.ruth), session.scalars(select(Bid)).all()) == (set(), [])
    related = relations.of_people(session, [cast.person(cast.ruth)], proposal)[cast.ruth.person_id or 0]
    assert Kind.DECLARED in {each.kind for each in related}


@pytest.mark.parametrize("disclosure", list(Disclosure))
def test_names_are_shown_where_those_who_judge_may_know_them(
    session: Session, cast: Cast, disclosure: Disclosure
) -> None:
    stage.in_review(cast)
    ask(cast)
    cast.call.disclosure = disclosure

    who = bids.page(session, cast.ruth, cast.call)[0].who

    assert who == ("" if disclosure == Disclosure.DOUBLE_BLIND else "Priya, Northern University")


def test_pages_hold_everything_once_in_an_order_of_each_reviewer(session: Session, cast: Cast) -> None:
    for _ in range(15):
        session.add(Proposal(call=cast.call, pi=cast.people["priya"], title="Folding", state="in_review"))
    ask(cast)

    def order(actor: Actor) -> list[int]:
        found: list[int] = []
        while page := bids.page(session, actor, cast.call, after=found[-1] if found else None, size=4):
            found += [offer.id for offer in page]
        return found

    ruth, ravi = order(cast.ruth), order(cast.ravi)
    assert len(ruth) == len(set(ruth)) == 15
    assert (sorted(ruth), ruth != ravi) == (sorted(ravi), True)


def test_opening_writes_once_and_more_time_writes_no_letter(session: Session, cast: Cast) -> None:
    def letters() -> int:
        query = select(func.count()).where(EventRow.type == "BiddingOpened")
        return session.scalar(query) or 0

    with pytest.raises(Invalid):
        bidding.open_bidding(session, cast.owen, cast.call, until=clock.now())
    with pytest.raises(NotAllowed):
        bidding.open_bidding(session, cast.ruth, cast.call, until=clock.now() + DAY)
    ask(cast)
    ask(cast)
    session.flush()

    assert letters() == 1


def test_an_officer_with_a_proposal_in_the_call_asks_nobody(session: Session, cast: Cast) -> None:
    session.add(Proposal(call=cast.call, pi=cast.person(cast.owen), title="Mine"))
    session.flush()

    with pytest.raises(NotAllowed, match="proposal in this call"):
        ask(cast)


def test_the_office_counts_only_what_is_open_to_it(session: Session, cast: Cast) -> None:
    first, second = stage.in_review(cast), stage.in_review(cast)
    ask(cast)
    say(cast, cast.ruth, first, BidValue.EAGER)
    say(cast, cast.ruth, second, BidValue.UNWILLING)
    session.add(Conflict(person_id=cast.owen.person_id, proposal_id=second.id, reason="x"))
    session.flush()

    (owens,) = bidding.told(session, cast.owen, cast.call)
    (chens,) = bidding.told(session, cast.chen, cast.call)

    assert list(owens.counts.values()) == [1, 0, 0]
    assert list(chens.counts.values()) == [1, 0, 1]


def test_a_wish_decides_between_equals_and_the_explanation_says_so(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    ask(cast)
    say(cast, cast.rosa, proposal, BidValue.EAGER)
    say(cast, cast.ruth, proposal, BidValue.UNWILLING)

    one, both = computed(cast, Wish(1)), computed(cast, Wish(3))

    (pick,) = seen(cast, one).lines[0].matches
    why = {match.person_id: match.found["why"] for match in seen(cast, both).lines[0].matches}
    assert pick.person_id == cast.rosa.person_id
    assert why[cast.rosa.person_id or 0].endswith("They asked for it.")
    assert why[cast.ruth.person_id or 0].endswith("They would rather not.")
    assert "They" not in why[cast.ravi.person_id or 0]


def test_a_bid_from_before_a_conflict_goes_nowhere(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    ask(cast)
    say(cast, cast.ruth, proposal, BidValue.EAGER)
    session.add(Conflict(person_id=cast.ruth.person_id, proposal_id=proposal.id, reason="x"))
    session.flush()

    run = computed(cast, Wish(2))

    assert run.inputs["bids"] == {str(cast.ruth.person_id): []}
