"""The machines an embedded cluster pretends to have."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from k8s.embedded.store import timestamp

GPU = "nvidia.com/gpu"
GPU_PRODUCT = "nvidia.com/gpu.product"
SIMULATED = "embedded.cluster/gpus"


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One machine; `cpu` and `memory` are Kubernetes quantities."""

    name: str
    gpu_product: str | None
    gpus: int
    cpu: str
    memory: str


DEFAULT_NODES: Sequence[NodeSpec] = (
    NodeSpec("h100-1", "NVIDIA-H100-80GB-HBM3", 8, "192", "2Ti"),
    NodeSpec("h100-2", "NVIDIA-H100-80GB-HBM3", 8, "192", "2Ti"),
    NodeSpec("a100-1", "NVIDIA-A100-SXM4-80GB", 8, "128", "1Ti"),
    NodeSpec("l4-1", "NVIDIA-L4", 4, "64", "256Gi"),
    NodeSpec("cpu-1", None, 0, "64", "256Gi"),
)


def as_object(spec: NodeSpec) -> dict[str, Any]:
    """The Node manifest of one machine, ready and with everything allocatable."""
    room = {"cpu": spec.cpu, "memory": spec.memory, "ephemeral-storage": "1Ti", "pods": "110"}
    if spec.gpus:
        room[GPU] = str(spec.gpus)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": spec.name, "labels": _labels(spec)},
        "spec": {},
        "status": {
            "capacity": room,
            "allocatable": dict(room),
            "conditions": [_ready()],
            "addresses": [
                {"type": "InternalIP", "address": "127.0.0.1"},
                {"type": "Hostname", "address": spec.name},
            ],
            "nodeInfo": _node_info(spec),
        },
    }


def _labels(spec: NodeSpec) -> dict[str, str]:
    labels = {
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        SIMULATED: "simulated" if spec.gpus else "none",
    }
    if spec.gpu_product:
        labels |= {GPU_PRODUCT: spec.gpu_product, "nvidia.com/gpu.count": str(spec.gpus)}
    return labels


def _ready() -> dict[str, str]:
    now = timestamp()
    return {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "the embedded agent is posting ready status",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }


def _node_info(spec: NodeSpec) -> dict[str, str]:
    return {
        "architecture": "amd64",
        "bootID": f"embedded-{spec.name}",
        "containerRuntimeVersion": "embedded://1.0.0",
        "kernelVersion": platform.release(),
        "kubeProxyVersion": "v1.36.0",
        "kubeletVersion": "v1.36.0",
        "machineID": f"embedded-{spec.name}",
        "operatingSystem": "linux",
        "osImage": "embedded cluster (GPUs are simulated)",
        "systemUUID": f"embedded-{spec.name}",
    }
