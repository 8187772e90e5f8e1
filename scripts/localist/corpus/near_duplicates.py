"""Finds near-duplicate paragraphs across all files of a corpus."""

import re
from collections.abc import Sequence

from datasketch import MinHash, MinHashLSH

# Shorter paragraphs (names, dates, set phrases) recur without being copies.
FEWEST_WORDS = 30
SHINGLE_WORDS = 5
# Jaccard similarity of the sets of word 5-grams: about 0.6 with one word in twenty changed, 0.8 with one in fifty.
LEAST_SIMILARITY = 0.8
PERMUTATIONS = 64
WORD = re.compile(r"\w+")


class NearDuplicates:
    """Stores the MinHash (Broder 1997) of each paragraph, in less than a kilobyte each."""

    def __init__(self) -> None:
        self._seen = MinHashLSH(threshold=LEAST_SIMILARITY, num_perm=PERMUTATIONS)
        self._count = 0

    def without(self, lines: Sequence[str]) -> tuple[list[str], list[str]]:
        """Split the paragraphs of a section into new ones, which are stored, and near-duplicates."""
        new, copies = [], []
        for line in lines:
            (copies if self._is_copy(line) else new).append(line)
        return new, copies

    def _is_copy(self, line: str) -> bool:
        words = WORD.findall(line.casefold())
        if len(words) < FEWEST_WORDS:
            return False
        sketch = MinHash(num_perm=PERMUTATIONS, seed=1)
        sketch.update_batch(
            {" ".join(words[start : start + SHINGLE_WORDS]).encode() for start in range(len(words) - SHINGLE_WORDS + 1)}
        )
        if self._seen.query(sketch):
            return True
        self._seen.insert(str(self._count), sketch)
        self._count += 1
        return False
