"""Merge requests: staff join two accounts, of which the one that goes holds nothing but log-ins."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import JSON, Column, Enum, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove, Incomplete, NotAllowed, NotFound
from allocations.kernel.outbox import EventRow
from allocations.people import linking, merging, personal_relations, roles
from allocations.people.merging import MergeRequest
from allocations.people.personal_relations import RelationDraft, RelationKind
from allocations.people.persons import Identity, Person, by_identity
from allocations.people.roles import SYSTEM, Role, actor_of
from portal.migrations import METADATA
from tests.cast import Cast

ISSUER = "https://login.second.example"
# What the account that goes may have: rows of its log-ins, and of the merging itself.
OF_LOG_IN = {
    "digest.person_id",
    "identity.person_id",
    "kept_form.person_id",
    "login_session.person_id",
    "login_session.viewed_person_id",
    "merge_request.other_id",
    "merge_request.person_id",
    "personal_relation.other_id",
}


def _pointing() -> Mapping[str, "Column[Any]"]:
    """Every column that refers to a person, by its name."""
    return {
        str(column): column
        for table in METADATA.sorted_tables
        for column in table.columns
        if any(key.target_fullname == "person.id" for key in column.foreign_keys)
    }


POINTING = _pointing()


def twin(session: Session, *, subject: str = "sam-2") -> Identity:
    """Another account of Sam, with nothing on it."""
    person = Person(name="Sam Second", email="sam@second.example")
    identity = Identity(issuer=ISSUER, subject=subject, person=person, mail="sam@second.example")
    session.add(identity)
    session.flush()
    return identity


def asked(session: Session, cast: Cast, identity: Identity | None = None) -> MergeRequest:
    found = merging.ask(session, cast.sam, cast.person(cast.sam), identity or twin(session))
    session.flush()
    return found


def test_an_empty_account_is_merged_and_closed(session: Session, cast: Cast) -> None:
    request = asked(session, cast)
    other = request.other

    merging.merge(session, cast.ada, request, message="Done.")
    session.flush()

    assert by_identity(session, ISSUER, "sam-2") is cast.person(cast.sam)
    assert len(linking.of_person(session, cast.sam)) == 2
    assert other.disabled_at is not None
    assert (request.state, request.message) == ("merged", "Done.")
    subjects = select(AuditEntry.subject).where(AuditEntry.verb == "person.merge")
    assert set(session.scalars(subjects)) == {f"person-{p.id}" for p in (other, request.person)}
    assert "MergeAnswered" in session.scalars(select(EventRow.type)).all()


def test_whoever_named_the_account_that_goes_names_the_one_that_stays(session: Session, cast: Cast) -> None:
    request = asked(session, cast)
    draft = RelationDraft(RelationKind.SUPERVISOR, "Sam Second", email="sam@second.example")
    stated = personal_relations.declare(session, cast.ruth, cast.person(cast.ruth), draft=draft)
    session.flush()
    assert stated.other_id == request.other_id

    merging.merge(session, cast.ada, request)

    assert stated.other_id == cast.sam.person_id


def test_all_log_ins_move_those_taken_off_too(session: Session, cast: Cast) -> None:
    proved = twin(session)
    more = [Identity(issuer=ISSUER, subject=f"more-{n}", person=proved.person) for n in range(2)]
    more[1].unlinked_at = clock.now()
    session.add_all(more)
    request = asked(session, cast, proved)

    merging.merge(session, cast.ada, request)
    session.flush()

    assert {identity.person for identity in (proved, *more)} == {cast.person(cast.sam)}
    assert by_identity(session, ISSUER, "more-1") is None


def test_the_columns_that_belong_to_log_ins_are_these() -> None:
    """A new one has to be thought about: is it of a log-in, or of the person's work?"""
    assert {name for name, column in POINTING.items() if column.info.get("of_log_in")} == OF_LOG_IN
    assert len(POINTING) > len(OF_LOG_IN) + 10


