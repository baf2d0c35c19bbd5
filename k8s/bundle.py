"""What a project namespace holds: a pure function from a spec to manifests, guard rails first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k8s import names
from k8s.cluster import Manifest
from k8s.clusters import Site

# CPU cores and GiB of memory that come with the namespace itself and with each GPU.
BASE_CPU, BASE_MEMORY = 4, 16
CPU_PER_GPU, MEMORY_PER_GPU = 8, 64
HOME_GIB = 10
PRIVATE_NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"]


@dataclass(frozen=True, slots=True)
class Gpus:
    """A product of the cluster and how many of it the project may hold now (0 when off)."""

    priority_class: str
    label: str
    extended_resource: str
    most: int


@dataclass(frozen=True, slots=True)
class Mount:
    slug: str
    location: str


@dataclass(frozen=True, slots=True)
class NamespaceSpec:
    """`compute` is off when nothing may run any more; the data stay."""

    name: str
    project_ref: str
    compute: bool
    gpus: tuple[Gpus, ...]
    members: tuple[int, ...]
    datasets: tuple[Mount, ...]
    storage_gib: int


def for_namespace(spec: NamespaceSpec, site: Site) -> list[Manifest]:
    """Namespace, then everything that limits, then everything that can be used."""
    return [_namespace(spec), *guard_rails(spec), *_access(spec), *_volumes(spec, site)]


def guard_rails(spec: NamespaceSpec) -> list[Manifest]:
    quotas = [_compute_quota(spec), _object_quota(spec), *(_gpu_quota(spec, gpus) for gpus in spec.gpus)]
    return [*quotas, _limit_range(spec), *_network_policies(spec)]


def _object(owner: NamespaceSpec, api: str, kind: str, name: str, **body: Any) -> Manifest:
    metadata = {"name": name, "namespace": owner.name, "labels": names.labels(owner.project_ref)}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


def _namespace(spec: NamespaceSpec) -> Manifest:
    security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    metadata = {
        "name": spec.name,
        "labels": names.labels(spec.project_ref) | security,
        "annotations": {names.PROJECT: spec.project_ref},
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _compute_quota(spec: NamespaceSpec) -> Manifest:
    gpus = sum(part.most for part in spec.gpus) if spec.compute else 0
    cpu = BASE_CPU + CPU_PER_GPU * gpus if spec.compute else 0
    memory = BASE_MEMORY + MEMORY_PER_GPU * gpus if spec.compute else 0
    hard = {
        "requests.cpu": str(cpu),
        "limits.cpu": str(cpu),
        "requests.memory": f"{memory}Gi",
        "limits.memory": f"{memory}Gi",
        "requests.ephemeral-storage": f"{20 * (gpus + 1)}Gi",
    }
    hard |= {f"requests.{part.extended_resource}": str(gpus) for part in spec.gpus}
    return _object(spec, "v1", "ResourceQuota", "compute", spec={"hard": hard})


def _object_quota(spec: NamespaceSpec) -> Manifest:
    hard = {
        "pods": "50" if spec.compute else "0",
        "services": "50",
        "services.nodeports": "0",
        "services.loadbalancers": "0",
        "secrets": "100",
        "configmaps": "100",
        "persistentvolumeclaims": "250",
        "count/jobs.batch": "100",
    }
    return _object(spec, "v1", "ResourceQuota", "objects", spec={"hard": hard})


def _gpu_quota(spec: NamespaceSpec, gpus: Gpus) -> Manifest:
    only = {"scopeName": "PriorityClass", "operator": "In", "values": [gpus.priority_class]}
    most = gpus.most if spec.compute else 0
    quota = {
        "hard": {f"requests.{gpus.extended_resource}": str(most)},
        "scopeSelector": {"matchExpressions": [only]},
    }
    return _object(spec, "v1", "ResourceQuota", gpus.priority_class, spec=quota)


def _limit_range(spec: NamespaceSpec) -> Manifest:
    container = {
        "type": "Container",
        "default": {"cpu": "1", "memory": "2Gi", "ephemeral-storage": "5Gi"},
        "defaultRequest": {"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "1Gi"},
    }
    claim = {"type": "PersistentVolumeClaim", "min": {"storage": "1Mi"}, "max": {"storage": "100Ti"}}
    return _object(spec, "v1", "LimitRange", "defaults", spec={"limits": [container, claim]})


def _network_policies(spec: NamespaceSpec) -> list[Manifest]:
    kube_dns = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    dns = {"to": [kube_dns], "ports": [{"port": 53, "protocol": p} for p in ("UDP", "TCP")]}
    internet = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": PRIVATE_NETWORKS}}]}
    inside: Manifest = {"podSelector": {}}
    gateway = {"namespaceSelector": {"matchLabels": {"commons.research/gateway": "true"}}}
    port = {"port": names.NOTEBOOK_PORT, "protocol": "TCP"}
    both = ["Ingress", "Egress"]
    return [
        _policy(spec, "default-deny", podSelector={}, policyTypes=both),
        _policy(
            spec,
            "same-namespace",
            podSelector={},
            policyTypes=both,
            ingress=[{"from": [inside]}],
            egress=[{"to": [inside]}],
        ),
        _policy(spec, "dns-and-internet", podSelector={}, policyTypes=["Egress"], egress=[dns, internet]),
        _policy(
            spec,
            "gateway-to-notebooks",
            podSelector={"matchExpressions": [{"key": names.NOTEBOOK, "operator": "Exists"}]},
            policyTypes=["Ingress"],
            ingress=[{"from": [gateway], "ports": [port]}],
        ),
    ]


def _policy(spec: NamespaceSpec, name: str, **body: Any) -> Manifest:
    return _object(spec, "networking.k8s.io/v1", "NetworkPolicy", name, spec=body)


def _access(spec: NamespaceSpec) -> list[Manifest]:
    accounts = [
        _object(spec, "v1", "ServiceAccount", name, automountServiceAccountToken=False)
        for name in ("default", "notebook")
    ]
    group = "rbac.authorization.k8s.io"
    role = "commons-member" if spec.compute else "commons-viewer"
    subjects = [{"kind": "User", "name": names.subject(person), "apiGroup": group} for person in spec.members]
    # A binding's role never changes, so each role has a binding of its own and the other one is pruned.
    binding = _object(
        spec,
        f"{group}/v1",
        "RoleBinding",
        role,
        subjects=subjects,
        roleRef={"apiGroup": group, "kind": "ClusterRole", "name": role},
    )
    return [*accounts, binding]


def _volumes(spec: NamespaceSpec, site: Site) -> list[Manifest]:
    project = claim(spec.name, spec.project_ref, "project", gib=spec.storage_gib, site=site)
    return [project, *(part for mount in spec.datasets for part in _dataset(spec, mount, site))]


def claim(namespace: str, project_ref: str, name: str, *, gib: int, site: Site) -> Manifest:
    """A volume that can be written: project storage or somebody's home."""
    body: dict[str, Any] = {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": f"{gib}Gi"}},
    }
    if site.storage_class:
        body["storageClassName"] = site.storage_class
    metadata = {"name": name, "namespace": namespace, "labels": names.labels(project_ref)}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": body}


def _dataset(spec: NamespaceSpec, mount: Mount, site: Site) -> list[Manifest]:
    """A pre-bound read-only volume and its claim: read-only at the volume, not only at the mount."""
    volume_name = names.dataset_volume(spec.name, mount.slug)
    claim_name = names.dataset_claim(mount.slug)
    labels = names.labels(spec.project_ref, **{names.DATASET: mount.slug})
    filled = {"location": mount.location, "namespace": spec.name, "slug": mount.slug}
    shared = {"accessModes": ["ReadOnlyMany"], "storageClassName": ""}
    volume = {
        "capacity": {"storage": "1Gi"},
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": spec.name,
            "name": claim_name,
        },
        **shared,
        **_filled(site.dataset_volume, filled),
    }
    wanted = {"volumeName": volume_name, "resources": {"requests": {"storage": "1Gi"}}, **shared}
    meta = {"name": claim_name, "namespace": spec.name, "labels": labels}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume_name, "labels": labels},
            "spec": volume,
        },
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": wanted},
    ]


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    """The template with its placeholders filled, at any depth."""
    if isinstance(template, str):
        return template.format(**values)
    if isinstance(template, dict):
        return {key: _filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    return template
