"""Invitations to roles: the desk's list, sending and withdrawing, and the page behind a letter's link."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from allocations.kernel.answers import require
from allocations.kernel.errors import NotFound
from allocations.people import invitations
from allocations.people.roles import SCOPABLE, Role, ScopeKind
from portal import fields, links, scopes
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.scopes import LISTED, RoleInput
from portal.web import act, before, page, see_other

blueprint = Blueprint("invitations", __name__)
PAGE = 25


class InvitationInput(RoleInput):
    email: fields.Needed


@blueprint.get("/people/invitations")
@needs("role_invitation.see")
@query("before")
def index() -> ResponseReturnValue:
    found = invitations.page(session(), actor(), before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    names = scopes.names(session(), [(one.role, one.scope_id) for one in found])
    return page("people/invitations.html", invitations=found, scope_names=names, older=older)


@blueprint.route("/people/invitations/new", methods=["GET", "POST"])
@needs("role_invitation.invite", step_up=True)
def new() -> ResponseReturnValue:
    require(invitations.may_see(actor()))
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _invite(form)):
            return see_other(url_for("invitations.index"), "The invitation is on its way.")
    offered = [role for role in Role if invitations.may_invite(actor(), role)]
    kinds: tuple[ScopeKind, ...] = (ScopeKind.CALL,) if set(offered) <= SCOPABLE.keys() else LISTED
    choices = scopes.choices(session(), kinds)
    return page("people/invite.html", form=form, roles=offered, scopes=choices, status=form.status)


def _invite(form: Form) -> None:
    asked = form.parse(InvitationInput)
    invitations.invite(session(), actor(), asked.email, given=scopes.given(session(), asked))


@blueprint.post("/people/invitations/withdraw")
@needs("role_invitation.withdraw")
def withdraw() -> ResponseReturnValue:
    text = request.form.get("invitation", "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise NotFound
    found = invitations.get(session(), int(text))
    here = url_for("invitations.index")
    return act(lambda: invitations.withdraw(session(), actor(), found), here, "The invitation is withdrawn.")


@blueprint.get("/role-invitations/<token>")
@needs("role_invitation.answer")
def show(token: str) -> ResponseReturnValue:
    found = invitations.get(session(), links.opened(token, kind=links.ROLE))
    names = scopes.names(session(), [(found.role, found.scope_id)])
    return page("people/invitation.html", invitation=found, scope_names=names, token=token)


@blueprint.post("/role-invitations/<token>/accept")
@needs("role_invitation.answer")
def accept(token: str) -> ResponseReturnValue:
    found = invitations.get(session(), links.opened(token, kind=links.ROLE))
    here = url_for("invitations.show", token=token)
    return act(lambda: invitations.accept(session(), actor(), found), here, "You hold the role now.")


@blueprint.post("/role-invitations/<token>/decline")
@needs("role_invitation.answer")
def decline(token: str) -> ResponseReturnValue:
    found = invitations.get(session(), links.opened(token, kind=links.ROLE))
    here = url_for("invitations.show", token=token)
    return act(lambda: invitations.decline(session(), actor(), found), here, "You have declined.")
