"""Noun -> state -> the things that a rule is asked about, with the noun brought into that state."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from allocations.accounts.awards import AllocationState, AwardState, Consent
from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock
from allocations.people.confirmations import ConfirmationState
from allocations.people.invitations import RoleInvitationState
from allocations.people.merging import MergeState
from allocations.people.roles import Role
from allocations.people.standing import Level
from allocations.programme import progress
from allocations.programme.appeals import Appeal, AppealState, Case, Ground
from allocations.programme.calls import CallState, Reviewers
from allocations.programme.decisions import Decision, Outcome
from allocations.programme.meetings import MeetingState
from allocations.programme.proposals import State
from allocations.programme.reviews import ReviewState
from allocations.programme.steps import StepKind
from allocations.programme.teams import InvitationState
from datasets.requests import RequestState
from k8s.notebooks import Phase
from tests.guards.matrix_world import DAY, World

Things = tuple[Any, ...]
Arrange = Callable[[World], Things]
States = dict[str, Arrange]


def having(thing: Any, **values: Any) -> Things:
    """Only in memory: the test rolls it back."""
    for name, value in values.items():
        setattr(thing, name, value)
    return (thing,)


def each(values: Iterable[str], name: str, attribute: str = "state", **more: Any) -> States:
    """One state for each value of the attribute of that one thing of the world; `more` is set as well."""

    def arrange(value: str) -> Arrange:
        return lambda world: having(getattr(world.one, name), **{attribute: value}, **more)

    return {str(value): arrange(value) for value in values}


def _itself(value: Any) -> Arrange:
    return lambda world: (value,)


def _ago() -> datetime:
    return clock.now() - DAY


def _call(state: CallState, opens: int, closes: int, **more: Any) -> Arrange:
    """Opens and closes so many days from now."""

    def arrange(world: World) -> Things:
        now = clock.now()
        dates = {"opens_at": now + opens * DAY, "closes_at": now + closes * DAY}
        return having(world.one.call, state=state, **dates, **more)

    return arrange


def _asking(days: int) -> Arrange:
    return lambda world: _call(CallState.PUBLISHED, -1, 30, bids_until=clock.now() + days * DAY)(world)


def _proposal(state: State) -> Arrange:
    """A submitted one waits for the check, as in most calls."""
    step = {State.SUBMITTED: StepKind.ADMIN_CHECK, State.IN_REVIEW: StepKind.REVIEW}.get(state)
    return lambda world: having(world.one.proposal, state=state, step=step)


def _at_step(kind: StepKind) -> Arrange:
    """In a call with every step."""
    state = State.SUBMITTED if kind in progress.AT_THE_OFFICE else State.IN_REVIEW

    def arrange(world: World) -> Things:
        having(world.one.call, steps={str(one): 7 for one in StepKind})
        return having(world.one.proposal, state=state, step=kind)

    return arrange


def _discussed(kind: StepKind, *, reviewed: bool = True, discussing: bool = True) -> Arrange:
    """With the submitted review of whoever asks, or none; only Ruth has one."""

    def arrange(world: World) -> Things:
        steps = {str(one): 7 for one in StepKind if discussing or one != StepKind.DISCUSSION}
        (proposal,) = _at_step(kind)(world)
        having(world.one.call, steps=steps)
        having(world.one.review, state=ReviewState.SUBMITTED)
        return (proposal, world.one.review if reviewed else None)

    return arrange


def _case(state: State, *, appeal: AppealState | None = None, days: int = 14) -> Arrange:
    """Chen has decided, Ruth has been asked to review."""

    def arrange(world: World) -> Things:
        (proposal,) = having(world.one.proposal, state=state)
        having(world.one.call, appeal_days=days)
        decided = Decision(
            proposal_id=proposal.id, outcome=Outcome.DECLINE, summary="No.", decided_by="Chen Li"
        )
        decided.decided_at = clock.now()
        made = None
        if appeal:
            made = Appeal(
                proposal=proposal, made_by="Priya", ground=Ground.FACT, text="Missed.", state=appeal
            )
        chen, ruth = (frozenset({world.actors[name].person_id or 0}) for name in ("chen", "ruth"))
        return (Case(proposal, decided, made, chen, ruth, is_related=False),)

    return arrange


def _proposal_after_closing(state: State) -> Arrange:
    def arrange(world: World) -> Things:
        having(world.one.call, closes_at=_ago())
        return having(world.one.proposal, state=state)

    return arrange


STEPS = {str(kind): 7 for kind in StepKind}


def _with_review(kind: StepKind, *things: str) -> Arrange:
    """In a call with every step; the things beside the proposal are submitted."""

    def arrange(world: World) -> Things:
        having(world.one.call, steps=STEPS)
        proposal = having(world.one.proposal, state=State.IN_REVIEW, step=kind, call=world.one.call)
        having(world.one.review, state=ReviewState.SUBMITTED, proposal=world.one.proposal)
        return tuple(getattr(world.one, name) for name in things) or proposal

    return arrange


def _review_after_decision(state: ReviewState) -> Arrange:
    def arrange(world: World) -> Things:
        having(world.one.review.proposal, state=State.AWARDED)
        return having(world.one.review, state=state)

    return arrange


def _member(name: str, role: ProjectRole | None = None) -> Arrange:
    def arrange(world: World) -> Things:
        member = world.one.members[name]
        having(member, role=role or member.role)
        return (world.one.project, member)

    return arrange


def _sponsorship_over(world: World) -> Things:
    having(world.one.members["uma"], sponsored_until=_ago())
    return (world.one.project,)


def _with_allocation(state: AllocationState) -> Arrange:
    return lambda world: (world.one.project, list(having(world.one.allocation, state=state)))


def _notebook(phase: Phase, name: str = "notebook", **more: Any) -> Arrange:
    allocation = more.pop("allocation", AllocationState.ACTIVE)

    def arrange(world: World) -> Things:
        having(world.one.allocation, state=allocation)
        return having(getattr(world.one, name), phase=phase, **more)

    return arrange


def _identity(name: str, **moments: int) -> Arrange:
    """Held or rejected so many days ago."""
    at = {key: clock.now() - days * DAY for key, days in moments.items()}
    return lambda world: having(world.one.identities[name], **at)


def _log_ins(mine: str, in_use: str) -> Arrange:
    """Sam takes the log-in `sam` off."""

    def arrange(world: World) -> Things:
        own = world.one.identities
        return (own["sam"], [own[name] for name in mine.split()], own[in_use])

    return arrange


def _person(name: str, **values: Any) -> Arrange:
    return lambda world: having(world.cast.people[name], **values)


def _viewed(name: str, **values: Any) -> Arrange:
    return lambda world: (*having(world.cast.people[name], **values), world.actors[name])


def _of_disabled_client(world: World) -> Things:
    having(world.one.public_client, disabled_at=_ago())
    return (world.one.device,)


def _one(name: str, **values: Any) -> Arrange:
    return lambda world: having(getattr(world.one, name), **values)


def _token(*, confirmed: str = "", **values: Any) -> Arrange:
    def arrange(world: World) -> Things:
        confirmer = world.actors[confirmed].person_id if confirmed else None
        return having(world.one.token, confirmer_id=confirmer, **values)

    return arrange


NOUNS: dict[str, States] = {
    "nothing": {"always": lambda world: ()},
    "level": {str(level): _itself(level) for level in Level},
    "sponsorship": {"over": lambda world: (_ago(),)},
    "call": {
        "draft": _call(CallState.DRAFT, -1, 30),
        "upcoming": _call(CallState.PUBLISHED, 1, 30),
        "open": _call(CallState.PUBLISHED, -1, 30),
        "closed": _call(CallState.PUBLISHED, -30, -1),
        "concluded": _call(CallState.CONCLUDED, -30, -1),
    },
    "course": {
        "running": _one("course"),
        "over": _one("course", ends_at=_ago()),
        "ended": _one("course", ended_at=_ago()),
    },
    "call that wants a high assurance": {"open": _call(CallState.PUBLISHED, -1, 30, assurance=Level.HIGH)},
    "call that asks reviewers": {
        "never": _call(CallState.PUBLISHED, -1, 30),
        "open": _asking(1),
        "closed": _asking(-1),
    },
    "call of applicants": {
        "upcoming": _call(CallState.PUBLISHED, 1, 30, reviewed_by=Reviewers.APPLICANTS),
        "open": _call(CallState.PUBLISHED, -1, 30, reviewed_by=Reviewers.APPLICANTS),
        "closed": _call(CallState.PUBLISHED, -30, -1, reviewed_by=Reviewers.APPLICANTS),
    },
    "proposal": {str(state): _proposal(state) for state in State},
    "proposal at a step": {str(kind): _at_step(kind) for kind in StepKind},
    "proposal and its provider": {
        str(kind): lambda world, kind=kind: (*_at_step(kind)(world), world.cast.provider) for kind in StepKind
    },
    "proposal and own review": {str(kind): _discussed(kind) for kind in StepKind},
    "proposal and no review": {str(kind): _discussed(kind, reviewed=False) for kind in StepKind},
    "proposal and own review, no discussion": {
        str(StepKind.DISCUSSION): _discussed(StepKind.DISCUSSION, discussing=False)
    },
    "meeting": each(MeetingState, "meeting"),
    "decision": {str(state): _case(state) for state in State},
    "decision without appeals": {str(State.DECLINED): _case(State.DECLINED, days=0)},
    "appeal": {str(state): _case(State.DECLINED, appeal=state) for state in AppealState},
    "pool of a call": {"open": lambda world: (world.one.call.pools[0],)},
    "proposal after closing": {str(state): _proposal_after_closing(state) for state in State},
    "submitted review at step": {str(kind): _with_review(kind, "review") for kind in StepKind},
    "review": each(ReviewState, "review"),
    "review after the decision": {str(state): _review_after_decision(state) for state in ReviewState},
    "place of a co-PI": each(InvitationState, "leads"),
    "place of a user": each(InvitationState, "works"),
    "project": {"sponsored": _one("project"), "sponsorship over": _sponsorship_over},
    "project of others": {"always": _one("project_of_sam")},
    "project and dataset": {
        "open": lambda world: (world.one.project, world.cast.climate),
        "controlled": lambda world: (world.one.project, world.cast.genomes),
    },
    "project and allocation": {str(state): _with_allocation(state) for state in AllocationState},
    "member": {
        "pi": _member("priya"),
        "co_pi": _member("carlos"),
        "allocation_manager": _member("tess", ProjectRole.ALLOCATION_MANAGER),
        "user": _member("uma"),
    },
    "award": each(AwardState, "award"),
    "allocation": each(AllocationState, "allocation", consent=Consent.PENDING),
    "consent": each(Consent, "allocation", "consent", state=AllocationState.OFFERED),
    "grant": {"live": _one("grant"), "revoked": _one("grant", revoked_at=_ago())},
    "request": each(RequestState, "request"),
    "confirmation": each(ConfirmationState, "confirmation"),
    "confirmation of the representative": each(ConfirmationState, "confirmation_of_rene"),
    "merge": each(MergeState, "merge"),
    "merge of the administrator": each(MergeState, "merge_of_ada"),
    "identity": {
        "free": _identity("sam"),
        "held": _identity("sam", held_at=1),
        "rejected": _identity("sam", held_at=2, rejected_at=1),
    },
    "identity of the administrator": {"held": _identity("ada", held_at=1)},
    # Ravi's stands for a second one of Sam: the rule looks at which it is, not at whose.
    "log-ins": {
        "only one": _log_ins("sam", "sam"),
        "in use": _log_ins("sam ravi", "sam"),
        "another one": _log_ins("sam ravi", "ravi"),
    },
    "person": {"enabled": _person("sam"), "disabled": _person("sam", disabled_at=_ago())},
    "reviewer": {"enabled": _person("ruth")},
    "administrator": {"enabled": _person("ada")},
    "person to view": {
        "enabled": _viewed("sam"),
        "disabled": _viewed("sam", disabled_at=_ago()),
        "auditor": _viewed("aude"),
        "administrator": _viewed("ada"),
    },
    "role": {str(role): _itself(role) for role in Role},
    "grant of a role": {
        "live": _one("role"),
        "past its date": _one("role", until=_ago()),
        "revoked": _one("role", revoked_at=_ago()),
    },
    "invitation": {
        **each(RoleInvitationState, "invitation"),
        "expired": _one("invitation", invited_at=clock.now() - 15 * DAY),
    },
    "invitation to audit": each(RoleInvitationState, "invitation_to_audit"),
    "token": {
        "waiting": _token(),
        "confirmed": _token(confirmed="carlos"),
        "revoked": _token(revoked_at=_ago()),
        "ended": _token(ends_at=_ago()),
    },
    "client": {
        "confidential": _one("client"),
        "public": _one("public_client"),
        "disabled": _one("client", disabled_at=_ago()),
    },
    "device": {
        "waiting": _one("device"),
        "agreed": _one("device", family_id=1),
        "denied": _one("device", denied_at=_ago()),
        "of a disabled client": _of_disabled_client,
    },
    "wanted notebook": {str(phase): _notebook(phase, wanted=True) for phase in Phase},
    "ended notebook": {str(phase): _notebook(phase, wanted=False) for phase in Phase},
    "ended notebook without units": {
        str(phase): _notebook(phase, wanted=False, allocation=AllocationState.SUSPENDED) for phase in Phase
    },
    "wanted notebook of the token's owner": {
        str(phase): _notebook(phase, "notebook_of_priya", wanted=True) for phase in Phase
    },
}
