"""Where pods of the embedded cluster land, and what is said while they wait."""

from decimal import Decimal

import pytest

from k8s.embedded.nodes import DEFAULT_NODES, NodeSpec, as_object
from k8s.embedded.scheduler import choose, machines, requested

from . import objects
from .api import Api, path
from .waiting import eventually

PRODUCT = "nvidia.com/gpu.product"
L4 = "NVIDIA-L4"


def gpu_pod(name: str, *, gpus: int, product: str = "", node: str = "") -> dict[str, object]:
    made = objects.pod(name, gpus=gpus, nodeSelector={PRODUCT: product} if product else {})
    if node:
        made["spec"]["nodeName"] = node
    return made


def condition(api: Api, namespace: str, name: str) -> dict[str, str]:
    """What the scheduler says about the pod."""
    status = api.get(path("pods", namespace, name)).get("status", {})
    found = [each for each in status.get("conditions") or [] if each["type"] == "PodScheduled"]
    return found[0] if found else {}


def phase(api: Api, namespace: str, name: str) -> str:
    return api.get(path("pods", namespace, name))["status"]["phase"]


def test_nodes_say_that_their_gpus_are_simulated(lab_api: Api) -> None:
    nodes = lab_api.items(path("nodes"))
    assert {node["metadata"]["name"] for node in nodes} == {spec.name for spec in DEFAULT_NODES}
    with_gpus = [node for node in nodes if objects.GPU in node["status"]["allocatable"]]
    assert {node["metadata"]["labels"]["embedded.cluster/gpus"] for node in with_gpus} == {"simulated"}


def test_a_pod_for_h100_lands_on_an_h100_machine(lab_api: Api, lab_namespace: str) -> None:
    product = "NVIDIA-H100-80GB-HBM3"
    lab_api.create(path("pods", lab_namespace), gpu_pod("a", gpus=2, product=product))
    eventually(lambda: phase(lab_api, lab_namespace, "a") == "Running", what="running")
    found = lab_api.get(path("pods", lab_namespace, "a"))
    node = lab_api.get(path("nodes", name=found["spec"]["nodeName"]))
    assert node["metadata"]["labels"][PRODUCT] == product
    assert condition(lab_api, lab_namespace, "a")["lastTransitionTime"].endswith("Z")


def test_a_pod_beyond_capacity_waits_until_a_gpu_is_free(lab_api: Api, lab_namespace: str) -> None:
    lab_api.create(path("pods", lab_namespace), gpu_pod("first", gpus=4, product=L4))
    eventually(lambda: phase(lab_api, lab_namespace, "first") == "Running", what="running")
    lab_api.create(path("pods", lab_namespace), gpu_pod("second", gpus=1, product=L4))
    said = eventually(lambda: condition(lab_api, lab_namespace, "second"), what="a word of the scheduler")
    assert (said["status"], said["reason"]) == ("False", "Unschedulable")
    assert said["message"] == (
        "0/5 nodes are available: 1 Insufficient nvidia.com/gpu, "
        "4 node(s) didn't match Pod's node affinity/selector."
    )
    lab_api.delete(path("pods", lab_namespace, "first"))
    eventually(lambda: phase(lab_api, lab_namespace, "second") == "Running", what="running")


def test_a_pod_waits_for_its_claim(lab_api: Api, lab_namespace: str) -> None:
    volume = {"name": "home", "persistentVolumeClaim": {"claimName": "home"}}
    lab_api.create(path("pods", lab_namespace), objects.pod("a", nodeSelector={}, volumes=[volume]))
    said = eventually(lambda: condition(lab_api, lab_namespace, "a"), what="a word of the scheduler")
    assert 'persistentvolumeclaim "home" not found' in said["message"]


