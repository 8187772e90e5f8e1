"""Draw the text as ribbons coloured by topic, showing where in the book each topic occurs."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    figure_style,
    new_figure,
    read_table,
    save_figure,
    shortened,
    topic_colours,
    topic_legend,
    with_topics,
)

ROWS = 24  # more would be thinner than their labels
ROW_SENTENCES = 1000  # more could not be distinguished across one column of a page
WRAP_SENTENCES = 40  # least number of sentences in a row of wrapped text
PIXELS = 1200  # along a row
LABEL = 20  # characters
NO_TEXT = -2


def main(sentences: Path, sentence_blocks: Path, blocks: Path, topics: Path, pdf: Path, png: Path) -> None:
    """Draw rows of text, the position in characters to the right, each sentence in the colour of its topic.

    sentences: sentence, document, title, heading, start, end. sentence_blocks: sentence, block. blocks: block, topic.
    topics: topic, name. Sentences without a block are grey.
    """
    table = read_table(sentences, text=["title", "heading"], numbers=["sentence", "document", "start", "end"])
    text = end_to_end(with_topics(table, sentences, sentence_blocks, blocks))
    edges = row_edges(text)
    width = np.diff(edges).max()
    places = text["place"].to_numpy()
    rows = paint_rows(edges, places, text["topic"].to_numpy(), PIXELS)
    colours = topic_colours(len(read_table(topics, numbers=["topic"])))
    unit, scale = ("thousand characters", 1000) if width >= 2000 else ("characters", 1)
    with figure_style():
        figure, (axes,) = new_figure(0.45 + len(rows) * min(0.3, max(0.145, 1.2 / len(rows))))
        axes.imshow(
            _colour(rows, colours), extent=(0, width / scale, len(rows) - 0.5, -0.5), aspect="auto",
            interpolation="none",
        )  # fmt: skip
        axes.hlines(np.arange(1, len(rows)) - 0.5, 0, width / scale, color="white", lw=2.5)
        row, place = document_starts(text, edges)
        axes.vlines(place / scale, row - 0.5, row + 0.5, color="black", lw=0.8)
        axes.set_yticks(np.arange(len(rows)), row_labels(text, edges))
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"position in row ({unit})")
        topic_legend(figure, topics, colours)
        save_figure(figure, pdf, png)


def end_to_end(table: pd.DataFrame) -> pd.DataFrame:
    """The sentences in reading order, with `place`: where each begins in the concatenated documents."""
    table = table.sort_values(["document", "start"], ignore_index=True)
    documents = table.groupby("document").agg(first=("start", "min"), last=("end", "max"))
    lengths = documents["last"] - documents["first"]
    offsets = lengths.cumsum() - lengths - documents["first"]
    return table.assign(place=table["start"] + table["document"].map(offsets))


def row_edges(text: pd.DataFrame) -> np.ndarray:
    """Where the rows begin and the last one ends: [rows + 1], in characters of the concatenated text.

    A few documents that fit get a row each; a single document, or many or long ones, are wrapped like lines on a page.
    """
    documents = text.groupby("document")["place"].agg(["min", "size"])
    total = (text["place"] + text["end"] - text["start"]).max()
    if 2 <= len(documents) <= ROWS and documents["size"].max() <= ROW_SENTENCES:
        return np.array([*documents["min"], total])
    return np.linspace(0, total, min(ROWS, math.ceil(len(text) / WRAP_SENTENCES)) + 1)


def paint_rows(edges: np.ndarray, places: np.ndarray, topics: np.ndarray, pixels: int) -> np.ndarray:
    """int [rows, pixels]: the topic of the sentence at the centre of each pixel; NO_TEXT after the end of a row.

    The pixels span the longest row. A sentence extends to the beginning of the next, white space included.
    """
    width = np.diff(edges).max()
    middles = edges[:-1, None] + (np.arange(pixels) + 0.5) * width / pixels
    sentence = np.searchsorted(places, middles, side="right") - 1
    return np.where(middles < edges[1:, None], topics[sentence], NO_TEXT)


def document_starts(text: pd.DataFrame, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row, and position in it, of each document that begins inside a row."""
    starts = text.groupby("document")["place"].min().to_numpy()
    row = np.searchsorted(edges, starts, side="right") - 1
    inside = starts > edges[row]
    return row[inside], (starts - edges[row])[inside]


def row_labels(text: pd.DataFrame, edges: np.ndarray) -> list[str]:
    """The document in which each row begins (for a single document, the section); empty if a row continues it."""
    first = text.iloc[np.searchsorted(text["place"], edges[:-1], side="right") - 1]
    by_title = first["heading"].fillna("").eq("") | (text["document"].nunique() > 1)
    names = first["title"].where(by_title, first["heading"])
    again = names.eq(names.shift()) & first["document"].eq(first["document"].shift())
    return ["" if known else shortened(str(name), LABEL) for name, known in zip(names, again, strict=True)]


def _colour(rows: np.ndarray, colours: Mapping[int, Any]) -> np.ndarray:
    """uint8 [rows, pixels, 4]: transparent where there is no text."""
    table = np.zeros((max(colours) + 3, 4))
    for topic, colour in colours.items():
        table[topic - NO_TEXT] = (*colour, 1)
    return np.round(table[rows - NO_TEXT] * 255).astype(np.uint8)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            sentences=Path(snakemake.input.sentences),
            sentence_blocks=Path(snakemake.input.sentence_blocks),
            blocks=Path(snakemake.input.blocks),
            topics=Path(snakemake.input.topics),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
