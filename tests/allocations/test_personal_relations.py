"""Personal relations: stated by people of themselves, and what they do to reviews, lists and pages."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import IllegalMove, Invalid, NotAllowed, NotFound
from allocations.people import personal_relations
from allocations.people.personal_relations import MOST, PersonalRelation, RelationDraft, RelationKind
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import proposals, relations, reviewing, reviews
from allocations.programme.conflicts import WINDOW
from allocations.programme.proposals import Proposal
from allocations.programme.relations import Kind
from tests import cast as stage
from tests.cast import Cast

ORCID = "0000-0002-1825-0097"
CLOSEST = (RelationKind.SUPERVISOR, RelationKind.STUDENT, RelationKind.FAMILY)


def state(
    session: Session, cast: Cast, who: str, kind: RelationKind, about: str, *, until: date | None = None
) -> PersonalRelation:
    """By the address of the other's account."""
    actor: Actor = getattr(cast, who)
    other = cast.people[about]
    draft = RelationDraft(kind, other.name, email=other.email.upper(), until=until)
    made = personal_relations.declare(session, actor, cast.person(actor), draft=draft)
    session.flush()
    return made


def kinds(session: Session, person: Person, proposal: Proposal) -> dict[Kind, bool]:
    listed = relations.of_people(session, [person], proposal)[person.id]
    return {each.kind: each.stands for each in listed if each.kind != Kind.PAPERS_UNCHECKED}


@pytest.mark.parametrize("kind", CLOSEST)
def test_what_a_reviewer_states_bars_and_closes_the_proposal(
    session: Session, cast: Cast, kind: RelationKind
) -> None:
    proposal = stage.in_review(cast)
    stage.assigned(cast, proposal, cast.ruth)
    assert proposals.get(session, cast.ruth, proposal.ref)

    state(session, cast, "ruth", kind, "carlos")

    assert kinds(session, cast.person(cast.ruth), proposal) == {Kind.PERSONAL: True}
    with pytest.raises(IllegalMove, match="nothing that a waiver"):
        reviewing.waive(session, cast.owen, proposal, person=cast.person(cast.ruth), reason="Long ago.")
    with pytest.raises(NotFound):
        proposals.get(session, cast.ruth, proposal.ref)
    assert reviews.page(session, cast.ruth) == []
    assert proposal not in proposals.page(session, cast.ruth)


