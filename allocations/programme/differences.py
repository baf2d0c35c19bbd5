"""What changed between two texts, word by word, and how many words a text has."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

_TOKENS = re.compile(r"\s+|\S+")
_SENTENCES = re.compile(r"[^.!?\n]*[.!?\n]+\s*|[^.!?\n]+")
# A word has a letter or a digit and ends at white space: "state-of-the-art" and an address count one,
# a dash alone none. `portal/static/words.js` counts the same.
_LETTER = re.compile(r"[^\W_]")
_SPACES = re.compile(r"[\s\ufeff]+")
# Steps of a comparison, about a tenth of a second. What is left when they are used up counts as rewritten.
STEPS = 300_000
EDGE = 15


class Kind(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words that stayed, went or came."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Ellipsis:
    """Stands for words that stayed and are not shown."""

    words: int


def word_count(text: str) -> int:
    """Hyphenated words and addresses count one; what has neither letter nor digit counts none."""
    return sum(1 for part in _SPACES.split(text) if _LETTER.search(part))


def differences(old: str, new: str) -> tuple[Piece, ...]:
    """Same and removed pieces joined are the old text, same and added ones the new.

    Sentences first, then words inside the sentences that changed. The cost is bounded: texts that have
    little in common are told as removed and added as a whole.
    """
    effort = _Effort(STEPS)
    pieces: list[Piece] = []
    for kind, before, after in _runs(_SENTENCES.findall(old), _SENTENCES.findall(new), effort):
        if kind is Kind.SAME:
            pieces.append(Piece(Kind.SAME, before))
        else:
            pieces += _by_words(before, after, effort)
    return tuple(_joined(_readable(pieces)))


def abbreviated(pieces: Sequence[Piece], *, edge: int = EDGE) -> tuple[Piece | Ellipsis, ...]:
    """Long equal parts shortened to `edge` words beside each change."""
    shown: list[Piece | Ellipsis] = []
    for place, piece in enumerate(pieces):
        shown += _shortened(piece, edge if place else 0, edge if place < len(pieces) - 1 else 0)
    return tuple(shown)


def _shortened(piece: Piece, first: int, last: int) -> list[Piece | Ellipsis]:
    words = re.findall(r"\s*\S+\s*", piece.text)
    left_out = words[first : len(words) - last]
    if piece.kind is not Kind.SAME or len(left_out) <= EDGE:
        return [piece]
    head, tail = "".join(words[:first]), "".join(words[len(words) - last :])
    parts: list[Piece | Ellipsis] = [Piece(Kind.SAME, head)] if head else []
    parts.append(Ellipsis(word_count("".join(left_out))))
    return parts + ([Piece(Kind.SAME, tail)] if tail else [])


class _Effort:
    """Steps that may still be taken."""

    def __init__(self, left: int) -> None:
        self.left = left


def _by_words(before: str, after: str, effort: _Effort) -> Iterator[Piece]:
    for kind, gone, come in _runs(_TOKENS.findall(before), _TOKENS.findall(after), effort):
        if kind is Kind.SAME:
            yield Piece(kind, gone)
        else:
            yield Piece(Kind.REMOVED, gone)
            yield Piece(Kind.ADDED, come)


def _readable(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """A space or one short word that happens to stand in both rewritten parts is rewritten with them."""
    for place, piece in enumerate(pieces):
        between = 0 < place < len(pieces) - 1
        if piece.kind is Kind.SAME and between and len(piece.text.strip()) < 4:
            yield Piece(Kind.REMOVED, piece.text)
            yield Piece(Kind.ADDED, piece.text)
        else:
            yield piece


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """One piece where several of a kind follow each other; of a change, what went stands first."""
    for same, run in groupby(
        (piece for piece in pieces if piece.text), lambda piece: piece.kind is Kind.SAME
    ):
        found = list(run)
        for kind in (Kind.SAME,) if same else (Kind.REMOVED, Kind.ADDED):
            text = "".join(piece.text for piece in found if piece.kind is kind)
            if text:
                yield Piece(kind, text)


def _runs(old: Sequence[str], new: Sequence[str], effort: _Effort) -> Iterator[tuple[Kind, str, str]]:
    """Equal runs, and pairs of unequal ones marked REMOVED, in order."""
    at, beside = 0, 0
    for start, other, length in [*_matches(old, new, effort), (len(old), len(new), 0)]:
        if start > at or other > beside:
            yield Kind.REMOVED, "".join(old[at:start]), "".join(new[beside:other])
        if length:
            same = "".join(old[start : start + length])
            yield Kind.SAME, same, same
        at, beside = start + length, other + length


def _matches(old: Sequence[str], new: Sequence[str], effort: _Effort) -> list[tuple[int, int, int]]:
    """Where equal runs stand in both, and how long they are."""
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - head) if old[-1 - i] != new[-1 - i]), shorter - head)
    middle = _shortest_edit(old[head : len(old) - tail], new[head : len(new) - tail], effort)
    found = [(0, 0, head), *((x + head, y + head, n) for x, y, n in middle)]
    return [match for match in [*found, (len(old) - tail, len(new) - tail, tail)] if match[2]]


def _shortest_edit(old: Sequence[str], new: Sequence[str], effort: _Effort) -> list[tuple[int, int, int]]:
    """Myers' greedy algorithm (1986): the fewest removed and added tokens; nothing when effort runs out."""
    reach, trail = {1: 0}, []
    for edits in range(len(old) + len(new) + 1):
        effort.left -= edits + 1
        if effort.left < 0:
            return []
        trail.append(dict(reach))
        for side in range(-edits, edits + 1, 2):
            down = side == -edits or (side != edits and reach[side - 1] < reach[side + 1])
            x = reach[side + 1] if down else reach[side - 1] + 1
            while x < len(old) and x - side < len(new) and old[x] == new[x - side]:
                x += 1
            reach[side] = x
            if x >= len(old) and x - side >= len(new):
                return _walked_back(trail, len(old), len(new))
    return []


def _walked_back(trail: Sequence[dict[int, int]], x: int, y: int) -> list[tuple[int, int, int]]:
    found = []
    for edits in range(len(trail) - 1, -1, -1):
        reach, side = trail[edits], x - y
        down = side == -edits or (side != edits and reach[side - 1] < reach[side + 1])
        before = side + 1 if down else side - 1
        from_x = reach[before]
        start = max(from_x if down else from_x + 1, 0) if edits else 0
        found.append((start, start - side, x - start))
        x, y = from_x, from_x - before
    return found[::-1]
