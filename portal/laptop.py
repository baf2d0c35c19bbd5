"""`make run`: everything on one machine, from an empty folder to the first page; Ctrl-C ends all of it."""

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from io import BufferedWriter
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
GRACE = 10.0
TICK = 0.05

_heard: list[int] = []


def main() -> int:
    arguments = _arguments()
    folder = Path(os.environ.get("COMMONS_DATA_DIR", "var")).resolve()
    if arguments.fresh and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port(arguments.port)
    environment = _environment(folder, port)
    children: list[subprocess.Popen[bytes]] = []
    _heed_signals()
    try:
        _start(children, folder, port, environment)
        _announce(f"http://localhost:{port}", folder)
        return _watch(children)
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(children)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="preferred port of the portal")
    parser.add_argument("--fresh", action="store_true", help="start over with an empty var/")
    return parser.parse_args()


def _heed_signals() -> None:
    """Note a signal and act on it at the next `_pause`.

    An exception raised by the handler itself could come between the start of a child and the line that
    remembers it, and then nobody would end that child.
    """
    # Explicitly: a shell starts background jobs with SIGINT ignored, and then nothing would end this.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, frame: _heard.append(received))


def _pause() -> None:
    if not _heard:
        time.sleep(TICK)
    if _heard:
        raise KeyboardInterrupt


def _free_port(wanted: int) -> int:
    """The wanted port, or with a word of explanation the next free one."""
    for port in range(wanted, wanted + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port != wanted:
            print(f"Port {wanted} is taken by another program; using {port} instead.", flush=True)
        return port
    raise SystemExit(f"No free port between {wanted} and {wanted + 49}. Choose one: make run PORT=9000")


def _environment(folder: Path, port: int) -> dict[str, str]:
    """What is set already stays; the rest is good for one laptop."""
    key = folder / "secret-key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(secrets.token_hex(32), encoding="utf-8")
    defaults = {
        "COMMONS_MODE": "laptop",
        "COMMONS_DATA_DIR": str(folder),
        "COMMONS_DATABASE_URL": f"sqlite:///{folder / 'portal.db'}",
        "COMMONS_SECRET_KEY": key.read_text(encoding="utf-8"),
        "COMMONS_PUBLIC_URL": f"http://localhost:{port}",
        "FLASK_APP": "wsgi",
    }
    return {**defaults, **os.environ, "COMMONS_PUBLIC_URL": f"http://localhost:{port}"}


def _start(
    children: list[subprocess.Popen[bytes]], folder: Path, port: int, environment: Mapping[str, str]
) -> None:
    """The cluster starts while the database is prepared; then the worker and the web server."""
    python = sys.executable
    cluster = [python, "-m", "k8s.embedded", "--port", "0", "--data", str(folder / "cluster")]
    with (folder / "cluster.log").open("ab") as log:
        children.append(_spawn(cluster, environment, log))
    _prepare(children, folder, environment)
    with (folder / "worker.log").open("ab") as log:
        children.append(_spawn([python, "-m", "flask", "worker"], environment, log))
    web = [python, "-m", "waitress", "--listen", f"127.0.0.1:{port}", "--threads", "8", "wsgi:app"]
    with (folder / "web.log").open("ab") as log:
        children.append(_spawn(web, environment, log))
    _wait_for(f"http://127.0.0.1:{port}/healthz", children)


def _spawn(
    command: list[str], environment: Mapping[str, str], log: BufferedWriter
) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C reaches this process only, which then ends the others in order."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _prepare(children: list[subprocess.Popen[bytes]], folder: Path, environment: Mapping[str, str]) -> None:
    """Schema and demo data, in one short process."""
    report = folder / "prepare.log"
    with report.open("wb") as log:
        children.append(_spawn([sys.executable, "-m", "flask", "prepare"], environment, log))
    while children[-1].poll() is None:
        _pause()
    if children.pop().returncode:
        raise SystemExit(f"The database could not be prepared:\n{report.read_text(encoding='utf-8')}")


def _wait_for(address: str, children: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(child.poll() is not None for child in children):
            raise SystemExit("A part ended at once. Its log is in the data folder (var/*.log).")
        try:
            with urlopen(address, timeout=2):  # noqa: S310 - loopback
                return
        except (URLError, OSError):
            _pause()
    raise SystemExit("The portal did not answer within a minute. Its log is in var/web.log.")


def _announce(address: str, folder: Path) -> None:
    print(
        f"""
  The portal is running at  {address}

  Log in as one of the demo people:
    Priya   PI, writes proposals and runs a project
    Owen    programme officer, opens calls and screens
    Ruth    reviewer          Chen   panel chair
    Pat     lends the machines          Dana   custodian of data
    Uma     student in Priya's project  Sam    has no role yet
    Lena    not confirmed yet           Inga   confirms people of Lena's college
    Ada     administrator               Aida   auditor

  GPUs are simulated here. Data and logs are in {folder}.
  Ctrl-C stops everything; `make run FRESH=1` starts over.
""",
        flush=True,
    )


def _watch(children: list[subprocess.Popen[bytes]]) -> int:
    while True:
        for child in children:
            if child.poll() is not None:
                print(f"A part has ended unexpectedly: {' '.join(map(str, child.args))}", flush=True)  # type: ignore[arg-type]
                return 1
        _pause()


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    """Last started, first ended; a second Ctrl-C changes nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for child in reversed(children):
        child.terminate()
    deadline = time.monotonic() + GRACE
    for child in reversed(children):
        try:
            child.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if children:
        print("\nEverything is stopped. `make run` continues with the same data.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
