from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from agelens.data.clusters import connected

SIZE = 12
LINKS = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=20)


@given(LINKS)
@settings(deadline=None)
def test_the_groups_are_the_connected_components(links: list[tuple[int, int]]) -> None:
    ones, others = [one for one, _ in links], [other for _, other in links]
    _, label = connected_components(coo_array(([1] * len(links), (ones, others)), shape=(SIZE, SIZE)), False)
    expected: dict[int, list[int]] = {}
    for row in range(SIZE):
        expected.setdefault(int(label[row]), []).append(row)
    assert connected(links, SIZE) == list(expected.values())


def test_groups_come_in_the_order_of_their_first_row() -> None:
    assert connected([(5, 1), (4, 0), (1, 3)], 6) == [[0, 4], [1, 3, 5], [2]]
    assert connected([], 0) == []
