"""`python -m k8s.embedded`: serves a cluster until interrupted."""

import argparse
import signal
import threading
from pathlib import Path

from k8s.embedded.server import EmbeddedCluster


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m k8s.embedded", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help="port on 127.0.0.1; by default the last one, or any"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("var/cluster"), help="folder for the cluster's state"
    )
    parser.add_argument("--no-agent", action="store_true", help="keep pods Pending instead of running them")
    options = parser.parse_args()
    ended = threading.Event()
    # Installed before anything runs, and kept: a second Ctrl-C must not cut the clean end short.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    cluster = EmbeddedCluster(options.data, port=options.port, agent=not options.no_agent)
    cluster.start()
    print(f"Kubernetes API at {cluster.url}, kubeconfig at {cluster.kubeconfig}", flush=True)
    print(f"Try: kubectl --kubeconfig {cluster.kubeconfig} get nodes   (Ctrl-C ends)", flush=True)
    ended.wait()
    cluster.stop()


if __name__ == "__main__":
    main()
