"""Drawing lots within a declared tie: chances that follow the score gently, and a record to re-run."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction

from allocations.kernel.answers import Answer, first_no, when
from allocations.programme.selection import seeds

# Scores enter as whole millionths: the record must give the same draw on every machine.
MICRO = 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    proposal: int
    score_micro: int


@dataclass(frozen=True, slots=True)
class Tie:
    """What the panel declared: these proposals, this many winners, and how far a score still tells.

    `width_micro` is one posterior sd in millionths of a score point. `label` says which draw this is.
    """

    label: str
    entries: tuple[Entry, ...]
    places: int
    width_micro: int


@dataclass(frozen=True, slots=True)
class Chance:
    """Exact: numerator / denominator."""

    proposal: int
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Record:
    """Everything a stranger needs to repeat the draw; published whole."""

    tie: Tie
    commitment: str
    secret: str
    public: str
    chances: tuple[Chance, ...]
    order: tuple[int, ...]
    winners: tuple[int, ...]
    version: int = 1


def tie(label: str, scores: Sequence[tuple[int, float]], *, places: int, width: float) -> Tie:
    """From calibrated means and one posterior sd, both rounded to millionths; entries by proposal id."""
    entries = tuple(sorted(Entry(proposal, round(score * MICRO)) for proposal, score in scores))
    declared = Tie(label, entries, places, max(1, round(width * MICRO)))
    answer = may_draw(declared)
    if not answer:
        raise ValueError(answer.reason)
    return declared


def may_draw(declared: Tie) -> Answer:
    ids = {entry.proposal for entry in declared.entries}
    return first_no(
        when(len(ids) == len(declared.entries), "A proposal is in the draw once."),
        when(0 < declared.places < len(ids), "A draw needs more proposals than places, and a place."),
        when(declared.width_micro > 0, "The width of a tie is more than nothing."),
    )


def digest(declared: Tie) -> str:
    """Published when the ranking is frozen: nobody changes the list once the public value is known."""
    return hashlib.sha256(_canonical(asdict(declared)).encode()).hexdigest()


def chances(declared: Tie) -> dict[int, Fraction]:
    """Clipped linear: 0 below the line's window, 1 above, in proportion between; adds up to `places` exactly.

    p_i = clip((s_i - t) / width, 0, 1), t such that the sum is `places` (Goldberg, Fanti, Shah 2026).
    One score that moves by d changes no chance by more than d / width.
    """
    start = _start(declared)
    return {
        entry.proposal: _clipped(entry.score_micro - start, declared.width_micro)
        for entry in declared.entries
    }


def _clipped(above: Fraction, width: int) -> Fraction:
    return min(Fraction(1), max(Fraction(0), above / width))


def _start(declared: Tie) -> Fraction:
    """The window's lower end t: the sum falls with t, straight between the breakpoints s and s - width."""
    scores, width = [entry.score_micro for entry in declared.entries], declared.width_micro

    def total(start: Fraction) -> Fraction:
        return sum((_clipped(score - start, width) for score in scores), Fraction(0))

    breaks = sorted({Fraction(at) for score in scores for at in (score, score - width)})
    low, high = 0, len(breaks) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if total(breaks[middle]) >= declared.places else (low, middle)
    over, under = total(breaks[low]), total(breaks[high])
    if over == declared.places:
        return breaks[low]
    return breaks[low] + (breaks[high] - breaks[low]) * (over - declared.places) / (over - under)


def draw(declared: Tie, *, commitment: str, secret: str, public: str) -> Record:
    """ValueError when the secret is not the one committed to, or the tie is not one."""
    if not seeds.keeps(secret, commitment):
        raise ValueError("This is not the secret that was committed to.")
    answer = first_no(seeds.may_seal(secret), may_draw(declared))
    if not answer:
        raise ValueError(answer.reason)
    shares = chances(declared)
    seed = seeds.mixed(secret=secret, public=public, subject=digest(declared))
    order = seeds.shuffled(seed, list(shares))
    return Record(
        tie=declared,
        commitment=commitment,
        secret=secret,
        public=public,
        chances=tuple(Chance(p, share.numerator, share.denominator) for p, share in shares.items()),
        order=tuple(order),
        winners=tuple(sorted(systematic(order, shares, Fraction(seeds.number(seed, "start"), 2**256)))),
    )


def systematic(order: Sequence[int], shares: dict[int, Fraction], start: Fraction) -> list[int]:
    """Lay the chances end to end; who holds one of the points start, start + 1, start + 2 ... wins.

    With `start` uniform in [0, 1) everybody wins with exactly the own chance, and the number of winners
    is exactly the sum of the chances.
    """
    winners, end, point = [], Fraction(0), start
    for proposal in order:
        end += shares[proposal]
        if point < end:
            winners.append(proposal)
            point += 1
    return winners


def replay(record: Record) -> Record:
    """The same draw again from its inputs alone; equal to the record unless somebody changed it."""
    return draw(record.tie, commitment=record.commitment, secret=record.secret, public=record.public)


def to_json(record: Record) -> str:
    """Canonical: sorted keys, no spaces; equal records give equal bytes."""
    return _canonical(asdict(record))


def from_json(text: str) -> Record:
    given = json.loads(text)
    held = given.pop("tie")
    entries = tuple(Entry(**entry) for entry in held.pop("entries"))
    given["chances"] = tuple(Chance(**chance) for chance in given["chances"])
    given["order"], given["winners"] = tuple(given["order"]), tuple(given["winners"])
    return Record(tie=Tie(entries=entries, **held), **given)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
