"""The dataset catalogue, and for custodians who holds a dataset."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from datasets import catalogue, grants
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, public
from portal.web import page, see_other

blueprint = Blueprint("datasets", __name__)


class RevokeInput(BaseModel):
    reason: fields.Note = ""


@blueprint.get("/datasets")
@public
def index() -> ResponseReturnValue:
    return page("datasets/index.html", datasets=catalogue.all_datasets(session()))


@blueprint.get("/datasets/<slug>")
@public
def show(slug: str) -> ResponseReturnValue:
    dataset = catalogue.get(session(), slug)
    held = grants.of_dataset(session(), actor(), dataset)
    return page("datasets/show.html", dataset=dataset, grants=held)


@blueprint.route("/access-grants/<int:grant_id>/revoke", methods=["GET", "POST"])
@needs("access_grant.revoke", step_up=True)
def revoke(grant_id: int) -> ResponseReturnValue:
    grant = grants.get(session(), actor(), min(grant_id, 2**31 - 1))
    form = Form()
    if request.method == "POST":
        form = posted()

        def save() -> None:
            grants.revoke(session(), actor(), grant, reason=form.parse(RevokeInput).reason)

        if form.save(save):
            return see_other(url_for("datasets.show", slug=grant.dataset.slug), "Access is revoked.")
    return page("datasets/revoke.html", grant=grant, form=form, status=form.status)
