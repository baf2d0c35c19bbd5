"""`python -m benchmarks selection`: calibration, lots and the split of pools, beside their targets."""

import csv
import os
import resource
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
from benchmarks.verdicts import told, unmeasured

INSTEVAL = "COMMONS_INSTEVAL_CSV"
# lme4 1.1-31 on InstEval: sds of students, lecturers and residual, and the mean.
LME4 = (0.325906, 0.523197, 1.177786, 3.254158)


def run() -> None:
    """Each target of the review notes stands at the end of the line that it belongs to."""
    _shares()
    _times()
    _published()
    _insteval()
    _marginals()
    _replayed()
    lotteries.run()
    splits.run()


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
    told("calibrated less raw, worst row", f"{worst:+.3f}", "not under -0.010", kept=worst >= -0.01)


def _times() -> None:
    for call in (Call(500, 300, 3, 1.0), Call(5000, 1500, 3, 1.0)):
        made = reviews.simulate(call, 1)
        began = time.process_time()
        calibrate(made.scores, places=call.proposals // 5, seed=1)
        spent = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"  fit, draws and ranks of {call.proposals} x {call.reviewers}: {spent:.1f} CPU s, "
            f"peak so far {peak:.0f} MB"
        )


def _published() -> None:
    """The target is about the authors' own priors; what every call gets stands below it."""
    for whose, priors in (("its authors' priors", calibration.VIGNETTE), ("our defaults", None)):
        gap = np.abs(calibration.mock_ranks(priors, seed=1) - np.array(reviews.MOCK_RANKS))
        found = f"gap {gap.max():.2f}, mean {gap.mean():.2f}"
        what = f"expected ranks of the mock panel, {whose}"
        if priors is None:  # They estimate the reviewers' sd, which the authors fix at 0.5.
            print(f"  {what}: {found}   no target")
        else:
            told(what, found, "0.15", kept=gap.max() <= 0.15)


def _insteval() -> None:
    place = os.environ.get(INSTEVAL, "")
    if not place:
        unmeasured("InstEval", f"set {INSTEVAL} to a CSV file with columns s, d, y", "0.001 to lme4")
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
    told(f"InstEval {shown} in {spent:.1f} CPU s", f"{gap:.6f} from lme4", "0.001", kept=gap <= 0.001)


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
    told(f"lottery, wins against chance over {draws} draws", f"{gap:.4f}", "0.01", kept=gap <= 0.01)


def _replayed(draws: int = 200) -> None:
    """Each record goes through its published text, as anybody who checks a draw has it."""
    same, secret = 0, "a9" * 16
    scores = list(enumerate(np.random.Generator(np.random.PCG64(3)).normal(5, 0.5, 40).tolist()))
    for number in range(draws):
        declared = lottery.tie("bench", scores[number % 20 :], places=12, width=0.6)
        record = lottery.draw(
            declared, commitment=seeds.commitment(secret), secret=secret, public=f"beacon {number}"
        )
        text = lottery.to_json(record)
        same += lottery.to_json(lottery.replay(lottery.from_json(text))) == text
    told(f"{draws} draws run again from their records", f"{same} the same", "all", kept=same == draws)
