"""A split from plain values to plain values, as runs keep them: one round for each viewer's list."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from allocations.kernel import units
from allocations.programme.selection import bands, checking, solving
from allocations.programme.selection.bands import Impossible
from allocations.programme.selection.requests import Candidate, Line, Pin, Pool, Portion, Rate, Round, Rules
from allocations.programme.selection.results import Outcome, Split
from allocations.programme.selection.solving import Item, Mode
from allocations.programme.selection.split import difference, split

Plain = Mapping[str, Any]
# Micro-units in one unit, as rates are given.
WHOLE = units.MICRO


def answered(inputs: Plain) -> dict[str, Any]:
    """See `splitting.gather` for the inputs; a view that cannot be solved says why."""
    return {"proposals": inputs["proposals"], "views": [_view(inputs, view) for view in inputs["views"]]}


def _view(inputs: Plain, view: Plain) -> dict[str, Any]:
    about = {key: view[key] for key in ("hidden", "calibrated", "width")}
    about["candidates"] = [one["proposal"] for one in view["candidates"]]
    this = round_of(inputs, view, inputs["pins"])
    try:
        found = split(this)
    except Impossible as why:
        return about | {"refused": str(why)}
    wrong = checking.faults(this, found)
    if wrong:
        return about | {"refused": f"The result breaks a rule and is not shown: {wrong[0]}"}
    known = {one.proposal: one for one in this.candidates}
    versions = {one["proposal"]: one["version"] for one in view["candidates"]}
    return about | {
        "refused": "",
        "outcomes": [
            _outcome(known[one.proposal], one, inputs) | {"version": versions[one.proposal]}
            for one in found.outcomes
        ],
        "pools": _pools(this, found),
        "changes": _changes(inputs, view, this, found),
        "proven": found.proven,
        "share_of_bound": round(found.value / _bound(this), 4) if found.value else 0.0,
    }


def round_of(inputs: Plain, view: Plain, pins: Sequence[Plain]) -> Round:
    terms = inputs["terms"]
    capacity = {one["slug"]: one["capacity"] for one in inputs["pools"]}
    names = {one["slug"]: one["name"] for one in inputs["pools"]}
    largest = max(capacity.values(), default=0)
    aside = {slug: amount * terms["set_aside"] // 100 for slug, amount in capacity.items()}
    rules = Rules(
        width=view["width"],
        promises=tuple(Fraction(share, 100) for share in terms["promises"]),
        cap=Fraction(terms["cap"], 100) if terms["cap"] < 100 else None,
        set_asides=tuple(Portion(slug, amount, "set aside") for slug, amount in aside.items()),
        high_risk=_reserve(capacity, aside, inputs["high_risk"]),
        first_time=_reserve(capacity, aside, inputs["first_time"]),
    )
    set_by_hand: dict[int, Mapping[str, int]] = {key: {} for key in inputs["lost"]}
    set_by_hand |= {pin["proposal"]: pin["amounts"] for pin in pins}
    made = [_candidate(one, set_by_hand.get(one["proposal"]), inputs) for one in view["candidates"]]
    candidates = tuple(one for one in made if one.lines)
    return Round(
        tuple(Pool(slug, held, _credit(largest, held), names[slug]) for slug, held in capacity.items()),
        candidates,
        rules,
        tuple(_pin(one, set_by_hand[one.proposal]) for one in candidates if one.proposal in set_by_hand),
    )


def _reserve(capacity: Mapping[str, int], aside: Mapping[str, int], percent: int) -> tuple[Portion, ...]:
    return tuple(Portion(slug, (held - aside[slug]) * percent // 100) for slug, held in capacity.items())


def _credit(largest: int, amount: int) -> Fraction:
    """Every pool weighs the same towards a cap: a GPU-hour and a GiB have no other rate."""
    return Fraction(largest, amount).limit_denominator(1000) if amount else Fraction(1)


def _candidate(one: Plain, pinned: Mapping[str, int] | None, inputs: Plain) -> Candidate:
    capacity = {pool["slug"]: pool["capacity"] for pool in inputs["pools"]}
    if pinned and any(pinned.values()):
        # It asks only for what it gets, of exactly these pools: the chair may go below a minimum.
        lines = [
            Line(amount, amount, (Rate(slug),))
            for slug, amount in sorted(pinned.items())
            if amount and slug in capacity
        ]
    else:
        share = inputs["terms"]["minimum"]
        lines = [_line(asked, share) for asked in one["lines"] if asked["slug"] in capacity]
    risky, first = one["high_risk"] and inputs["high_risk"], one["first_time"] and inputs["first_time"]
    return Candidate(
        one["proposal"],
        max(one["score"], 0.01),
        one["house"],
        tuple(lines),
        if_it_works=max(one["if_it_works"], 0.01) if risky else None,
        first_time=bool(first),
    )


def _line(asked: Plain, share: int) -> Line:
    """Its own pool first; a substitute's hours are worth less than one where more of them are needed."""
    minimum = asked["minimum"] or max(1, -(-asked["requested"] * share // 100))
    others = [Rate(slug, Fraction(WHOLE, rate)) for slug, rate in sorted(asked["instead"].items())]
    return Line(asked["requested"], minimum, (Rate(asked["slug"]), *others))


def _pin(one: Candidate, amounts: Mapping[str, int]) -> Pin:
    return Pin(one.proposal, tuple(amounts.get(_slug(line), 0) for line in one.lines))


def _slug(line: Line) -> str:
    return line.rates[0].pool


def _amounts(one: Candidate, outcome: Outcome) -> dict[str, int]:
    """By pool. Rounded down where a substitute serves, so that all together are worth what is awarded."""
    found: dict[str, int] = {}
    for line, served in zip(one.lines, outcome.lines, strict=True):
        used = {use.pool: use.amount for use in served.uses}
        left = served.awarded
        for rate in line.rates[1:]:
            amount = min(used.get(rate.pool, 0), int(left / rate.worth))
            left -= int(amount * rate.worth)
            found |= {rate.pool: amount} if amount else {}
        found[_slug(line)] = min(used.get(_slug(line), 0), left)
    return found


def _stands_in(one: Candidate, amounts: Mapping[str, int], pools: Sequence[Plain]) -> str:
    """What of another resource a request gets, and in place of how much."""
    known = {pool["slug"]: pool for pool in pools}
    told = [
        f" {_shown(amounts[rate.pool], known[rate.pool])} stand in for "
        f"{_shown(int(amounts[rate.pool] * rate.worth), known[_slug(line)])}."
        for line in one.lines
        for rate in line.rates[1:]
        if rate.pool in amounts
    ]
    return "".join(told)


def _shown(amount: int, pool: Plain) -> str:
    return f"{units.shown(amount)} {pool['unit']} of {pool['name']}"


def _outcome(one: Candidate, outcome: Outcome, inputs: Plain) -> dict[str, Any]:
    amounts = _amounts(one, outcome)
    # A number of ours says nothing to people.
    reason = outcome.certificate.reason.replace(one.institution, "Its institution")
    by_hand = any(pin["proposal"] == one.proposal for pin in inputs["pins"])
    if one.proposal in inputs["lost"] and not by_hand:
        reason = "Tied with others, and the lots fell on them."
    return {
        "proposal": outcome.proposal,
        "rank": outcome.rank,
        "score": round(one.score, 4),
        "amounts": amounts,
        "kind": str(outcome.certificate.kind),
        "reason": reason + _stands_in(one, amounts, inputs["pools"]),
    }


def _pools(this: Round, found: Split) -> list[dict[str, Any]]:
    uses = [use for outcome in found.outcomes for served in outcome.lines for use in served.uses]
    used = Counter[str]()
    for use in uses:
        used[use.pool] += use.amount
    aside = {portion.pool: portion.amount for portion in this.rules.set_asides}
    drawn = Counter[tuple[str, str]]()
    for outcome in found.outcomes:
        for use in (use for served in outcome.lines for use in served.uses):
            drawn[outcome.source, use.pool] += use.amount
    kept = {bands.HIGH_RISK: this.rules.high_risk, bands.FIRST_TIME: this.rules.first_time}
    prices = {price.pool: price.value for price in found.prices}
    return [
        {
            "slug": pool.slug,
            "capacity": pool.capacity,
            "aside": aside[pool.slug],
            "used": used[pool.slug],
            "left": pool.capacity - aside[pool.slug] - used[pool.slug],
            "price": round(prices[pool.slug], 4),
            "reserves": [
                {"name": name, "kept": part.amount, "used": min(part.amount, drawn[name, pool.slug])}
                for name, parts in kept.items()
                for part in parts
                if part.pool == pool.slug and part.amount
            ],
        }
        for pool in this.pools
    ]


def _changes(inputs: Plain, view: Plain, this: Round, found: Split) -> list[dict[str, Any]]:
    """What the chair's edit does to whom: against the same round with the pins of before."""
    if inputs["pins_before"] is None or inputs["pins_before"] == inputs["pins"]:
        return []
    earlier = round_of(inputs, view, inputs["pins_before"])
    try:
        before = split(earlier)
    except Impossible:
        return []
    was, now = _by_proposal(earlier, before), _by_proposal(this, found)
    return [
        {"proposal": one.proposal, "before": was.get(one.proposal, {}), "after": now[one.proposal]}
        for one in difference(before, found)
    ]


def _by_proposal(this: Round, found: Split) -> dict[int, dict[str, int]]:
    known = {one.proposal: one for one in this.candidates}
    return {one.proposal: _amounts(known[one.proposal], one) for one in found.outcomes}


def _bound(this: Round) -> float:
    """No split can be worth more: the linear problem without whole decisions."""
    items = [
        Item(
            one,
            tuple(line.minimum for line in one.lines),
            tuple(line.requested for line in one.lines),
            tuple(line.rates for line in one.lines),
            Mode.OPEN,
        )
        for one in this.candidates
    ]
    found = solving.relax(bands.space(this), items)
    return found.value if found and found.value > 0 else 1.0
