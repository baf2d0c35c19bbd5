"""The verbs of a draw: seal a secret, freeze the tiers, draw with a public value, and decide by it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, selectinload

from allocations.accounts import ledger
from allocations.accounts.ledger import Purpose
from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid
from allocations.people.roles import SYSTEM, Actor, Role
from allocations.programme import decisions, progress, ranking, reviewing
from allocations.programme.calls import Call, CallState, Reviewers
from allocations.programme.decisions import BACK, STUCK
from allocations.programme.draws import Draw, of_call
from allocations.programme.proposals import Proposal, State, on_team
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.selection import seeds, tiers
from allocations.programme.selection.tiers import Fate, Placed, Tier, TierRecord
from allocations.programme.steps import StepKind

# Of each group, the share that is in the top and in the lower tier unless the office says otherwise.
TOP, LOWER = 20, 30


def may_seal(actor: Actor, call: Call) -> Answer:
    """To fix the secret, which nobody sees: whoever decides, or the office, from publication on."""
    seals = decisions.is_decider(actor, call) or actor.has(Role.PROGRAMME_OFFICER)
    return first_no(
        when(seals, "Only the programme office and whoever decides in the call seal the secret of a draw."),
        when(call.reviewed_by == Reviewers.APPLICANTS, "Lots are drawn in calls where applicants review."),
        when(
            call.state == CallState.PUBLISHED,
            "The secret is sealed between the publication of the call and the first review.",
        ),
    )


def is_in_time(session: Session, call: Call) -> Answer:
    """Whoever seals after a review is in might know how the ranking begins."""
    submitted = (Proposal.call_id == call.id, Review.state == ReviewState.SUBMITTED)
    known = session.scalar(select(exists().where(Review.proposal_id == Proposal.id, *submitted)))
    return when(not known, "A review has been submitted, so it is too late to seal a secret.")


def may_run(actor: Actor, call: Call) -> Answer:
    """To freeze and draw."""
    return first_no(
        decisions.is_decider(actor, call),
        when(call.reviewed_by == Reviewers.APPLICANTS, "Lots are drawn in calls where applicants review."),
        when(call.window == "closed", "Lots are drawn after the call has closed."),
    )


def seal(session: Session, actor: Actor, call: Call, *, secret: str) -> Draw:
    """Fix a secret that nobody sees, before anybody knows the ranking; its fingerprint is public at once."""
    require(may_seal(actor, call))
    require(seeds.may_seal(secret))
    if of_call(session, call) is not None:
        raise IllegalMove("A secret is sealed for this call already.")
    require(is_in_time(session, call))
    draw = Draw(call_id=call.id, secret=secret, commitment=seeds.commitment(secret), sealed_by=actor.name)
    session.add(draw)
    session.flush()
    audit.record(session, actor, "draw.seal", subject=call.ref, note=f"fingerprint {draw.commitment[:16]}")
    return draw


@dataclass(frozen=True, slots=True)
class Terms:
    """Percent of each group in the top and in the lower tier, and where the public value will come from."""

    source: str
    top: int = TOP
    lower: int = LOWER


def freeze(session: Session, actor: Actor, call: Call, draw: Draw, terms: Terms) -> None:
    """Fix tiers and budget for good, and the source of the public value with them."""
    require(may_run(actor, call))
    if draw.frozen_at is not None:
        raise IllegalMove("The ranking is frozen already.")
    if len(terms.source.strip()) < 10:
        raise Incomplete({"source": "Say which value you will use, and when it becomes known."})
    if min(terms.top, terms.lower) < 0 or terms.top + terms.lower > 100:
        raise Invalid({"top": "Both shares are percent, and together at most 100."})
    listed = _ready(session, actor, call)
    slugs = sorted(resource.slug for resource in call.resources)
    placed = placed_in_tiers(session, call, listed, terms)
    draw.budget = {slug: _free(session, call, slug) for slug in slugs}
    refs = {proposal.id: proposal.ref for proposal in listed}
    draw.placed = [asdict(one) | {"ref": refs[one.proposal]} for one in placed]
    draw.digest = tiers.digest(placed, tuple(draw.budget[slug] for slug in slugs))
    draw.source, draw.frozen_at = terms.source.strip(), clock.now()
    audit.record(session, actor, "draw.freeze", subject=call.ref, note=f"fingerprint {draw.digest[:16]}")


def _ready(session: Session, actor: Actor, call: Call) -> Sequence[Proposal]:
    # What an appeal has brought back is decided by people.
    waiting = (Proposal.state == State.IN_REVIEW, ~Proposal.message.startswith(BACK))
    query = select(Proposal).where(Proposal.call_id == call.id, *waiting)
    loaded = (selectinload(Proposal.requests), selectinload(Proposal.team))
    listed = session.scalars(query.options(*loaded).order_by(Proposal.id)).all()
    own = [one.ref for one in listed if on_team(actor, one)]
    require(when(not own, "Nobody sets the tiers of a call in which their own team applies."))
    early = sum(1 for one in listed if one.step is None or one.step.place <= StepKind.REVIEW.place)
    if early:
        many = "proposal is" if early == 1 else "proposals are"
        raise IllegalMove(f"{early} {many} still in review. Freeze when all reviews are in.")
    if not listed:
        raise IllegalMove("There is nothing to draw: no proposal waits for a decision.")
    return listed


def _free(session: Session, call: Call, slug: str) -> int:
    pool = next(link.pool for link in call.pools if link.pool.resource.slug == slug)
    return ledger.balance(session, ledger.pool(pool.id), Purpose.FREE)


def placed_in_tiers(session: Session, call: Call, listed: Sequence[Proposal], terms: Terms) -> list[Placed]:
    """Each proposal in a tier by its rank in its own group: groups are never compared.

    Proposals with equal means stay together: a tie at the line to the top goes to the middle, and a tie
    at the line to the lower tier stays in the middle as well, so that no coin is flipped unseen.
    """
    groups: dict[int, list[Proposal]] = {}
    for proposal in listed:
        groups.setdefault(proposal.review_group or 0, []).append(proposal)
    written = reviewing.of_call(session, listed)
    slugs = sorted(resource.slug for resource in call.resources)
    placed = []
    for group in groups.values():
        lines = ranking.rank(group, written, call.criteria)
        ranks = [(line.proposal.id, line.rank) for line in lines]
        for proposal_id, tier in tiers_of(ranks, terms.top, terms.lower):
            proposal = next(one for one in group if one.id == proposal_id)
            asked = {request.resource.slug: request.requested for request in proposal.requests}
            placed.append(Placed(proposal_id, tier, tuple(asked.get(slug, 0) for slug in slugs)))
    return sorted(placed)


def tiers_of(ranks: Sequence[tuple[int, int]], top: int, lower: int) -> list[tuple[int, Tier]]:
    """Of (proposal, shared rank counted from 1): whoever is certainly within the share is in the tier."""
    size = len(ranks)
    tied = {rank: sum(1 for _, other in ranks if other == rank) for _, rank in ranks}
    found = []
    for proposal, rank in ranks:
        last = rank + tied[rank] - 1
        if 100 * last <= top * size:
            tier = Tier.TOP
        elif 100 * (rank - 1) >= (100 - lower) * size:
            tier = Tier.LOWER
        else:
            tier = Tier.MIDDLE
        found.append((proposal, tier))
    return found


def draw_lots(session: Session, actor: Actor, call: Call, draw: Draw, *, public: str) -> TierRecord:
    """Draw. `public` is a value that nobody could know when the ranking was frozen, and all can look up."""
    require(may_run(actor, call))
    if draw.frozen_at is None:
        raise IllegalMove("Freeze the ranking first.")
    if draw.drawn_at is not None:
        raise IllegalMove("The lots are drawn already.")
    if len(public.strip()) < 4:
        raise Incomplete({"public": "Enter the public value, with its source and date."})
    slugs = sorted(draw.budget)
    placed = [_placed(one) for one in draw.placed]
    record = tiers.draw(
        placed,
        tuple(draw.budget[slug] for slug in slugs),
        commitment=draw.commitment,
        secret=draw.secret,
        public=public.strip(),
    )
    draw.record = json.loads(json.dumps(asdict(record))) | {"resources": slugs}
    draw.drawn_at = clock.now()
    audit.record(session, actor, "draw.draw", subject=call.ref, note=public.strip())
    return record


def _placed(one: Mapping[str, Any]) -> Placed:
    return Placed(one["proposal"], Tier(one["tier"]), tuple(one["costs"]))


def record_of(values: Mapping[str, Any]) -> TierRecord:
    """A published record, read back."""
    return TierRecord(
        placed=tuple(_placed(one) for one in values["placed"]),
        budget=tuple(values["budget"]),
        commitment=values["commitment"],
        secret=values["secret"],
        public=values["public"],
        fates=tuple((proposal, Fate(fate)) for proposal, fate in values["fates"]),
        left=tuple(values["left"]),
        version=values["version"],
    )


def is_sound(values: Mapping[str, Any]) -> bool:
    """Whether the record follows from its own inputs."""
    try:
        given = record_of(values)
        return tiers.replay(given) == given
    except (KeyError, TypeError, ValueError):
        return False


def step(session: Session) -> bool:
    """Decide one proposal as the lots fell; true if there was something to do."""
    query = select(Draw).where(Draw.drawn_at.is_not(None), Draw.applied_at.is_(None)).limit(1)
    draw = session.scalar(query.with_for_update(skip_locked=True))
    if draw is None:
        return False
    fates = {proposal: Fate(fate) for proposal, fate in draw.record["fates"]}
    waiting = (Proposal.id.in_(fates), Proposal.state == State.IN_REVIEW)
    movable = ~or_(Proposal.message.startswith(STUCK), Proposal.message.startswith(BACK))
    proposal = session.scalar(select(Proposal).where(*waiting, movable).order_by(Proposal.id).limit(1))
    if proposal is None:
        draw.applied_at = clock.now()
        return True
    _decide(session, proposal, fates[proposal.id], tier=_tier(draw, proposal))
    return True


def _tier(draw: Draw, proposal: Proposal) -> Tier:
    return next(Tier(one["tier"]) for one in draw.placed if one["proposal"] == proposal.id)


def _decide(session: Session, proposal: Proposal, fate: Fate, *, tier: Tier) -> None:
    while proposal.step is not None and proposal.step != StepKind.DECISION:
        progress.go_on(session, proposal)
    summary = f"{SAID[fate].format(tier=tier)} The draw and its record are public on the page of the call."
    if fate is not Fate.FUNDED:
        decisions.decline(session, SYSTEM, proposal, summary=summary)
        return
    amounts = {request.resource.slug: request.requested for request in proposal.requests}
    try:
        with session.begin_nested():
            decisions.award(session, SYSTEM, proposal, amounts=amounts, summary=summary)
    except Invalid as error:
        # The pools held it when the ranking was frozen; a person has to look at what happened since.
        proposal.message = f"{STUCK} {error.reason}"


SAID = {
    Fate.FUNDED: "The applicants' reviews placed your proposal in the {tier} tier, and it is awarded.",
    Fate.PASSED_OVER: (
        "The applicants' reviews placed your proposal in the {tier} tier. When its turn came in the draw, "
        "less was left in a pool than it asks for."
    ),
    Fate.DECLINED: "The applicants' reviews placed your proposal in the {tier} tier, which is not awarded.",
}


def published(call: Call, draw: Draw) -> dict[str, Any]:
    """What everybody may read of a draw: no titles and no names, and the secret only once it is used."""
    shown: dict[str, Any] = {
        "call": call.ref,
        "commitment": draw.commitment,
        "sealed_at": draw.sealed_at.isoformat(),
        "digest": draw.digest,
        "source_of_public_value": draw.source,
        "frozen_at": draw.frozen_at.isoformat() if draw.frozen_at else None,
        "drawn_at": draw.drawn_at.isoformat() if draw.drawn_at else None,
        "references": {str(one["proposal"]): one["ref"] for one in draw.placed},
        "record": draw.record or None,
    }
    return shown
