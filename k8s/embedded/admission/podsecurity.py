"""Pod Security Standards `baseline` and `restricted`, asked for by the namespace's labels."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8s.embedded.objects.errors import forbidden

Object = dict[str, Any]

LABEL = "pod-security.kubernetes.io/enforce"
SAFE_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
    )
)
BASELINE_CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
RESTRICTED_VOLUMES = frozenset(
    [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ]
)
SECCOMP = ("RuntimeDefault", "Localhost")


def check(namespace: Object, pod: Object) -> None:
    """Raises a 403 that lists every violation of the level the namespace enforces."""
    labels = namespace["metadata"].get("labels", {})
    level = labels.get(LABEL, "privileged")
    problems = [problem for rule in LEVELS.get(level, ()) for problem in rule(pod["spec"])]
    if problems:
        version = labels.get(f"{LABEL}-version", "latest")
        why = f'violates PodSecurity "{level}:{version}": {", ".join(problems)}'
        raise forbidden("pods", pod["metadata"]["name"], why)


def _containers(spec: Object) -> list[tuple[str, Object]]:
    names = ("initContainers", "containers", "ephemeralContainers")
    every = [container for name in names for container in spec.get(name, ())]
    return [(container["name"], container.get("securityContext", {})) for container in every]


def _named(names: list[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f"container {listed}" if len(names) == 1 else f"containers {listed}"


def _host_namespaces(spec: Object) -> Iterator[str]:
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    if used:
        yield f"host namespaces ({', '.join(used)})"


def _privileged(spec: Object) -> Iterator[str]:
    bad = [name for name, context in _containers(spec) if context.get("privileged")]
    if bad:
        yield f"privileged ({_named(bad)} must not set securityContext.privileged=true)"


def _baseline_capabilities(spec: Object) -> Iterator[str]:
    for name, context in _containers(spec):
        added = set(context.get("capabilities", {}).get("add", ())) - BASELINE_CAPABILITIES
        if added:
            listed = ", ".join(f'"{one}"' for one in sorted(added))
            yield (
                f"non-default capabilities ({_named([name])} must not include {listed} in "
                "securityContext.capabilities.add)"
            )


def _host_paths(spec: Object) -> Iterator[str]:
    bad = [f'"{volume["name"]}"' for volume in spec.get("volumes", ()) if "hostPath" in volume]
    if bad:
        yield f"hostPath volumes (volume{'s' if len(bad) > 1 else ''} {', '.join(bad)})"


def _host_ports(spec: Object) -> Iterator[str]:
    for container in spec.get("containers", ()):
        ports = [str(port["hostPort"]) for port in container.get("ports", ()) if port.get("hostPort")]
        if ports:
            yield f"hostPort ({_named([container['name']])} uses hostPort {', '.join(ports)})"


def _unconfined(spec: Object) -> Iterator[str]:
    contexts = [spec.get("securityContext", {}), *(context for _, context in _containers(spec))]
    for profile in ("seccompProfile", "appArmorProfile"):
        if any(context.get(profile, {}).get("type") == "Unconfined" for context in contexts):
            yield f'{profile} (pod or container must not set securityContext.{profile}.type to "Unconfined")'


def _sysctls(spec: Object) -> Iterator[str]:
    asked = {one.get("name") for one in spec.get("securityContext", {}).get("sysctls", ())}
    if asked - SAFE_SYSCTLS:
        yield f"forbidden sysctls ({', '.join(sorted(map(str, asked - SAFE_SYSCTLS)))})"


def _proc_mount(spec: Object) -> Iterator[str]:
    bad = [name for name, context in _containers(spec) if context.get("procMount", "Default") != "Default"]
    if bad:
        yield f'procMount ({_named(bad)} must not set securityContext.procMount to "Unmasked")'


def _escalation(spec: Object) -> Iterator[str]:
    bad = [name for name, c in _containers(spec) if c.get("allowPrivilegeEscalation") is not False]
    if bad:
        yield (
            f"allowPrivilegeEscalation != false ({_named(bad)} must set "
            "securityContext.allowPrivilegeEscalation=false)"
        )


def _capabilities(spec: Object) -> Iterator[str]:
    bad = []
    for name, context in _containers(spec):
        capabilities = context.get("capabilities", {})
        dropped = "ALL" in capabilities.get("drop", ())
        if not dropped or set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
            bad.append(name)
    if bad:
        yield f'unrestricted capabilities ({_named(bad)} must set securityContext.capabilities.drop=["ALL"])'


def _volume_types(spec: Object) -> Iterator[str]:
    for volume in spec.get("volumes", ()):
        kinds = sorted(set(volume) - {"name"} - RESTRICTED_VOLUMES)
        if kinds:
            shown = f'volume "{volume["name"]}" uses restricted volume type "{kinds[0]}"'
            yield f"restricted volume types ({shown})"


def _in_each(spec: Object, fits: Callable[[Mapping[str, Any]], bool | None]) -> list[str]:
    """Containers that are wrong themselves, or say nothing where the pod says nothing right."""
    of_pod = fits(spec.get("securityContext", {}))
    verdicts = [(name, fits(context)) for name, context in _containers(spec)]
    return [name for name, verdict in verdicts if not (of_pod if verdict is None else verdict)]


def _root(spec: Object) -> Iterator[str]:
    bad = _in_each(spec, lambda context: context.get("runAsNonRoot"))
    if bad:
        yield f"runAsNonRoot != true (pod or {_named(bad)} must set securityContext.runAsNonRoot=true)"


def _root_user(spec: Object) -> Iterator[str]:
    bad = [name for name, context in _containers(spec) if context.get("runAsUser") == 0]
    if bad or spec.get("securityContext", {}).get("runAsUser") == 0:
        yield f"runAsUser=0 ({_named(bad) if bad else 'pod'} must not set runAsUser=0)"


def _seccomp(spec: Object) -> Iterator[str]:
    def fits(context: Mapping[str, Any]) -> bool | None:
        profile = context.get("seccompProfile")
        return None if profile is None else profile.get("type") in SECCOMP

    bad = _in_each(spec, fits)
    if bad:
        yield (
            f"seccompProfile (pod or {_named(bad)} must set securityContext.seccompProfile.type to "
            '"RuntimeDefault" or "Localhost")'
        )


Rule = Callable[[Object], Iterator[str]]
BASELINE: tuple[Rule, ...] = (
    _host_namespaces,
    _privileged,
    _baseline_capabilities,
    _host_paths,
    _host_ports,
    _unconfined,
    _sysctls,
    _proc_mount,
)
RESTRICTED: tuple[Rule, ...] = (_escalation, _capabilities, _volume_types, _root, _root_user, _seccomp)
LEVELS: dict[str, tuple[Rule, ...]] = {"baseline": BASELINE, "restricted": BASELINE + RESTRICTED}
