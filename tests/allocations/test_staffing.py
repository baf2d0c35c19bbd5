"""What reviewers are proposed from: inputs, and what comes out of them."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.people import roles
from allocations.people.institutions import Institution
from allocations.people.persons import Person
from allocations.people.roles import SYSTEM, Role
from allocations.programme import assigning, expertise, jobs, relations, reviewing, staffing
from allocations.programme.assigning import Wish
from allocations.programme.conflicts import Conflict, Waiver
from allocations.programme.expertise import ProfileDraft, Seniority
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.runs import RunState
from allocations.programme.teams import InvitationState
from tests import cast as stage
from tests.allocations.staffed import computed, pairs_of, seen
from tests.cast import Cast
from tests.guards.statements import listened


def _row(cast: Cast, pi: Person) -> Proposal:
    """Straight into the table: in review."""
    proposal = Proposal(call=cast.call, pi=pi, title="Folding", abstract="We fold.", state=State.IN_REVIEW)
    cast.session.add(proposal)
    cast.session.flush()
    return proposal


WORLD = st.fixed_dictionaries(
    {
        "homes": st.lists(st.integers(0, 4), min_size=6, max_size=6),
        "pis": st.lists(st.integers(0, 7), min_size=1, max_size=5),
        "joined": st.sets(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=5),
        "declared": st.sets(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=4),
        "waived": st.sets(
            st.tuples(st.integers(0, 4), st.integers(0, 5), st.sampled_from(["institution", "unchecked"])),
            max_size=6,
        ),
        "asked": st.dictionaries(
            st.tuples(st.integers(0, 4), st.integers(0, 5)), st.sampled_from(ReviewState), max_size=4
        ),
    }
)


def populate(cast: Cast, world: dict[str, Any]) -> tuple[list[Person], list[Proposal]]:
    """Six reviewers, two who only write, and their proposals; home 0 is none."""
    session = cast.session
    homes = [None, *(Institution(name=f"Home {n}") for n in range(4))]
    people = [Person(name=f"P{n}", email=f"p{n}@x.example") for n in range(8)]
    for person, home in zip(people, world["homes"], strict=False):
        person.institution = homes[home]
    session.add_all([*filter(None, homes), *people])
    session.flush()
    for person in people[:6]:
        roles.grant(session, SYSTEM, person, role=Role.REVIEWER)
    made = [_row(cast, people[n]) for n in world["pis"]]
    for at, n in sorted((at, n) for at, n in world["joined"] if at < len(made)):
        member = stage.teams.TeamMember(email=people[n].email, role=stage.ProjectRole.USER, person=people[n])
        member.state = InvitationState.ACCEPTED
        made[at].team.append(member)
    for at, n in (pair for pair in world["declared"] if pair[0] < len(made)):
        session.add(Conflict(person_id=people[n].id, proposal_id=made[at].id, reason="We are friends."))
    until = clock.now() + timedelta(days=9)
    for at, n, kind in (each for each in world["waived"] if each[0] < len(made)):
        facts = {"kind": kind, "evidence": "x", "reason": "x", "until": until, "granted_by": "Owen"}
        session.add(Waiver(person_id=people[n].id, proposal_id=made[at].id, **facts))
    for (at, n), state in world["asked"].items():
        if at < len(made):
            session.add(Review(proposal=made[at], reviewer=people[n], state=state, confidence=3))
    session.flush()
    return people[:6], made


def test_every_proposal_gets_its_reviewers_with_reasons(session: Session, cast: Cast) -> None:
    proposals = [stage.in_review(cast) for _ in range(3)]

    run = computed(cast)

    assert (run.state, len(run.result["pairs"])) == (RunState.DONE, 6)
    assert {one["proposal"] for one in run.result["pairs"]} == {each.id for each in proposals}
    assert all("Match " in one["why"] for one in run.result["pairs"])
    assert run.result["total"] <= run.result["optimum"] + 1e-9


def test_the_papers_that_speak_for_a_pair_are_named(session: Session, cast: Cast) -> None:
    stage.in_review(cast)
    profile = expertise.ReviewerProfile(person_id=cast.ruth.person_id, fields_of_science=["Biology"])
    profile.publications = [expertise.Publication(title="We fold proteins", abstract="Fold.", year=2024)]
    session.add(profile)
    session.flush()

    run = computed(cast)

    ruth = next(one for one in run.result["pairs"] if one["person"] == cast.ruth.person_id)
    assert (ruth["rank"], ruth["unknown"]) == (1, False)
    assert [title for title, _ in ruth["evidence"]] == ["We fold proteins"]


def test_the_same_inputs_and_seed_give_the_same_result(session: Session, cast: Cast) -> None:
    for _ in range(3):
        stage.in_review(cast)
    run = computed(cast)

    assert jobs.assignment(run.inputs, run.seed) == run.result


def test_inputs_take_as_many_statements_for_three_proposals_as_for_sixty(
    session: Session, cast: Cast, engine: Engine
) -> None:
    def cost() -> int:
        session.flush()
        session.expire_all()
        with listened(engine) as heard:
            staffing.gather(session, run)
        return len(heard)

    stage.in_review(cast)
    run = assigning.ask(session, cast.owen, cast.call, Wish(2), seed=1)
    for _ in range(2):
        stage.in_review(cast)
    few = cost()
    for n in range(57):
        _row(cast, cast.people[("priya", "sam", "carlos")[n % 3]])

    assert cost() == few <= 16
    assert len(staffing.gather(session, run)["proposals"]) == 60


@settings(max_examples=40)
@given(world=WORLD)
def test_no_proposed_pair_is_barred_and_nobody_is_asked_twice(
    session: Session, cast: Cast, world: dict[str, Any]
) -> None:
    with session.begin_nested() as example:
        people, made = populate(cast, world)
        everybody = [*people, *(cast.person(one) for one in (cast.ruth, cast.ravi, cast.rosa))]
        bulk = set(relations.barred(session, everybody, made))
        single = {
            (proposal.id, person_id)
            for proposal in made
            for person_id, found in relations.of_people(session, everybody, proposal).items()
            if relations.keeping(found) is not None
        }
        run = computed(cast)
        pairs = pairs_of(run) if run.state == RunState.DONE else set()
        reviewed = {(r.proposal_id, r.reviewer_id) for r in session.scalars(select(Review))}

        assert bulk == single
        assert pairs & (single | reviewed) == set()
        assert run.state == RunState.DONE or run.message
        example.rollback()


def test_what_is_accepted_stays_and_who_declined_is_not_proposed_again(session: Session, cast: Cast) -> None:
    first, second = stage.in_review(cast), stage.in_review(cast)
    stage.assigned(cast, first, cast.ruth)
    refused = reviewing.assign(session, cast.owen, first, person=cast.person(cast.ravi))
    reviewing.refuse(session, cast.ravi, refused, reason="Too busy.")
    session.flush()

    run = computed(cast)

    kept = {(one["proposal"], one["person"]) for one in run.result["pairs"] if one["kept"]}
    assert kept == {(first.id, cast.ruth.person_id)}
    assert {pair for pair in pairs_of(run) if pair[0] == first.id} == {(first.id, cast.rosa.person_id)}
    assert len([pair for pair in pairs_of(run) if pair[0] == second.id]) == 2


def test_a_technical_reviewer_is_found_where_there_is_one_and_missed_aloud(
    session: Session, cast: Cast
) -> None:
    proposals = [stage.in_review(cast) for _ in range(3)]
    technical = ProfileDraft(fields_of_science=("Biology",), kind=expertise.Kind.TECHNICAL, most=2)
    expertise.save(session, cast.rosa, cast.person(cast.rosa), draft=technical)

    run = computed(cast, Wish(1, technical=True))

    assert sum(person == cast.rosa.person_id for _, person in pairs_of(run)) == 2
    (missed,) = seen(cast, run).missed
    assert (missed.role, len(missed.proposals)) == ("technical", 1)
    assert missed.proposals[0].id in {each.id for each in proposals}


def test_lots_show_the_chance_of_each_pair(session: Session, cast: Cast) -> None:
    for _ in range(3):
        stage.in_review(cast)

    run = computed(cast, Wish(1, limit=50))

    assert all(0 < one["chance"] <= 0.5 + 1e-9 for one in run.result["pairs"])


def test_without_a_single_reviewer_the_run_says_so(session: Session, cast: Cast) -> None:
    stage.in_review(cast)
    for name in ("ruth", "ravi", "rosa"):
        cast.people[name].disabled_at = clock.now()
    session.flush()

    run = computed(cast)

    assert (run.state, "no review" in run.message) == (RunState.FAILED, True)


def test_seniors_and_kinds_are_spread_and_what_is_missed_is_told(session: Session, cast: Cast) -> None:
    """Ruth is senior and judges the computing, Ravi and Rosa begin their career."""
    said = {
        cast.ruth: (expertise.Kind.TECHNICAL, Seniority.SENIOR),
        cast.ravi: (expertise.Kind.DOMAIN, Seniority.EARLY),
        cast.rosa: (expertise.Kind.DOMAIN, Seniority.EARLY),
    }
    for actor, (kind, seniority) in said.items():
        draft = ProfileDraft(fields_of_science=("Biology",), kind=kind, most=1, seniority=seniority)
        expertise.save(session, actor, cast.person(actor), draft=draft)
    proposal = stage.in_review(cast)

    met = computed(cast, Wish(2, domain=True, technical=True, senior=True, early=True))
    people = {person for _, person in pairs_of(met)}
    crowded = computed(cast, Wish(3, early=True))

    assert cast.ruth.person_id in people
    assert (len(people), seen(cast, met).missed) == (2, ())
    assert [
        (one.role, one.is_excess, [p.id for p in one.proposals]) for one in seen(cast, crowded).missed
    ] == [("early_career", True, [proposal.id])]


def test_whoever_has_not_said_is_neither_senior_nor_early(session: Session, cast: Cast) -> None:
    stage.in_review(cast)

    run = computed(cast, Wish(2, senior=True, early=True))

    assert [(one.role, one.is_excess) for one in seen(cast, run).missed] == [("senior", False)]
