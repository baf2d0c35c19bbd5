"""Notebooks: the verbs of members and the units behind them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import ledger, projects
from allocations.accounts.awards import AllocationState
from allocations.accounts.ledger import Purpose
from allocations.accounts.projects import Project
from allocations.kernel import clock, units
from allocations.kernel.errors import Invalid, NotAllowed, NotFound
from allocations.kernel.outbox import EventRow
from datasets import grants
from k8s import notebooks
from k8s.notebooks import Notebook, Order, Phase
from tests import cast as stage
from tests.cast import Cast


@pytest.fixture
def project(cast: Cast) -> Project:
    stage.cluster(cast)
    return stage.active(cast)


def order(cast: Cast, project: Project, **changes: object) -> Order:
    picked = Order(
        allocation=stage.allocation_of(cast, project).ref, image="pytorch", gpus=2, hours=4, datasets=()
    )
    return replace(picked, **changes)


def started(cast: Cast, project: Project, **changes: object) -> Notebook:
    made = notebooks.start(cast.session, cast.uma, project, order(cast, project, **changes))
    cast.session.flush()
    return made


def stopped(cast: Cast, notebook: Notebook, phase: Phase = Phase.STOPPED) -> Notebook:
    """As after the worker saw it gone."""
    notebooks.stop(cast.session, cast.uma, notebook)
    notebook.phase = phase
    notebooks.reservations.settle(cast.session, notebook.cause)
    cast.session.flush()
    return notebook


def held(cast: Cast, project: Project) -> tuple[int, int]:
    owner = ledger.allocation(stage.allocation_of(cast, project).id)
    found = ledger.balances(cast.session, [owner])[owner]
    return found[Purpose.AVAILABLE] // units.MICRO, found.get(Purpose.RESERVED, 0) // units.MICRO


def test_a_member_starts_a_notebook_and_its_hours_are_reserved(
    session: Session, cast: Cast, project: Project
) -> None:
    notebook = started(cast, project)

    assert (notebook.wanted, notebook.phase, notebook.run) == (True, Phase.QUEUED, 1)
    assert held(cast, project) == (92, 8)
    assert session.scalars(select(EventRow.type).order_by(EventRow.id.desc())).first() == "NotebookStarted"


def test_more_than_is_left_is_refused_in_words(session: Session, cast: Cast, project: Project) -> None:
    with pytest.raises(Invalid) as refused:
        started(cast, project, gpus=8, hours=13)

    assert refused.value.fields == {
        "hours": "This needs 104 GPU-hours, but 100 are left. Choose fewer hours or GPUs."
    }
    assert held(cast, project) == (100, 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"image": "windows"}, "image"),
        ({"gpus": 0}, "gpus"),
        ({"gpus": 9}, "gpus"),
        ({"hours": 0}, "hours"),
        ({"hours": notebooks.MOST_HOURS + 1}, "hours"),
        ({"datasets": ("genomes",)}, "datasets"),
        ({"allocation": "ALC26-9999"}, "allocation"),
    ],
)
def test_a_choice_that_cannot_be_names_the_field(
    session: Session, cast: Cast, project: Project, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        started(cast, project, **changes)

    assert list(refused.value.fields) == [field]
    assert held(cast, project) == (100, 0)


@pytest.mark.parametrize("who", ["sam", "owen", "pat", "ada", "chen"])
def test_only_members_start_notebooks(session: Session, cast: Cast, project: Project, who: str) -> None:
    with pytest.raises(NotAllowed, match="Only members"):
        notebooks.start(session, getattr(cast, who), project, order(cast, project))


@pytest.mark.parametrize("state", [s for s in AllocationState if s != AllocationState.ACTIVE])
def test_without_an_active_allocation_nothing_starts(
    session: Session, cast: Cast, project: Project, state: AllocationState
) -> None:
    stage.allocation_of(cast, project).state = state

    with pytest.raises(NotAllowed, match="no active GPU allocation"):
        started(cast, project)


def test_a_dataset_the_project_holds_can_be_mounted(session: Session, cast: Cast, project: Project) -> None:
    grants.add_open(session, cast.uma, project, cast.climate, until=clock.now() + timedelta(days=1))
    session.flush()

    assert started(cast, project, datasets=("climate",)).datasets == ["climate"]


def test_a_dataset_picked_twice_is_mounted_once(session: Session, cast: Cast, project: Project) -> None:
    grants.add_open(session, cast.uma, project, cast.climate, until=clock.now() + timedelta(days=1))
    session.flush()

    assert started(cast, project, datasets=("climate", "climate")).datasets == ["climate"]


@pytest.mark.parametrize(
    ("who", "open_", "stop", "restart"),
    [
        ("uma", True, True, True),
        ("priya", False, True, False),
        ("carlos", False, True, False),
        ("sam", False, False, False),
        ("ada", False, False, False),
    ],
)
def test_who_opens_stops_and_restarts(
    session: Session, cast: Cast, project: Project, who: str, open_: bool, stop: bool, restart: bool
) -> None:
    notebook, actor = started(cast, project), getattr(cast, who)
    notebook.phase = Phase.RUNNING
    assert bool(notebooks.may_open(actor, notebook)) == open_
    assert bool(notebooks.may_stop(actor, notebook)) == stop
    stopped(cast, notebook)
    assert bool(notebooks.may_restart(actor, notebook)) == restart


def test_members_see_their_projects_notebooks_and_strangers_none(
    session: Session, cast: Cast, project: Project
) -> None:
    notebook = started(cast, project)

    assert notebooks.get(session, cast.priya, notebook.ref) is notebook
    assert list(notebooks.of_project(session, project)) == [notebook]
    for who in (cast.sam, cast.owen):
        with pytest.raises(NotFound):
            notebooks.get(session, who, notebook.ref)


def test_stopping_says_who_did_it_and_makes_the_worker_look(
    session: Session, cast: Cast, project: Project
) -> None:
    notebook = started(cast, project)
    notebook.due_at = clock.now() + timedelta(hours=1)

    notebooks.stop(session, cast.priya, notebook)

    assert (notebook.wanted, notebook.reason) == (False, "Stopped by Priya.")
    assert notebook.due_at <= clock.now()
    with pytest.raises(NotAllowed, match="stopped or stopping"):
        notebooks.stop(session, cast.priya, notebook)


@pytest.mark.parametrize("phase", [Phase.STOPPED, Phase.FAILED])
def test_a_restart_is_a_new_run_with_a_reservation_of_its_own(
    session: Session, cast: Cast, project: Project, phase: Phase
) -> None:
    notebook = stopped(cast, started(cast, project), phase)
    first_pod = notebook.pod

    notebooks.restart(session, cast.uma, notebook)

    assert (notebook.run, notebook.wanted, notebook.phase) == (2, True, Phase.QUEUED)
    assert notebook.pod != first_pod
    assert held(cast, project) == (92, 8)


@pytest.mark.parametrize("phase", sorted(notebooks.LIVE))
def test_a_notebook_restarts_only_after_it_has_stopped(
    session: Session, cast: Cast, project: Project, phase: Phase
) -> None:
    notebook = stopped(cast, started(cast, project), phase)

    with pytest.raises(NotAllowed, match="wait until it has stopped"):
        notebooks.restart(session, cast.uma, notebook)


def test_a_restart_leaves_out_data_the_project_has_lost(
    session: Session, cast: Cast, project: Project
) -> None:
    grants.add_open(session, cast.uma, project, cast.climate, until=clock.now() + timedelta(days=1))
    session.flush()
    notebook = stopped(cast, started(cast, project, datasets=("climate",)))

    with clock.at(clock.now() + timedelta(days=2)):
        notebooks.restart(session, cast.uma, notebook)

    assert notebook.datasets == []


def test_a_restart_without_enough_units_is_refused(session: Session, cast: Cast, project: Project) -> None:
    notebook = stopped(cast, started(cast, project, gpus=8, hours=8))
    started(cast, project, gpus=8, hours=8)

    with pytest.raises(Invalid, match="but 36 are left"):
        notebooks.restart(session, cast.uma, notebook)


def test_what_may_go_on_goes_on(session: Session, cast: Cast, project: Project) -> None:
    notebook = started(cast, project)

    notebooks.end_where_not_allowed(session, project.id)

    assert notebook.wanted


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("suspended", "The allocation is suspended."),
        ("left", "Its owner is no longer a member of the project."),
        ("revoked", "Access to climate has ended."),
    ],
)
def test_what_may_not_go_on_is_ended_with_the_reason(
    session: Session, cast: Cast, project: Project, event: str, words: str
) -> None:
    grants.add_open(session, cast.uma, project, cast.climate, until=clock.now() + timedelta(days=1))
    session.flush()
    notebook = started(cast, project, datasets=("climate",))
    if event == "suspended":
        stage.allocation_of(cast, project).state = AllocationState.SUSPENDED
    elif event == "left":
        member = next(m for m in project.members if m.person is cast.people["uma"])
        projects.remove_member(session, cast.priya, project, member)
    else:
        grants.revoke(session, cast.dana, grants.live(session, project.id)[0], reason="Over.")
    session.flush()

    notebooks.end_where_not_allowed(session, project.id)

    assert (notebook.wanted, notebook.reason) == (False, words)
