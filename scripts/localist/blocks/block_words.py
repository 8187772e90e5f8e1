"""What a block is about: its most characteristic words and its most central sentences."""

import re
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer

from localist.blocks.embeddings import ROWS_AT_ONCE

# Words of at least two letters; numbers alone carry little meaning.
WORD = r"(?u)\b[^\W\d_][\w'’-]+\b"
POSSESSIVE = re.compile(r"['’]s\b")


def telling_words(texts: Sequence[str], blocks: np.ndarray, count: int, language: str) -> list[list[str]]:
    """For each block its `count` words with the highest class-based TF-IDF, best first.

    A word's weight in a block is its share of the block's words times log(1 + A / f), with A the mean number of words
    of a block and f the word's count in all of them. Stop words are removed only in English. A possessive counts as its
    noun. Lists are empty if no word is left.
    """
    vectorizer = CountVectorizer(
        token_pattern=WORD,
        preprocessor=lambda text: POSSESSIVE.sub("", text.lower()),
        stop_words="english" if language == "en" else None,
    )
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError:  # only stop words and symbols
        return [[] for _ in range(blocks.max() + 1)]
    ones = np.ones(len(blocks))
    of_block = csr_array(csr_array((ones, (blocks, np.arange(len(blocks))))) @ counts)
    in_all, in_block = (np.asarray(of_block.sum(axis=axis)) for axis in (0, 1))
    rarity = np.log1p(in_block.mean() / in_all)
    names = vectorizer.get_feature_names_out()
    telling = []
    for block in range(blocks.max() + 1):
        row = slice(of_block.indptr[block], of_block.indptr[block + 1])
        words, times = of_block.indices[row], np.asarray(of_block.data[row], dtype=float)
        best = np.lexsort((words, -times * rarity[words]))[:count]
        telling.append([str(names[word]) for word in words[best]])
    return telling


def central_sentences(
    vectors: np.ndarray, block_centres: np.ndarray, blocks: np.ndarray, count: int
) -> list[list[int]]:
    """For each block the numbers of its `count` sentences nearest to its centre by cosine, nearest first."""
    similarity = np.concatenate(
        [
            np.einsum(
                "ij,ij->i", vectors[start : start + ROWS_AT_ONCE], block_centres[blocks[start : start + ROWS_AT_ONCE]]
            )
            for start in range(0, len(vectors), ROWS_AT_ONCE)
        ]
    )
    chosen = []
    for block in range(len(block_centres)):
        rows = np.flatnonzero(blocks == block)
        chosen.append(rows[np.argsort(-similarity[rows], kind="stable")[:count]].tolist())
    return chosen
