"""Ways to draw lots near the line, compared on calls with known true quality."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from allocations.programme.calibration import model, posterior
from allocations.programme.calibration.model import Design
from allocations.programme.selection import lottery
from benchmarks import calibration, reviews
from benchmarks.reviews import Call, Simulated

Floats = NDArray[np.float64]
PLACES, DRAWS = 60, 2000
CALL = Call(300, 180, 3, 0.5)


class Panel:
    """One fitted call: means, joint draws and one posterior sd; `moved` raises one score by a point."""

    def __init__(self, call: Simulated, values: Floats) -> None:
        design = Design(
            values,
            np.ones(len(values)),
            calibration.numbers(call, "proposal"),
            np.unique(calibration.numbers(call, "reviewer"), return_inverse=True)[1].astype(np.int64),
        )
        at, equations = model.fit(design), model.normal(design)
        self.mean = posterior.best_linear(equations, at)[1]
        self.effects = posterior.draw(equations, posterior.mixture(equations, at, DRAWS), 1).proposals
        self.sd = float((self.effects - self.effects.mean(axis=1, keepdims=True)).std(axis=0).mean())


def cut(panel: Panel) -> Floats:
    chances = np.zeros(len(panel.mean))
    chances[np.argsort(-panel.mean, kind="stable")[:PLACES]] = 1
    return chances


def interval_group(panel: Panel) -> Floats:
    """Everybody whose middle half of expected ranks crosses the last funded one draws with equal chance."""
    ranks = np.argsort(np.argsort(-panel.effects, axis=1), axis=1) + 1
    line = np.sort(ranks.mean(axis=0))[PLACES - 1]
    low, high = np.quantile(ranks, (0.25, 0.75), axis=0)
    sure, drawn = high < line, (low <= line) & (high >= line)
    return np.where(sure, 1.0, np.where(drawn, max(0, PLACES - sure.sum()) / max(1, drawn.sum()), 0.0))


def posterior_chance(panel: Panel) -> Floats:
    return posterior.ranks(panel.effects, PLACES).chance


def clipped(panel: Panel, sds: float) -> Floats:
    declared = lottery.tie("bench", list(enumerate(panel.mean.tolist())), places=PLACES, width=sds * panel.sd)
    found: dict[int, Fraction] = lottery.chances(declared)
    return np.array([float(found[number]) for number in range(len(panel.mean))])


WAYS: dict[str, Callable[[Panel], Floats]] = {
    "cut": cut,
    "interval group": interval_group,
    "posterior chance of top 60": posterior_chance,
    "clipped linear, 1 sd": lambda panel: clipped(panel, 1),
    "clipped linear, 2 sd": lambda panel: clipped(panel, 2),
}


def run(trials: int = 4, moves: int = 6) -> None:
    """`moves` scores near the line go up by one point; how much does anybody's chance change?"""
    quality: dict[str, list[float]] = {way: [] for way in WAYS}
    drawn: dict[str, list[float]] = {way: [] for way in WAYS}
    change: dict[str, list[float]] = {way: [] for way in WAYS}
    for seed in range(trials):
        call = reviews.simulate(CALL, seed)
        values = np.array([score.value for score in call.scores])
        panel = Panel(call, values)
        moved = [Panel(call, raised) for raised in _raised(call, values, panel, moves)]
        for way, chances in WAYS.items():
            before = chances(panel)
            quality[way].append(float(before @ call.quality / before.sum()))
            drawn[way].append(float(((before > 0.001) & (before < 0.999)).sum()))
            change[way] += [float(np.abs(chances(other) - before).max()) for other in moved]
    print(f"\nLots: 300 proposals, {PLACES} funded, 3 reviews, {trials} calls, {moves} moved scores each")
    print(f"  {'rule':28} {'quality':>8} {'in the draw':>12} {'mean / worst change of a chance':>32}")
    for way in WAYS:
        worst = f"{np.mean(change[way]):.2f} / {max(change[way]):.2f}"
        print(f"  {way:28} {np.mean(quality[way]):8.3f} {np.mean(drawn[way]):12.0f} {worst:>32}")


def _raised(call: Simulated, values: Floats, panel: Panel, moves: int) -> list[Floats]:
    order = np.argsort(-panel.mean, kind="stable")
    near = order[PLACES - moves // 2 : PLACES - moves // 2 + moves]
    rows = [int(np.flatnonzero(calibration.numbers(call, "proposal") == one)[0]) for one in near]
    return [values + np.eye(1, len(values), row)[0] for row in rows]
