"""`python -m benchmarks selection`: calibration, lots and the split of pools, beside their targets."""

import csv
import os
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np

from allocations.programme.calibration import model, posterior
from allocations.programme.calibration.calibrating import calibrate
from allocations.programme.calibration.model import Design
from allocations.programme.selection import lottery, seeds
from benchmarks import calibration, lotteries, reviews, splits
from benchmarks.reviews import Call

INSTEVAL = "COMMONS_INSTEVAL_CSV"
# lme4 1.1-31 on InstEval: sds of students, lecturers and residual, and the mean.
LME4 = (0.325906, 0.523197, 1.177786, 3.254158)


def run() -> None:
    """Targets 5 to 7 of the review notes stand at the end of the line that they belong to."""
    _shares()
    _times()
    _published()
    _insteval()
    _marginals()
    lotteries.run()
    splits.run()
    print("  target: no faults, no leaps, 500 proposals under 30 CPU s")


def _shares() -> None:
    print(f"\nCalibration: share of the truly best fifth that is funded ({calibration.TRIALS} trials)")
    print(
        "  proposals, reviewers, reviews, sd, slope  " + "  ".join(f"{way:>13}" for way in calibration.WAYS)
    )
    worst = 1.0
    for call in calibration.CALLS:
        found = calibration.found_shares(call, trials=calibration.TRIALS)
        worst = min(worst, found["calibrated"] - found["raw mean"])
        shape = f"{call.proposals}, {call.reviewers}, {call.reviews}, {call.reviewer_sd}, {call.slope_sd}"
        print(f"  {shape:41} " + "  ".join(f"{share:13.3f}" for share in found.values()))
    print(f"  calibrated less raw, at worst {worst:+.3f}   target: not under -0.010")


def _times() -> None:
    for call in (Call(500, 300, 3, 1.0), Call(5000, 1500, 3, 1.0)):
        made = reviews.simulate(call, 1)
        began = time.process_time()
        calibrate(made.scores, places=call.proposals // 5, seed=1)
        spent = time.process_time() - began
        print(f"  fit, draws and ranks of {call.proposals} x {call.reviewers}: {spent:.1f} CPU s")


def _published() -> None:
    gap = np.abs(calibration.published_ranks(seed=1) - np.array(reviews.MOCK_RANKS))
    print(f"  expected ranks of the mock panel: gap {gap.max():.2f}, mean {gap.mean():.2f}   target: 0.15")


def _insteval() -> None:
    place = os.environ.get(INSTEVAL, "")
    if not place:
        print(f"  InstEval: not measured (set {INSTEVAL} to a CSV file with columns s, d, y)")
        return
    with Path(place).open(encoding="utf-8", newline="") as file:
        rows = [(row["s"], row["d"], float(row["y"])) for row in csv.DictReader(file)]
    students, lecturers, values = zip(*rows, strict=True)
    design = Design(np.array(values), np.ones(len(rows)), _numbered(lecturers), _numbered(students))
    began = time.process_time()
    at = model.fit(design)
    spent = time.process_time() - began
    mean = posterior.best_linear(model.normal(design), at)[0]
    found = (at.reviewers, at.proposals, at.judgement, mean)
    gap = max(abs(ours - theirs) for ours, theirs in zip(found, LME4, strict=True))
    shown = " / ".join(f"{value:.6f}" for value in found)
    print(f"  InstEval: {shown} in {spent:.1f} CPU s; largest gap to lme4 {gap:.6f}   target: 0.001")


def _numbered(names: tuple[str, ...]) -> model.Ints:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _marginals(draws: int = 20_000) -> None:
    scores = np.random.Generator(np.random.PCG64(3)).normal(5, 0.5, 40).tolist()
    declared = lottery.tie("bench", list(enumerate(scores)), places=12, width=0.6)
    wanted, won = lottery.chances(declared), Counter[int]()
    for number in range(draws):
        seed = seeds.mixed(secret="0" * 32, public=str(number), subject="bench")
        start = Fraction(seeds.number(seed, "start"), 2**256)
        won.update(lottery.systematic(seeds.shuffled(seed, list(wanted)), wanted, start))
    gap = max(abs(won[one] / draws - float(chance)) for one, chance in wanted.items())
    print(f"  lottery: largest gap between chance and wins {gap:.4f} over {draws} draws   target: 0.01")
