"""Local processes in place of containers: starting, ending, and finding what a killed agent left."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

MARK_POD = "EMBEDDED_CLUSTER_POD"
MARK_DATA = "EMBEDDED_CLUSTER_DATA"
_PROC = Path("/proc")


class Process(Protocol):
    """What the agent asks of a running container."""

    def exit_code(self) -> int | None:
        """As a container reports it; None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it and all it started."""


class LocalProcess:
    """A process in a session of its own, marked by its environment.

    Starts of one agent must come from one long-lived thread: the process gets SIGTERM when it ends.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, uid: str, room: Path, directory: Path
    ) -> None:
        self._uid = uid
        self._pid_file = room / "pid"
        with (room / "log").open("ab") as output:
            self._process = _spawn(command, dict(environment) | {MARK_POD: uid}, directory, output)
        self._pid_file.write_text(str(self._process.pid))

    def exit_code(self) -> int | None:
        code = self._process.poll()
        return code if code is None or code >= 0 else 128 - code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._pid_file.unlink(missing_ok=True)
        # Kernels and terminals have sessions of their own and outlive a killed server.
        kill_marked(MARK_POD, self._uid)

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def _spawn(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, output: IO[bytes]
) -> subprocess.Popen[bytes]:
    # The command is JupyterLab in our own interpreter; the pod's part of it are arguments, not a shell line.
    return subprocess.Popen(  # noqa: S603
        command,
        env=environment,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


class Pretence:
    """A container that runs nothing, and ends after `seconds` if given."""

    def __init__(self, seconds: float | None) -> None:
        self._ends = None if seconds is None else time.monotonic() + seconds
        self._code: int | None = None

    def exit_code(self) -> int | None:
        if self._code is None and self._ends is not None and time.monotonic() >= self._ends:
            self._code = 0
        return self._code

    def terminate(self) -> None:
        self._code = 143 if self.exit_code() is None else self._code

    def kill(self) -> None:
        self._code = 137 if self.exit_code() is None else self._code


def free_port() -> int:
    """A port of the loopback that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, path: str) -> bool:
    """Whether an HTTP server on the loopback says yes to a GET of `path`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
    try:
        connection.request("GET", path)
        return 200 <= connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def kill_marked(mark: str, value: str) -> None:
    """Kill every process whose environment carries the mark; only where there is a /proc."""
    wanted = f"{mark}={value}".encode()
    for entry in _PROC.glob("[0-9]*") if _PROC.is_dir() else ():
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)


def kill_recorded(pid_file: Path) -> None:
    """Where there is no /proc: kill the recorded process group, if the pid still is one of our notebooks."""
    pid = int(pid_file.read_text())
    if _PROC.is_dir():
        return
    told = subprocess.run(  # noqa: S603
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 - wherever the system keeps it
        check=False,
        capture_output=True,
        text=True,
    )
    if "-P -m jupyterlab" in told.stdout:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
