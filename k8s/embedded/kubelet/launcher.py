"""Run as a script between the agent and a notebook: private mounts, fewer powers, then the command.

It imports nothing but the standard library, because it starts with `-I -S` before every notebook.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_NOSUID, MS_NODEV = 2, 4
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE, MS_RELATIME = 1, 32, 4096, 16384, 1 << 18, 1 << 21
# nosuid, nodev, noexec, noatime, nodiratime have the same bits in statvfs and mount; relatime does not.
SAME_BITS, ST_RELATIME = 2 | 4 | 8 | 1024 | 2048, 4096
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
# chown, dac_override, fowner, fsetid, kill, setgid, setuid, net_bind_service. Without sys_admin and
# sys_ptrace root can neither remount a dataset writable nor reach it through another process's root.
KEPT_CAPABILITIES = frozenset({0, 1, 3, 4, 5, 6, 7, 10})

_libc = ctypes.CDLL(None, use_errno=True)


def main(plan_file: str) -> None:
    """Replace this process by the plan's command."""
    plan = json.loads(Path(plan_file).read_text())
    if plan["namespace"]:
        _leave_namespace(user=plan["namespace"] == "user")
        _arrange(plan)
    if plan["namespace"] == "root":
        _drop_capabilities()
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # After unshare: a change of credentials clears the signal.
    _call("prctl", PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != plan["parent"]:
        sys.exit("the agent is gone")
    os.chdir(plan["directory"])
    os.execv(plan["command"][0], plan["command"])  # noqa: S606 - the agent's own plan


def _arrange(plan: dict[str, Any]) -> None:
    """Mount the volumes, and cover the cluster's own folder but for what is this pod's."""
    paths = {*plan["kept"], *(mount["source"] for mount in plan["mounts"])}
    # Held open, so that they can still be mounted when their places are covered.
    held = {path: f"/proc/self/fd/{os.open(path, os.O_PATH)}" for path in paths}
    for mount in plan["mounts"]:
        # The original place of read-only data must not be a way around the mount.
        if mount["read_only"]:
            _bind(mount["source"], mount["source"], read_only=True)
    if plan["hidden"]:
        _mount("tmpfs", plan["hidden"], MS_NOSUID | MS_NODEV, kind="tmpfs", options="size=1m,mode=755")
        for path in plan["kept"]:
            os.makedirs(path, exist_ok=True)
            _bind(held[path], path, read_only=False)
    for mount in plan["mounts"]:
        _bind(held[mount["source"]], mount["target"], read_only=mount["read_only"])


def _leave_namespace(*, user: bool) -> None:
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", CLONE_NEWNS | (CLONE_NEWUSER if user else 0))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    _mount("none", "/", MS_REC | MS_PRIVATE)


def _bind(source: str, target: str, *, read_only: bool) -> None:
    _mount(source, target, MS_BIND | MS_REC)
    if read_only:
        bits = os.statvfs(target).f_flag
        kept = bits & SAME_BITS | (MS_RELATIME if bits & ST_RELATIME else 0)
        _mount("none", target, MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def _drop_capabilities() -> None:
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in set(range(last + 1)) - KEPT_CAPABILITIES:
        _call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)


def _mount(source: str, target: str, flags: int, *, kind: str = "", options: str = "") -> None:
    words = (source.encode(), target.encode(), kind.encode() or None)
    _call("mount", *words, ctypes.c_ulong(flags), options.encode() or None)


def _call(name: str, *arguments: Any) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    main(sys.argv[1])
