"""Migrations: one head, the same schema as the models, and a way up, down and up again on both databases."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, inspect, select
from sqlalchemy.schema import MetaData

from allocations.kernel.audit import AuditEntry
from allocations.people.persons import Identity, Person
from allocations.programme.answers import Answer
from allocations.programme.proposals import Proposal, State
from allocations.programme.questions import Question
from allocations.programme.steps import StepKind
from portal import migrations
from tests.portal.stage import Portal


def _empty(engine: Engine) -> None:
    """The shared test database has all tables: take them away."""
    found = MetaData()
    found.reflect(engine)
    found.drop_all(engine)


def _checks(engine: Engine) -> dict[str, set[tuple[str | None, str]]]:
    """Check constraints by table, in the database's own words: autogenerate does not compare them."""
    found = inspect(engine)
    return {
        table: {(check["name"], check["sqltext"]) for check in found.get_check_constraints(table)}
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def test_there_is_one_head(engine: Engine) -> None:
    script = ScriptDirectory.from_config(migrations.config(engine))

    assert len(script.get_heads()) == 1


def test_the_way_up_down_and_up_again_ends_in_the_schema_of_the_models(engine: Engine) -> None:
    _empty(engine)
    try:
        migrations.upgrade(engine)
        migrations.downgrade(engine)
        left = set(inspect(engine).get_table_names()) - {"alembic_version"}
        migrations.upgrade(engine)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            differences = compare_metadata(context, migrations.METADATA)
        checks = _checks(engine)
    finally:
        _empty(engine)
        migrations.METADATA.create_all(engine)

    assert left == set()
    assert differences == []
    assert checks == _checks(engine)


def test_every_constraint_has_a_name() -> None:
    """Names are what the portal turns into messages, and what a later migration takes away."""
    unnamed = [
        f"{table.name}: {constraint}"
        for table in migrations.METADATA.sorted_tables
        for constraint in table.constraints
        if not constraint.name
    ]

    assert unnamed == []


def test_a_filled_database_goes_down_and_up_and_keeps_its_rows(portal: Portal) -> None:
    """Columns are added to tables that hold rows, and that others refer to."""
    kept = (Person, Identity, AuditEntry)

    def counts() -> list[int]:
        with portal.sessions() as session:
            return [session.scalar(select(func.count()).select_from(model)) or 0 for model in kept]

    before = counts()
    command.stamp(migrations.config(portal.engine), "head")

    migrations.downgrade(portal.engine, "0001")
    migrations.upgrade(portal.engine)

    assert min(before) > 0
    assert counts() == before


def test_what_proposals_say_survives_the_way_down_and_up(portal: Portal) -> None:
    """Questions are new in 0004: before it, each proposal had the same three texts."""
    command.stamp(migrations.config(portal.engine), "head")
    said = select(Question.label, Answer.text).join(Question, Answer.question_id == Question.id)
    with portal.sessions() as session:
        before = sorted(session.execute(said.where(Question.label == "Data plan")).all())

    migrations.downgrade(portal.engine, "0003")
    migrations.upgrade(portal.engine)

    with portal.sessions() as session:
        after = sorted(session.execute(said.where(Question.label == "Data plan")).all())
        steps = set(session.scalars(select(Proposal.step).where(Proposal.state == State.IN_REVIEW)))
    assert len(before) > 3
    assert after == before
    assert steps == {StepKind.REVIEW}
