"""The price of locality at equal late fidelity, by hand."""

import numpy as np
import pandas as pd
import pytest

from plot_price import prices_by_level

COLUMNS = ["arm", "seed", "tokens", "perplexity", "late_fidelity_corrected"]


def test_the_price_is_interpolated_at_equal_fidelity():
    """Catches ratios across token counts, arms left in the table's order, or prices beyond the last arm."""
    table = pd.DataFrame(
        [
            ("strong", 1, 100, 40.0, 0.8),
            ("distributed", 1, 100, 20.0, 0.4),
            ("distributed", 1, 200, 10.0, 0.4),
            ("strong", 1, 200, 12.1, 0.6),
        ],
        columns=COLUMNS,
    )
    prices = prices_by_level(table, levels=(0.3, 0.5, 0.6, 0.9))
    assert list(prices) == [0.5, 0.6]
    assert prices[0.6]["tokens"].tolist() == [100, 200]
    # Halfway from 0.4 to 0.8, the logarithm of the ratio 2 is halved; at 200 tokens 0.6 is the strong arm itself.
    assert prices[0.6]["ratio"].tolist() == pytest.approx([np.sqrt(2), 1.21])
    assert prices[0.5]["ratio"].tolist() == pytest.approx([2**0.25, 1.1])


def test_seeds_are_averaged_before_arms_are_compared():
    """Catches one arm's seed that is compared with a different seed of another arm."""
    rows = [("distributed", seed, 50, ppl, 0.4) for seed, ppl in ((1, 10.0), (2, 40.0))]
    rows += [("strong", seed, 50, 2 * ppl, 0.6) for seed, ppl in ((1, 10.0), (2, 40.0))]
    prices = prices_by_level(pd.DataFrame(rows, columns=COLUMNS), levels=(0.6,))
    assert prices[0.6]["ratio"].tolist() == pytest.approx([2.0])
