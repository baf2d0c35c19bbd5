"""Values the API server fills in when the client left them out."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from k8s.embedded.objects.errors import bad_request

Object = dict[str, Any]


def fill(obj: Object) -> None:
    """Completes the object in place."""
    filler = FILLERS.get(obj["kind"])
    if filler:
        filler(obj)


def _set(target: Object, **values: Any) -> None:
    for key, value in values.items():
        target.setdefault(key, value)


def _namespace(obj: Object) -> None:
    obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]
    obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    obj.setdefault("status", {}).setdefault("phase", "Active")


def _pod(obj: Object) -> None:
    spec = obj["spec"]
    pod_spec(spec)
    # Older clients read the second name; the server keeps both alike.
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account
    status = obj.setdefault("status", {})
    status.setdefault("phase", "Pending")
    status["qosClass"] = _qos(spec)


def pod_spec(spec: Object) -> None:
    _set(spec, restartPolicy="Always", dnsPolicy="ClusterFirst", schedulerName="default-scheduler")
    _set(spec, terminationGracePeriodSeconds=30, securityContext={}, enableServiceLinks=True)
    for container in (*spec.get("initContainers", ()), *spec.get("containers", ())):
        _container(container)
    for volume in spec.get("volumes", ()):
        _volume(volume)


def _container(container: Object) -> None:
    image = container.get("image", "")
    latest = image.endswith(":latest") or ":" not in image.rpartition("/")[2]
    _set(container, imagePullPolicy="Always" if latest and "@" not in image else "IfNotPresent")
    _set(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
    resources = container.setdefault("resources", {})
    for name, amount in resources.get("limits", {}).items():
        resources.setdefault("requests", {}).setdefault(name, amount)
    for port in container.get("ports", ()):
        _set(port, protocol="TCP")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in container:
            _set(container[probe], timeoutSeconds=1, periodSeconds=10, successThreshold=1)
            _set(container[probe], failureThreshold=3)
            if "httpGet" in container[probe]:
                _set(container[probe]["httpGet"], path="/", scheme="HTTP")
    for variable in container.get("env", ()):
        if "fieldRef" in variable.get("valueFrom", {}):
            _set(variable["valueFrom"]["fieldRef"], apiVersion="v1")


def _volume(volume: Object) -> None:
    for source in ("secret", "configMap", "projected"):
        if source in volume:
            _set(volume[source], defaultMode=0o644)
    if "hostPath" in volume:
        _set(volume["hostPath"], type="")
    if len(volume) == 1:
        volume["emptyDir"] = {}


def _qos(spec: Object) -> str:
    every = [c.get("resources", {}) for c in (*spec.get("initContainers", ()), *spec.get("containers", ()))]
    named = [
        one.get(side, {}).get(name) for one in every for side in ("limits", "requests") for name in CPU_MEM
    ]
    if not any(named):
        return "BestEffort"
    alike = all(
        one.get("limits", {}).get(name) and one["limits"][name] == one.get("requests", {}).get(name)
        for one in every
        for name in CPU_MEM
    )
    return "Guaranteed" if alike else "Burstable"


CPU_MEM = ("cpu", "memory")


def _service(obj: Object) -> None:
    spec = obj["spec"]
    _set(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] != "ExternalName":
        _set(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
        _set(spec, clusterIP=_address(obj["metadata"]))
        spec["clusterIPs"] = [spec["clusterIP"]]
    for index, port in enumerate(spec.get("ports", ())):
        _set(port, protocol="TCP", targetPort=port["port"])
        if spec["type"] in ("NodePort", "LoadBalancer"):
            _set(port, nodePort=30000 + (_digest(obj["metadata"]) + index) % 2768)
    _set(obj.setdefault("status", {}), loadBalancer={})


def _digest(meta: Object) -> int:
    named = f"{meta.get('namespace')}/{meta.get('name')}/{meta.get('uid')}"
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:4])


def _address(meta: Object) -> str:
    """An address of 10.96.0.0/12; unique enough for addresses nobody routes to."""
    number = _digest(meta) % (2**20 - 2) + 1
    return f"10.{96 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def _secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")
    for key, text in obj.pop("stringData", {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()
    for key, text in obj.get("data", {}).items():
        try:
            base64.b64decode(text, validate=True)
        except ValueError:
            raise bad_request(f"illegal base64 data at data.{key}") from None


def _volume_claim(obj: Object) -> None:
    _set(obj["spec"], volumeMode="Filesystem")
    _set(obj.setdefault("status", {}), phase="Pending")


def _persistent_volume(obj: Object) -> None:
    _set(obj["spec"], volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain")
    _set(obj.setdefault("status", {}), phase="Pending")
    if "hostPath" in obj["spec"]:
        _set(obj["spec"]["hostPath"], type="")
    if "claimRef" in obj["spec"]:
        _set(obj["spec"]["claimRef"], apiVersion="v1", kind="PersistentVolumeClaim")


def _quota(obj: Object) -> None:
    obj.setdefault("status", {})


def _limit_range(obj: Object) -> None:
    for item in obj.get("spec", {}).get("limits", ()):
        if item["type"] != "Container":
            continue
        for name, amount in item.get("max", {}).items():
            item.setdefault("default", {}).setdefault(name, amount)
        for name, amount in item.get("default", {}).items():
            item.setdefault("defaultRequest", {}).setdefault(name, item.get("min", {}).get(name, amount))


def _policy(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _set(spec, podSelector={}, policyTypes=["Ingress", *(["Egress"] if spec.get("egress") else [])])
    for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
        for port in rule.get("ports", ()):
            _set(port, protocol="TCP")


def _binding(obj: Object) -> None:
    _set(obj["roleRef"], apiGroup="rbac.authorization.k8s.io")
    for subject in obj.get("subjects", ()):
        if subject.get("kind") in ("User", "Group"):
            _set(subject, apiGroup="rbac.authorization.k8s.io")


def _role(obj: Object) -> None:
    obj.setdefault("rules", [])


def _workload(obj: Object) -> None:
    spec = obj["spec"]
    if obj["kind"] != "DaemonSet":
        _set(spec, replicas=1)
    if obj["kind"] != "ReplicaSet":
        _set(spec, revisionHistoryLimit=10)
    if "spec" in spec.get("template", {}):
        pod_spec(spec["template"]["spec"])
    _set(obj, status={})


def _job(obj: Object) -> None:
    spec = obj["spec"]
    _set(
        spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False, manualSelector=False
    )
    if spec["parallelism"] and "completions" not in spec:
        spec["completions"] = 1
    uid = obj["metadata"].get("uid", "")
    spec.setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    _set(labels, **{"batch.kubernetes.io/controller-uid": uid})
    _set(labels, **{"batch.kubernetes.io/job-name": obj["metadata"]["name"]})
    pod_spec(spec["template"].setdefault("spec", {}))
    _set(obj, status={})


def _cron_job(obj: Object) -> None:
    _set(obj["spec"], concurrencyPolicy="Allow", suspend=False)
    _set(obj["spec"], successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    _set(obj, status={})


def _priority_class(obj: Object) -> None:
    _set(obj, preemptionPolicy="PreemptLowerPriority")


def _storage_class(obj: Object) -> None:
    _set(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _definition(obj: Object) -> None:
    spec = obj["spec"]
    names = spec["names"]
    kind = names.get("kind", "")
    _set(names, singular=kind.lower(), listKind=f"{kind}List")
    _set(spec, conversion={"strategy": "None"})
    stored = [version["name"] for version in spec["versions"] if version.get("storage")]
    # The real server reports these a moment later; clients that poll for them do not mind the haste.
    conditions = [_true("NamesAccepted", "NoConflicts"), _true("Established", "InitialNamesAccepted")]
    _set(
        obj.setdefault("status", {}), conditions=conditions, acceptedNames=dict(names), storedVersions=stored
    )


def _true(kind: str, reason: str) -> Object:
    return {"type": kind, "status": "True", "reason": reason, "message": reason}


def _each(kinds: Iterable[str], filler: Callable[[Object], None]) -> dict[str, Callable[[Object], None]]:
    return dict.fromkeys(kinds, filler)


FILLERS: dict[str, Callable[[Object], None]] = {
    "Namespace": _namespace,
    "Pod": _pod,
    "Service": _service,
    "Secret": _secret,
    "PersistentVolumeClaim": _volume_claim,
    "PersistentVolume": _persistent_volume,
    "ResourceQuota": _quota,
    "LimitRange": _limit_range,
    "NetworkPolicy": _policy,
    "Job": _job,
    "CronJob": _cron_job,
    "PriorityClass": _priority_class,
    "StorageClass": _storage_class,
    "CustomResourceDefinition": _definition,
    **_each(("RoleBinding", "ClusterRoleBinding"), _binding),
    **_each(("Role", "ClusterRole"), _role),
    **_each(("Deployment", "StatefulSet", "ReplicaSet", "DaemonSet"), _workload),
}
