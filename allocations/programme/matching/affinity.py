"""How well a reviewer fits a proposal: papers, fields of science and, a little, bids."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from allocations.programme.matching.problem import Bools, Evidence, Floats, Ints
from allocations.programme.matching.texts import Backend, Compare, tfidf_lsa

TEXT, TOPIC = 0.75, 0.25
BEST = 5  # A reviewer counts by the mean of so many best-matching papers.
BID = 0.15  # What a bid can add or take at most.
REFUSALS, FEW = 0.25, 3  # The share of a call that somebody may refuse at full weight, and never less.
LEAST = 0.01  # Nobody's unknown expertise is zero.
BEGINS = 80  # Characters of a paper shown as evidence.
BLOCK = 1000  # Papers compared at a time.


@dataclass(frozen=True, slots=True)
class Profile:
    """A reviewer: each paper's text apart, fields of science, bids by proposal id from -1 to 1."""

    reviewer: int
    papers: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    bids: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Text:
    proposal: int
    text: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Affinities:
    """Rows are proposals, columns reviewers, in the order they were given.

    `expertise` is papers and fields, `affinity` the same with bids. `unknown` marks pairs whose text
    part could not be read (no papers, or an empty proposal) and was filled in from the other reviewers.
    """

    proposals: tuple[int, ...]
    reviewers: tuple[int, ...]
    expertise: Floats
    affinity: Floats
    unknown: Bools
    corpus: "_Corpus"

    def evidence(self, proposal: int, reviewer: int) -> tuple[Evidence, ...]:
        """The reviewer's papers nearest to the proposal, best first, at most five."""
        row, column = self.proposals.index(proposal), self.reviewers.index(reviewer)
        papers, numbers = self.corpus.papers[column], self.corpus.numbers[column]
        if not len(papers) or self.unknown[row, column]:
            return ()
        near = self.corpus.compare(self.corpus.proposals[row : row + 1], papers)[0]
        order = np.lexsort((np.arange(len(near)), -near))[:BEST]
        texts = self.corpus.texts
        return tuple(
            Evidence(int(numbers[place]), texts[papers[place]][:BEGINS], round(float(near[place]), 4))
            for place in order
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Corpus:
    """Distinct texts, sorted, so that their order in the input cannot matter, and places of each one's.

    A blank text has no place (-1 for a proposal); `numbers` are the papers' own places in the profile.
    """

    texts: tuple[str, ...]
    proposals: Ints
    papers: tuple[Ints, ...]
    numbers: tuple[Ints, ...]
    compare: Compare


def affinities(
    texts: Sequence[Text], profiles: Sequence[Profile], backend: Backend = tfidf_lsa
) -> Affinities:
    """0.75 text + 0.25 fields of science, each 0 to 1; bids shift the sum by at most 0.15.

    text = mean similarity of the reviewer's five nearest papers. fields = cosine of the two sets.
    Where one part is not known, the other decides alone: without fields on either side the text
    counts in full; without papers the text part is what a middling known reviewer of that proposal
    has, so that an empty profile neither bars anybody nor beats those who have papers.
    """
    corpus = _read(texts, profiles, backend)
    text = _text(corpus)
    topic = _topic(texts, profiles)
    expertise, unknown = _mixed(text, topic)
    return Affinities(
        tuple(one.proposal for one in texts),
        tuple(profile.reviewer for profile in profiles),
        expertise,
        np.clip(expertise + BID * _bids(texts, profiles), 0.0, 1.0),
        unknown,
        corpus,
    )


def _read(texts: Sequence[Text], profiles: Sequence[Profile], backend: Backend) -> _Corpus:
    said = [one.text.strip() for one in texts]
    papers = [[paper.strip() for paper in profile.papers] for profile in profiles]
    distinct = sorted({text for each in (said, *papers) for text in each if text})
    place = {text: number for number, text in enumerate(distinct)}
    return _Corpus(
        tuple(distinct),
        np.array([place.get(text, -1) for text in said], dtype=np.int64),
        tuple(np.array([place[paper] for paper in each if paper], dtype=np.int64) for each in papers),
        tuple(np.array([n for n, paper in enumerate(each) if paper], dtype=np.int64) for each in papers),
        backend(distinct),
    )


def _text(corpus: _Corpus) -> Floats:
    """Mean of the best five papers per pair; not a number where there is nothing to compare."""
    found = np.full((len(corpus.proposals), len(corpus.papers)), np.nan)
    rows = np.flatnonzero(corpus.proposals >= 0)
    if not len(rows):
        return found
    for block in _blocks(corpus.papers):
        near = corpus.compare(corpus.proposals[rows], np.concatenate([corpus.papers[at] for at in block]))
        ends = np.cumsum([len(corpus.papers[at]) for at in block])
        for column, part in zip(block, np.split(near, ends[:-1], axis=1), strict=True):
            found[rows, column] = np.sort(part, axis=1)[:, -BEST:].mean(axis=1)
    return found


def _blocks(papers: Sequence[Ints]) -> Iterator[list[int]]:
    """Reviewers with papers, so many at a time that one comparison stays small."""
    block: list[int] = []
    for column in (at for at, mine in enumerate(papers) if len(mine)):
        block.append(column)
        if sum(len(papers[at]) for at in block) >= BLOCK:
            yield block
            block = []
    if block:
        yield block


def _topic(texts: Sequence[Text], profiles: Sequence[Profile]) -> Floats:
    """Shared fields over the geometric mean of both counts; not a number where a side names none."""
    sides = [[one.fields for one in texts], [profile.fields for profile in profiles]]
    names = sorted({name for side in sides for fields in side for name in fields})
    place = {name: number for number, name in enumerate(names)}
    marks = []
    for side in sides:
        marked = np.zeros((len(side), len(names)))
        for row, fields in enumerate(side):
            marked[row, [place[name] for name in fields]] = 1.0
        marks.append(marked)
    sizes = np.sqrt(np.outer(marks[0].sum(axis=1), marks[1].sum(axis=1)))
    shared = marks[0] @ marks[1].T
    topic: Floats = np.divide(shared, sizes, out=np.full(shared.shape, np.nan), where=sizes > 0)
    return topic


def _mixed(text: Floats, topic: Floats) -> tuple[Floats, Bools]:
    unknown = np.isnan(text)
    middling = np.array(
        [np.median(row[~np.isnan(row)]) if (~np.isnan(row)).any() else np.nan for row in text]
    )
    filled = np.where(unknown, middling[:, None], text) if len(text) else text
    mixed = TEXT * filled + TOPIC * topic
    mixed = np.where(np.isnan(topic), filled, mixed)
    mixed = np.where(np.isnan(filled), topic, mixed)
    mixed = np.where(np.isnan(mixed), LEAST, mixed)
    mixed = np.where(unknown, np.maximum(mixed, LEAST), mixed)
    return np.asarray(np.clip(mixed, 0.0, 1.0), dtype=np.float64), np.asarray(unknown, dtype=np.bool_)


def _bids(texts: Sequence[Text], profiles: Sequence[Profile]) -> Floats:
    row = {one.proposal: place for place, one in enumerate(texts)}
    bids = np.zeros((len(texts), len(profiles)))
    for column, profile in enumerate(profiles):
        for proposal, bid in profile.bids.items():
            if not np.isfinite(bid):
                raise ValueError("a bid is a number from -1 to 1")
            if proposal in row:
                bids[row[proposal], column] = bid
    return tempered(bids)


def tempered(bids: Floats) -> Floats:
    """Bids from -1 to 1, a column per reviewer, as they count.

    Somebody who refuses more than a quarter of the call says less with each refusal. Otherwise refusing
    everything else would bring two people as near to each other as a bid of twice the size: that is what
    a ring does, and the measurements in docs/matching.md show what it got by it.
    """
    clipped = np.clip(bids, -1.0, 1.0)
    refused = -np.minimum(clipped, 0.0).sum(axis=0)
    free = max(FEW, len(clipped) * REFUSALS)
    scale = np.divide(free, refused, out=np.ones_like(refused), where=refused > free)
    return np.asarray(np.where(clipped < 0, clipped * scale, clipped), dtype=np.float64)
