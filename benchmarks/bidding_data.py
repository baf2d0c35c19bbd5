"""Made-up bids for made-up calls: honest ones of everybody, and a ring that wants certain pairs."""

from dataclasses import replace

import numpy as np

from allocations.programme.matching.affinity import BID, tempered
from allocations.programme.matching.problem import Floats, Pair, Problem

GLADLY, IF_NEEDED, RATHER_NOT = 1.0, 0.5, -1.0
# Places of a reviewer among all who could read a proposal, by what they know.
CLASSES = {"1 to 3": (0, 3), "4 to 10": (3, 10), "11 to 30": (10, 30), "over 30": (30, 10_000)}
EACH = 2  # pairs that a ring wants of each class


def honest(problem: Problem, seed: int) -> Floats:
    """Everybody looks at a third of the call and answers by what they know, with some taste in it."""
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    knows = np.asarray(problem.affinities)
    likes = knows + rng.normal(0.0, 0.15, knows.shape)
    read = rng.random(knows.shape) < 1 / 3
    gladly, needed, not_ = np.quantile(likes, [0.9, 0.75, 0.4])
    bids = np.select([likes >= gladly, likes >= needed, likes < not_], [GLADLY, IF_NEEDED, RATHER_NOT], 0.0)
    return np.asarray(np.where(read, bids, 0.0), dtype=np.float64)


def wanted(problem: Problem, seed: int) -> dict[Pair, str]:
    """Pairs that a ring wants, with their class; nobody and no proposal is in two of them."""
    rng = np.random.Generator(np.random.PCG64([seed, 2]))
    knows = np.asarray(problem.affinities)
    place = (-knows).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    found: dict[Pair, str] = {}
    for name, (least, most) in CLASSES.items():
        able = [
            (int(p), int(r))
            for p, r in np.argwhere((place >= least) & (place < most))
            if (int(p), int(r)) not in problem.banned
        ]
        while sum(held == name for held in found.values()) < EACH:
            p, r = able[rng.integers(len(able))]
            if all(p != taken[0] and r != taken[1] for taken in found):
                found[p, r] = name
    return found


def arranged(bids: Floats, pairs: dict[Pair, str]) -> Floats:
    """The ring bids gladly for what it wants, and would rather not read anything else."""
    made = bids.copy()
    for p, r in pairs:
        made[:, r] = RATHER_NOT
        made[p, r] = GLADLY
    return made


def with_bids(problem: Problem, bids: Floats, *, shift: float = BID, tempers: bool = True) -> Problem:
    knows = np.asarray(problem.affinities)
    return replace(
        problem,
        affinities=np.clip(knows + shift * (tempered(bids) if tempers else bids), 0.0, 1.0),
        expertise=knows,
    )
