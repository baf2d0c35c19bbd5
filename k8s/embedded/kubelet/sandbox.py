"""Puts a pod's volumes in their places, read-only where they must be, for a local process.

Three rungs: a private mount namespace (root, or an ordinary user where user namespaces are
allowed); links to copies without write permission; and, for root without mount namespaces,
a refusal, because permission bits do not stop root.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
_TRY_TO_WRITE = """
import errno, sys
try:
    open(sys.argv[1], "w")
except OSError as error:
    sys.exit(error.errno != errno.EROFS)
sys.exit("it was written")
"""


class CannotStart(Exception):
    """The node cannot start the container, for `reason`; it will try again."""

    def __init__(self, message: str, *, reason: str = "CreateContainerConfigError") -> None:
        super().__init__(message)
        self.reason = reason


class Rung(StrEnum):
    """How volumes reach a process on this machine."""

    ROOT = "root"
    USER = "user"
    LINKS = "links"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file and the place where the process finds it."""

    source: Path
    target: Path
    read_only: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A command and what it sees: all of the machine but `hidden`, and of that only `kept`."""

    command: Sequence[str]
    mounts: Sequence[Mount]
    directory: Path
    hidden: Path | None = None
    kept: Sequence[Path] = ()


@functools.cache
def rung() -> Rung:
    """The best way this machine offers, found by trying it once."""
    root = os.geteuid() == 0
    if sys.platform == "linux" and _namespace_works(Rung.ROOT if root else Rung.USER):
        return Rung.ROOT if root else Rung.USER
    return Rung.REFUSAL if root else Rung.LINKS


def _namespace_works(kind: Rung) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        source, target, room = (Path(folder) / name for name in ("source", "target", "room"))
        for each in (source, target, room):
            each.mkdir()
        attempt = [sys.executable, "-I", "-S", "-c", _TRY_TO_WRITE, str(target / "file")]
        plan = Plan(attempt, [Mount(source, target, read_only=True)], room, hidden=room, kept=[source])
        command = launch(plan, room=room, on=kind)
        # Our own interpreter and script.
        return subprocess.run(command, check=False, capture_output=True, cwd=folder).returncode == 0  # noqa: S603


def launch(plan: Plan, *, room: Path, on: Rung) -> list[str]:
    """The command to run instead of the plan's so that it sees its mounts; `room` takes the plan's file.

    To be run by the calling process itself: the command ends when its parent's thread does.
    """
    if sys.platform != "linux":
        return list(plan.command)
    written = {
        "parent": os.getpid(),
        "namespace": on.value if on in {Rung.ROOT, Rung.USER} else "",
        "mounts": [
            {"source": str(each.source), "target": str(each.target), "read_only": each.read_only}
            for each in sorted(plan.mounts, key=lambda mount: len(mount.target.parts))
        ],
        "kept": [str(each) for each in plan.kept],
        "hidden": str(plan.hidden or ""),
        "directory": str(plan.directory),
        "command": list(plan.command),
    }
    file = room / "launch.json"
    file.write_text(json.dumps(written))
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(file)]


def place(mounts: Iterable[Mount], *, home: Path, room: Path, on: Rung) -> None:
    """Make the mount points, or on the rung of links the links. Raises CannotStart."""
    for number, mount in enumerate(mounts):
        if on is Rung.REFUSAL and mount.read_only:
            raise CannotStart(
                f"{mount.target.name} must be read-only, which root cannot be held to on this machine: "
                "run as an ordinary user, or allow mount namespaces"
            )
        _parent_inside(mount.target, home if mount.target.is_relative_to(home) else room)
        if mount.target.is_symlink():
            mount.target.unlink()
        if on in {Rung.ROOT, Rung.USER}:
            _mount_point(mount)
        else:
            _link(mount, room / "read-only" / str(number))


def _parent_inside(target: Path, base: Path) -> None:
    # What users put into their home must not lead the agent out of it.
    existing = next(each for each in target.parents if each.exists() or each == base)
    if not existing.resolve().is_relative_to(base.resolve()):
        raise CannotStart(f"{target.relative_to(base)} leads out of the volume")
    target.parent.mkdir(parents=True, exist_ok=True)


def _mount_point(mount: Mount) -> None:
    if mount.source.is_dir():
        mount.target.mkdir(exist_ok=True)
    else:
        mount.target.touch()


def _link(mount: Mount, copy: Path) -> None:
    if mount.target.is_dir() and not any(mount.target.iterdir()):
        mount.target.rmdir()
    if mount.target.exists():
        raise CannotStart(f"{mount.target.name} is in the way of a volume")
    mount.target.symlink_to(_read_only_copy(mount.source, copy) if mount.read_only else mount.source)


def _read_only_copy(source: Path, copy: Path) -> Path:
    """A copy, since taking permissions from the original would change other people's data."""
    if source.is_dir():
        shutil.copytree(source, copy, dirs_exist_ok=True)
    else:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    for each in (copy, *copy.rglob("*")):
        each.chmod(0o555 if each.is_dir() else 0o444)
    return copy


def clear_stale(home: Path, *, keep: Iterable[Path], ledger: Path) -> None:
    """Remove earlier mount points and links of `home` except `keep`, and note `keep` in the ledger file."""
    earlier = json.loads(ledger.read_text()) if ledger.exists() else []
    kept = sorted({str(each.relative_to(home)) for each in keep})
    for place_in_home in sorted(set(earlier) - set(kept), key=len, reverse=True):
        _remove_place(home / place_in_home)
    if earlier != kept:
        ledger.parent.mkdir(parents=True, exist_ok=True)
        ledger.write_text(json.dumps(kept))


def _remove_place(place_in_home: Path) -> None:
    if place_in_home.is_symlink():
        place_in_home.unlink()
    elif place_in_home.is_dir() and not any(place_in_home.iterdir()):
        place_in_home.rmdir()


def discard(folder: Path) -> None:
    """Delete a folder of ours, read-only copies included."""
    for each in (folder, *(each for each in folder.rglob("*") if each.is_dir() and not each.is_symlink())):
        if each.exists():
            each.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
