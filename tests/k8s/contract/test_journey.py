"""From an activated award to a metered notebook through rows and worker, on each API server."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from allocations.accounts import ledger, lifecycle, projects
from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.ledger import Purpose
from allocations.kernel import clock
from allocations.people.roles import actor_of
from datasets import grants
from k8s import names
from k8s.cluster import Api, connect
from k8s.namespaces import Phase, ProjectNamespace
from k8s.notebooks import Notebook
from portal import worker
from tests.k8s.stage import Played, played

from .servers import Server
from .waiting import eventually

pytestmark = pytest.mark.controllers
GPU = "requests.nvidia.com/gpu"


@pytest.fixture
def stage(server: Server, tmp_path: Path) -> Any:
    stage = played(tmp_path, server.kubeconfig)
    turn(stage)
    yield stage
    api = connect(str(server.kubeconfig))
    for pod in api.list("Pod", namespace=space(stage)):
        api.drop_finalizer("Pod", pod["metadata"]["name"], namespace=space(stage), finalizer=names.FINALIZER)
    api.delete("Namespace", space(stage))
    eventually(lambda: api.get("Namespace", space(stage)) is None, what="a namespace that is gone")


def turn(stage: Played) -> None:
    """The worker looks at everything once."""
    stage.hurry()
    worker.once(stage.worker)


def api_of(stage: Played) -> Api:
    with stage.session() as session:
        return connect(session.scalars(select(ProjectNamespace)).one().cluster.kubeconfig)


def space(stage: Played) -> str:
    with stage.session() as session:
        return session.scalars(select(ProjectNamespace)).one().name


def quota(stage: Played, name: str) -> dict[str, str]:
    found = api_of(stage).get("ResourceQuota", name, namespace=space(stage))
    assert found is not None
    hard: dict[str, str] = found["spec"]["hard"]
    return hard


def test_an_activated_award_gets_its_namespace_with_every_guard_rail(stage: Played) -> None:
    with stage.session() as session:
        row = session.scalars(select(ProjectNamespace)).one()
        assert (row.phase, row.trouble) == (Phase.READY, "")

    namespace = api_of(stage).get("Namespace", space(stage))

    assert namespace is not None
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert quota(stage, "gpu-h100")[GPU] == "8"
    assert quota(stage, "gpu-a100")[GPU] == "0"
    claims = {
        c["metadata"]["name"] for c in api_of(stage).list("PersistentVolumeClaim", namespace=space(stage))
    }
    assert claims == {"project", "dataset-weather-stations"}


def test_looking_again_writes_nothing(stage: Played) -> None:
    def versions() -> dict[str, str]:
        kinds = ("ResourceQuota", "NetworkPolicy", "RoleBinding", "LimitRange", "ServiceAccount")
        found = [o for kind in kinds for o in api_of(stage).list(kind, namespace=space(stage))]
        return {o["metadata"]["uid"]: o["metadata"]["resourceVersion"] for o in found}

    before = versions()
    turn(stage)

    assert versions() == before


def test_a_raised_quota_and_a_deleted_policy_are_put_right(stage: Played) -> None:
    api, name = api_of(stage), space(stage)
    api.delete("NetworkPolicy", "default-deny", namespace=name)
    raised = api.get("ResourceQuota", "gpu-a100", namespace=name)
    assert raised is not None
    raised["spec"]["hard"][GPU] = "64"
    raised["metadata"].pop("managedFields")
    api._call("PUT", f"/api/v1/namespaces/{name}/resourcequotas/gpu-a100", body=raised)

    turn(stage)

    assert quota(stage, "gpu-a100")[GPU] == "0"
    assert api.get("NetworkPolicy", "default-deny", namespace=name) is not None


def test_a_notebook_becomes_a_pod_that_the_namespace_admits(stage: Played) -> None:
    stage.start_notebook()

    turn(stage)

    pods = list(api_of(stage).list("Pod", namespace=space(stage), labels=names.NOTEBOOK))
    assert [pod["spec"]["priorityClassName"] for pod in pods] == ["gpu-h100"]
    with stage.session() as session:
        assert session.scalars(select(Notebook)).one().trouble == ""


def test_a_stopped_notebook_gives_back_what_it_did_not_use(stage: Played) -> None:
    def left() -> int:
        with stage.session() as session:
            allocation = session.scalars(select(Allocation)).one()
            return ledger.balance(session, ledger.allocation(allocation.id), Purpose.AVAILABLE)

    before = left()
    stage.start_notebook()
    turn(stage)
    stage.stop_notebook()

    turn(stage)
    eventually(lambda: turn(stage) or left() == before, what="the reservation to be released")

    assert list(api_of(stage).list("Pod", namespace=space(stage), labels=names.NOTEBOOK)) == []


def test_when_everything_is_used_compute_is_off_and_data_stay(stage: Played) -> None:
    with stage.session() as session, session.begin():
        allocation = session.scalars(select(Allocation)).one()
        owner = ledger.allocation(allocation.id)
        rest = ledger.balance(session, owner, Purpose.AVAILABLE)
        spent = ((owner, Purpose.AVAILABLE), (owner, Purpose.USED))
        ledger.post(session, ledger.Movement.CHARGE, rest, source=spent[0], target=spent[1], cause="test")
        assert lifecycle.suspend_if_empty(session, allocation)

    turn(stage)

    assert quota(stage, "gpu-h100")[GPU] == "0"
    assert quota(stage, "objects")["pods"] == "0"
    assert api_of(stage).get("PersistentVolumeClaim", "project", namespace=space(stage)) is not None
    with stage.session() as session:
        assert session.scalars(select(ProjectNamespace)).one().phase == Phase.FROZEN


def test_a_revoked_dataset_is_no_longer_mounted_and_its_notebooks_stop(stage: Played) -> None:
    stage.start_notebook()
    turn(stage)
    with stage.session() as session, session.begin():
        grant = session.scalars(select(grants.AccessGrant)).one()
        dana = actor_of(session, grant.dataset.custodian)
        grants.revoke(session, dana, grant, reason="The agreement has ended.")

    turn(stage)
    turn(stage)

    with stage.session() as session:
        assert not session.scalars(select(Notebook)).one().wanted
    claims = api_of(stage).list("PersistentVolumeClaim", namespace=space(stage), labels=names.DATASET)
    assert [c for c in claims if not c["metadata"].get("deletionTimestamp")] == []


def test_after_grace_the_namespace_goes_and_not_before(stage: Played) -> None:
    def at(days_after_end: int) -> str | None:
        with stage.session() as session:
            end = session.scalars(select(Allocation)).one().ends_at
        with clock.at(end + timedelta(days=days_after_end)):
            turn(stage)
            turn(stage)
        found = api_of(stage).get("Namespace", space(stage))
        return found["status"]["phase"] if found else None

    assert at(1) == "Active"
    assert at(29) == "Active"
    assert at(31) != "Active"
    with stage.session() as session:
        assert session.scalars(select(Allocation)).one().state == AllocationState.CLOSED


def test_a_namespace_of_the_same_name_that_is_not_ours_is_never_deleted(stage: Played) -> None:
    with stage.session() as session, session.begin():
        session.scalars(select(ProjectNamespace)).one().uid = "somebody-elses"
        session.scalars(select(Allocation)).one().state = AllocationState.CLOSED

    turn(stage)

    assert api_of(stage).get("Namespace", space(stage)) is not None
    with stage.session() as session:
        assert "not the one the portal made" in session.scalars(select(ProjectNamespace)).one().trouble


def test_a_member_who_left_loses_the_namespace_and_their_notebooks(stage: Played) -> None:
    stage.start_notebook()
    turn(stage)
    with stage.session() as session, session.begin():
        row = session.scalars(select(ProjectNamespace)).one()
        uma = next(m for m in row.project.members if m.person.name.startswith("Uma"))
        actor = actor_of(session, uma.person)
        projects.remove_member(session, actor, row.project, uma)

    turn(stage)
    turn(stage)

    binding = api_of(stage).get("RoleBinding", "commons-member", namespace=space(stage))
    assert binding is not None
    assert len(binding["subjects"]) == 2
    with stage.session() as session:
        assert not session.scalars(select(Notebook)).one().wanted
