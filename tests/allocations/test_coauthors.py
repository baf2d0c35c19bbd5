"""Who has published with whom, and what that does to a review."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.kernel.errors import Invalid
from allocations.people import names, orcids
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import authorship, coauthors, publications, relations, reviewing
from allocations.programme.authorship import Author
from allocations.programme.proposals import Proposal
from allocations.programme.publications import PublicationDraft
from allocations.programme.relations import Kind
from tests import cast as stage
from tests.cast import Cast
from tests.guards.statements import listened

RUTH, CARLOS = "0000-0002-1825-0097", "0000-0001-5109-3700"


def publish(
    session: Session, cast: Cast, actor: Actor, *, doi: str = "", authors: str = "", ago: int = 1
) -> None:
    year = clock.today().year - ago
    draft = PublicationDraft("On clouds", "", year, doi, authors)
    publications.add(session, actor, cast.person(actor), draft=draft)
    session.flush()


def found(session: Session, person: Person, proposal: Proposal) -> dict[Kind, str]:
    """Kind -> the evidence."""
    listed = relations.of_people(session, [person], proposal)[person.id]
    return {relation.kind: relation.evidence for relation in listed}


@pytest.fixture
def proposal(session: Session, cast: Cast) -> Proposal:
    """Priya's, with Carlos; people have two names here, as they have outside."""
    for name, whole in (("ruth", "Ruth Roe"), ("priya", "Priya Nair"), ("carlos", "Carlos Ortega")):
        cast.people[name].name = whole
    made = stage.in_review(cast)
    session.flush()
    return made


def test_without_lists_it_is_said_that_nobody_could_check_and_nobody_is_barred(
    session: Session, cast: Cast, proposal: Proposal
) -> None:
    ruth = cast.person(cast.ruth)
    assert "so co-authorship is not checked" in found(session, ruth, proposal)[Kind.PAPERS_UNCHECKED]

    publish(session, cast, cast.ruth, doi="10.1000/1")
    assert "the team has no recent" in found(session, ruth, proposal)[Kind.PAPERS_UNCHECKED]
    assert reviewing.assign(session, cast.owen, proposal, person=ruth)

    publish(session, cast, cast.carlos, doi="10.1000/2")
    assert found(session, ruth, proposal) == {}


def test_a_list_that_is_older_than_the_window_checks_nothing(
    session: Session, cast: Cast, proposal: Proposal
) -> None:
    for actor in (cast.ruth, cast.priya):
        publish(session, cast, actor, doi="10.1000/1", ago=coauthors.YEARS + 1)

    assert set(found(session, cast.person(cast.ruth), proposal)) == {Kind.PAPERS_UNCHECKED}


def test_one_doi_in_two_lists_needs_a_waiver_and_is_forgotten_after_some_years(
    session: Session, cast: Cast, proposal: Proposal
) -> None:
    ruth = cast.person(cast.ruth)
    publish(session, cast, cast.ruth, doi="https://doi.org/10.1000/ABC")
    publish(session, cast, cast.carlos, doi="10.1000/abc")
    year = clock.today().year - 1

    told = found(session, ruth, proposal)
    assert told == {Kind.COAUTHOR: f"has published with Carlos Ortega in {year} (doi:10.1000/abc)"}
    with pytest.raises(Invalid, match="has published with Carlos"):
        reviewing.assign(session, cast.owen, proposal, person=ruth)
    reviewing.waive(session, cast.owen, proposal, person=ruth, reason="One of 3,000 authors.")
    assert reviewing.assign(session, cast.owen, proposal, person=ruth)
    with clock.at(clock.now() + timedelta(days=366 * coauthors.YEARS)):
        assert Kind.COAUTHOR not in found(session, ruth, proposal)


@pytest.mark.parametrize("whose", ["ruth", "carlos"])
def test_an_orcid_id_among_the_authors_is_enough_whoever_has_the_list(
    session: Session, cast: Cast, proposal: Proposal, whose: str
) -> None:
    cast.people["ruth"].orcid, cast.people["carlos"].orcid = RUTH, CARLOS
    other = CARLOS if whose == "ruth" else RUTH
    publish(session, cast, getattr(cast, whose), authors=f"Somebody (https://orcid.org/{other})")

    assert Kind.COAUTHOR in found(session, cast.person(cast.ruth), proposal)


