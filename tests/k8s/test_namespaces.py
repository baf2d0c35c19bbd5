"""Project namespaces: what is wanted of them, and the word for where they are."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from allocations.accounts import projects
from allocations.accounts.awards import AllocationState
from allocations.accounts.projects import Project
from allocations.kernel import clock
from datasets import grants
from k8s import namespaces
from k8s.bundle import NamespaceSpec
from k8s.namespaces import Phase, Wanted
from tests import cast as stage
from tests.cast import Cast

A = AllocationState


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        ([], Wanted.GONE),
        ([A.OFFERED], Wanted.DATA),
        ([A.ACTIVE], Wanted.ON),
        ([A.SUSPENDED], Wanted.DATA),
        ([A.ENDED], Wanted.DATA),
        ([A.CLOSED], Wanted.GONE),
        ([A.DECLINED], Wanted.GONE),
        ([A.ENDED, A.ACTIVE], Wanted.ON),
        ([A.CLOSED, A.SUSPENDED], Wanted.DATA),
        ([A.CLOSED, A.DECLINED], Wanted.GONE),
    ],
)
def test_the_allocations_say_what_is_wanted(states: list[AllocationState], wanted: Wanted) -> None:
    assert namespaces.wanted([SimpleNamespace(state=state) for state in states]) == wanted


@given(states=st.lists(st.sampled_from(AllocationState)))
def test_compute_is_on_exactly_while_an_allocation_is_active(states: list[AllocationState]) -> None:
    wish = namespaces.wanted([SimpleNamespace(state=state) for state in states])

    assert (wish == Wanted.ON) == (A.ACTIVE in states)
    assert wish != Wanted.GONE or not {A.ENDED, A.SUSPENDED} & set(states)


@pytest.mark.parametrize(
    ("wish", "applied", "observed", "phase"),
    [
        (Wanted.ON, True, "Active", Phase.READY),
        (Wanted.ON, False, "Active", Phase.PROVISIONING),
        (Wanted.ON, True, "", Phase.PROVISIONING),
        (Wanted.ON, True, "Terminating", Phase.PROVISIONING),
        (Wanted.DATA, True, "Active", Phase.FROZEN),
        (Wanted.DATA, False, "Active", Phase.PROVISIONING),
        (Wanted.GONE, True, "Terminating", Phase.REMOVING),
        (Wanted.GONE, True, "Active", Phase.REMOVING),
        (Wanted.GONE, True, "", Phase.CLOSED),
    ],
)
def test_the_phase_follows_from_wish_and_observation(
    wish: Wanted, applied: bool, observed: str, phase: Phase
) -> None:
    assert namespaces.phase(wish, applied=applied, observed=observed) == phase


def spec_of(cast: Cast, project: Project) -> tuple[Wanted, NamespaceSpec]:
    session = cast.session
    namespaces.make_due(session, project.id)
    session.flush()
    (row,) = namespaces.of_project(session, project.id)
    return namespaces.spec(session, row)


def test_an_active_project_gets_one_namespace_on_its_cluster(session: Session, cast: Cast) -> None:
    stage.cluster(cast)
    project = stage.active(cast)

    for _ in range(2):
        wish, spec = spec_of(cast, project)

    assert (wish, spec.name, spec.compute) == (Wanted.ON, f"commons-{project.ref.lower()}", True)
    assert [(part.priority_class, part.most) for part in spec.gpus] == [("gpu-h100", 8), ("gpu-a100", 0)]
    assert len(spec.members) == 3
    assert spec.storage_gib == namespaces.STORAGE_GIB


def test_a_project_without_allocations_on_a_cluster_gets_no_namespace(session: Session, cast: Cast) -> None:
    stage.cluster(cast)
    project = stage.awarded(cast).project

    namespaces.make_due(session, project.id)
    session.flush()

    assert list(namespaces.of_project(session, project.id)) == []


def test_the_namespace_follows_members_datasets_and_the_end(session: Session, cast: Cast) -> None:
    stage.cluster(cast)
    project = stage.active(cast)
    spec_of(cast, project)
    grants.add_open(session, cast.uma, project, cast.climate, until=clock.now() + timedelta(days=1))
    member = next(m for m in project.members if m.person is cast.people["uma"])
    projects.remove_member(session, cast.priya, project, member)
    stage.allocation_of(cast, project).state = A.ENDED
    session.flush()

    wish, spec = spec_of(cast, project)

    assert (wish, spec.compute, len(spec.members)) == (Wanted.DATA, False, 2)
    assert [mount.slug for mount in spec.datasets] == ["climate"]
    assert [part.most for part in spec.gpus] == [0, 0]


def test_a_change_makes_the_namespace_due_at_once(session: Session, cast: Cast) -> None:
    stage.cluster(cast)
    project = stage.active(cast)
    spec_of(cast, project)
    (row,) = namespaces.of_project(session, project.id)
    row.due_at = clock.now() + timedelta(hours=1)

    namespaces.make_due(session, project.id)

    assert row.due_at <= clock.now()


@pytest.mark.parametrize("state", [A.ACTIVE, A.SUSPENDED, A.ENDED])
def test_the_project_volume_never_shrinks_while_the_data_stay(
    session: Session, cast: Cast, state: AllocationState
) -> None:
    stage.cluster(cast)
    project = stage.active(cast, asks={"h100": 1, "scratch": 500})
    stage.allocation_of(cast, project, cast.scratch).state = state
    session.flush()

    assert spec_of(cast, project)[1].storage_gib == 500


def test_an_award_smaller_than_the_default_does_not_shrink_the_volume(session: Session, cast: Cast) -> None:
    stage.cluster(cast)
    project = stage.active(cast, asks={"h100": 1, "scratch": 20})

    assert spec_of(cast, project)[1].storage_gib == namespaces.STORAGE_GIB
