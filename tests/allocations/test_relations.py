"""What the portal knows between people and proposals, and what each relation does to a review."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from allocations.accounts import projects
from allocations.kernel import clock
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotAllowed, NotFound
from allocations.people import roles
from allocations.people.persons import Person
from allocations.people.roles import SYSTEM, Role
from allocations.programme import relations, reviewing, writing
from allocations.programme.conflicts import WINDOW
from allocations.programme.proposals import Proposal
from allocations.programme.relations import Kind
from tests import cast as stage
from tests.cast import Cast
from tests.guards.statements import listened


def _kinds(session: Session, person: Person, proposal: Proposal) -> dict[Kind, bool]:
    """Kind -> whether it keeps the person from reviewing; nobody here has publications to compare."""
    found = relations.of_people(session, [person], proposal)[person.id]
    kinds = {relation.kind: relation.stands for relation in found}
    assert not kinds.pop(Kind.PAPERS_UNCHECKED, False)
    return kinds


def test_a_stranger_has_no_relation(session: Session, cast: Cast) -> None:
    proposal = stage.submitted(cast)

    assert _kinds(session, cast.person(cast.ruth), proposal) == {}


def test_members_of_one_project_do_not_review_each_other_also_after_one_has_left(
    session: Session, cast: Cast
) -> None:
    project, proposal = stage.active(cast), stage.submitted(cast)
    ruth = cast.person(cast.ruth)
    projects.add_member(session, cast.priya, project, person=ruth, role=projects.ProjectRole.USER)
    session.flush()
    assert _kinds(session, ruth, proposal) == {Kind.PROJECT: True}

    member = next(m for m in project.members if m.person is ruth)
    projects.remove_member(session, cast.priya, project, member)
    session.flush()

    assert _kinds(session, ruth, proposal) == {Kind.PROJECT: True}
    with clock.at(clock.now() + WINDOW + timedelta(days=1)):
        assert _kinds(session, ruth, proposal) == {}


def test_having_written_a_proposal_together_needs_a_waiver(session: Session, cast: Cast) -> None:
    earlier = stage.draft(cast, pi=cast.ruth, call=stage.open_call(cast))
    invitee = [writing.Invitee("carlos@example.edu", projects.ProjectRole.CO_PI)]
    writing.save_team(session, cast.ruth, earlier, invitee)
    session.flush()
    proposal = stage.submitted(cast)
    assert _kinds(session, cast.person(cast.ruth), proposal) == {}, "Carlos has not accepted"

    stage.teams.accept(session, cast.carlos, earlier.team[0])
    session.flush()

    assert _kinds(session, cast.person(cast.ruth), proposal) == {Kind.PROPOSAL: True}


def test_an_applicant_of_the_same_call_and_an_operator_are_told_and_not_barred(
    session: Session, cast: Cast
) -> None:
    rival = stage.draft(cast, pi=cast.ruth)
    writing.submit(session, cast.ruth, rival)
    proposal = stage.submitted(cast)

    assert _kinds(session, cast.person(cast.ruth), proposal) == {Kind.COMPETITOR: False}
    assert _kinds(session, cast.person(cast.pat), proposal) == {Kind.PROVIDER: False}


@pytest.mark.parametrize("mark", ["email", "orcid"])
def test_another_account_of_somebody_on_the_team_is_barred(session: Session, cast: Cast, mark: str) -> None:
    carlos, ruth = cast.person(cast.carlos), cast.person(cast.ruth)
    carlos.orcid = "0000-0002-1825-0097"
    proposal = stage.submitted(cast)
    if mark == "orcid":
        ruth.orcid = carlos.orcid
    else:
        ruth.email, proposal.team[0].email = "CARLOS@example.edu", "old@example.edu"
    session.flush()

    assert _kinds(session, ruth, proposal) == {Kind.ACCOUNT: True}


def _colleague(session: Session, cast: Cast) -> Person:
    """A reviewer at Priya's university."""
    person = Person(name="Rita", email="rita@example.edu", institution=cast.people["priya"].institution)
    session.add(person)
    session.flush()
    roles.grant(session, SYSTEM, person, role=Role.REVIEWER)
    session.flush()
    return person


def test_an_officer_waives_an_institution_with_a_reason_and_the_colleague_can_be_asked(
    session: Session, cast: Cast
) -> None:
    rita, proposal = _colleague(session, cast), stage.in_review(cast)
    with pytest.raises(Invalid, match="is at Northern University"):
        reviewing.assign(session, cast.owen, proposal, person=rita)
    with pytest.raises(Incomplete):
        reviewing.waive(session, cast.owen, proposal, person=rita, reason=" ")

    reviewing.waive(session, cast.owen, proposal, person=rita, reason="Another faculty, 300 km away.")
    session.flush()

    assert _kinds(session, rita, proposal) == {Kind.INSTITUTION: False}
    assert reviewing.assign(session, cast.owen, proposal, person=rita).reviewer is rita
    with pytest.raises(IllegalMove, match="nothing that a waiver"):
        reviewing.waive(session, cast.owen, proposal, person=rita, reason="Again.")


def test_a_waiver_ends_and_covers_no_other_proposal(session: Session, cast: Cast) -> None:
    rita, proposal = _colleague(session, cast), stage.in_review(cast)
    reviewing.waive(session, cast.owen, proposal, person=rita, reason="Another faculty.")
    other = stage.in_review(cast)

    assert _kinds(session, rita, other) == {Kind.INSTITUTION: True}
    with clock.at(clock.now() + WINDOW + timedelta(days=1)):
        assert _kinds(session, rita, proposal) == {Kind.INSTITUTION: True}


def test_nobody_lifts_a_bar_and_only_officers_waive(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    carlos, rita = cast.person(cast.carlos), _colleague(session, cast)
    with pytest.raises(IllegalMove, match="nothing that a waiver"):
        reviewing.waive(session, cast.owen, proposal, person=carlos, reason="He is honest.")
    for actor in (cast.chen, cast.ruth, cast.priya):
        with pytest.raises(NotAllowed):
            reviewing.waive(session, actor, proposal, person=rita, reason="I like her.")


def test_a_reviewer_without_an_institution_counts_as_unchecked(session: Session, cast: Cast) -> None:
    homeless = Person(name="Hal", email="hal@example.edu")
    session.add(homeless)
    session.flush()
    proposal = stage.submitted(cast)

    assert _kinds(session, homeless, proposal) == {Kind.UNCHECKED: True}


def test_the_list_of_candidates_names_each_of_them_once(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)

    listed = reviewing.candidates(session, cast.owen, proposal)

    assert [c.person.name for c in listed] == ["Ravi", "Rosa", "Ruth"]
    assert reviewing.candidate(session, cast.owen, proposal, person_id=listed[0].person.id) == listed[0]
    with pytest.raises(NotFound):
        reviewing.candidate(session, cast.owen, proposal, person_id=cast.people["sam"].id)


def test_statements_do_not_grow_with_people(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    counts = []
    for number in (1, 40):
        people = [Person(name=f"P{n}", email=f"p{n}-{number}@example.edu") for n in range(number)]
        session.add_all(people)
        session.flush()
        with listened(session.get_bind()) as heard:  # type: ignore[arg-type]
            relations.of_people(session, people, proposal)
        counts.append(len(heard))

    assert counts[0] == counts[1] <= 10
