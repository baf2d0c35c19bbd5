"""Runs of reviewer assignment, computed here, and what an officer sees of them."""

from collections.abc import Collection
from typing import Any

from sqlalchemy.orm import Session

from allocations.people.roles import Actor
from allocations.programme import assigning, jobs, proposed, runs, staffing
from allocations.programme.assigning import Marks, Wish
from allocations.programme.proposed import Pages, Shown
from allocations.programme.runs import Run, RunKind, Unsolvable
from tests.cast import Cast

GATHER = {RunKind.ASSIGNMENT: staffing.gather}


def compute(session: Session) -> None:
    """The oldest run that waits, as the worker does it, but without a process of its own."""
    job = runs.claim(session, GATHER)
    assert job is not None
    try:
        runs.record(session, job, result=jobs.assignment(job.inputs, job.seed))
    except Unsolvable as why:
        runs.record(session, job, result=None, message=str(why), parts=why.parts)
    session.flush()


def computed(cast: Cast, wish: Wish | None = None, *, run: Run | None = None) -> Run:
    """Asked for by Owen (or asked for already), and computed."""
    run = run or assigning.ask(cast.session, cast.owen, cast.call, wish or Wish(2), seed=3)
    compute(cast.session)
    return run


def pairs_of(run: Run) -> set[tuple[int, int]]:
    return {(one["proposal"], one["person"]) for one in run.result["pairs"] if not one["kept"]}


def seen(cast: Cast, run: Run, actor: Actor | None = None, pages: Pages | None = None) -> Shown:
    return proposed.shown(cast.session, actor or cast.owen, cast.call, run, pages=pages or Pages())


def marks(shown: Collection[int], locks: Any = (), bans: Any = ()) -> Marks:
    return Marks(frozenset(shown), frozenset(locks), frozenset(bans))
