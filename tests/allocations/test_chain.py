"""The chain over the audit trail finds what was edited, removed or put in, and says where."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from allocations.kernel import audit, chain, clock
from allocations.kernel.audit import AuditEntry
from allocations.people.roles import SYSTEM

ENTRIES = 5


@pytest.fixture
def trail(session: Session) -> list[int]:
    """Five sealed entries; their keys."""
    for number in range(ENTRIES):
        audit.record(session, SYSTEM, "test.write", subject=f"thing-{number}", note="as it was")
    session.flush()
    assert chain.step(session)
    session.commit()
    return list(session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)))


def edit(session: Session, keys: list[int]) -> None:
    session.execute(update(AuditEntry).where(AuditEntry.id == keys[2]).values(note="never happened"))


def blame_another(session: Session, keys: list[int]) -> None:
    session.execute(update(AuditEntry).where(AuditEntry.id == keys[2]).values(actor_name="Sam"))


def remove(session: Session, keys: list[int]) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.id == keys[1]))


def cut_off(session: Session, keys: list[int]) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.id == keys[-1]))


def put_in(session: Session, keys: list[int]) -> None:
    forged = AuditEntry(actor_id=None, actor_name="Sam", verb="test.write", subject="forged")
    forged.seal, forged.digest = ENTRIES + 1, "0" * 64
    session.add(forged)


def swap(session: Session, keys: list[int]) -> None:
    entries = session.scalars(select(AuditEntry).where(AuditEntry.id.in_(keys[:2]))).all()
    entries[0].subject, entries[1].subject = entries[1].subject, entries[0].subject


def test_an_untouched_trail_is_whole(session: Session, trail: list[int]) -> None:
    assert chain.verify(session) is None


@pytest.mark.parametrize(
    ("harm", "place", "words"),
    [
        (edit, 3, "edited"),
        (blame_another, 3, "edited"),
        (remove, 2, "removed before"),
        (cut_off, ENTRIES, "removed from the end"),
        (put_in, ENTRIES + 1, "put in"),
        (swap, 1, "edited"),
    ],
)
def test_harm_is_found_and_the_place_is_named(
    session: Session, trail: list[int], harm: Callable[[Session, list[int]], None], place: int, words: str
) -> None:
    harm(session, trail)
    session.commit()

    broken = chain.verify(session)

    assert broken is not None
    assert (broken.seal, words in broken.what) == (place, True)


def test_an_entry_that_stays_without_a_seal_is_found(session: Session, trail: list[int]) -> None:
    with clock.at(clock.now() - timedelta(hours=1)):
        audit.record(session, SYSTEM, "test.write", subject="slipped in")
    session.commit()

    broken = chain.verify(session)

    assert broken is not None
    assert "without a seal" in broken.what


def test_new_entries_continue_the_chain(session: Session, trail: list[int]) -> None:
    audit.record(session, SYSTEM, "test.write", subject="later")
    session.flush()

    assert chain.step(session)
    session.commit()

    assert chain.verify(session) is None
    assert session.scalars(select(AuditEntry.seal).order_by(AuditEntry.seal)).all() == [1, 2, 3, 4, 5, 6]
