"""Amounts noted for the proposals of a split: which of them a split put there, and which people did."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import units
from allocations.programme import substitutes
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal, ResourceRequest
from allocations.programme.runs import Run, RunKind, RunState
from allocations.programme.splitting import Reading


@dataclass(frozen=True, slots=True)
class Kept:
    """One resource of a proposal whose noted amounts differ from the split's, and were put there by no split.

    Micro-units by slug; `names` says what each slug is called.
    """

    proposal: Proposal
    request: ResourceRequest
    noted: Mapping[str, int]
    split: Mapping[str, int]
    names: Mapping[str, str]

    @property
    def key(self) -> str:
        """Changes with the proposal: a choice is about the amounts that were on the screen."""
        return f"{self.proposal.ref}:{self.request.resource.slug}:{self.proposal.version}"

    @property
    def words(self) -> str:
        """“10 GPU-hours of H100 (split: 11)”."""
        unit = self.request.resource.unit
        return ", ".join(
            f"{units.shown(amount)} {unit} of {self.names.get(slug, slug)} "
            f"(split: {units.shown(self.split[slug])})"
            for slug, amount in self.noted.items()
            if amount != self.split[slug]
        )


Put = Mapping[str, Mapping[str, int]]


def put(session: Session, call: Call) -> Put:
    """What the splits of this call that were taken over have put where; micro-units by proposal and slug."""
    applied = (Run.call_id == call.id, Run.kind == RunKind.SPLIT, Run.state == RunState.APPLIED)
    query = select(Run.parameters).where(*applied).order_by(Run.state_since.desc(), Run.id.desc())
    parameters = session.scalar(query.limit(1)) or {}
    found: Put = parameters.get("put", {})
    return found


def kept_of(call: Call, proposal: Proposal, split: Mapping[str, int], put: Put) -> list[Kept]:
    names = {resource.slug: resource.name for resource in call.resources}
    known = substitutes.recommended(proposal)
    before = put.get(str(proposal.id), {})
    lines: list[Kept] = []
    for request in proposal.requests:
        slugs = [request.resource.slug, *substitutes.rates(request)]
        noted, given = {slug: known[slug] for slug in slugs}, {slug: split.get(slug, 0) for slug in slugs}
        ours = noted == {slug: before.get(slug) for slug in slugs}
        if request.recommended is not None and noted != given and not ours:
            lines.append(Kept(proposal, request, noted, given, names))
    return lines


def kept(session: Session, call: Call, reading: Reading, known: Mapping[int, Proposal]) -> list[Kept]:
    """Of a split that its reader was found to see, by rank; `known` holds its proposals. One statement."""
    before, found = put(session, call), reading.outcomes
    return [line for one in found for line in kept_of(call, known[one["proposal"]], one["amounts"], before)]


def overdrawn(reading: Reading, lines: Sequence[Kept]) -> dict[str, int]:
    """By slug, what would be recommended beyond what a pool held, if these stayed and the rest were taken."""
    more = Counter[str]()
    for line in lines:
        more.update({slug: amount - line.split[slug] for slug, amount in line.noted.items()})
    pools = reading.view.get("pools", ())
    beyond = {pool["slug"]: pool["used"] + more[pool["slug"]] - pool["capacity"] for pool in pools}
    return {slug: amount for slug, amount in beyond.items() if amount > 0}
