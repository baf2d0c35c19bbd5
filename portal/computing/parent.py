"""The worker’s side: a run goes to a process of its own, and nobody else loads the numeric libraries."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from allocations.programme import calibrated, exchanging, runs, splitting, staffing
from allocations.programme.runs import Job, RunKind

# The result, or None and why there is none, and what that is about.
Computed = tuple[dict[str, Any] | None, str, dict[str, Any]]
Compute = Callable[[Job], Computed]
# Seconds; the lease of a run is longer.
PATIENCE = 20 * 60
GATHER = {
    RunKind.ASSIGNMENT: staffing.gather,
    RunKind.CALIBRATION: calibrated.gather,
    RunKind.EXCHANGE: exchanging.gather,
    RunKind.SPLIT: splitting.gather,
}


def compute(job: Job) -> Computed:
    """In a process of its own."""
    # More threads make these small problems slower: they wait for each other.
    alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    environment = os.environ | alone
    command = [sys.executable, "-m", "portal.computing.child"]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command,
            input=json.dumps(asdict(job)),
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, f"This took more than {PATIENCE // 60} minutes and was stopped.", {}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        return None, f"The computation failed: {last[0][:300]}", {}
    return told(json.loads(done.stdout))


def told(answer: dict[str, Any]) -> Computed:
    """What the other process wrote."""
    return answer.get("result"), answer.get("message", ""), answer.get("parts", {})


def step(sessions: "sessionmaker[Session]", compute: Compute = compute, *, text_model: str = "words") -> bool:
    """Compute the oldest run that waits; true if there was one. The inputs say what compares texts."""
    gather = GATHER | {RunKind.ASSIGNMENT: partial(staffing.gather, text_model=text_model)}
    with sessions() as session, session.begin():
        job = runs.claim(session, gather)
    if job is None:
        return False
    result, message, parts = compute(job)
    with sessions() as session, session.begin():
        runs.record(session, job, result=result, message=message, parts=parts)
    return True
