"""What the letters say: one writer an event, plain words, an address that leads to the thing."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from allocations.accounts.awards import Allocation, AllocationActivated, AllocationConsented, Consent
from allocations.accounts.lifecycle import GRACE, AllocationClosed, AllocationEnded, AllocationSuspended
from allocations.accounts.projects import LEADERS, Project
from allocations.kernel.events import Event
from allocations.people import linking, roles
from allocations.people.confirmations import Confirmation, ConfirmationAnswered, ConfirmationAsked
from allocations.people.desk import IdentityRejected, IdentityReleased, PersonDisabled, PersonEnabled
from allocations.people.invitations import RoleInvitation, RoleInvitationState, RoleInvited
from allocations.people.linking import IdentityLinked, IdentityUnlinked
from allocations.people.merging import MergeAnswered, MergeAsked, MergeRequest
from allocations.people.persons import Identity, Person
from allocations.people.roles import Role
from allocations.programme import wording
from allocations.programme.appeals import AppealAnswered, AppealMade
from allocations.programme.calls import Call, LetterKind
from allocations.programme.decisions import ProposalAwarded, ProposalDeclined
from allocations.programme.exchanging import ReviewsOwed
from allocations.programme.progress import StepBegun
from allocations.programme.proposals import (
    GraceGiven,
    Proposal,
    ProposalForwarded,
    ProposalReturned,
    ProposalScreenedOut,
    ProposalSubmitted,
    State,
)
from allocations.programme.reviewing import ReviewerInvited, ReviewerSteppedBack, ReviewSubmitted
from allocations.programme.reviews import Review
from allocations.programme.steps import StepKind
from allocations.programme.talking import RebuttalSent
from allocations.programme.teams import TeamMember, TeamMemberInvited, TeamMemberTakenOff
from datasets.requests import AccessDecided, AccessRequest, AccessRequested
from portal import bid_letters, decision_letters, filters, links, meeting_letters, step_letters
from portal.auth.service_tokens import ServiceToken, ServiceTokenConfirmed, ServiceTokenMade
from portal.auth.tokens import SCOPE_WORDS, PersonalToken, Scope, TokenMade
from portal.auth.viewing import PersonViewed
from portal.post import Post


def write(post: Post, event: Event) -> None:
    WRITERS[type(event)](post, event)


def _proposal(post: Post, event: Any) -> Proposal:
    return post.session.get_one(Proposal, event.proposal_id)


def _submitted(post: Post, event: ProposalSubmitted) -> None:
    proposal = _proposal(post, event)
    path = f"/proposals/{proposal.ref}"
    text = f"Your proposal “{proposal.title}” is submitted under the call “{proposal.call.title}”."
    following = step_letters.first_step(proposal)
    words = wording.own_words(proposal, LetterKind.SUBMITTED, reader=proposal.pi, link=post.public_url + path)
    post.to(proposal.pi, f"{proposal.ref} is submitted", text, following, words, path=path)
    if not proposal.call.has_step(StepKind.ADMIN_CHECK):
        return
    for officer in step_letters.office_of(post, proposal):
        told = f"“{proposal.title}” waits for screening."
        post.to(officer, f"{proposal.ref} waits for screening", told, path=f"{path}/screen")


def _returned(post: Post, event: ProposalReturned) -> None:
    proposal = _proposal(post, event)
    text = "The programme office asks you to change your proposal and to submit it again:"
    path = f"/proposals/{proposal.ref}/check"
    words = wording.own_words(proposal, LetterKind.RETURNED, reader=proposal.pi, link=post.public_url + path)
    post.to(proposal.pi, f"{proposal.ref} came back for changes", text, proposal.message, words, path=path)


def _screened_out(post: Post, event: ProposalScreenedOut) -> None:
    proposal = _proposal(post, event)
    text = "The programme office has declined your proposal at screening:"
    path = f"/proposals/{proposal.ref}"
    words = wording.own_words(proposal, LetterKind.DECLINED, reader=proposal.pi, link=post.public_url + path)
    post.to(proposal.pi, f"{proposal.ref} is declined", text, proposal.message, words, path=path)


def _team_invited(post: Post, event: TeamMemberInvited) -> None:
    member = post.session.get(TeamMember, event.team_member_id)
    if member is None or member.withdrawn_at is not None:
        return
    proposal = post.session.get_one(Proposal, member.proposal_id)
    role = filters.as_role(member.role)
    inviter = post.session.get(Person, member.inviter_id) if member.inviter_id else proposal.pi
    what = "project" if proposal.state == State.AWARDED else "proposal"
    name = inviter.name if inviter else proposal.pi.name
    text = f"{name} invites you to join the {what} “{proposal.heading}” as {role}."
    path = f"/invitations/{links.invitation(post.secret_key, member.id)}"
    post.to(member.email, f"Invitation to {proposal.ref}", text, path=path)


def _taken_off(post: Post, event: TeamMemberTakenOff) -> None:
    member = post.session.get(TeamMember, event.team_member_id)
    if member is None or member.person is None:
        return
    proposal = member.proposal
    text = f"You were taken off the team of the proposal “{proposal.heading}”, and can no longer read it."
    asking = f"If you think that this is a mistake, ask {proposal.pi.name}."
    post.to(member.person, f"You are no longer on the team of {proposal.ref}", text, asking)


def _reviewer_invited(post: Post, event: ReviewerInvited) -> None:
    review = post.session.get_one(Review, event.review_id)
    text = f"We ask you to review “{review.proposal.title}”. Please accept, or step back, within a week."
    path, reader = f"/reviews/{review.ref}", review.reviewer
    words = wording.own_words(
        review.proposal, LetterKind.REVIEW_ASKED, reader=reader, link=post.public_url + path
    )
    post.to(reader, f"Review asked: {review.proposal.ref}", text, words, path=path)


def _reviews_owed(post: Post, event: ReviewsOwed) -> None:
    call, person = post.session.get_one(Call, event.call_id), post.session.get_one(Person, event.person_id)
    owed = (Proposal.call_id == call.id, Review.reviewer_id == person.id, Review.is_duty)
    given = post.session.scalars(select(Review).join(Proposal).where(*owed)).all()
    if not given or given[0].due_at is None:
        return
    text = f"In the call “{call.title}” applicants review each other. {len(given)} reviews are yours."
    strict = (
        f"They are due on {given[0].due_at:%-d %B %Y at %H:%M} UTC. Whoever does not submit all of them in "
        "time loses the own proposal. A conflict of interest, declared on the review’s page, costs "
        "nothing."
    )
    post.to(person, f"{len(given)} reviews for {call.ref}", text, strict, path="/reviews")


def _stepped_back(post: Post, event: ReviewerSteppedBack) -> None:
    review = post.session.get_one(Review, event.review_id)
    text = f"{review.reviewer.name} no longer reviews {review.proposal.ref} ({review.state})."
    for officer in step_letters.office_of(post, review.proposal):
        path = f"/proposals/{review.proposal.ref}/reviewers"
        post.to(officer, f"{review.proposal.ref} needs another reviewer", text, path=path)


def _review_submitted(post: Post, event: ReviewSubmitted) -> None:
    review = post.session.get_one(Review, event.review_id)
    text = f"Your review of “{review.proposal.title}” has arrived. You can now read the other reviews."
    post.to(review.reviewer, "Thank you for your review", text, path=f"/reviews/{review.ref}")


def _consented(post: Post, event: AllocationConsented) -> None:
    allocation = post.session.get_one(Allocation, event.allocation_id)
    words = {Consent.GIVEN: "agreed", Consent.REDUCED: "reduced its share", Consent.REFUSED: "refused"}
    provider = allocation.resource.provider.name
    text = f"{provider} has {words.get(allocation.consent, 'answered')}: {allocation.resource.name}."
    project = post.session.get_one(Project, allocation.project_id)
    path = f"/awards/{allocation.award.ref}"
    post.to(project.pi, f"{provider} has answered", text, allocation.consent_note, path=path)


def _about_allocation(subject: str, text: str) -> Callable[[Post, Any], None]:
    def writer(post: Post, event: Any) -> None:
        allocation = post.session.get_one(Allocation, event.allocation_id)
        project = post.session.get_one(Project, allocation.project_id)
        name = allocation.resource.name
        path = f"/projects/{project.ref}"
        post.to(project.pi, subject.format(name=name), text.format(name=name), path=path)

    return writer


def _access_requested(post: Post, event: AccessRequested) -> None:
    asked = post.session.get_one(AccessRequest, event.request_id)
    text = f"“{asked.proposal.title}” asks for {asked.dataset.title}. Declared use:"
    subject = f"{asked.ref}: access to {asked.dataset.title}"
    path = f"/access-requests/{asked.ref}"
    committee = roles.holders(post.session, Role.DAC_MEMBER, asked.dataset_id)
    for reader in {person.id: person for person in (asked.dataset.custodian, *committee)}.values():
        post.to(reader, subject, text, asked.declared_use, path=path)


def _access_decided(post: Post, event: AccessDecided) -> None:
    asked = post.session.get_one(AccessRequest, event.request_id)
    text = f"The custodian has {asked.state} access to {asked.dataset.title}."
    subject = f"Access to {asked.dataset.title}: {asked.state}"
    path = f"/proposals/{asked.proposal.ref}"
    post.to(asked.proposal.pi, subject, text, asked.message, path=path)


def _confirmation_asked(post: Post, event: ConfirmationAsked) -> None:
    asked = post.session.get_one(Confirmation, event.confirmation_id)
    text = f"{asked.person.name} asks you to confirm them as a member of {asked.institution.name}:"
    subject, path = f"{asked.ref}: please confirm {asked.person.name}", f"/confirmations/{asked.ref}"
    representatives = roles.holders(post.session, Role.REPRESENTATIVE, asked.institution_id)
    for representative in representatives:
        post.to(representative, subject, text, asked.note, path=path)
    if not representatives:
        nobody = f"{asked.institution.name} has no representative who could answer. Please appoint one."
        for administrator in roles.holders(post.session, Role.ADMINISTRATOR):
            post.to(administrator, f"{asked.ref} waits for a representative", text, nobody)


def _confirmation_answered(post: Post, event: ConfirmationAnswered) -> None:
    asked = post.session.get_one(Confirmation, event.confirmation_id)
    said = f"has confirmed you as a {asked.place}" if asked.place else "has not confirmed you"
    headline = f"{asked.institution.name} {said}."
    post.to(asked.person, "Your institution has answered", headline, asked.message, path="/account/standing")


def _identity_linked(post: Post, event: IdentityLinked) -> None:
    identity = post.session.get_one(Identity, event.identity_id)
    text = f"A log-in was added to your account: {identity.name or identity.subject} at {identity.issuer}."
    _about_account(post, identity.person_id, "A log-in was added to your account", text)


def _identity_unlinked(post: Post, event: IdentityUnlinked) -> None:
    text = "A log-in was taken off your account. Its sessions have ended."
    _about_account(post, event.person_id, "A log-in was taken off your account", text)


def _about_account(post: Post, person_id: int, subject: str, text: str) -> None:
    """To every address that is known, so that a thief cannot keep it quiet."""
    person = post.session.get_one(Person, person_id)
    was_not_you = "If this was not you, write to us at once."
    for address in linking.addresses(post.session, person):
        post.to(address, subject, text, was_not_you, path="/account/log-ins")


def _merge_asked(post: Post, event: MergeAsked) -> None:
    asked = post.session.get_one(MergeRequest, event.merge_id)
    text = (
        f"{asked.person.name} has logged in with an account of {asked.other.name} and asks for one account."
    )
    for administrator in roles.holders(post.session, Role.ADMINISTRATOR):
        post.to(
            administrator,
            f"{asked.ref}: two accounts of one person?",
            text,
            path=f"/people/merges/{asked.ref}",
        )
    subject = "Somebody asks to join your account with theirs"
    _about_account(post, asked.other_id, subject, text)


def _merge_answered(post: Post, event: MergeAnswered) -> None:
    asked = post.session.get_one(MergeRequest, event.merge_id)
    words = "Your two accounts are one now" if asked.state == "merged" else "Your accounts stay apart"
    subject, path = f"{words} ({asked.ref})", "/account/log-ins"
    post.to(asked.person, subject, f"{words}.", asked.message, path=path)
    known = {*linking.addresses(post.session, asked.person), *linking.addresses(post.session, asked.other)}
    for address in sorted(known - {asked.person.email}):
        post.to(address, subject, f"{words}.", "If this was not you, write to us at once.", path=path)


def _role_invited(post: Post, event: RoleInvited) -> None:
    invitation = post.session.get_one(RoleInvitation, event.role_invitation_id)
    if invitation.state != RoleInvitationState.INVITED:
        return
    role = str(invitation.role).replace("_", " ")
    text = f"{invitation.invited_by.name} invites you to take on the role of {role}."
    how = (
        f"Open the address below, log in, and accept or decline by {invitation.expires_at:%-d %B %Y}. "
        "It works once, for whoever opens it first: please do not pass it on."
    )
    path = f"/role-invitations/{links.role_invitation(post.secret_key, invitation.id)}"
    post.to(invitation.email, f"Invitation: {role}", text, how, path=path)


def _viewed(post: Post, event: PersonViewed) -> None:
    person = post.session.get_one(Person, event.person_id)
    viewer = post.session.get_one(Person, event.viewer_id)
    text = (
        f"{viewer.name}, an administrator, has looked at the portal as you see it, to help. Nothing could "
        "be changed meanwhile, and neither your notebooks nor your letters could be opened. The reason given:"
    )
    post.to(person, "An administrator has seen the portal as you", text, event.reason)


def _about_person(subject: str, text: str) -> Callable[[Post, Any], None]:
    def writer(post: Post, event: Any) -> None:
        post.to(post.session.get_one(Person, event.person_id), subject, text)

    return writer


def _about_identity(subject: str, text: str) -> Callable[[Post, Any], None]:
    def writer(post: Post, event: Any) -> None:
        post.to(post.session.get_one(Identity, event.identity_id).person, subject, text)

    return writer


def _token_made(post: Post, event: TokenMade) -> None:
    token = post.session.get_one(PersonalToken, event.token_id)
    allowed = "; ".join(SCOPE_WORDS[Scope(scope)] for scope in token.scopes)
    text = f"The token “{token.name}” was made for your account. It works until {token.ends_at:%-d %B %Y}."
    warning = "If this was not you, revoke all your tokens, end your other sessions, and write to us."
    subject = "A token was made for your account"
    post.to(token.person, subject, text, f"What it is for: {allowed}.", warning, path="/account/tokens")


def _service_token_made(post: Post, event: ServiceTokenMade) -> None:
    token = post.session.get_one(ServiceToken, event.token_id)
    ref, name = token.project.ref, token.maker.name
    made = (
        f"{name} has made the {token.label}. It works after another leader of the project has confirmed it."
    )
    for member in token.project.members:
        if member.role in LEADERS:
            post.to(member.person, f"A token was made for {ref}", made, path=f"/projects/{ref}/tokens")


def _service_token_confirmed(post: Post, event: ServiceTokenConfirmed) -> None:
    token = post.session.get_one(ServiceToken, event.token_id)
    ref, owners = token.project.ref, [token.maker, *([token.confirmer] if token.confirmer else [])]
    text = f"The {token.label} works now. Its owners are {' and '.join(owner.name for owner in owners)}."
    ending = "It stops when one of them leaves the project. Either of you can revoke it at any time."
    for owner in owners:
        post.to(owner, f"A token of {ref} is confirmed", text, ending, path=f"/projects/{ref}/tokens")


WRITERS: dict[type[Event], Callable[[Post, Any], None]] = {
    **bid_letters.WRITERS,
    IdentityLinked: _identity_linked,
    IdentityUnlinked: _identity_unlinked,
    MergeAsked: _merge_asked,
    MergeAnswered: _merge_answered,
    ConfirmationAsked: _confirmation_asked,
    ConfirmationAnswered: _confirmation_answered,
    ProposalSubmitted: _submitted,
    ProposalReturned: _returned,
    ProposalForwarded: step_letters.forwarded,
    StepBegun: step_letters.step_begun,
    GraceGiven: step_letters.grace_given,
    RebuttalSent: step_letters.rebuttal_sent,
    **meeting_letters.WRITERS,
    ProposalScreenedOut: _screened_out,
    TeamMemberInvited: _team_invited,
    TeamMemberTakenOff: _taken_off,
    ReviewsOwed: _reviews_owed,
    ReviewerInvited: _reviewer_invited,
    ReviewerSteppedBack: _stepped_back,
    ReviewSubmitted: _review_submitted,
    ProposalAwarded: decision_letters.awarded,
    ProposalDeclined: decision_letters.declined,
    AppealMade: decision_letters.appeal_made,
    AppealAnswered: decision_letters.appeal_answered,
    AllocationConsented: _consented,
    AllocationActivated: _about_allocation(
        "{name} is ready", "Your allocation of {name} is active. You can start a notebook now."
    ),
    AllocationSuspended: _about_allocation(
        "{name} is used up", "Everything granted on {name} is used. Notebooks are stopped; your data stay."
    ),
    AllocationEnded: _about_allocation(
        "{name} has ended",
        f"Your allocation of {{name}} has ended. Your data stay for {GRACE.days} days; then they go.",
    ),
    AllocationClosed: _about_allocation("{name} is closed", "The grace period of {name} is over."),
    AccessRequested: _access_requested,
    AccessDecided: _access_decided,
    RoleInvited: _role_invited,
    PersonViewed: _viewed,
    PersonDisabled: _about_person(
        "Your account is closed",
        "You cannot log in any more. If you think this is wrong, please write to us.",
    ),
    PersonEnabled: _about_person("Your account is open again", "You can log in as before."),
    IdentityReleased: _about_identity(
        "You can log in again",
        "Much about your account had changed at once. We have looked at it: please log in again.",
    ),
    IdentityRejected: _about_identity(
        "A log-in to your account was refused",
        "Somebody came with your account's identifier and another name, address and user name. We believe "
        "that it was not you and keep this log-in closed. If it was you, please write to us.",
    ),
    TokenMade: _token_made,
    ServiceTokenMade: _service_token_made,
    ServiceTokenConfirmed: _service_token_confirmed,
}
