"""Readers for public data on expertise; nothing is fetched, folders are named by environment variables."""

import csv
import json
import os
from itertools import combinations
from pathlib import Path

import numpy as np

from allocations.programme.matching.affinity import Profile, Text, affinities
from allocations.programme.matching.problem import Demand, Problem, Reviewer
from allocations.programme.matching.texts import Backend, tfidf_lsa

GOLD, MIDL = "GOLD_STANDARD_DIR", "MIDL_DIR"
Ratings = dict[str, dict[str, float]]


def folder(variable: str) -> Path | None:
    """The folder a person put the data into; None where the variable is not set."""
    named = os.environ.get(variable, "")
    return Path(named) if named else None


def midl(where: Path) -> Problem:
    """The affinities of the MIDL conference: `scores.npy`, `loads.npy` and `covs.npy` of `data/midl`.

    Source: github.com/iesl/fair-matching (Kobren, Saha, McCallum 2019); it names no licence.
    """
    scores, caps, reviews = (np.load(where / f"{name}.npy") for name in ("scores", "loads", "covs"))
    return Problem(
        demands=tuple(Demand(number, int(count)) for number, count in enumerate(reviews)),
        reviewers=tuple(Reviewer(number, int(cap)) for number, cap in enumerate(caps)),
        affinities=np.clip(scores.T, 0.0, 1.0),
    )


def gold_losses(where: Path, backend: Backend = tfidf_lsa) -> list[float]:
    """The loss of our affinities on each of the ten d_20 sets of the gold standard of expertise.

    Source: github.com/niharshah/goldstandard-reviewer-paper-match (arXiv 2303.16750); it names no licence.
    `where` is a copy of that repository: data/evaluations.csv and evaluation_datasets/d_20_1 .. d_20_10.
    """
    ratings = _ratings(where / "data" / "evaluations.csv")
    return [_loss(ratings, where / "evaluation_datasets" / f"d_20_{n}", backend) for n in range(1, 11)]


def _ratings(path: Path) -> Ratings:
    """How well each participant says they can review each paper, 1 to 5."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    numbers = range(1, 11)
    return {
        line["ParticipantID"]: {
            line[f"Paper{n}"]: float(line[f"Expertise{n}"]) for n in numbers if line[f"Paper{n}"]
        }
        for line in lines
    }


def _loss(ratings: Ratings, where: Path, backend: Backend) -> float:
    """Share of pairs of papers in the wrong order, weighted by how far apart the person puts them."""
    submissions = json.loads((where / "submissions.json").read_text(encoding="utf-8"))
    names, people = sorted(submissions), sorted(ratings)
    texts = [Text(number, _said(submissions[name])) for number, name in enumerate(names)]
    profiles = [
        Profile(number, tuple(_papers(where / "archives" / f"~{person}.jsonl")))
        for number, person in enumerate(people)
    ]
    found, row = affinities(texts, profiles, backend).expertise, {name: n for n, name in enumerate(names)}
    wrong = weight = 0.0
    for column, person in enumerate(people):
        for one, other in combinations(ratings[person], 2):
            apart = ratings[person][one] - ratings[person][other]
            ours = found[row[one], column] - found[row[other], column]
            weight += abs(apart)
            wrong += abs(apart) * (0.5 if ours == 0 else float(ours * apart < 0))
    return wrong / weight


def _papers(path: Path) -> list[str]:
    return [_said(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _said(paper: dict[str, dict[str, str | None]]) -> str:
    content = paper["content"]
    return f"{content.get('title') or ''}. {content.get('abstract') or ''}"