def test_a_chair_who_was_the_supervisor_sees_neither_page_nor_line(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    assert proposal in proposals.page(session, cast.chen)

    state(session, cast, "chen", RelationKind.STUDENT, "priya")

    assert proposal not in proposals.page(session, cast.chen)


@pytest.mark.parametrize("kind", [*CLOSEST, RelationKind.COLLABORATOR])
def test_what_the_team_states_needs_a_waiver_and_takes_no_review_away(
    session: Session, cast: Cast, kind: RelationKind
) -> None:
    proposal = stage.in_review(cast)
    stage.assigned(cast, proposal, cast.ruth)

    state(session, cast, "carlos", kind, "ruth")

    assert kinds(session, cast.person(cast.ruth), proposal) == {Kind.NAMED: True}
    assert proposals.get(session, cast.ruth, proposal.ref)
    reviewing.waive(session, cast.owen, proposal, person=cast.person(cast.ruth), reason="They never met.")
    session.flush()
    assert kinds(session, cast.person(cast.ruth), proposal) == {Kind.NAMED: False}


@pytest.mark.parametrize("kind", list(RelationKind))
def test_theses_are_never_forgotten_and_the_rest_is(session: Session, cast: Cast, kind: RelationKind) -> None:
    proposal, ruth = stage.in_review(cast), cast.person(cast.ruth)
    stage.assigned(cast, proposal, cast.ruth)
    ended = clock.today() - WINDOW
    made = state(session, cast, "ruth", kind, "priya", until=ended)
    assert len(kinds(session, ruth, proposal)) == 1

    made.until = ended - timedelta(days=1)
    session.flush()

    lasting = kind in personal_relations.FOR_EVER
    assert bool(kinds(session, ruth, proposal)) == lasting
    assert (proposal in proposals.page(session, cast.ruth)) != lasting


def test_an_orcid_id_finds_an_account_that_comes_later(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    for who in ("ruth", "carlos"):
        draft = RelationDraft(RelationKind.SUPERVISOR, "Somebody", f"https://orcid.org/{ORCID}")
        actor: Actor = getattr(cast, who)
        personal_relations.declare(session, actor, cast.person(actor), draft=draft)
    session.flush()
    assert kinds(session, cast.person(cast.ruth), proposal) == {}

    cast.people["priya"].orcid = ORCID
    session.flush()
    assert kinds(session, cast.person(cast.ruth), proposal) == {Kind.PERSONAL: True}
    assert proposal not in proposals.page(session, cast.ruth)

    cast.people["priya"].orcid, cast.people["ravi"].orcid = "", ORCID
    session.flush()
    assert kinds(session, cast.person(cast.ravi), proposal) == {Kind.NAMED: True}


@pytest.mark.parametrize("who", ["ruth", "priya"])
def test_a_bare_name_is_told_and_bars_nobody(session: Session, cast: Cast, who: str) -> None:
    proposal = stage.in_review(cast)
    cast.people["ruth"].name, cast.people["priya"].name = "Ruth Roe", "Priya Nair"
    actor: Actor = getattr(cast, who)
    other = "Nair, P." if who == "ruth" else "R. Roe"
    draft = RelationDraft(RelationKind.FAMILY, other)
    personal_relations.declare(session, actor, cast.person(actor), draft=draft)
    session.flush()

    (found,) = (
        each
        for each in relations.of_people(session, [cast.person(cast.ruth)], proposal)[cast.ruth.person_id or 0]
        if each.kind != Kind.PAPERS_UNCHECKED
    )
    assert (found.kind, found.stands) == (Kind.NAMESAKE, False)
    assert "family" not in found.evidence
    assert "close to them" in found.evidence


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (RelationDraft(RelationKind.FAMILY, "  "), "name"),
        (RelationDraft(RelationKind.FAMILY, "x" * 201), "name"),
        (RelationDraft(RelationKind.FAMILY, "Me", "0000-0001-5109-3700"), "orcid"),
        (RelationDraft(RelationKind.FAMILY, "A B", "0000-0002-1825-0098"), "orcid"),
        (RelationDraft(RelationKind.FAMILY, "Me", email="RUTH@example.edu"), "email"),
        (
            RelationDraft(RelationKind.FAMILY, "A B", since=date(2024, 2, 2), until=date(2024, 2, 1)),
            "until",
        ),
    ],
)
def test_each_mistake_is_said_at_its_field(
    session: Session, cast: Cast, draft: RelationDraft, field: str
) -> None:
    cast.people["ruth"].orcid = "0000-0001-5109-3700"
    with pytest.raises(Invalid) as refused:
        personal_relations.declare(session, cast.ruth, cast.person(cast.ruth), draft=draft)

    assert set(refused.value.fields) == {field}


def test_everybody_states_their_own_and_no_more_than_fits(session: Session, cast: Cast) -> None:
    made = state(session, cast, "ruth", RelationKind.FAMILY, "carlos")
    with pytest.raises(IllegalMove, match="already"):
        state(session, cast, "ruth", RelationKind.FAMILY, "carlos")
    with pytest.raises(NotAllowed):
        personal_relations.of_person(session, cast.owen, cast.person(cast.ruth))
    with pytest.raises(NotFound):
        personal_relations.withdraw(session, cast.sam, cast.person(cast.sam), relation_id=made.id)
    personal_relations.withdraw(session, cast.ruth, cast.person(cast.ruth), relation_id=made.id)
    for n in range(MOST):
        draft = RelationDraft(RelationKind.COLLABORATOR, f"A{n} B")
        personal_relations.declare(session, cast.ruth, cast.person(cast.ruth), draft=draft)
        session.flush()
    with pytest.raises(IllegalMove, match="no more fit"):
        state(session, cast, "ruth", RelationKind.FAMILY, "carlos")


def test_the_trail_does_not_say_whom_a_relation_names(session: Session, cast: Cast) -> None:
    made = state(session, cast, "ruth", RelationKind.FAMILY, "carlos")
    personal_relations.withdraw(session, cast.ruth, cast.person(cast.ruth), relation_id=made.id)
    session.flush()

    written = session.scalars(select(AuditEntry).where(AuditEntry.verb.like("personal_relation.%"))).all()
    assert [(entry.subject, entry.note) for entry in written] == [(cast.person(cast.ruth).ref, "family")] * 2


def test_who_has_an_account_is_not_told(session: Session, cast: Cast) -> None:
    for email, known in (("carlos@example.edu", True), ("nobody@example.edu", False)):
        draft = RelationDraft(RelationKind.STUDENT, f"Name {known}", email=email)
        made = personal_relations.declare(session, cast.ruth, cast.person(cast.ruth), draft=draft)
        session.flush()
        assert (made.other_id is not None) == known
        assert (made.other_name, made.other_orcid) == (f"Name {known}", "")
