"""A worker that is killed (SIGKILL) right before or after its n-th write to the cluster.

Run as a program: `python -m tests.k8s.crashing_worker N before|after`, with the settings in the environment.
Ends with 0 when it had no n-th write to make.
"""

import os
import signal
import sys
from typing import Any

from sqlalchemy.orm import sessionmaker

from allocations.kernel.db import create_engine
from k8s.cluster import Api
from portal import settings, worker
from portal.worker import Worker

WRITES = ("PATCH", "DELETE", "POST", "PUT")


def die_at(number: int, when: str) -> None:
    real, count = Api._call, [0]

    def call(self: Api, method: str, path: str, **more: Any) -> Any:
        count[0] += method in WRITES
        fatal = method in WRITES and count[0] == number
        if fatal and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(self, method, path, **more)
        if fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    Api._call = call  # type: ignore[method-assign]


if __name__ == "__main__":
    die_at(int(sys.argv[1]), sys.argv[2])
    chosen = settings.load()
    engine = create_engine(chosen.database_url)
    worker.once(Worker(sessionmaker(engine, expire_on_commit=False), chosen))
