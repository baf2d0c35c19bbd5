"""Start from an earlier proposal: a button on a fresh draft."""

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from allocations.programme import importing, proposals
from allocations.programme.importing import Brought
from portal.auth.people import actor
from portal.database import session
from portal.forms import posted
from portal.permissions import needs
from portal.views import sections
from portal.web import see_other

blueprint = Blueprint("importing", __name__)


@blueprint.post("/proposals/<ref>/import")
@needs("proposal.edit")
def bring(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    older = proposals.get(session(), actor(), request.form.get("earlier", ""))
    form, done = posted(), list[Brought]()
    here = sections.first(proposal)
    if form.save(lambda: done.append(importing.bring(session(), actor(), proposal, older))):
        return see_other(here, f"From {older.ref}. {done[0].told}")
    flash(next(iter(form.errors.values())), "error")
    return redirect(here, 303)
