"""The one table of rules by name. Routes, templates, the documentation and the tests read it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from allocations.accounts import awards, courses, projects
from allocations.kernel.answers import Answer
from allocations.people import (
    confirmations,
    desk,
    eligibility,
    invitations,
    linking,
    merging,
    personal_relations,
    roles,
    trail,
)
from allocations.people.roles import Actor
from allocations.programme import (
    agreements,
    appeals,
    assessing,
    assigning,
    bidding,
    bids,
    calibrated,
    calls,
    deciding,
    decisions,
    drawing,
    exchanging,
    expertise,
    inviting,
    leftovers,
    meetings,
    minutes,
    progress,
    proposals,
    publishing,
    reviewers,
    reviewing,
    reviews,
    splitting,
    talking,
    teams,
    ties,
)
from datasets import grants, requests
from k8s import notebooks
from portal import operations, providers
from portal.auth import service_tokens, viewing
from portal.provider import clients, devices

Rule = Callable[..., Answer]

RULES: dict[str, Rule] = {
    "access_grant.add_open": grants.may_add_open,
    "access_grant.revoke": grants.may_revoke,
    "access_request.decide": requests.may_decide,
    "allocation.consent": awards.may_consent,
    "appeal.answer": appeals.may_answer,
    "appeal.make": appeals.may_appeal,
    "audit.see": trail.may_see,
    "award.accept": awards.may_accept,
    "award.decline": awards.may_accept,
    "bid.make": bids.may_bid,
    "bid.see": bids.may_see,
    "call_pool.agree_ahead": agreements.may_agree_ahead,
    "call.apply": calls.may_apply,
    "call.ask_bids": bidding.may_ask,
    "call.assign": assigning.may_propose,
    "call.calibrate": calibrated.may_calibrate,
    "call.chair": decisions.may_chair,
    "call.conclude": calls.may_conclude,
    "call.decide": deciding.may_decide_all,
    "call.correct": calls.may_correct,
    "call.declare_tie": ties.may_run,
    "call.draw": drawing.may_run,
    "call.edit": calls.may_edit,
    "call.exchange": exchanging.may_arrange,
    "call.publish": calls.may_publish,
    "call.seal": drawing.may_seal,
    "call.return_leftovers": leftovers.may_return,
    "call.split": splitting.may_split,
    "call.start": calls.may_start,
    "confirmation.answer": confirmations.may_answer,
    "conflict.waive": reviewing.may_waive,
    "eligible.co_pi": eligibility.may_be_co_pi,
    "eligible.pi": eligibility.may_be_pi,
    "eligible.reviewer": eligibility.may_review,
    "eligible.user": eligibility.may_use,
    "identity.unlink": linking.may_unlink,
    "meeting.convene": meetings.may_convene,
    "meeting.prepare": meetings.may_prepare,
    "meeting.read_minutes": minutes.may_read,
    "meeting.recuse": meetings.may_recuse,
    "meeting.run": meetings.may_run,
    "merge_request.answer": merging.may_answer,
    "merge_request.see": merging.may_see,
    "identity.reject": desk.may_reject,
    "identity.release": desk.may_release,
    "client.register": clients.may_register,
    "client.renew_secret": clients.may_renew,
    "course.hold": courses.may_hold,
    "course.join": courses.may_join,
    "device_request.answer": devices.may_answer,
    "notebook.open": notebooks.may_open,
    "notebook.restart": notebooks.may_restart,
    "notebook.start": notebooks.may_start,
    "notebook.stop": notebooks.may_stop,
    "operations.see": operations.may_see,
    "person.disable": desk.may_disable,
    "person.enable": desk.may_enable,
    "person.end_session": desk.may_administer,
    "person.see": desk.may_see,
    "person.view_as": viewing.may_view_as,
    "project.manage_members": projects.may_manage_members,
    "project.remove_member": projects.may_remove,
    "project.see": projects.may_see,
    "project.sponsor": projects.may_sponsor,
    "project.work": projects.may_work,
    "proposal.advance": progress.may_advance,
    "proposal.assess": assessing.may_assess,
    "proposal.assign": reviewing.may_assign,
    "proposal.decide": decisions.may_decide,
    "proposal.discuss": talking.may_discuss,
    "proposal.edit": proposals.may_edit,
    "proposal.give_grace": proposals.may_give_grace,
    "proposal.hide_abstract": publishing.may_hide,
    "proposal.reply": talking.may_reply,
    "proposal.screen": proposals.may_screen,
    "proposal.see_desk": proposals.may_see_desk,
    "proposal.submit": proposals.may_submit,
    "proposal.withdraw": proposals.may_withdraw,
    "personal_relation.keep": personal_relations.may_keep,
    "publication.keep": expertise.may_keep,
    "review.accept": reviews.may_accept,
    "registry.edit": providers.may_edit,
    "review.answer": reviews.may_answer,
    "review.reopen": reviews.may_reopen,
    "review.step_back": reviews.may_step_back,
    "review.write": reviews.may_write,
    "reviewer.say_seniority": expertise.may_say_seniority,
    "reviewer.see": reviewers.may_see,
    "reviewer_profile.edit": expertise.may_edit,
    "role.grant": roles.may_grant,
    "team.accept": teams.may_accept,
    "team.correct": inviting.may_correct,
    "team.take_off": inviting.may_take_off,
    "role.revoke": roles.may_revoke,
    "role_invitation.answer": invitations.may_answer,
    "role_invitation.invite": invitations.may_invite,
    "role_invitation.see": invitations.may_see,
    "role_invitation.withdraw": invitations.may_withdraw,
    "service_token.confirm": service_tokens.may_confirm,
    "service_token.make": service_tokens.may_make,
    "service_token.revoke": service_tokens.may_revoke,
    "team.answer": teams.may_answer,
}

# What a getter decides: whoever is logged in may ask, and sees only what is theirs to see.
GETTERS = {
    "account.see": "whoever is logged in, own account and own part of the audit trail",
    "access_request.see": "the dataset's custodian and committee",
    "allocation.see": "the project's members, the resource's provider, programme officers, administrators",
    "appeal.see": "the team; the office and who decides in the call, its text only if they took no part",
    "call.see": "everybody once published; drafts programme officers",
    "confirmation.see": "the institution's representative; whoever asked, their own",
    "dataset.see": "everybody; its grants only its custodian",
    "identity.link": "whoever is logged in, for their own account",
    "home.see": "whoever is logged in",
    "meeting.see": "its members, the chair of the call, programme officers; items only who stays for them",
    "notebook.see": "the project's members, administrators",
    "person.end_view": "whoever views as somebody else",
    "proposal.see": "its team, the office once submitted, chair, reviewers, panel; nobody with a conflict",
    "review.see": "its reviewer",
    "mailbox.see": "whoever is logged in, own letters; only without a mail server",
}


@dataclass(frozen=True, slots=True)
class Permission:
    """What a route needs: nobody in particular, a person, or a rule that its verb asks."""

    name: str
    public: bool = False
    # Wants a log-in with a second factor in the last minutes, whatever the rule says.
    step_up: bool = False
    # Hands out what is the person's alone: closed to an administrator who views as them.
    personal: bool = False
    # For programs: whoever asks is known by what the request sends, and cookies are not even read.
    machine: bool = False


PUBLIC = Permission("public", public=True)


def needs(
    name: str, *, step_up: bool = False, personal: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a view with the permission that its getter or verb asks; only persons get there."""
    if name not in RULES and name not in GETTERS:
        raise KeyError(f"no such permission: {name}")
    return _marked(Permission(name, step_up=step_up, personal=personal))


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view that anybody may open."""
    return _marked(PUBLIC)(view)


def machine(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a view for programs: authenticated by what they send, never by cookies.

    There is no cross-site check, because nothing that a browser adds by itself counts, and the view
    never sees a logged-in person. `name` is of the table, or "public".
    """
    if name != PUBLIC.name and name not in RULES and name not in GETTERS:
        raise KeyError(f"no such permission: {name}")
    return _marked(Permission(name, machine=True))


def _marked(permission: Permission) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def query(*keys: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Name the query keys that a view knows; any other key is a 400."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        view.query_keys = frozenset(keys)  # type: ignore[attr-defined]
        return view

    return mark


def allowed(actor: Actor, names: Iterable[str], *things: Any) -> list[str]:
    """Those of the rules that say yes."""
    return [name for name in names if RULES[name](actor, *things)]


def can(actor: Actor, name: str, *things: Any) -> Answer:
    """For templates: the answer with its reason."""
    return RULES[name](actor, *things)
