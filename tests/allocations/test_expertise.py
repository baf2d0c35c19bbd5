"""Reviewer profiles, their publications, and who can take a review today."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from allocations.kernel import clock
from allocations.kernel.errors import IllegalMove, Invalid, NotAllowed, NotFound, Stale
from allocations.people import roles
from allocations.people.roles import SYSTEM, Actor, Role
from allocations.programme import expertise, publications, reviewers, reviewing
from allocations.programme.expertise import ProfileDraft, ReviewerProfile, Seniority
from allocations.programme.publications import Listed, PublicationDraft
from allocations.programme.reviewers import Availability, Search
from tests import cast as stage
from tests.cast import Cast

DAY = timedelta(days=1)
PAPER = PublicationDraft("On clouds", "They float.", 2024, "https://doi.org/10.1000/ABC")


def saved(session: Session, cast: Cast, actor: Actor, **values: object) -> ReviewerProfile:
    draft = ProfileDraft(**{"fields_of_science": ("Mathematics",), **values})  # type: ignore[arg-type]
    profile = expertise.save(session, actor, cast.person(actor), draft=draft)
    session.flush()
    return profile


def test_a_reviewer_writes_a_profile_which_confirms_it(session: Session, cast: Cast) -> None:
    profile = saved(session, cast, cast.ruth, keywords="clouds", most=2)

    assert (profile.keywords, profile.most, profile.confirmed_at is not None) == ("clouds", 2, True)
    with pytest.raises(IllegalMove, match="today already"):
        expertise.confirm(session, cast.ruth, cast.person(cast.ruth))
    with clock.at(clock.now() + 9 * DAY):
        expertise.confirm(session, cast.ruth, cast.person(cast.ruth))
    assert profile.confirmed_at.date() == clock.today() + 9 * DAY  # type: ignore[union-attr]


@pytest.mark.parametrize(("who", "words"), [("owen", "by the reviewer alone"), ("sam", "Only reviewers")])
def test_nobody_else_writes_it(session: Session, cast: Cast, who: str, words: str) -> None:
    actor = getattr(cast, who)
    person = cast.person(cast.sam if who == "sam" else cast.ruth)

    with pytest.raises(NotAllowed, match=words):
        expertise.save(session, actor, person, draft=ProfileDraft(("Mathematics",)))


def test_publications_are_kept_by_everybody_for_themselves(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed, match="their own list"):
        publications.add(session, cast.owen, cast.person(cast.sam), draft=PAPER)

    publications.add(session, cast.sam, cast.person(cast.sam), draft=PAPER)
    session.flush()

    assert [each.person.name for each in reviewers.everybody(session, cast.owen, cast.call.id)] == [
        "Ravi",
        "Rosa",
        "Ruth",
    ], "a list makes nobody a reviewer"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"fields_of_science": ()}, "fields_of_science"),
        ({"most": 0}, "most"),
        ({"most": 31}, "most"),
        ({"keywords": "x" * 501}, "keywords"),
        ({"away_from": clock.today()}, "away_until"),
        ({"away_from": clock.today(), "away_until": clock.today() - DAY}, "away_until"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    session: Session, cast: Cast, values: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        saved(session, cast, cast.ruth, **values)

    assert set(refused.value.fields) == {field}


def test_an_older_reading_does_not_replace_a_newer_profile(session: Session, cast: Cast) -> None:
    person, draft = cast.person(cast.ruth), ProfileDraft(("Mathematics",), "mine")
    first = expertise.save(session, cast.ruth, person, draft=draft, version=0)
    session.flush()

    with pytest.raises(Stale):
        expertise.save(session, cast.ruth, person, draft=draft, version=0)
    assert expertise.save(session, cast.ruth, person, draft=draft, version=first.version) is first


def test_a_publication_is_there_once_and_can_be_removed(session: Session, cast: Cast) -> None:
    ruth = cast.person(cast.ruth)
    added = publications.add(session, cast.ruth, ruth, draft=PAPER)
    session.flush()

    assert added.doi == "10.1000/abc"
    with pytest.raises(IllegalMove, match="in your list already"):
        publications.add(session, cast.ruth, ruth, draft=PAPER)
    ravi = cast.person(cast.ravi)
    with pytest.raises(NotFound):
        publications.remove(session, cast.ravi, ravi, publication_id=added.id)
    publications.remove(session, cast.ruth, ruth, publication_id=added.id)
    assert expertise.texts(session, [ruth.id]) == {ruth.id: ()}


def test_a_list_is_taken_in_whole_or_without_its_refused_lines(session: Session, cast: Cast) -> None:
    ruth, listed = cast.person(cast.ruth), publications.read("title,year\nA,2020\nB,20\na,2020\nC,2021\n")

    with pytest.raises(Invalid, match="1 line cannot be taken in"):
        publications.take_in(session, cast.ruth, ruth, listed=listed)
    first = publications.take_in(session, cast.ruth, ruth, listed=listed, leave_out=True)
    session.flush()
    again = publications.take_in(session, cast.ruth, ruth, listed=listed, leave_out=True)

    assert ((first.added, first.known), (again.added, again.known)) == ((2, 1), (0, 3))
    assert expertise.texts(session, [ruth.id, 10**6]) == {ruth.id: ("C", "A"), 10**6: ()}


def test_at_most_sixty_fit(session: Session, cast: Cast) -> None:
    ruth = cast.person(cast.ruth)
    drafts = [PublicationDraft(f"Number {n}", "", 2020) for n in range(61)]

    with pytest.raises(Invalid, match="at most 60 fit"):
        publications.take_in(session, cast.ruth, ruth, listed=Listed(tuple(drafts), ()))
    publications.take_in(session, cast.ruth, ruth, listed=Listed(tuple(drafts[:60]), ()))
    with pytest.raises(Invalid, match="at most 60 fit"):
        publications.add(session, cast.ruth, ruth, draft=drafts[60])


def test_the_reviewers_of_a_call_are_found_by_what_they_said(session: Session, cast: Cast) -> None:
    saved(session, cast, cast.ruth, keywords="100% clouds", most=1)
    saved(session, cast, cast.ravi, away_until=clock.today() + 3 * DAY)
    stage.assigned(cast, stage.in_review(cast), cast.ruth)
    session.flush()

    def names(search: Search, after: int | None = None, size: int = 50) -> list[str]:
        found = reviewers.page(session, cast.chen, cast.call, search=search, after=after, size=size)
        return [one.person.name for one in found]

    assert names(Search()) == ["Ravi", "Rosa", "Ruth"]
    assert names(Search(), size=1) + names(Search(), after=cast.ravi.person_id) == ["Ravi", "Rosa", "Ruth"]
    assert (names(Search("0% C")), names(Search("RUT")), names(Search("_"))) == (["Ruth"], ["Ruth"], [])
    assert (names(Search("math")), names(Search(field="Math"))) == (["Ravi", "Ruth"], [])
    assert (names(Search(field="Mathematics")), names(Search(only_available=True))) == (
        ["Ravi", "Ruth"],
        ["Rosa"],
    )
    shown = {one.person.name: one for one in reviewers.everybody(session, cast.owen, cast.call.id)}
    kinds = {name: one.availability for name, one in shown.items()}
    full, free = Availability.FULL, Availability.AVAILABLE
    assert kinds == {"Ruth": full, "Ravi": Availability.AWAY, "Rosa": free}
    assert (shown["Ruth"].load, shown["Rosa"].most) == (1, 6)
    assert reviewers.by_field(session, cast.owen, cast.call) == {"Mathematics": 2, "": 1}


@pytest.mark.parametrize("who", ["ruth", "priya", "ada"])
def test_others_do_not_see_them(session: Session, cast: Cast, who: str) -> None:
    with pytest.raises(NotAllowed, match="Only programme officers and the chair"):
        reviewers.page(session, getattr(cast, who), cast.call)


def test_a_chair_who_applies_does_not_see_who_carries_her_own_proposal(session: Session, cast: Cast) -> None:
    stage.assigned(cast, stage.in_review(cast, pi=cast.priya), cast.ruth)
    roles.grant(session, SYSTEM, cast.people["priya"], role=Role.PANEL_CHAIR, scope_id=cast.call.id)
    session.flush()
    cast.refresh_roles()

    loads = {
        who.name: {one.person.name: one.load for one in reviewers.page(session, who, cast.call)}
        for who in (cast.priya, cast.owen)
    }

    assert (loads["Priya"]["Ruth"], loads["Owen"]["Ruth"]) == (0, 1)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"away_until": clock.today() + DAY}, "Ruth is away until"),
        ({"most": 1}, "has 1 open review and takes at"),
    ],
)
def test_who_takes_no_more_is_asked_all_the_same_or_not_at_all(
    session: Session, cast: Cast, values: dict[str, object], words: str
) -> None:
    saved(session, cast, cast.ruth, **values)
    stage_one, proposal = stage.in_review(cast), stage.in_review(cast)
    ruth = cast.person(cast.ruth)
    reviewing.assign(session, cast.owen, stage_one, person=ruth, all_the_same=True)
    session.flush()

    with pytest.raises(Invalid, match=words):
        reviewing.assign(session, cast.owen, proposal, person=ruth)
    assert reviewing.candidates(session, cast.owen, proposal)[-1].person is ruth
    assert reviewing.assign(session, cast.owen, proposal, person=ruth, all_the_same=True).reviewer is ruth


def test_two_tabs_never_pass_the_limit(sessions: "sessionmaker[Session]", cast: Cast) -> None:
    """The profile is locked and read again, whatever this session had loaded before."""
    ruth, full = cast.people["ruth"], [PublicationDraft(f"Number {n}", "", 2020) for n in range(60)]
    saved(cast.session, cast, cast.ruth)
    cast.session.commit()
    held = expertise.of_person(cast.session, ruth)
    assert held.publications == []
    cast.session.commit()
    with sessions() as other:
        publications.take_in(other, cast.ruth, ruth, listed=Listed(tuple(full), ()))
        other.commit()

    with pytest.raises(Invalid, match="at most 60 fit"):
        publications.add(cast.session, cast.ruth, ruth, draft=PAPER)


def test_the_office_says_how_senior_a_reviewer_is_and_the_reviewer_changes_it(
    session: Session, cast: Cast
) -> None:
    ruth = cast.person(cast.ruth)
    for actor in (cast.chen, cast.ruth, cast.ada):
        with pytest.raises(NotAllowed):
            expertise.say_seniority(session, actor, ruth, seniority=Seniority.SENIOR)

    expertise.say_seniority(session, cast.owen, ruth, seniority=Seniority.SENIOR)
    session.flush()
    said = expertise.of_person(session, ruth)
    assert (said.seniority, said.confirmed_at, said.fields_of_science) == (Seniority.SENIOR, None, [])

    draft = ProfileDraft(("Mathematics",), seniority=Seniority.EXPERIENCED)
    expertise.save(session, cast.ruth, ruth, draft=draft)
    assert expertise.of_person(session, ruth).seniority == Seniority.EXPERIENCED


def test_of_nobody_but_reviewers_it_is_said(session: Session, cast: Cast) -> None:
    assert expertise.get_reviewer(session, cast.owen, cast.person(cast.ruth).ref).id == cast.ruth.person_id
    for actor, who in ((cast.owen, cast.priya), (cast.chen, cast.ruth), (cast.ruth, cast.ruth)):
        with pytest.raises(NotFound):
            expertise.get_reviewer(session, actor, cast.person(who).ref)