def test_a_job_that_sleeps_succeeds(lab_api: Api, lab_namespace: str) -> None:
    made = objects.pod("a", nodeSelector={})
    made["spec"]["containers"][0]["command"] = ["sleep", "0.5"]
    lab_api.create(path("pods", lab_namespace), made)
    eventually(lambda: phase(lab_api, lab_namespace, "a") == "Succeeded", what="the end")
    state = lab_api.get(path("pods", lab_namespace, "a"))["status"]["containerStatuses"][0]["state"]
    assert state["terminated"]["exitCode"] == 0
    assert state["terminated"]["startedAt"] <= state["terminated"]["finishedAt"]


def test_a_deadline_ends_the_pod(lab_api: Api, lab_namespace: str) -> None:
    made = objects.pod("a", nodeSelector={}, activeDeadlineSeconds=1)
    lab_api.create(path("pods", lab_namespace), made)
    eventually(lambda: phase(lab_api, lab_namespace, "a") == "Failed", what="the end")
    status = lab_api.get(path("pods", lab_namespace, "a"))["status"]
    assert status["reason"] == "DeadlineExceeded"
    assert status["containerStatuses"][0]["state"]["terminated"]["finishedAt"]


def test_a_deleted_pod_with_a_finalizer_shows_its_end(lab_api: Api, lab_namespace: str) -> None:
    made = objects.pod("a", nodeSelector={})
    made["metadata"]["finalizers"] = ["contract.test/usage"]
    at = path("pods", lab_namespace, "a")
    lab_api.create(path("pods", lab_namespace), made)
    eventually(lambda: phase(lab_api, lab_namespace, "a") == "Running", what="running")
    lab_api.delete(at)
    eventually(lambda: phase(lab_api, lab_namespace, "a") in {"Failed", "Succeeded"}, what="the end")
    status = lab_api.get(at)["status"]
    assert status["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
    lab_api.patch(at, {"metadata": {"finalizers": None}})
    eventually(lambda: lab_api.names(path("pods", lab_namespace)) == [], what="gone")


def room(*pods: dict[str, object]):
    return machines([as_object(spec) for spec in DEFAULT_NODES], pods)


@pytest.mark.parametrize(
    ("taken", "gpus", "product", "expected"),
    [
        ([], 1, L4, "l4-1"),
        ([("h100-2", 5)], 2, "NVIDIA-H100-80GB-HBM3", "h100-2"),
        ([("h100-2", 5)], 4, "NVIDIA-H100-80GB-HBM3", "h100-1"),
        ([("l4-1", 4), ("a100-1", 8)], 0, "", "cpu-1"),
        ([("l4-1", 4)], 1, L4, None),
        ([], 1, "NVIDIA-B200", None),
        ([], 9, "", None),
    ],
)
def test_the_fullest_machine_with_room_is_chosen(taken, gpus, product, expected) -> None:
    there = [gpu_pod(f"on-{node}", gpus=count, node=node) for node, count in taken]
    machine, message = choose(gpu_pod("new", gpus=gpus, product=product), room(*there))
    assert (machine.name if machine else None) == expected
    assert bool(message) is (expected is None)


def test_finished_pods_take_no_room() -> None:
    done = gpu_pod("done", gpus=4, node="l4-1") | {"status": {"phase": "Succeeded"}}
    machine, _ = choose(gpu_pod("new", gpus=4, product=L4), room(done))
    assert machine is not None


def test_a_cordoned_machine_takes_nothing() -> None:
    node = as_object(NodeSpec("only", None, 0, "4", "8Gi"))
    node["spec"]["unschedulable"] = True
    machine, message = choose(objects.pod("new", nodeSelector={}), machines([node], []))
    assert machine is None
    assert message == "0/1 nodes are available: 1 node(s) were unschedulable."


def test_a_pod_takes_the_greater_of_containers_and_any_init_container() -> None:
    made = objects.pod("a", gpus=1, containers=("one", "two"))
    made["spec"]["initContainers"] = [
        {"name": "init", "image": "x", "resources": {"limits": {"cpu": "500m", "memory": "4Gi"}}}
    ]
    wanted = requested(made)
    assert wanted["cpu"] == Decimal(2)
    assert wanted["memory"] == Decimal(4 * 1024**3)
    assert wanted[objects.GPU] == Decimal(2)
