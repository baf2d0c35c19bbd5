"""Letters about decisions: what is awarded or declined, the right of appeal, and what became of an appeal."""

from allocations.accounts.awards import Allocation, Award, Consent
from allocations.kernel import units
from allocations.people import roles
from allocations.people.roles import Actor, Role
from allocations.programme import appeals, decisions, wording
from allocations.programme.appeals import GROUNDS, Appeal, AppealAnswered, AppealMade, AppealState
from allocations.programme.calls import LetterKind
from allocations.programme.decisions import ProposalAwarded, ProposalDeclined
from allocations.programme.proposals import Proposal
from portal import step_letters
from portal.post import Post


def _decided(post: Post, proposal: Proposal, kind: LetterKind, *, headline: str, path: str) -> None:
    decision = decisions.of_proposal(post.session, proposal)
    comments = step_letters.comments(post, proposal)
    quoted = [f"{comment.who}:\n{comment.text}" for comment in comments]
    heading = "What the reviewers wrote to you:" if quoted else ""
    summary = decision.summary if decision else ""
    words = wording.own_words(proposal, kind, reader=proposal.pi, link=post.public_url + path)
    said = (summary, words, heading, *quoted, _right_of_appeal(post, proposal))
    post.to(proposal.pi, f"Decision on {proposal.ref}", headline, *said, path=path)


def _right_of_appeal(post: Post, proposal: Proposal) -> str:
    """Until when and where, if an appeal is possible: there is one for each proposal."""
    pi = Actor(person_id=proposal.pi_id, name=proposal.pi.name)
    case = appeals.case(post.session, pi, proposal)
    if case.decision is None or not appeals.may_appeal(pi, case):
        return ""
    until = appeals.last_day(case.decision, proposal.call)
    return (
        f"You can appeal against this decision once, until {until:%-d %B %Y} (UTC), if a fact was "
        "overlooked, the process was not followed, or there was a conflict of interest. Disagreement with "
        f"a judgement is no ground. {post.public_url}/proposals/{proposal.ref}/appeal"
    )


def awarded(post: Post, event: ProposalAwarded) -> None:
    proposal = post.session.get_one(Proposal, event.proposal_id)
    award = post.session.get_one(Award, event.award_id)
    amounts = [f"{units.shown(a.amount)} {a.resource.unit} of {a.resource.name}" for a in award.allocations]
    headline = f"We are glad to award to “{proposal.title}”: {'; '.join(amounts)}."
    _decided(post, proposal, LetterKind.AWARDED, headline=headline, path=f"/awards/{award.ref}")
    for allocation in award.allocations:
        if allocation.consent == Consent.PENDING:
            _ask_consent(post, allocation)


def _ask_consent(post: Post, allocation: Allocation) -> None:
    provider = allocation.resource.provider
    amount = f"{units.shown(allocation.amount)} {allocation.resource.unit}"
    text = f"{amount} of {allocation.resource.name} are awarded to a project. Please say whether you agree."
    for operator in roles.holders(post.session, Role.PROVIDER_OPERATOR, provider.id):
        subject = f"Consent needed for {allocation.ref}"
        post.to(operator, subject, text, path=f"/allocations/{allocation.ref}/consent")


def declined(post: Post, event: ProposalDeclined) -> None:
    proposal = post.session.get_one(Proposal, event.proposal_id)
    headline = f"No resources are awarded to “{proposal.title}”."
    path = f"/proposals/{proposal.ref}"
    _decided(post, proposal, LetterKind.DECLINED, headline=headline, path=path)


def appeal_made(post: Post, event: AppealMade) -> None:
    appeal = post.session.get_one(Appeal, event.appeal_id)
    proposal = appeal.proposal
    ground = GROUNDS[appeal.ground].lower()
    text = f"Your appeal against the decision on “{proposal.title}” has arrived: {ground}."
    following = (
        "Somebody who neither reviewed the proposal nor decided about it answers. You get a letter then."
    )
    path = f"/proposals/{proposal.ref}/appeal"
    post.to(proposal.pi, f"{proposal.ref}: your appeal has arrived", text, following, path=path)
    asked = (
        f"The PI of “{proposal.title}” appeals against the decision of the call “{proposal.call.title}”. You "
        "neither reviewed it nor decided about it, and can answer; so may others, and one answer is enough."
    )
    for person in appeals.answerers(post.session, appeal):
        post.to(person, f"{proposal.ref}: an appeal to answer", asked, path=f"{path}/answer")


def appeal_answered(post: Post, event: AppealAnswered) -> None:
    appeal = post.session.get_one(Appeal, event.appeal_id)
    proposal = appeal.proposal
    upheld = appeal.state == AppealState.UPHELD
    outcome = _what_follows(post, proposal) if upheld else "The decision stands."
    text = f"Your appeal against the decision on “{proposal.title}” is {appeal.state}. {outcome}"
    path = f"/proposals/{proposal.ref}/appeal"
    post.to(proposal.pi, f"{proposal.ref}: your appeal is {appeal.state}", text, appeal.reason, path=path)
    for allocation in _added(post, proposal) if upheld else ():
        _ask_consent(post, allocation)


def _added(post: Post, proposal: Proposal) -> list[Allocation]:
    """What providers have to answer for now; who has not answered for the first amount is asked again."""
    decision = decisions.of_proposal(post.session, proposal)
    granted = decision.award.allocations if decision and decision.award else []
    return [allocation for allocation in granted if allocation.consent == Consent.PENDING]


def _what_follows(post: Post, proposal: Proposal) -> str:
    decision = decisions.of_proposal(post.session, proposal)
    if decision is None or decision.award is None:
        return "The proposal is decided once more; you get a letter then."
    totals = [
        f"{units.shown(wanted.awarded)} {wanted.resource.unit} of {wanted.resource.name}"
        for wanted in proposal.requests
        if wanted.awarded
    ]
    return f"With the additional amounts you are awarded {'; '.join(totals)}."
