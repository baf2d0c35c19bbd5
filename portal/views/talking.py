"""What is said between the reviews and the decision: the PI's reply, and the reviewers' discussion."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete
from allocations.programme import disclosure, proposals, talking
from allocations.programme.differences import word_count
from allocations.programme.proposals import Proposal
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import page, see_other

blueprint = Blueprint("talking", __name__)


class TextInput(BaseModel):
    text: fields.Prose = ""


class ReplyInput(TextInput):
    agree: fields.Flag = False


def around(proposal: Proposal) -> dict[str, Any]:
    """Reviews, reply and discussion, for the pages that show them, as the actor may know them."""
    circle = disclosure.circle(session(), actor(), proposal)
    talks = talking.may_discuss(actor(), proposal, circle.own)
    said = {"circle": circle, "said": circle.messages(session()), "talks": talks}
    return said | {"earlier": circle.earlier}


@blueprint.route("/proposals/<ref>/reply", methods=["GET", "POST"])
@needs("proposal.reply")
def reply(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _reply(form, proposal)):
            return see_other(url_for("proposals.show", ref=ref), "Your reply is sent to the reviewers.")
    if not disclosure.hears_reviewers(actor(), proposal):
        require(talking.may_reply(actor(), proposal))
    circle = disclosure.circle(session(), actor(), proposal)
    words = word_count(str(form.values.get("text", "")))
    context = {"proposal": proposal, "circle": circle, "words": words, "form": form}
    return page("talking/reply.html", status=form.status, **context)


def _reply(form: Form, proposal: Proposal) -> None:
    given = form.parse(ReplyInput)
    require(talking.may_reply(actor(), proposal))
    if not given.agree:
        raise Incomplete({"agree": "Tick that this is the reply you want to send."})
    talking.reply(session(), actor(), proposal, text=given.text)


@blueprint.route("/proposals/<ref>/discussion", methods=["GET", "POST"])
@needs("proposal.discuss")
def discussion(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _say(form, proposal)):
            here = url_for("talking.discussion", ref=ref)
            return see_other(f"{here}#discussion", "Your message is added.")
    told = around(proposal)
    require(told["talks"])
    return page("talking/discussion.html", proposal=proposal, form=form, status=form.status, **told)


def _say(form: Form, proposal: Proposal) -> None:
    talking.say(session(), actor(), proposal, text=form.parse(TextInput).text)


@blueprint.get("/proposals/<ref>/discussion/messages")
@needs("proposal.discuss")
def messages(ref: str) -> ResponseReturnValue:
    """The fragment that an open page asks for again."""
    proposal = proposals.get(session(), actor(), ref)
    told = around(proposal)
    require(told["talks"])
    return page("talking/_messages.html", proposal=proposal, **told)
