"""The kinds the cluster serves: those built in, and those its CustomResourceDefinitions add."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from k8s.embedded.objects.schemas import TYPES, shape_of
from k8s.embedded.objects.shapes import CustomShape, Shape
from k8s.embedded.store import Store

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One served kind; `key` names its objects in the store."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    shape: Shape
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    singular: str = ""
    categories: tuple[str, ...] = ()
    custom: bool = False

    @property
    def key(self) -> str:
        return f"{self.plural}.{self.group}" if self.custom else self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources


# group/version, kind, plural, N(amespaced) or C(luster), short names, subresources
TABLE = """
v1 Namespace namespaces C ns status,finalize
v1 Node nodes C no status
v1 Pod pods N po status,log,eviction,binding,proxy
v1 Service services N svc status
v1 Secret secrets N - -
v1 ConfigMap configmaps N cm -
v1 ServiceAccount serviceaccounts N sa token
v1 PersistentVolume persistentvolumes C pv status
v1 PersistentVolumeClaim persistentvolumeclaims N pvc status
v1 ResourceQuota resourcequotas N quota status
v1 LimitRange limitranges N limits -
v1 Event events N ev -
apps/v1 Deployment deployments N deploy status
apps/v1 StatefulSet statefulsets N sts status
apps/v1 ReplicaSet replicasets N rs status
apps/v1 DaemonSet daemonsets N ds status
batch/v1 Job jobs N - status
batch/v1 CronJob cronjobs N cj status
networking.k8s.io/v1 NetworkPolicy networkpolicies N netpol -
networking.k8s.io/v1 Ingress ingresses N ing status
rbac.authorization.k8s.io/v1 Role roles N - -
rbac.authorization.k8s.io/v1 ClusterRole clusterroles C - -
rbac.authorization.k8s.io/v1 RoleBinding rolebindings N - -
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings C - -
scheduling.k8s.io/v1 PriorityClass priorityclasses C pc -
storage.k8s.io/v1 StorageClass storageclasses C sc -
coordination.k8s.io/v1 Lease leases N - -
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy validatingadmissionpolicies C - status
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings C - -
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions C crd,crds status
"""

IN_ALL = frozenset(
    ("Pod", "Service", "Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "Job", "CronJob")
)


def _built_in(line: str) -> Kind:
    api, kind, plural, scope, short, inner = line.split()
    group, _, version = api.rpartition("/")
    return Kind(
        group,
        version,
        kind,
        plural,
        scope == "N",
        shape_of(kind),
        short=tuple(short.split(",")) if short != "-" else (),
        subresources=tuple(inner.split(",")) if inner != "-" else (),
        singular=kind.lower(),
        categories=("all",) if kind in IN_ALL else (),
    )


BUILT_IN = tuple(_built_in(line) for line in TABLE.strip().splitlines())


def _customs(definition: dict[str, Any]) -> Iterator[Kind]:
    spec = definition["spec"]
    names = spec["names"]
    for version in spec["versions"]:
        if not version.get("served"):
            continue
        schema = version.get("schema", {}).get("openAPIV3Schema", {})
        yield Kind(
            spec["group"],
            version["name"],
            names["kind"],
            names["plural"],
            spec["scope"] == "Namespaced",
            CustomShape(schema, TYPES["Meta"]).shape,
            short=tuple(names.get("shortNames", ())),
            subresources=tuple(name for name in ("status",) if name in version.get("subresources", {})),
            singular=names.get("singular") or names["kind"].lower(),
            categories=tuple(names.get("categories", ())),
            custom=True,
        )


class Kinds:
    """Looks kinds up; follows the CustomResourceDefinitions in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._paths = {(kind.group, kind.version, kind.plural): kind for kind in BUILT_IN}
        self._cache: dict[str, tuple[int, tuple[Kind, ...]]] = {}

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        kind = self._paths.get((group, version, plural))
        if kind or "." not in group:
            return kind
        wanted = (group, version, plural)
        return next((k for k in self.customs() if (k.group, k.version, k.plural) == wanted), None)

    def all(self) -> tuple[Kind, ...]:
        return (*BUILT_IN, *self.customs())

    def of(self, api_version: str, kind: str) -> Kind | None:
        return next((k for k in self.all() if k.api_version == api_version and k.kind == kind), None)

    def customs(self) -> tuple[Kind, ...]:
        found: list[Kind] = []
        for record in self._store.records("customresourcedefinitions"):
            name = record.object["metadata"]["name"]
            cached = self._cache.get(name)
            if cached is None or cached[0] != record.version:
                cached = self._cache[name] = (record.version, tuple(_customs(record.object)))
            found.extend(cached[1])
        return tuple(found)
