"""Assigning reviewers: who is offered, who is barred."""

import pytest
from sqlalchemy.orm import Session

from allocations.accounts.projects import ProjectRole
from allocations.kernel.errors import IllegalMove, Invalid, NotAllowed
from allocations.people import roles
from allocations.people.persons import Person
from allocations.people.roles import SYSTEM, Role
from allocations.programme import reviewing, screening, writing
from allocations.programme.reviews import ReviewState
from allocations.programme.writing import Invitee
from tests import cast as stage
from tests.cast import Cast


@pytest.mark.parametrize("who", ["owen", "chen"])
def test_the_office_and_the_chair_invite_a_reviewer(session: Session, cast: Cast, who: str) -> None:
    proposal = stage.in_review(cast)

    review = reviewing.assign(session, getattr(cast, who), proposal, person=cast.person(cast.ruth))

    assert (review.state, review.reviewer.name) == (ReviewState.INVITED, "Ruth")


@pytest.mark.parametrize("who", ["priya", "carlos", "ruth", "sam", "ada"])
def test_nobody_else_invites(session: Session, cast: Cast, who: str) -> None:
    proposal = stage.in_review(cast)

    with pytest.raises(NotAllowed, match="Only the programme office and the panel chair"):
        reviewing.assign(session, getattr(cast, who), proposal, person=cast.person(cast.ruth))


def test_reviewers_are_assigned_only_in_review(session: Session, cast: Cast) -> None:
    proposal = stage.submitted(cast)

    with pytest.raises(NotAllowed, match="while a proposal is in review"):
        reviewing.assign(session, cast.owen, proposal, person=cast.person(cast.ruth))


def test_a_person_without_the_role_is_not_asked(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)

    with pytest.raises(Invalid, match="Sam is not a reviewer"):
        reviewing.assign(session, cast.owen, proposal, person=cast.person(cast.sam))


def test_somebody_on_the_team_never_runs_its_review(session: Session, cast: Cast) -> None:
    roles.grant(session, SYSTEM, cast.people["uma"], role=Role.PROGRAMME_OFFICER)
    cast.refresh_roles()
    proposal = stage.in_review(cast)

    with pytest.raises(NotAllowed, match="Only the programme office"):
        reviewing.assign(session, cast.uma, proposal, person=cast.person(cast.ruth))


@pytest.mark.parametrize(
    ("relation", "words"),
    [
        ("pi", "is on the team"),
        ("member", "is on the team"),
        ("invited", "is on the team"),
        ("house", "is at Northern University, as is Priya"),
        ("house of a member", "is at Somewhere Else, as is Uma"),
        ("homeless", "this is not checked"),
        ("declared", "has declared: We wrote a paper."),
    ],
)
def test_a_reviewer_with_a_conflict_is_not_assigned(
    session: Session, cast: Cast, relation: str, words: str
) -> None:
    person = _related(session, cast, relation)
    if person.id not in {holder.id for holder in roles.holders(session, Role.REVIEWER)}:
        roles.grant(session, SYSTEM, person, role=Role.REVIEWER)
    proposal = stage.draft(cast)
    stage.with_team(cast, proposal)
    if relation == "invited":
        team = [Invitee(m.email, m.role) for m in proposal.team] + [
            Invitee("SAM@example.edu", ProjectRole.USER)
        ]
        writing.save_team(session, cast.priya, proposal, team)
    writing.submit(session, cast.priya, proposal)
    screening.forward(session, cast.owen, proposal)
    if relation == "declared":
        review = stage.assigned(cast, proposal, cast.ruth)
        reviewing.declare_conflict(session, cast.ruth, review, reason="We wrote a paper.")
    session.flush()

    with pytest.raises(Invalid) as refused:
        reviewing.assign(session, cast.owen, proposal, person=person)

    assert words in refused.value.fields["reviewer"]
    offered = {c.person.id: c for c in reviewing.candidates(session, cast.owen, proposal)}
    assert offered[person.id].kept_by is not None


def _related(session: Session, cast: Cast, relation: str) -> Person:
    existing = {"pi": "priya", "member": "carlos", "invited": "sam", "declared": "ruth"}
    if relation in existing:
        return cast.people[existing[relation]]
    if relation == "house of a member":
        cast.people["uma"].institution = cast.people["sam"].institution
    homes = {"house": cast.people["priya"].institution, "house of a member": cast.people["sam"].institution}
    person = Person(name="Rita", email="rita@example.edu", institution=homes.get(relation))
    session.add(person)
    session.flush()
    return person


def test_candidates_stand_by_load_and_those_in_conflict_last(session: Session, cast: Cast) -> None:
    roles.grant(session, SYSTEM, cast.people["carlos"], role=Role.REVIEWER)
    first, second = stage.in_review(cast), stage.in_review(cast)
    stage.assigned(cast, first, cast.ravi)
    session.flush()

    listed = reviewing.candidates(session, cast.owen, second)

    assert [(c.person.name, c.load) for c in listed] == [("Rosa", 0), ("Ruth", 0), ("Ravi", 1), ("Carlos", 0)]


def test_a_reviewer_who_refused_can_be_asked_again(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    review = reviewing.assign(session, cast.owen, proposal, person=cast.person(cast.ruth))
    reviewing.refuse(session, cast.ruth, review, reason="Too busy.")
    session.flush()

    again = reviewing.assign(session, cast.owen, proposal, person=cast.person(cast.ruth))

    assert again is review
    assert review.state == ReviewState.INVITED


def test_a_reviewer_is_not_asked_twice(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    stage.assigned(cast, proposal, cast.ruth)

    with pytest.raises(IllegalMove, match="already accepted"):
        reviewing.assign(session, cast.owen, proposal, person=cast.person(cast.ruth))


def test_an_invitation_is_taken_back(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    review = stage.assigned(cast, proposal, cast.ruth)

    reviewing.unassign(session, cast.chen, review)

    assert review.state == ReviewState.CANCELLED


def test_a_submitted_review_is_not_taken_back(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    review = stage.scored(cast, proposal, cast.ruth)

    with pytest.raises(IllegalMove):
        reviewing.unassign(session, cast.owen, review)


def test_a_reviewer_of_one_call_is_asked_in_that_call_only(session: Session, cast: Cast) -> None:
    sam = cast.people["sam"]
    roles.grant(session, SYSTEM, sam, role=Role.REVIEWER, scope_id=cast.call.id)
    other = stage.in_review(cast, call=stage.open_call(cast))
    proposal = stage.in_review(cast)

    assert sam in {candidate.person for candidate in reviewing.candidates(session, cast.owen, proposal)}
    assert sam not in {candidate.person for candidate in reviewing.candidates(session, cast.owen, other)}
    assert reviewing.assign(session, cast.owen, proposal, person=sam).state == ReviewState.INVITED
    with pytest.raises(Invalid, match="Sam is not a reviewer"):
        reviewing.assign(session, cast.owen, other, person=sam)
