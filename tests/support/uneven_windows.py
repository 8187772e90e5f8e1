"""Windows of several lengths, two sentences each, for tests of evaluations."""

import numpy as np

from localist.tokens.windows import Windows

CONTEXT = 20
LENGTHS = (20, 7, 13, 20, 4)


def uneven_windows() -> Windows:
    """Five windows of random tokens; window w has the sentences 2 w and 2 w + 1, a sink, and padding at its end."""
    generator = np.random.default_rng(1)
    input_ids = generator.integers(1, 60, (5, CONTEXT)).astype(np.int32)
    sentence_ids = np.repeat(np.arange(5), CONTEXT).reshape(5, CONTEXT).astype(np.int32) * 2
    sentence_ids[:, CONTEXT // 2 :] += 1
    sentence_ids[:, 0] = -1
    for row, length in enumerate(LENGTHS):
        sentence_ids[row, length:] = -1
    return Windows(input_ids, sentence_ids, np.where(sentence_ids >= 0, 2, 0), np.arange(5, dtype=np.int32))
