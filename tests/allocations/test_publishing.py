"""What the public learns: accepted awards, and success rates in which nobody can be recognised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from allocations.accounts import awards
from allocations.kernel.errors import NotAllowed
from allocations.people.institutions import Institution, InstitutionKind
from allocations.people.persons import CareerStage, Person
from allocations.programme import publishing
from allocations.programme.proposals import Proposal, State
from allocations.programme.publishing import OTHERS, SMALLEST
from tests import cast as stage
from tests.cast import Cast


def test_an_award_is_public_once_it_is_accepted(session: Session, cast: Cast) -> None:
    award = stage.awarded(cast)
    assert publishing.awards(session) == []

    awards.accept(session, cast.priya, stage.consented(cast, award))
    session.flush()

    (found,) = publishing.awards(session)
    assert (found.title, found.pi, found.abstract) == ("Folding", "Priya", "We fold.")
    assert publishing.awards(session, before=found.id) == []


def test_the_pi_keeps_the_abstract_back_and_shows_it_again(session: Session, cast: Cast) -> None:
    stage.active(cast)
    proposal = session.query(Proposal).one()

    publishing.hide(session, cast.priya, proposal)
    session.flush()
    assert publishing.awards(session)[0].abstract == ""
    publishing.hide(session, cast.priya, proposal)
    session.flush()
    assert publishing.awards(session)[0].abstract == "We fold."


@pytest.mark.parametrize("who", ["carlos", "uma", "owen", "chen", "sam"])
def test_nobody_else_decides_what_is_public(session: Session, cast: Cast, who: str) -> None:
    stage.active(cast)

    with pytest.raises(NotAllowed, match="Only the PI"):
        publishing.hide(session, getattr(cast, who), session.query(Proposal).one())


def _decided(session: Session, cast: Cast, country: str, field: str, *, won: bool) -> None:
    """Rows straight into the database: what counts is the counting."""
    home = Institution(
        name=f"Home {country} {field} {won} {session.query(Institution).count()}", country=country
    )
    person = Person(name="A", email=f"a{session.query(Person).count()}@example.edu", institution=home)
    proposal = Proposal(call=cast.call, pi=person, title="T", fields_of_science=[field])
    proposal.state = State.AWARDED if won else State.DECLINED
    session.add(proposal)
    session.flush()


def test_small_groups_are_put_together(session: Session, cast: Cast) -> None:
    for number in range(12):
        _decided(session, cast, "US", "Physics", won=number % 2 == 0)
    for country in ("FR", "DE"):
        for number in range(3):
            _decided(session, cast, country, "Biology", won=number == 0)

    found = publishing.statistics(session, cast.owen, cast.call)

    assert [(s.group, s.applied, s.awarded) for s in found["Country"]] == [("US", 12, 6), (OTHERS, 6, 2)]
    assert [(s.group, s.applied) for s in found["Field of science"]] == [("Physics", 12), ("Biology", 6)]
    assert found["All"][0].percent == 44


def test_few_decisions_tell_nothing(session: Session, cast: Cast) -> None:
    for _ in range(2 * SMALLEST - 1):
        _decided(session, cast, "US", "Physics", won=True)

    assert publishing.statistics(session, cast.owen, cast.call) == {}


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.lists(st.booleans(), min_size=1), max_size=8))
def test_no_group_that_is_told_is_small_and_nobody_is_lost(groups: dict[str, list[bool]]) -> None:
    lines = publishing.suppressed(groups)

    assert all(line.applied >= SMALLEST for line in lines)
    if lines:
        assert sum(line.applied for line in lines) == sum(len(won) for won in groups.values())
        assert sum(line.awarded for line in lines) == sum(sum(won) for won in groups.values())


def _applied(
    session: Session,
    cast: Cast,
    count: int,
    *,
    kind: InstitutionKind | None = None,
    stage_: CareerStage | None = None,
    won: int = 0,
) -> None:
    for number in range(count):
        _decided(session, cast, "US", "Physics", won=number < won)
        newest = session.query(Proposal).order_by(Proposal.id.desc()).first()
        assert newest is not None
        assert newest.pi.institution is not None
        newest.pi.institution.kind, newest.pi.career_stage = kind, stage_
    session.flush()


def test_kinds_of_institution_are_told_apart_in_groups(session: Session, cast: Cast) -> None:
    _applied(session, cast, 6, kind=InstitutionKind.UNIVERSITY, won=3)
    _applied(session, cast, 5, kind=InstitutionKind.TEACHING, won=1)
    _applied(session, cast, 4, kind=InstitutionKind.HOSPITAL, won=4)
    _applied(session, cast, 2)

    lines = publishing.statistics(session, cast.owen, cast.call)["Kind of institution"]

    assert [(line.group, line.applied, line.awarded) for line in lines] == [
        ("University", 6, 3),
        ("Teaching-focused university or college", 5, 1),
        (OTHERS, 6, 4),
    ]


def test_one_small_kind_is_not_found_by_taking_the_others_from_the_sum(session: Session, cast: Cast) -> None:
    _applied(session, cast, 9, kind=InstitutionKind.UNIVERSITY, won=3)
    _applied(session, cast, 6, kind=InstitutionKind.TEACHING, won=1)
    _applied(session, cast, 4, kind=InstitutionKind.COMPANY, won=4)

    lines = publishing.statistics(session, cast.owen, cast.call)["Kind of institution"]

    assert [(line.group, line.applied) for line in lines] == [("University", 9), (OTHERS, 10)]


def test_who_prefers_not_to_say_counts_with_those_who_said_nothing(session: Session, cast: Cast) -> None:
    _applied(session, cast, 6, stage_=CareerStage.POSTDOC, won=2)
    _applied(session, cast, 3, stage_=CareerStage.NOT_SAID, won=1)
    _applied(session, cast, 4)

    lines = publishing.statistics(session, cast.owen, cast.call)["Career stage"]

    assert [(line.group, line.applied, line.awarded) for line in lines] == [
        ("Not told", 7, 1),
        ("Postdoc", 6, 2),
    ]


def test_a_table_that_would_tell_of_one_group_alone_is_left_out(session: Session, cast: Cast) -> None:
    _applied(session, cast, 12, stage_=CareerStage.STUDENT, won=2)
    _applied(session, cast, 1, stage_=CareerStage.ESTABLISHED, won=1)

    assert publishing.statistics(session, cast.owen, cast.call)["Career stage"] == []


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.lists(st.booleans(), min_size=1), max_size=8))
def test_what_is_left_out_is_never_one_group_nor_few_people(groups: dict[str, list[bool]]) -> None:
    """All that the total gives away is the sum of at least two groups and at least five people."""
    lines = publishing.suppressed(groups)
    named = {line.group for line in lines} & set(groups)
    hidden = {name: won for name, won in groups.items() if name not in named}

    rest = sum(map(len, groups.values())) - sum(len(groups[name]) for name in named)
    assert not hidden or (len(hidden) > 1 and rest >= SMALLEST) or not lines
