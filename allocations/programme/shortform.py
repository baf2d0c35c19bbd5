"""The one page of a short call: everything is saved together, and everything wrong is said at once."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete, Invalid
from allocations.people.roles import Actor
from allocations.programme import answers, writing
from allocations.programme.answers import Typed
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal, ProposalVersion, may_edit, may_submit
from allocations.programme.steps import StepKind
from allocations.programme.writing import Summary, Wanted

DISAGREED = "Tick that you agree to the terms of use of the award."


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the page holds; `faults` are messages by field for what could not even be read."""

    summary: Summary
    wanted: Wanted
    answers: tuple[Typed, ...]
    faults: dict[str, str]


def save(session: Session, actor: Actor, proposal: Proposal, sheet: Sheet) -> None:
    wrong = _written(session, actor, proposal, sheet=sheet)
    if wrong:
        raise Invalid(wrong)


def submit(
    session: Session, actor: Actor, proposal: Proposal, sheet: Sheet, *, agreed: bool
) -> ProposalVersion:
    """Save and submit in one; Incomplete names all that is wrong and all that is missing."""
    require(may_submit(actor, proposal))
    wrong = _written(session, actor, proposal, sheet=sheet)
    absent = writing.missing(proposal, writing.written_for(session, proposal))
    found = absent | wrong | disagreement(proposal.call, agreed=agreed)
    if "resources" in found and any(field.startswith("amount_") for field in found):
        del found["resources"]
    if found:
        raise Incomplete(found)
    return writing.submit(session, actor, proposal)


def agrees_first(call: Call) -> bool:
    """Whether the terms are agreed to at submission: nobody asks again when the award is made."""
    return call.is_short or not call.has_step(StepKind.ACCEPTANCE)


def disagreement(call: Call, *, agreed: bool) -> dict[str, str]:
    return {} if agreed or not agrees_first(call) else {"agree": DISAGREED}


def _written(session: Session, actor: Actor, proposal: Proposal, *, sheet: Sheet) -> dict[str, str]:
    """Write each part that can be written; messages for the others."""
    require(may_edit(actor, proposal))
    parts: tuple[Callable[[], object], ...] = (
        lambda: writing.save_text(session, actor, proposal, sheet.summary),
        lambda: writing.save_resources(session, actor, proposal, sheet.wanted),
        lambda: answers.save(session, actor, proposal, sheet.answers),
    )
    wrong: dict[str, str] = {}
    for part in parts:
        try:
            part()
        except answers.Overtaken:
            raise
        except Invalid as error:
            wrong |= error.fields
    return wrong | sheet.faults
