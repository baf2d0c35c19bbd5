"""Made-up calls and readers for public data to assign reviewers on."""

import numpy as np

from allocations.programme.matching.problem import Demand, Floats, Options, Problem, Reviewer

TOPICS = 25
REVIEWS = 3
CAPS = {(200, 100): 8, (500, 300): 7, (1000, 400): 10, (5000, 1500): 13}
SEEDS = (11, 12, 13)
LIMITS = (0.5, 0.6, 1 / 3)


def made_up(proposals: int, reviewers: int, seed: int) -> Problem:
    """A call of low rank: 25 topics whose popularity among proposals and reviewers is drawn apart.

    So some topics are short of experts. Affinity is the cosine of two sparse topic mixtures with a
    little noise. Caps give 1.3 to 1.4 times the demand; 2 % of pairs are conflicts; institutions
    have five reviewers on average.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    asked = _mixtures(rng, proposals, 0.2)
    known = _mixtures(rng, reviewers, 0.2)
    cosine = asked @ known.T
    affinities = np.clip(cosine, 0.0, 1.0)
    conflicts = np.argwhere(rng.random(cosine.shape) < 0.02)
    homes = rng.integers(0, max(2, reviewers // 5), reviewers)
    cap = CAPS.get((proposals, reviewers), -(-4 * proposals * REVIEWS // (3 * reviewers)))
    return Problem(
        demands=tuple(Demand(number, REVIEWS) for number in range(proposals)),
        reviewers=tuple(Reviewer(n, cap, institution=f"home {homes[n]}") for n in range(reviewers)),
        affinities=affinities,
        banned=frozenset((int(p), int(r)) for p, r in conflicts),
    )


def _mixtures(rng: np.random.Generator, size: int, weight: float) -> Floats:
    """Unit vectors over the topics, drawn around a popularity of their own; small weights are pure."""
    popularity = rng.dirichlet(np.full(TOPICS, 2.0))
    mixtures = rng.dirichlet(weight * TOPICS * popularity, size)
    return np.asarray(mixtures / np.linalg.norm(mixtures, axis=1, keepdims=True), dtype=np.float64)


def small(seed: int) -> Problem:
    """A random little call with everything in it: minima, institutions, bans, pins, sent pairs, ties, roles.

    About a third cannot be staffed.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    proposals, reviewers = int(rng.integers(1, 8)), int(rng.integers(2, 9))
    ids = rng.permutation(100)
    names, people = ids[:proposals].tolist(), ids[50 : 50 + reviewers].tolist()
    caps = rng.integers(0, 4, reviewers) + 2 * proposals // reviewers
    pairs = [(p, r) for p in names for r in people]
    kind = rng.choice(
        ["", "banned", "forbidden", "pinned", "sent"], len(pairs), p=[0.78, 0.06, 0.03, 0.03, 0.1]
    )
    chosen = {
        word: frozenset(pair for pair, mine in zip(pairs, kind, strict=True) if mine == word)
        for word in ("banned", "forbidden", "pinned", "sent")
    }
    roles = [frozenset(word for word in ("technical", "senior") if rng.random() < 0.4) for _ in people]
    return Problem(
        demands=tuple(Demand(p, int(rng.integers(1, 4)), (("technical", 1),)) for p in names),
        reviewers=tuple(
            Reviewer(
                r,
                int(cap),
                int(rng.integers(0, 1 + cap // 3)),
                ["", "", "north", "south", "east", "west"][rng.integers(6)],
                held,
            )
            for r, cap, held in zip(people, caps, roles, strict=True)
        ),
        affinities=np.round(rng.random((proposals, reviewers)), 1),
        expertise=np.round(rng.random((proposals, reviewers)), 1) if seed % 3 == 0 else None,
        **chosen,
    )


def options_of(seed: int) -> Options:
    """Every feature has its turn."""
    return Options(
        spread=seed % 2 == 0,
        mix=seed % 5 == 0,
        limit=[None, None, None, LIMITS[seed % len(LIMITS)], 0.75][seed % 5],
        lift_rounds=5,
        best=(2, 2) if seed % 7 == 0 else (40, 30),
    )