@pytest.mark.parametrize("name", sorted(set(POINTING) - OF_LOG_IN))
def test_an_account_that_holds_anything_stays(session: Session, cast: Cast, name: str) -> None:
    """One row in each table that points to persons, written past the verbs."""
    request = asked(session, cast)
    column = POINTING[name]
    _write_row(session, column, request.other_id)

    with pytest.raises(IllegalMove, match=column.table.name.replace("_", " ")):
        merging.merge(session, cast.ada, request)

    assert request.state == "asked"
    assert request.other.disabled_at is None
    assert merging.holdings(session, request.other) == {column.table.name: 1}


def _write_row(session: Session, column: "Column[Any]", person_id: int) -> None:
    """Whatever its other columns need; what those refer to need not be there."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    else:
        session.connection().exec_driver_sql("SET LOCAL session_replication_role = replica")
    values = {c.name: _filler(c) for c in column.table.columns if not _is_free(c)}
    session.execute(column.table.insert().values({**values, column.name: person_id}))


def _is_free(column: "Column[Any]") -> bool:
    """Filled in by the database, or empty."""
    alone = len(column.table.primary_key.columns) == 1
    return (column.primary_key and alone and not column.foreign_keys) or bool(column.nullable)


def _filler(column: "Column[Any]") -> object:
    if isinstance(column.type, Enum):
        return next(iter(column.type.enum_class or [""]))
    if isinstance(column.type, JSON):
        return []
    if column.foreign_keys:
        return 424_242  # what it refers to need not be there, and nothing else has it
    kinds: dict[type, object] = {int: 1, str: "x", bool: False, object: clock.now()}
    return kinds[column.type.python_type]


def test_a_role_is_handed_over_first(session: Session, cast: Cast) -> None:
    request = asked(session, cast)
    grant = roles.grant(session, SYSTEM, request.other, role=Role.REVIEWER)
    session.flush()
    with pytest.raises(IllegalMove, match="1 × role grant"):
        merging.merge(session, cast.ada, request)

    session.delete(grant)
    session.flush()
    merging.merge(session, cast.ada, request)

    assert request.state == "merged"


def test_a_second_question_is_the_first(session: Session, cast: Cast) -> None:
    identity = twin(session)

    assert asked(session, cast, identity) is asked(session, cast, identity)


def test_after_an_answer_it_can_be_asked_again(session: Session, cast: Cast) -> None:
    identity = twin(session)
    first = asked(session, cast, identity)
    merging.refuse(session, cast.ada, first, message="Who are you?")
    session.flush()

    assert asked(session, cast, identity) is not first


def test_the_database_takes_one_open_request_for_two_accounts(session: Session, cast: Cast) -> None:
    request = asked(session, cast)
    twice = MergeRequest(person=request.person, other=request.other, identity_id=request.identity_id)
    session.add(twice)

    with pytest.raises(IntegrityError, match="merge_request"):
        session.flush()


@pytest.mark.parametrize("who", ["sam", "owen", "priya", "dana"])
def test_only_administrators_see_and_answer(session: Session, cast: Cast, who: str) -> None:
    request, actor = asked(session, cast), getattr(cast, who)

    for verb in (
        lambda: merging.waiting(session, actor),
        lambda: merging.merge(session, actor, request),
        lambda: merging.refuse(session, actor, request, message="No."),
    ):
        with pytest.raises(NotAllowed, match=r"administrator"):
            verb()
    with pytest.raises(NotFound):
        merging.get(session, actor, request.ref)
    assert merging.waiting(session, cast.ada) == [request]
    assert merging.get(session, cast.ada, request.ref) is request


def test_a_reference_that_is_none_is_not_found(session: Session, cast: Cast) -> None:
    request = asked(session, cast)

    for ref in ("MRG26-9999", "x", f"{request.ref}0", request.ref.replace("MRG", "CNF")):
        with pytest.raises(NotFound):
            merging.get(session, cast.ada, ref)


@pytest.mark.parametrize("side", ["person", "other"])
def test_nobody_merges_accounts_of_their_own(session: Session, cast: Cast, side: str) -> None:
    request = asked(session, cast)
    roles.grant(session, SYSTEM, getattr(request, side), role=Role.ADMINISTRATOR)
    session.flush()
    own = actor_of(session, getattr(request, side))

    with pytest.raises(NotAllowed, match="of their own"):
        merging.merge(session, own, request)
    with pytest.raises(NotAllowed, match="of their own"):
        merging.refuse(session, own, request, message="No.")


def test_a_refusal_needs_words_and_moves_nothing(session: Session, cast: Cast) -> None:
    request = asked(session, cast)
    with pytest.raises(Incomplete, match="Write why"):
        merging.refuse(session, cast.ada, request, message=" ")

    merging.refuse(session, cast.ada, request, message="Two people, we think.")
    session.flush()

    assert by_identity(session, ISSUER, "sam-2") is request.other
    assert request.other.disabled_at is None


@pytest.mark.parametrize("first", ["merge", "refuse"])
@pytest.mark.parametrize("second", ["merge", "refuse"])
def test_a_request_is_answered_once(session: Session, cast: Cast, first: str, second: str) -> None:
    request = asked(session, cast)
    verbs = {
        "merge": lambda: merging.merge(session, cast.ada, request),
        "refuse": lambda: merging.refuse(session, cast.ada, request, message="No."),
    }
    verbs[first]()
    session.flush()

    with pytest.raises(NotAllowed, match="already"):
        verbs[second]()


def _merged(session: Session, cast: Cast, request: MergeRequest) -> None:
    merging.merge(session, cast.ada, request)
    session.flush()


def test_two_administrators_at_once_and_one_wins(session: Session, cast: Cast) -> None:
    request = asked(session, cast)
    changed = MergeRequest.__table__.update().values(version=request.version + 1)  # type: ignore[attr-defined]
    session.execute(changed)

    with pytest.raises(StaleDataError):
        _merged(session, cast, request)


def test_two_accounts_that_ask_for_each_other_are_not_both_closed(session: Session, cast: Cast) -> None:
    """Sam asks for the account that asks for Sam's."""
    one = asked(session, cast)
    mine = linking.of_person(session, cast.sam)[0]
    back = merging.ask(session, actor_of(session, one.other), one.other, mine)
    session.flush()
    merging.merge(session, cast.ada, one)
    session.flush()

    with pytest.raises(IllegalMove, match="is closed"):
        merging.merge(session, cast.ada, back)

    assert cast.person(cast.sam).disabled_at is None
    assert by_identity(session, ISSUER, "sam-2") is cast.person(cast.sam)


def test_a_closed_account_gives_no_log_ins_away(session: Session, cast: Cast) -> None:
    """Somebody who was shut out does not come in through another account."""
    request = asked(session, cast)
    request.other.disabled_at = clock.now()

    with pytest.raises(IllegalMove, match="is closed"):
        merging.merge(session, cast.ada, request)


@pytest.mark.parametrize("how", ["taken off", "held"])
def test_a_proof_that_is_none_any_more_merges_nothing(session: Session, cast: Cast, how: str) -> None:
    """The owner found a stolen log-in and took it off, while the request of the thief was waiting."""
    identity = twin(session)
    session.add(Identity(issuer=ISSUER, subject="sam-3", person=identity.person))
    request = asked(session, cast, identity)
    if how == "held":
        identity.held_at = clock.now()
    else:
        identity.unlinked_at = clock.now()
    session.flush()

    with pytest.raises(IllegalMove, match="no longer"):
        merging.merge(session, cast.ada, request)


def test_everything_that_points_to_a_person_is_known_to_the_base() -> None:
    """Holdings reads this very metadata."""
    assert Base.metadata is METADATA
