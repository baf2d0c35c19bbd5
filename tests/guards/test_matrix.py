"""Role by state by verb: for every rule, who is allowed on what in which state, and nobody else."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from allocations.kernel import db
from portal.permissions import RULES
from tests.guards import matrix_world
from tests.guards.matrix_states import NOUNS
from tests.guards.matrix_table import TABLE
from tests.guards.matrix_world import PERSONS, World

ROWS = [
    pytest.param(rule, noun, state, id=f"{rule}-{noun}-{state}")
    for rule, nouns in TABLE.items()
    for noun in nouns
    for state in NOUNS.get(noun, {})
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Rules are Python, so one database is enough; nothing of it is ever written after this."""
    engine = db.create_engine(f"sqlite:///{tmp_path_factory.mktemp('matrix')}/matrix.sqlite")
    db.Base.metadata.create_all(engine)
    with Session(engine, expire_on_commit=False) as session:
        yield matrix_world.build(session)
    engine.dispose()


def allowed_in(rule: str, noun: str, state: str) -> set[str]:
    found = [who for states, who in TABLE[rule][noun].items() if state in states.split(", ")]
    return {name for who in found for name in who.split()}


@pytest.mark.parametrize(("rule", "noun", "state"), ROWS)
def test_those_of_the_table_are_allowed_and_nobody_else(
    world: World, rule: str, noun: str, state: str
) -> None:
    with world.session.no_autoflush:
        things = NOUNS[noun][state](world)
        answers = {name: RULES[rule](actor, *things) for name, actor in world.actors.items()}
    world.session.rollback()

    assert {name for name, answer in answers.items() if answer} == allowed_in(rule, noun, state)
    assert [name for name, answer in answers.items() if not answer and not answer.reason] == []


def test_every_rule_has_its_rows_and_no_row_is_of_a_rule_that_is_gone() -> None:
    assert sorted(TABLE) == sorted(RULES)
    assert [rule for rule, nouns in TABLE.items() if not nouns] == []


def test_rows_name_states_and_people_that_there_are() -> None:
    actors = {*PERSONS, "token", "visitor"}
    wrong = [
        (rule, noun, states, who)
        for rule, nouns in TABLE.items()
        for noun, by_state in nouns.items()
        for states, who in by_state.items()
        if not set(states.split(", ")) <= set(NOUNS[noun]) or not set(who.split()) <= actors
    ]

    assert wrong == []
    assert {noun for nouns in TABLE.values() for noun in nouns} == set(NOUNS)
