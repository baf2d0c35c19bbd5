"""A person's log-ins: the list, adding another one, taking one off; merge requests for staff."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.errors import Incomplete, NotFound
from allocations.people import linking, merging
from allocations.people.institutions import enabled_providers
from allocations.people.merging import MergeRequest
from allocations.people.persons import Identity
from portal import fields
from portal.auth import offers, sessions, step_up
from portal.auth.attempts import Errand, Purpose
from portal.auth.people import actor
from portal.auth.views import leave, provider_at
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import act, leading_out, page, see_other

blueprint = Blueprint("identities", __name__)
CONFIRM = "/account/log-ins/add"


class MergeInput(BaseModel):
    outcome: str = ""
    message: fields.Note = ""


@blueprint.get("/account/log-ins")
@needs("home.see")
def index() -> ResponseReturnValue:
    mine = linking.of_person(session(), actor())
    providers = enabled_providers(session())
    names = {provider.issuer: provider.name for provider in providers}
    in_use = step_up.current(session()).identity
    shown = page("identities/index.html", identities=mine, providers=providers, names=names, in_use=in_use)
    return leading_out(shown)


@blueprint.post("/account/log-ins/add/<slug>")
@needs("identity.link", step_up=True, personal=True)
def add(slug: str) -> ResponseReturnValue:
    """On to the other provider, which has to ask who it is, also when somebody is logged in there."""
    return _fetch(slug)


@blueprint.post("/account/orcid/<slug>")
@needs("home.see", personal=True)
def prove(slug: str) -> ResponseReturnValue:
    """An iD for the profile opens no door, and so needs no second factor."""
    if not linking.is_proof_only(provider_at(slug)):
        raise NotFound
    return _fetch(slug)


def _fetch(slug: str) -> ResponseReturnValue:
    digest = step_up.current(session()).handle_digest
    return leave(provider_at(slug), Errand(CONFIRM, Purpose.LINK, digest), max_age=0)


@blueprint.route(CONFIRM, methods=["GET", "POST"])
@needs("identity.link", personal=True)
def confirm() -> ResponseReturnValue:
    """Both log-ins side by side; nothing is linked before this."""
    row = step_up.current(session())
    offer = offers.waiting(session(), row.handle_digest)
    form = Form()
    back = url_for("identities.index" if row.person.welcomed_at else "auth.welcome")
    if request.method == "POST":
        done: list[str] = []
        if form.save(lambda: done.append(_link(offer))):
            return see_other(back, done[0])
    proof = linking.is_proof_only(offer.provider)
    shown = {"offer": offer, "proof": proof, "in_use": row.identity, "back": back}
    return page("identities/add.html", **shown, form=form, status=form.status)


def _link(offer: offers.LinkOffer) -> str:
    """What the person is told then."""
    if request.form.get("offer") != str(offer.id):
        raise NotFound("You have logged in anew in another window since. Answer there, or begin again.")
    claims = offers.take(session(), offer)
    if linking.is_proof_only(offer.provider):
        linking.prove_orcid(session(), actor(), claims)
        return "Your ORCID iD is on your profile."
    linked = linking.link(session(), actor(), offer.provider, claims)
    # Last: a refusal above is rolled back, but the browser would keep the new handle.
    sessions.renew(session(), step_up.current(session()))
    if isinstance(linked, MergeRequest):
        return f"That log-in has an account of its own. Our staff will look at {linked.ref} and write to you."
    return "You can log in either way from now on."


@blueprint.post("/account/log-ins/remove")
@needs("identity.unlink", step_up=True, personal=True)
def remove() -> ResponseReturnValue:
    text = request.form.get("identity", "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise NotFound
    identity = linking.get(session(), actor(), int(text))
    in_use = step_up.current(session()).identity
    here = url_for("identities.index")
    removed = "This log-in no longer opens your account."
    return act(lambda: _unlink(identity, in_use), here, removed)


def _unlink(identity: Identity, in_use: Identity) -> None:
    linking.unlink(session(), actor(), identity, in_use=in_use)
    sessions.end_of(session(), identity, "log-in taken off")


@blueprint.get("/people/merges")
@needs("merge_request.see")
def merges() -> ResponseReturnValue:
    return page("identities/merges.html", requests=merging.waiting(session(), actor()))


@blueprint.route("/people/merges/<ref>", methods=["GET", "POST"])
@needs("merge_request.answer", step_up=True)
def merge(ref: str) -> ResponseReturnValue:
    asked = merging.get(session(), actor(), ref)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _merge(form, asked)):
            return see_other(url_for("identities.merges"), f"{ref} is {asked.state}.")
    held = merging.holdings(session(), asked.other)
    return page("identities/merge.html", asked=asked, held=held, form=form, status=form.status)


def _merge(form: Form, asked: MergeRequest) -> None:
    given = form.parse(MergeInput)
    if given.outcome == "merge":
        merging.merge(session(), actor(), asked, message=given.message)
    elif given.outcome == "refuse":
        merging.refuse(session(), actor(), asked, message=given.message)
    else:
        raise Incomplete({"outcome": "Choose what to do."})
