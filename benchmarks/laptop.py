"""How long `make run` takes from the command to the announcement: the first time, and again."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def run(folder: Path) -> None:
    first, second = _start(folder), _start(folder)
    print("laptop (wall seconds of this machine; compare the ratio)")
    print(f"  first start {first:.1f}, second start {second:.1f}, ratio {second / first:.2f}")


def _start(folder: Path) -> float:
    """Start, wait for the announcement, stop; the seconds of the first part."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMMONS_")}
    command = [sys.executable, "-m", "portal.laptop", "--port", str(port)]
    began = time.monotonic()
    with subprocess.Popen(
        command, env=kept | {"COMMONS_DATA_DIR": str(folder)}, stdout=subprocess.PIPE, text=True
    ) as laptop:
        assert laptop.stdout is not None
        if not any("FRESH=1" in line for line in laptop.stdout):
            raise SystemExit("`make run` ended before it announced an address.")
        seconds = time.monotonic() - began
        laptop.send_signal(signal.SIGINT)
        laptop.communicate()
    return seconds
