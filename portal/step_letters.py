"""Letters about a proposal's way through the steps of its call, and about what is said on it."""

from collections.abc import Iterable

from allocations.people import roles
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import disclosure, progress, proposals, reviews, steps
from allocations.programme.calls import Decider
from allocations.programme.disclosure import Comment
from allocations.programme.progress import StepBegun
from allocations.programme.proposals import UNDECIDED, GraceGiven, Proposal, ProposalForwarded, State
from allocations.programme.reviews import Review
from allocations.programme.steps import StepKind
from allocations.programme.talking import RebuttalSent
from allocations.programme.teams import InvitationState
from portal.filters import in_zone
from portal.post import Post

# What the PI reads when a step begins: the subject, and what happens now. Review has a letter of its own.
WORDS = {
    StepKind.TECHNICAL: (
        "is with the resource provider",
        "The administrative check is done. The resource provider now looks at whether the work fits its "
        "machines.",
    ),
    StepKind.REBUTTAL: (
        "has reviews: you can reply",
        "The reviews of your proposal are in. You can read what the reviewers wrote to you and send one "
        "reply, until {due} (UTC). You need not: without a reply the proposal goes on by itself.",
    ),
    StepKind.DISCUSSION: (
        "is being discussed",
        "The reviewers now discuss your proposal. There is nothing for you to do.",
    ),
    StepKind.PANEL: (
        "is with the panel",
        "Your proposal is now before the panel, which compares it with the others of the call.",
    ),
    StepKind.DECISION: (
        "waits for its decision",
        "Everything that the decision needs is there. You get a letter when it is made.",
    ),
}


def office_of(post: Post, proposal: Proposal) -> list[Person]:
    """Programme officers who run this proposal: not its team, and nobody with a conflict."""
    officers = roles.holders(post.session, Role.PROGRAMME_OFFICER)
    actors = [(officer, roles.actor_of(post.session, officer)) for officer in officers]
    return [
        officer
        for officer, actor in actors
        if reviews.is_office(actor, proposal) and proposals.is_seen_by(post.session, actor, proposal)
    ]


def comments(post: Post, proposal: Proposal) -> list[Comment]:
    """What the PI may hear of the reviewers by now, with the names that anybody in that place may know."""
    pi = Actor(person_id=proposal.pi_id, name=proposal.pi.name)
    return disclosure.circle(post.session, pi, proposal).comments


def forwarded(post: Post, event: ProposalForwarded) -> None:
    """Only where there are reviews: other steps have letters of their own."""
    proposal = post.session.get_one(Proposal, event.proposal_id)
    if not proposal.call.has_step(StepKind.REVIEW):
        return
    text = "Your proposal has passed screening and is now with its reviewers."
    post.to(proposal.pi, f"{proposal.ref} is in review", text, path=f"/proposals/{proposal.ref}")


def step_begun(post: Post, event: StepBegun) -> None:
    proposal, kind = post.session.get_one(Proposal, event.proposal_id), StepKind(event.kind)
    ruled = proposal.call.decided_by == Decider.RULE
    # The first step is told with the submission; a rule has decided by the time this is read.
    told = kind == progress.following(proposal.call, None) or ruled
    if kind not in WORDS or told or proposal.state not in UNDECIDED:
        return
    subject, text = WORDS[kind]
    due = f"{proposal.step_due:%-d %B %Y at %H:%M}" if proposal.step_due else ""
    replying = kind == StepKind.REBUTTAL
    path = f"/proposals/{proposal.ref}/reply" if replying else f"/proposals/{proposal.ref}"
    post.to(proposal.pi, f"{proposal.ref} {subject}", text.format(due=due), path=path)


def grace_given(post: Post, event: GraceGiven) -> None:
    """To the whole team, because it runs out in minutes; only the PI submits."""
    proposal = post.session.get_one(Proposal, event.proposal_id)
    if proposal.grace_until is None or proposal.state != State.DRAFT:
        return
    until = in_zone(proposal.grace_until, proposal.call.timezone)
    text = f"The programme office lets “{proposal.heading}” in late: the PI can submit it until {until}."
    joined = [member.person for member in proposal.team if member.state == InvitationState.ACCEPTED]
    for person in [proposal.pi, *(one for one in joined if one is not None)]:
        path = f"/proposals/{proposal.ref}/check"
        post.to(person, f"{proposal.ref} can be submitted until {until}", text, path=path)


def first_step(proposal: Proposal) -> str:
    """What happens after submission, in a sentence."""
    name, who = steps.NAMES[progress.following(proposal.call, None)]
    return f"What comes next: {name[0].lower()}{name[1:]} ({who}). You will hear from us at each step."


def rebuttal_sent(post: Post, event: RebuttalSent) -> None:
    """To those who have judged and still may. Nobody is named: the PI is “the PI” in every call."""
    proposal = post.session.get_one(Proposal, event.proposal_id)
    text = f"The PI of “{proposal.title}” has replied to the reviews. You can read it beside your review."
    for review in _judged(post, proposal):
        path = f"/reviews/{review.ref}"
        post.to(review.reviewer, f"{proposal.ref}: the PI has replied", text, path=path)


def _judged(post: Post, proposal: Proposal) -> Iterable[Review]:
    around = disclosure.circle(post.session, Actor(), proposal)
    for review in around.asked:
        actor = roles.actor_of(post.session, review.reviewer)
        judged = review.state == reviews.ReviewState.SUBMITTED
        if judged and proposals.is_seen_by(post.session, actor, proposal):
            yield review
