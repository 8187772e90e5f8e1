"""Chance and counted queries compared with the definition, key by key."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from localist.blocks.chance import chance_table

BLOCKS = arrays(np.int32, st.tuples(st.integers(1, 5), st.integers(1, 14)), elements=st.integers(-1, 4))


def by_definition(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chance and counted, one query and one key at a time."""
    chance = np.full(blocks.shape, np.nan)
    counted = np.zeros(blocks.shape, dtype=bool)
    for window, row in enumerate(blocks):
        for query in range(len(row)):
            keys = [key for key in range(query) if row[key] != -1]
            if row[query] == -1 or not keys:
                continue
            own = sum(row[key] == row[query] for key in keys)
            chance[window, query] = own / len(keys)
            counted[window, query] = 0 < own < len(keys)
    return chance, counted


@settings(max_examples=50, deadline=None)
@given(BLOCKS)
def test_chance_is_as_defined(blocks):
    """Catches chance that includes keys without a block, the query itself, later keys or other windows."""
    chance, counted = chance_table(blocks)
    expected, expected_counted = by_definition(blocks)
    np.testing.assert_allclose(chance, expected, rtol=1e-12)
    np.testing.assert_array_equal(counted, expected_counted)


@settings(max_examples=30, deadline=None)
@given(BLOCKS, st.integers(1, 10_000))
def test_chance_does_not_depend_on_block_numbers(blocks, factor):
    """Catches groups of two windows that collide if block numbers are large or have gaps."""
    renamed = np.where(blocks >= 0, (4 - blocks) * factor, -1)
    for one, other in zip(chance_table(blocks), chance_table(renamed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_chance_by_hand():
    """Catches a changed definition, with a window small enough to count by hand."""
    chance, counted = chance_table(np.array([[-1, 0, 0, 1, 0, 1, -1]]))
    np.testing.assert_allclose(chance[0], [np.nan, np.nan, 1, 0, 2 / 3, 1 / 4, np.nan])
    assert counted[0].tolist() == [False, False, False, False, True, True, False]
