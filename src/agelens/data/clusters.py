"""Rows that are linked, directly or through others, belong together (union-find)."""

from __future__ import annotations

from collections.abc import Iterable


def connected(links: Iterable[tuple[int, int]], size: int) -> list[list[int]]:
    """Every position 0..size-1 in one group, with all that it is linked to.

    Returns:
        The groups in the order of their first positions, each rising; a position without a link is alone.
    """
    parent = list(range(size))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]  # halves the path, so that long chains cost little
            row = parent[row]
        return row

    for one, other in links:
        parent[root(one)] = root(other)
    groups: dict[int, list[int]] = {}
    for row in range(size):
        groups.setdefault(root(row), []).append(row)
    return list(groups.values())
