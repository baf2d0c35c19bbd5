"""Groups of proposals that no chain of shared reviewers connects: their scores cannot be compared."""

from collections.abc import Sequence

from allocations.kernel.answers import Answer, when
from allocations.programme.calibration.values import Score


def islands(scores: Sequence[Score]) -> tuple[frozenset[int], ...]:
    """Proposals by island, the largest first, then by the smallest proposal id."""
    parent: dict[tuple[str, int], tuple[str, int]] = {}
    for score in scores:
        ends = _root(parent, ("proposal", score.proposal)), _root(parent, ("reviewer", score.reviewer))
        parent[ends[0]] = ends[1]
    groups: dict[tuple[str, int], set[int]] = {}
    for score in scores:
        groups.setdefault(_root(parent, ("proposal", score.proposal)), set()).add(score.proposal)
    return tuple(sorted(map(frozenset, groups.values()), key=lambda group: (-len(group), min(group))))


def _root(parent: dict[tuple[str, int], tuple[str, int]], node: tuple[str, int]) -> tuple[str, int]:
    while parent.setdefault(node, node) != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def comparable(found: Sequence[frozenset[int]]) -> Answer:
    sizes = ", ".join(str(len(group)) for group in found)
    return when(
        len(found) <= 1,
        f"The proposals fall into {len(found)} groups that share no reviewer ({sizes} proposals); "
        "a rank in one group says nothing about another. Ask one reviewer to read in both.",
    )
