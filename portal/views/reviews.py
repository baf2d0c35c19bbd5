"""A reviewer's desk: invitations, the review form, refusing and declaring a conflict."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.errors import Invalid
from allocations.programme import bids, proposals, reviewing, reviews, writing
from allocations.programme.proposals import Proposal
from allocations.programme.reviewing import ReviewDraft
from allocations.programme.reviews import Review
from datasets import requests
from portal import fields, meanwhile
from portal.auth.people import actor, view_as
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.views import sections, talking
from portal.web import act, before, page, see_other

blueprint = Blueprint("reviews", __name__)
PAGE = 25
LABELS = {"confidence": "Confidence", "to_pi": "Comments to the PI", "to_panel": "Comments to the panel only"}
LABELS |= {"private_note": "Notes for yourself"}


class ReviewInput(BaseModel):
    confidence: fields.OptionalNumber = None
    to_pi: fields.Prose = ""
    to_panel: fields.Prose = ""
    private_note: fields.Prose = ""


class StepBackInput(BaseModel):
    reason: fields.Note = ""


@blueprint.get("/reviews")
@needs("review.see")
@query("before")
def index() -> ResponseReturnValue:
    found = reviews.page(session(), actor(), before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    asking = bids.open_calls(session(), actor())
    return page("reviews/index.html", reviews=found, older=older, due=reviews.due, asking=asking)


@blueprint.route("/reviews/<ref>", methods=["GET", "POST"])
@needs("review.write")
def write(ref: str) -> ResponseReturnValue:
    review = reviews.get(session(), actor(), ref)
    proposal = proposals.get(session(), actor(), review.proposal.ref)
    kept = _shown(review)
    form = Form(kept | {"seen": meanwhile.marks(kept)})
    if request.method == "POST":
        form = posted()
        form.labels |= _labels(proposal)
        submitting = form.values.get("then") == "submit"
        saved = form.save(
            lambda: meanwhile.merge(form, kept, lambda: _save(form, review, submitting=submitting))
        )
        if form.values.get("then") == sections.BY_ITSELF:
            return sections.saved_itself(form, _shown(review))
        if saved:
            done = "Your review is submitted." if submitting else "Your draft is saved."
            return see_other(url_for("reviews.write", ref=ref), done)
    return _desk(review, proposal, form)


def _desk(review: Review, proposal: Proposal, form: Form) -> ResponseReturnValue:
    return page(
        "reviews/write.html",
        review=review,
        due=reviews.due(review),
        proposal=proposal,
        form=form,
        requests=requests.of_proposal(session(), proposal),
        written=writing.written_for(session(), proposal),
        message_form=Form(),
        status=form.status,
        **talking.around(proposal),
    )


@blueprint.post("/reviews/<ref>/accept")
@needs("review.answer")
def accept(ref: str) -> ResponseReturnValue:
    review = reviews.get(session(), actor(), ref)
    here = url_for("reviews.write", ref=ref)
    return act(lambda: reviewing.accept(session(), actor(), review), here, "Thank you for reviewing.")


@blueprint.post("/reviews/<ref>/reopen")
@needs("review.reopen")
def reopen(ref: str) -> ResponseReturnValue:
    review = reviews.get(session(), actor(), ref)
    here = url_for("reviews.write", ref=ref)
    opened = "Your review is open. Submit it again when you have changed it."
    return act(lambda: reviewing.reopen(session(), actor(), review), here, opened)


@blueprint.route("/reviews/<ref>/step-back", methods=["GET", "POST"])
@needs("review.step_back")
def step_back(ref: str) -> ResponseReturnValue:
    """Refuse, or declare a conflict: one page, because people do not always know which it is."""
    review = reviews.get(session(), actor(), ref)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _step_back(form, review)):
            return see_other(url_for("reviews.index"), "You no longer review this proposal.")
    return page("reviews/step_back.html", review=review, form=form, status=form.status)


def _step_back(form: Form, review: Review) -> None:
    reason = form.parse(StepBackInput).reason
    kind = form.values.get("kind")
    if kind == "conflict":
        reviewing.declare_conflict(session(), actor(), review, reason=reason)
    elif kind == "refuse":
        reviewing.refuse(session(), actor(), review, reason=reason)
    else:
        raise Invalid({"kind": "Choose why you step back."})


def _save(form: Form, review: Review, *, submitting: bool) -> None:
    given = form.parse(ReviewInput)
    if given.confidence is not None and not 1 <= given.confidence <= 5:
        raise Invalid({"confidence": "Choose a confidence from 1 to 5."})
    texts = (given.to_pi, given.to_panel, given.private_note)
    draft = ReviewDraft(_scores(form, review), given.confidence, *texts)
    reviewing.save(session(), actor(), review, draft)
    if submitting:
        session().flush()
        reviewing.submit(session(), actor(), review)


def _labels(proposal: Proposal) -> dict[str, str]:
    return LABELS | {f"score_{criterion.id}": criterion.name for criterion in proposal.call.criteria}


def _scores(form: Form, review: Review) -> dict[int, int]:
    scores, wrong = {}, {}
    for criterion in review.proposal.call.criteria:
        text = str(form.values.get(f"score_{criterion.id}", ""))
        if text in ("1", "2", "3", "4", "5"):
            scores[criterion.id] = int(text)
        elif text:
            wrong[f"score_{criterion.id}"] = "Choose a score from 1 to 5."
    if wrong:
        raise Invalid(wrong)
    return scores


def _shown(review: Review) -> dict[str, Any]:
    values: dict[str, Any] = {
        "confidence": str(review.confidence or ""),
        "to_pi": review.to_pi,
        "to_panel": review.to_panel,
        "private_note": "" if view_as() else review.private_note,
    }
    return values | {f"score_{score.criterion_id}": str(score.value) for score in review.scores}