@pytest.mark.parametrize("whose", ["ruth", "carlos"])
@pytest.mark.parametrize(("fields", "kind"), [(["Physics"], Kind.COAUTHOR), ([], Kind.NAMESAKE)])
def test_a_name_counts_with_a_second_signal_only(
    session: Session, cast: Cast, proposal: Proposal, whose: str, fields: list[str], kind: Kind
) -> None:
    cast.people["ruth"].fields_of_science = cast.people["carlos"].fields_of_science = fields
    proposal.fields_of_science = []
    named = "Ortega, C. and Stone, S." if whose == "ruth" else "R. Roe; S. Stone"
    publish(session, cast, getattr(cast, whose), authors=named)

    listed = relations.of_people(session, [cast.person(cast.ruth)], proposal)
    (relation,) = (each for each in listed[cast.ruth.person_id or 0] if each.kind != Kind.PAPERS_UNCHECKED)
    assert relation.kind == kind
    assert relation.stands == bool(fields)
    assert "Carlos Ortega" in relation.evidence


def test_another_given_name_or_an_invited_member_is_nobody(
    session: Session, cast: Cast, proposal: Proposal
) -> None:
    publish(session, cast, cast.ruth, authors="Ortega, Claudia; Nair, Prakash; Uma")

    assert set(found(session, cast.person(cast.ruth), proposal)) == {Kind.PAPERS_UNCHECKED}


def test_statements_do_not_grow_with_people_proposals_and_papers(
    session: Session, cast: Cast, proposal: Proposal
) -> None:
    counts = []
    for number in (1, 8):
        people = [Person(name=f"Ann P{n}", email=f"p{n}-{number}@example.edu") for n in range(number)]
        session.add_all(people)
        made = [proposal, *(stage.in_review(cast) for _ in range(number))]
        session.flush()
        for _ in range(number):
            publish(session, cast, cast.ruth, doi=f"10.1000/{number}.{_}", authors="Ann P1; Carlos Ortega")
        everybody = [*people, cast.person(cast.ruth)]
        list(relations.of_proposals(session, everybody, made))
        with listened(session.get_bind()) as heard:  # type: ignore[arg-type]
            assert len(list(relations.of_proposals(session, everybody, made))) == len(made)
        counts.append(len(heard))

    assert counts == [5, 5]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ruth Roe", "Roe, Ruth", True),
        ("Ruth Roe", "R. Roe", True),
        ("Ruth Roe", "Roe RS", True),
        ("Dr. Ruth M. Roe", "Ruth Roe", True),
        ("José García-López", "Garcia-Lopez, J.", True),
        ("Jan van der Berg", "van der Berg, Jan", True),
        ("Ruth Roe", "Rita Roe", False),
        ("Ruth Roe", "Ruth Rowe", False),
        ("Jing Wang", "Jun Wang", False),
    ],
)
def test_names_are_compared_as_journals_write_them(one: str, other: str, same: bool) -> None:
    first, second = names.parsed(one), names.parsed(other)

    assert first is not None
    assert second is not None
    assert first.may_be(second) == second.may_be(first) == same


@pytest.mark.parametrize("text", ["", "Ruth", "Roe,", ", Ruth", "Dr. Roe", "...", "\u0301 \u0301"])
def test_half_a_name_is_compared_with_nothing(text: str) -> None:
    assert names.parsed(text) is None


def test_authors_are_read_from_every_format_and_kept_as_lines() -> None:
    wanted = "Roe, Ruth\nStone, S."
    bibtex = "@article{a, title={T}, year=2024, author={Roe, Ruth and Stone, S. and others}}"
    ris = "TY  - JOUR\nTI  - T\nAU  - Roe, Ruth\nAU  - Stone, S.\nPY  - 2024\nER  - \n"
    csv = 'title,year,authors\nT,2024,"Roe, Ruth; Stone, S."\n'

    assert [publications.read(text).drafts[0].authors for text in (bibtex, ris, csv)] == [wanted] * 3
    assert authorship.read(f"Roe [ORCID: {RUTH}]\n{CARLOS}") == (Author("Roe", RUTH), Author("", CARLOS))
    assert len(authorship.read("A B;" * 5000)) == authorship.MOST


@pytest.mark.parametrize("wrong", ["0000-0002-1825-0098", "0000-0002-1825-009", "x", "٠٠٠٠-0002-1825-0097"])
def test_an_orcid_id_has_a_check_digit(wrong: str) -> None:
    assert orcids.found_in(f"see {wrong}") == ""
    assert orcids.found_in("https://orcid.org/0000-0002-1694-233x") == "0000-0002-1694-233X"
