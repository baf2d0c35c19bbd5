"""One page for every act of staff that needs a reason: what will happen, a reason, one button."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.answers import Answer
from portal import fields
from portal.forms import Form, posted
from portal.web import page, see_other


class ReasonInput(BaseModel):
    reason: fields.Note = ""


@dataclass(frozen=True, slots=True)
class Step:
    """The words of the page, and where it leads."""

    title: str
    lead: str
    label: str
    done: str
    back: str
    onward: str = ""


def ask(step: Step, answer: Answer, act: Callable[[str], object], *, crumb: str) -> ResponseReturnValue:
    """Show the page, or do it with the reason that was typed. `answer` says whether it can be done at all."""
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: act(form.parse(ReasonInput).reason)):
            return see_other(step.onward or step.back, step.done)
    elif not answer:
        form.status = 403
    return page("people/act.html", step=step, answer=answer, form=form, crumb=crumb, status=form.status)
