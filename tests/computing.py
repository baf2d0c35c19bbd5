"""The worker's turn for a run, here and now: starting a process for it takes longer than most runs."""

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from allocations.programme.runs import Job
from portal.computing import child, parent
from portal.computing.parent import Computed


def step(sessions: "sessionmaker[Session]") -> bool:
    """As `parent.step`; what goes to the other process and comes back is JSON here as well."""
    return parent.step(sessions, _here)


def _here(job: Job) -> Computed:
    return parent.told(_as_json(child.answered(_as_json(asdict(job)))))


def _as_json(value: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(value))
    return read
