"""The real thing as processes, as `make run` starts it, in a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY = "The portal is running at"
PATIENCE = 90.0


@dataclass(frozen=True, slots=True)
class Portal:
    address: str
    folder: Path
    # Seconds from the command to the first page, with demo data loaded on the way.
    took: float


@contextmanager
def running(folder: Path) -> Iterator[Portal]:
    """Starts cluster, worker and web server; ends them as Ctrl-C does, and looks whether anything is left."""
    began = time.monotonic()
    starter = _start(folder)
    try:
        yield Portal(_address(starter, folder), folder, time.monotonic() - began)
    finally:
        starter.send_signal(signal.SIGINT)
        try:
            starter.wait(30)
        except subprocess.TimeoutExpired:
            starter.kill()
            raise
    assert starter.returncode == 0, _output(folder)
    assert _left(folder) == [], "processes of the portal are still running"


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMMONS_")}
    environment = {**kept, "COMMONS_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with (folder / "starter.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "portal.laptop", "--port", str(_free_port())],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _address(starter: "subprocess.Popen[bytes]", folder: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while READY not in _output(folder):
        assert starter.poll() is None, f"the portal did not start:\n{_output(folder)}"
        assert time.monotonic() < deadline, f"the portal takes too long to start:\n{_output(folder)}"
        time.sleep(0.05)
    return _output(folder).split(READY)[1].split()[0]


def _output(folder: Path) -> str:
    return (folder / "starter.log").read_text(encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _left(folder: Path) -> list[str]:
    """Processes that name the folder: in their command, or (web server, worker) in their environment."""
    mark = str(folder).encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except OSError:
            continue
        if int(entry.name) != os.getpid() and (mark in command or b"COMMONS_DATA_DIR=" + mark in environment):
            found.append(command.replace(b"\0", b" ").decode())
    return found
