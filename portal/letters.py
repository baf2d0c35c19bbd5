"""What the letters say: one writer an event, plain words, an address that leads to the thing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from allocations.accounts.awards import Allocation, AllocationActivated, AllocationConsented, Award, Consent
from allocations.accounts.lifecycle import GRACE, AllocationClosed, AllocationEnded, AllocationSuspended
from allocations.accounts.projects import LEADERS, Project
from allocations.kernel import units
from allocations.kernel.events import Event
from allocations.people import roles
from allocations.people.persons import Person
from allocations.people.roles import Role
from allocations.programme import decisions, reviews
from allocations.programme.decisions import ProposalAwarded, ProposalDeclined
from allocations.programme.proposals import (
    Proposal,
    ProposalForwarded,
    ProposalReturned,
    ProposalScreenedOut,
    ProposalSubmitted,
)
from allocations.programme.reviewing import ReviewerInvited, ReviewerSteppedBack, ReviewSubmitted
from allocations.programme.reviews import Review
from allocations.programme.teams import TeamMember, TeamMemberInvited
from datasets.requests import AccessDecided, AccessRequest, AccessRequested
from portal import links, mail
from portal.auth.service_tokens import ServiceToken, ServiceTokenConfirmed, ServiceTokenMade
from portal.auth.tokens import SCOPE_WORDS, PersonalToken, Scope, TokenMade


@dataclass(frozen=True, slots=True)
class Post:
    """Where letters go, under which cause, and how addresses of the portal are made."""

    session: Session
    cause: str
    public_url: str
    name: str
    secret_key: str

    def to(self, person: Person | str, subject: str, *paragraphs: str, path: str = "") -> None:
        """One letter; `path` is added as an address below the text."""
        address = person if isinstance(person, str) else person.email
        greeting = [] if isinstance(person, str) else [f"Dear {person.name},"]
        link = [f"{self.public_url}{path}"] if path else []
        body = "\n\n".join([*greeting, *(p for p in paragraphs if p), *link, f"-- \n{self.name}"])
        mail.write(self.session, self.cause, to=address, subject=subject, body=body + "\n")


def write(post: Post, event: Event) -> None:
    WRITERS[type(event)](post, event)


def _proposal(post: Post, event: Any) -> Proposal:
    return post.session.get_one(Proposal, event.proposal_id)


def _submitted(post: Post, event: ProposalSubmitted) -> None:
    proposal = _proposal(post, event)
    path = f"/proposals/{proposal.ref}"
    text = f"Your proposal “{proposal.title}” is submitted under the call “{proposal.call.title}”."
    following = "The programme office screens it next. You will hear from us at each step."
    post.to(proposal.pi, f"{proposal.ref} is submitted", text, following, path=path)
    for officer in roles.holders(post.session, Role.PROGRAMME_OFFICER):
        told = f"“{proposal.title}” waits for screening."
        post.to(officer, f"{proposal.ref} waits for screening", told, path=f"{path}/screen")


def _returned(post: Post, event: ProposalReturned) -> None:
    proposal = _proposal(post, event)
    text = "The programme office asks you to change your proposal and to submit it again:"
    path = f"/proposals/{proposal.ref}/check"
    post.to(proposal.pi, f"{proposal.ref} came back for changes", text, proposal.message, path=path)


def _forwarded(post: Post, event: ProposalForwarded) -> None:
    proposal = _proposal(post, event)
    text = "Your proposal has passed screening and is now with expert reviewers."
    post.to(proposal.pi, f"{proposal.ref} is in review", text, path=f"/proposals/{proposal.ref}")


def _screened_out(post: Post, event: ProposalScreenedOut) -> None:
    proposal = _proposal(post, event)
    text = "The programme office has declined your proposal at screening:"
    path = f"/proposals/{proposal.ref}"
    post.to(proposal.pi, f"{proposal.ref} is declined", text, proposal.message, path=path)


def _team_invited(post: Post, event: TeamMemberInvited) -> None:
    member = post.session.get(TeamMember, event.team_member_id)
    if member is None:
        return
    proposal = post.session.get_one(Proposal, member.proposal_id)
    role = str(member.role).replace("_", " ")
    text = f"{proposal.pi.name} invites you to join the proposal “{proposal.heading}” as {role}."
    path = f"/invitations/{links.invitation(post.secret_key, member.id)}"
    post.to(member.email, f"Invitation to {proposal.ref}", text, path=path)


def _reviewer_invited(post: Post, event: ReviewerInvited) -> None:
    review = post.session.get_one(Review, event.review_id)
    text = f"We ask you to review “{review.proposal.title}”. Please accept, or step back, within a week."
    post.to(review.reviewer, f"Review asked: {review.proposal.ref}", text, path=f"/reviews/{review.ref}")


def _stepped_back(post: Post, event: ReviewerSteppedBack) -> None:
    review = post.session.get_one(Review, event.review_id)
    text = f"{review.reviewer.name} no longer reviews {review.proposal.ref} ({review.state})."
    for officer in roles.holders(post.session, Role.PROGRAMME_OFFICER):
        path = f"/proposals/{review.proposal.ref}/reviewers"
        post.to(officer, f"{review.proposal.ref} needs another reviewer", text, path=path)


def _review_submitted(post: Post, event: ReviewSubmitted) -> None:
    review = post.session.get_one(Review, event.review_id)
    text = f"Your review of “{review.proposal.title}” has arrived. You can now read the other reviews."
    post.to(review.reviewer, "Thank you for your review", text, path=f"/reviews/{review.ref}")


def _decided(post: Post, proposal: Proposal, headline: str, path: str) -> None:
    decision = decisions.of_proposal(post.session, proposal)
    comments = reviews.comments_for_pi(post.session, proposal)
    quoted = [f"Reviewer {n}:\n{text}" for n, text in enumerate(comments, start=1)]
    heading = "What the reviewers wrote to you:" if quoted else ""
    summary = decision.summary if decision else ""
    post.to(proposal.pi, f"Decision on {proposal.ref}", headline, summary, heading, *quoted, path=path)


def _awarded(post: Post, event: ProposalAwarded) -> None:
    proposal = _proposal(post, event)
    award = post.session.get_one(Award, event.award_id)
    amounts = [f"{units.shown(a.amount)} {a.resource.unit} of {a.resource.name}" for a in award.allocations]
    headline = f"We are glad to award to “{proposal.title}”: {'; '.join(amounts)}."
    _decided(post, proposal, headline, f"/awards/{award.ref}")
    for allocation in award.allocations:
        _ask_consent(post, allocation)


def _ask_consent(post: Post, allocation: Allocation) -> None:
    provider = allocation.resource.provider
    amount = f"{units.shown(allocation.amount)} {allocation.resource.unit}"
    text = f"The panel has awarded {amount} of {allocation.resource.name}. Please say whether you agree."
    for operator in roles.holders(post.session, Role.PROVIDER_OPERATOR, provider.id):
        subject = f"Consent needed for {allocation.ref}"
        post.to(operator, subject, text, path=f"/allocations/{allocation.ref}/consent")


def _declined(post: Post, event: ProposalDeclined) -> None:
    proposal = _proposal(post, event)
    headline = f"The panel has decided not to award resources to “{proposal.title}”."
    _decided(post, proposal, headline, f"/proposals/{proposal.ref}")


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
    post.to(asked.dataset.custodian, subject, text, asked.declared_use, path=path)


def _access_decided(post: Post, event: AccessDecided) -> None:
    asked = post.session.get_one(AccessRequest, event.request_id)
    text = f"The custodian has {asked.state} access to {asked.dataset.title}."
    subject = f"Access to {asked.dataset.title}: {asked.state}"
    path = f"/proposals/{asked.proposal.ref}"
    post.to(asked.proposal.pi, subject, text, asked.message, path=path)


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
    ProposalSubmitted: _submitted,
    ProposalReturned: _returned,
    ProposalForwarded: _forwarded,
    ProposalScreenedOut: _screened_out,
    TeamMemberInvited: _team_invited,
    ReviewerInvited: _reviewer_invited,
    ReviewerSteppedBack: _stepped_back,
    ReviewSubmitted: _review_submitted,
    ProposalAwarded: _awarded,
    ProposalDeclined: _declined,
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
    TokenMade: _token_made,
    ServiceTokenMade: _service_token_made,
    ServiceTokenConfirmed: _service_token_confirmed,
}
