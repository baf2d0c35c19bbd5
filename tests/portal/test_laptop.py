"""`make run`'s supervisor, as a newcomer uses it: start, look, stop, start again."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@dataclass
class Laptop:
    process: "subprocess.Popen[str]"
    folder: Path
    said: str

    @property
    def address(self) -> str:
        return re.search(r"http://localhost:\d+", self.said)[0]  # type: ignore[index]

    def page(self, path: str) -> str:
        with urlopen(self.address.replace("localhost", "127.0.0.1") + path, timeout=10) as answer:
            return answer.read().decode()

    def stop(self, *, times: int = 1, pause: float = 0.2) -> None:
        """Ctrl-C so many times, and wait until the supervisor is gone."""
        for _ in range(times):
            self.process.send_signal(signal.SIGINT)
            time.sleep(pause)
        self.process.communicate(timeout=30)


@contextmanager
def started(folder: Path, port: int, *more: str) -> Iterator[Laptop]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COMMONS_")}
    environment |= {"COMMONS_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "portal.laptop", "--port", str(port), *more]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said = _until_announced(process)
        yield Laptop(process, folder, said)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def _until_announced(process: "subprocess.Popen[str]") -> str:
    """What was printed up to the last line of the announcement."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "FRESH=1" in line:
            return said
    raise AssertionError(f"ended with {process.wait()}: {said}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _processes(folder: Path) -> list[str]:
    """Command lines of all processes that know this data folder, by argument or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in told:
            found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def test_a_newcomers_day(tmp_path: Path) -> None:
    folder, port = tmp_path / "data", _free_port()
    with started(folder, port) as first:
        assert first.address.endswith(f":{port}")
        assert "AI Research Commons" in first.page("/")
        assert "Priya" in first.page("/login")
        key = (folder / "secret-key").read_text()
        running = _processes(folder)
        first.stop()
    assert len(running) >= 4
    assert _processes(folder) == []
    assert first.process.returncode == 0

    with started(folder, port) as second:
        assert "AI for Science, second round" in second.page("/calls")
        assert (folder / "secret-key").read_text() == key
        second.stop(times=2)
    assert _processes(folder) == []


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_ctrl_c_pressed_many_times_at_once_leaves_nothing_behind(tmp_path: Path, pause: float) -> None:
    folder = tmp_path / "data"
    with started(folder, _free_port()) as laptop:
        laptop.stop(times=5, pause=pause)

    assert _processes(folder) == []


@pytest.mark.parametrize("later", [0.0, 0.005, 0.01, 0.02, 0.2, 1.0, 1.5])
def test_a_signal_during_the_start_leaves_nothing_behind(tmp_path: Path, later: float) -> None:
    """The first few hit the moment in which children are started."""
    folder = tmp_path / "data"
    environment = os.environ | {"COMMONS_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "portal.laptop", "--port", str(_free_port())]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not (folder / "cluster.log").exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(later)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)

    assert _processes(folder) == []


def test_a_taken_port_gives_a_message_and_another_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with started(tmp_path / "data", port) as laptop:
            assert f"Port {port} is taken" in laptop.said
            assert laptop.address.rsplit(":")[-1] != str(port)
            assert "AI Research Commons" in laptop.page("/")


def test_fresh_starts_over(tmp_path: Path) -> None:
    folder, port = tmp_path / "data", _free_port()
    with started(folder, port) as laptop:
        key = (folder / "secret-key").read_text()
        laptop.stop()
    with started(folder, port, "--fresh") as laptop:
        assert (folder / "secret-key").read_text() != key
        assert "Priya" in laptop.page("/login")


def test_when_a_part_dies_the_rest_is_stopped_and_it_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with started(folder, _free_port()) as laptop:
        children = Path(f"/proc/{laptop.process.pid}/task/{laptop.process.pid}/children").read_text().split()
        worker = next(c for c in children if b"worker" in Path(f"/proc/{c}/cmdline").read_bytes())
        os.kill(int(worker), signal.SIGKILL)
        said, _ = laptop.process.communicate(timeout=30)

    assert laptop.process.returncode == 1
    assert "ended unexpectedly" in said
    assert _processes(folder) == []
