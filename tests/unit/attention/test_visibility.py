"""The keys that a query sees: groups, chance and counted queries under any mask."""

import numpy as np
import pytest
import torch

from localist.attention.visibility import ROWS, key_groups, visible_blocks, visible_keys
from localist.blocks.chance import chance_table


def test_chance_without_a_mask_equals_the_chance_table():
    """Catches training and the matching of fixed windows using different definitions of chance."""
    generator = np.random.default_rng(0)
    blocks = generator.integers(0, 4, (3, 50))
    blocks[:, 0] = -1
    blocks[1, 30:] = -1
    chance, counted = chance_table(blocks)
    found = visible_blocks(key_groups(torch.as_tensor(blocks), 4), None)
    np.testing.assert_array_equal(found.counted, counted)
    np.testing.assert_allclose(found.chance, np.nan_to_num(chance), rtol=1e-6)


def test_chance_under_a_mask_by_hand():
    """Catches counted keys that the mask hides: here, a query sees itself and the two keys before it."""
    blocks = torch.tensor([[-1, 0, 0, 1, 1, 0]])
    mask = torch.ones(6, 6, dtype=torch.bool).tril().triu(-2)[None, None]  # itself and two before
    found = visible_blocks(key_groups(blocks, 2), mask)
    assert found.counts.tolist() == [[[0, 0], [0, 0], [1, 0], [2, 0], [1, 1], [0, 2]]]
    assert found.chance[0].tolist() == pytest.approx([0, 0, 1, 0, 0.5, 0])
    assert found.counted[0].tolist() == [False, False, False, False, True, False]
    assert found.own[0].tolist() == [0, 0, 0, 1, 1, 0]


def test_counts_are_correct_for_long_masks():
    """Catches rows lost between the pieces in which a long mask is processed, and rounding under autocast."""
    context = 2 * ROWS + 3
    groups = key_groups(torch.zeros(1, context, dtype=torch.long), 1)
    mask = torch.ones(1, 1, context, context, dtype=torch.bool).tril()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = visible_blocks(groups, mask)
    assert found.counts[0, :, 0].tolist() == list(range(context))


def test_keys_are_restricted_to_visible_ones():
    """Catches sliding windows that cost as much as full attention."""
    mask = torch.ones(1, 1, 100, 100, dtype=torch.bool).tril().triu(-9)
    keys, hidden, blind = visible_keys(mask, 0, slice(50, 60), mask.device)
    assert keys == slice(41, 60) and blind is None
    assert torch.equal(~hidden, mask[0, 0, 50:60, 41:60])
