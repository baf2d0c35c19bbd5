"""The calibrated score of an item for each member: computed as if what is kept from them did not exist."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.programme import calibrated, meetings, panel_list, runs
from allocations.programme.meetings import AgendaItem, Meeting, RoomCheck
from allocations.programme.proposals import Proposal
from allocations.programme.runs import Run, RunKind


def note(session: Session, meeting: Meeting, item: AgendaItem) -> None:
    """When the room comes to an item, so that thirty screens need not look into the computation."""
    run = runs.newest_and_done(session, meeting.call, RunKind.CALIBRATION)[1]
    known = set(run.result["proposals"]) if run is not None else set()
    stays = (RoomCheck.item_id == item.id, RoomCheck.kind == "")
    checks = {found.person_id: found for found in session.scalars(select(RoomCheck).where(*stays))}
    for seat in meetings.seats(session, meeting):
        check = checks.get(seat.person_id)
        if check is not None and run is not None:
            mine = select(Proposal.id).where(Proposal.call_id == run.call_id, panel_list.barred(seat.person))
            check.standing = _standing(run, known & set(session.scalars(mine)), item.proposal_id)


def _standing(run: Run, barred: set[int], proposal: int) -> dict[str, Any]:
    """Empty when nothing was computed for whoever may not know of these."""
    level = calibrated.level_without(run, barred, proposal)
    return {"mean": level.mean, "low": level.low, "high": level.high} if level is not None else {}
