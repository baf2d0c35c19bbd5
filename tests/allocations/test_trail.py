"""Who reads which part of the audit trail, and how it is searched."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.orm import Session

from allocations.kernel import audit, chain
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import NotAllowed
from allocations.people import trail
from allocations.people.roles import SYSTEM, VISITOR, Actor, Role
from allocations.people.trail import Wanted

AUDITOR = Actor(person_id=90, name="Aida", roles=frozenset({(Role.AUDITOR, None)}))
ADMINISTRATOR = Actor(person_id=91, name="Ada", roles=frozenset({(Role.ADMINISTRATOR, None)}))
PRIYA, SAM = Actor(person_id=1, name="Priya Raman"), Actor(person_id=12, name="Sam 100% Okafor")
# Who, verb, subject, hour of the second or third of May.
STORY = (
    (PRIYA, "proposal.start", "AIR26-0001", (2, 0)),
    (PRIYA, "proposal.submitted", "AIR26-0001", (2, 23)),
    (SYSTEM, "role.grant", "person-12", (3, 0)),
    (SAM, "review.accepted", "REV26-0001", (3, 12)),
    (SAM, "proposal.start", "AIR26-0002", (3, 23)),
    (ADMINISTRATOR, "role.grant", "person-1", (4, 0)),
)
FILTERS: dict[str, tuple[Wanted, list[int]]] = {
    "nothing": (Wanted(), [5, 4, 3, 2, 1, 0]),
    "a part of a name, however written": (Wanted(person="raman"), [1, 0]),
    "a per cent sign is no wildcard": (Wanted(person="100% o"), [4, 3]),
    "another per cent sign finds nobody": (Wanted(person="1%0"), []),
    "all about an account": (Wanted(person="person-12"), [4, 3, 2]),
    "an account of few": (Wanted(person="person-1"), [5, 1, 0]),
    "a number that there is not": (Wanted(person="person-" + "9" * 30), []),
    "a verb": (Wanted(verb="proposal.start"), [4, 0]),
    "a subject": (Wanted(subject="AIR26-0001"), [1, 0]),
    "from a day on": (Wanted(since=date(2026, 5, 3)), [5, 4, 3, 2]),
    "to a day, with all of it": (Wanted(until=date(2026, 5, 3)), [4, 3, 2, 1, 0]),
    "one day": (Wanted(since=date(2026, 5, 3), until=date(2026, 5, 3)), [4, 3, 2]),
    "several at once": (Wanted(person="Sam", verb="proposal.start", since=date(2026, 5, 3)), [4]),
    "days the wrong way round": (Wanted(since=date(2026, 5, 4), until=date(2026, 5, 2)), []),
}


@pytest.fixture
def story(session: Session) -> list[int]:
    """The keys of the entries, in the order of the story."""
    made = []
    for who, verb, subject, (day, hour) in STORY:
        entry = AuditEntry(actor_id=who.person_id, actor_name=who.name, verb=verb, subject=subject)
        entry.at = datetime(2026, 5, day, hour, 0, tzinfo=UTC)
        session.add(entry)
        session.flush()
        made.append(entry.id)
    return made


@pytest.mark.parametrize("name", FILTERS)
def test_the_trail_is_searched_by(name: str, session: Session, story: list[int]) -> None:
    wanted, expected = FILTERS[name]

    shown = [entry.id for entry in trail.entries(session, AUDITOR, wanted)]
    exported = [entry.id for entry in trail.all_entries(session, ADMINISTRATOR, wanted)]

    assert shown == [story[place] for place in expected]
    assert exported == shown[::-1]


@pytest.mark.parametrize(
    "who", [PRIYA, VISITOR, Actor(person_id=5, roles=frozenset({(Role.CUSTODIAN, None)}))]
)
def test_the_trail_of_everybody_is_for_auditors_and_administrators(
    who: Actor, session: Session, story: list[int]
) -> None:
    with pytest.raises(NotAllowed, match="Only auditors"):
        trail.entries(session, who, Wanted())
    with pytest.raises(NotAllowed, match="Only auditors"):
        next(trail.all_entries(session, who, Wanted()))


def test_people_read_what_they_did_and_what_was_done_to_them(session: Session, story: list[int]) -> None:
    assert [entry.id for entry in trail.of_actor(session, SAM)] == [story[4], story[3], story[2]]
    assert [entry.id for entry in trail.of_actor(session, PRIYA)] == [story[5], story[1], story[0]]
    assert trail.of_actor(session, VISITOR) == []


def test_what_the_system_does_is_nobodys_own(session: Session, story: list[int]) -> None:
    assert trail.of_actor(session, SYSTEM) == []


def test_pages_of_the_trail_follow_each_other_without_gap_or_repetition(
    session: Session, story: list[int]
) -> None:
    seen: list[int] = []
    while batch := trail.entries(session, AUDITOR, Wanted(), before=seen[-1] if seen else None, size=4):
        seen += [entry.id for entry in batch]

    assert seen == story[::-1]


def test_more_entries_than_a_batch_are_exported_once_each(
    session: Session, story: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "BATCH", 2)

    assert [entry.id for entry in trail.all_entries(session, AUDITOR, Wanted())] == story


def test_the_end_of_the_chain_is_told(session: Session, story: list[int]) -> None:
    assert chain.end(session) == (0, "")
    assert chain.step(session)

    length, digest = chain.end(session)

    assert length == len(STORY)
    assert digest == next(iter(trail.entries(session, AUDITOR, Wanted(), size=1))).digest


def test_the_newest_entry_of_a_verb_is_found(session: Session, story: list[int]) -> None:
    found = audit.last_of(session, "role.grant")

    assert found is not None
    assert found.id == story[5]
    assert audit.last_of(session, "audit.verify") is None
