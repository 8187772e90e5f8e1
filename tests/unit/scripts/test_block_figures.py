"""Ribbons and sizes of blocks: sentences are placed and blocks are sized correctly for texts of any shape."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import plot_block_ribbon
import plot_block_sizes
from localist.plumbing.errors import UserError
from plot_block_ribbon import (
    NO_TEXT,
    ROWS,
    document_starts,
    end_to_end,
    paint_rows,
    row_edges,
    row_labels,
)
from plot_block_sizes import block_sizes, cumulative_shares

TOPICS = 40


def text_of(documents: int, sentences: int, blocks: int = 5) -> pd.DataFrame:
    """Documents of `sentences` sentences (nine characters and a space each), twenty to a section."""
    count = np.arange(documents * sentences)
    document, place = np.divmod(count, sentences)
    titles = [f"Document {number}" for number in document]
    headings = [f"Chapter {number}" for number in place // 20]
    split = np.where(place // 20 % 10 == 9, "test", "train")
    return pd.DataFrame(
        {
            "sentence": count, "document": document, "title": titles, "heading": headings, "split": split,
            "start": 10 * place, "end": 10 * place + 9, "block": count % blocks, "topic": count % blocks % TOPICS,
        }
    )  # fmt: skip


def blocks_and_topics(folder: Path) -> dict[str, Path]:
    tables = {name: folder / f"{name}.csv" for name in ("blocks", "topics")}
    return {"sentence_blocks": folder / "blocks.parquet", **tables}


def draw(folder: Path, text: pd.DataFrame, tokens: np.ndarray | None = None) -> None:
    """Draw both figures of a text; by default, it has one training token per sentence."""
    text.drop(columns=["block", "topic"]).to_parquet(folder / "sentences.parquet")
    text[["sentence", "block", "split"]].to_parquet(folder / "blocks.parquet")
    text[["block", "topic"]].drop_duplicates().to_csv(folder / "blocks.csv", index=False)
    topics = pd.DataFrame({"topic": sorted(set(text["topic"]))})
    topics.assign(name=topics["topic"].map("topic {}, of, four, words".format)).to_csv(
        folder / "topics.csv", index=False
    )
    np.save(folder / "train.npy", text["block"].to_numpy()[None] if tokens is None else tokens)
    paths = {name: folder / f"figure.{name}" for name in ("pdf", "png")}
    plot_block_ribbon.main(folder / "sentences.parquet", **blocks_and_topics(folder), **paths)
    plot_block_sizes.main(folder / "blocks.parquet", {"semantic": folder / "train.npy"}, **paths)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("documents", "sentences", "blocks"),
    [(1, 1, 1), (1, 100, 5), (1, 20_000, 60), (12, 225, 17), (107, 187, 300)],
    ids=["one sentence", "a short text", "a novel", "twelve articles", "107 articles"],
)
def test_texts_of_any_shape_are_drawn(documents, sentences, blocks, tmp_path):
    """Catches a layout that fails or warns, or a PDF with one shape per sentence."""
    text = text_of(documents, sentences, blocks)
    draw(tmp_path, text)
    assert (tmp_path / "figure.pdf").stat().st_size < 100_000


def test_documents_are_concatenated_in_reading_order():
    """Catches sentences placed relative to their own document, or left in the table's order."""
    table = pd.DataFrame({"document": [4, 2, 2], "start": [3, 20, 0], "end": [9, 31, 15], "block": [7, 5, 6]})
    text = end_to_end(table)
    assert text["place"].tolist() == [0, 20, 31]
    assert text["block"].tolist() == [6, 5, 7]
    assert row_edges(text).tolist() == [0, 31, 37]


@pytest.mark.parametrize(
    ("documents", "sentences", "rows"),
    [(1, 30, 1), (1, 100, 3), (1, 5000, ROWS), (2, 30, 2), (ROWS, 1000, ROWS), (25, 20, 13), (107, 187, ROWS)],
)
def test_number_of_rows_for_texts_of_any_shape(documents, sentences, rows):
    """Catches texts unlike the default study's that get a single row, or rows too thin to see."""
    edges = row_edges(end_to_end(text_of(documents, sentences)))
    assert len(edges) == rows + 1
    assert np.diff(edges) == pytest.approx(np.diff(edges)[0])


def test_long_documents_are_wrapped():
    """Catches a row with more sentences than a page column can show if a few documents are long."""
    assert len(row_edges(end_to_end(text_of(2, 1001)))) == ROWS + 1


def test_painted_rows_by_hand():
    """Catches a sentence off by one pixel or row, or colour after the end of a short row."""
    edges, places, blocks = np.array([0, 8, 12]), np.array([0, 3, 8, 11]), np.array([5, 6, 7, -1])
    assert paint_rows(edges, places, blocks, 8).tolist() == [[5, 5, 5, 6, 6, 6, 6, 6], [7, 7, 7, -1, *[NO_TEXT] * 4]]
    # Two characters per pixel: the one at its centre decides.
    assert paint_rows(edges, places, blocks, 4).tolist() == [[5, 6, 6, 6], [7, -1, NO_TEXT, NO_TEXT]]


def test_every_character_keeps_its_block_when_text_is_wrapped():
    """Catches text that is lost or repeated at the ends of rows."""
    text = end_to_end(text_of(30, 8))
    edges = row_edges(text)
    rows = paint_rows(edges, text["place"].to_numpy(), text["block"].to_numpy(), int(np.diff(edges).max()))
    starts = np.zeros(int(edges[-1]), dtype=int)
    starts[text["place"][1:]] = 1
    assert rows.ravel().tolist() == text["block"].to_numpy()[np.cumsum(starts)].tolist()


def test_documents_that_begin_inside_a_row_are_marked():
    """Catches marks in the previous row, or where a row begins with the document anyway."""
    text = end_to_end(text_of(4, 10))  # the documents begin at 0, 99, 198 and 297
    rows, places = document_starts(text, np.array([0, 198, 396]))
    assert rows.tolist() == [0, 1] and places.tolist() == [99, 99]
    assert document_starts(text, row_edges(text))[0].tolist() == []


def test_rows_are_labelled_once_by_document_or_section():
    """Catches repeated labels, a book's title in all rows, or a missing label for a section without a heading."""
    text = end_to_end(text_of(3, 20))
    assert row_labels(text, np.array([0, 100, 210, 590])) == ["Document 0", "", "Document 1"]
    book = end_to_end(text_of(1, 60))
    assert row_labels(book, np.array([0, 100, 210, 590])) == ["Chapter 0", "", "Chapter 1"]
    for nothing in ("", None):
        assert row_labels(book.assign(heading=nothing), np.array([0, 590])) == ["Document 0"]


def test_sizes_count_training_sentences():
    """Catches sizes that include held-out sentences or blocks, or sentences without a block."""
    splits = ["train", "train", "test", "train", "test", "validation", "train"]
    table = pd.DataFrame({"block": [2, 2, 2, 0, 1, 0, -1], "split": splits})
    assert block_sizes(table, Path("blocks.parquet")).to_dict() == {2: 2, 0: 1}
    assert block_sizes(table, Path("blocks.parquet")).tolist() == [2, 1]


def test_shares_count_runs():
    """Catches shares that are not cumulative, or that count tokens instead of runs."""
    values, shares = cumulative_shares(np.array([4, 1, 1, 10]))
    assert values.tolist() == [1, 4, 10] and shares.tolist() == [0.5, 0.75, 1]


def test_bad_tables_are_reported(tmp_path):
    """Catches a traceback or an empty figure instead of an error with the file and the remedy."""
    text = text_of(2, 20)
    draw(tmp_path, text)
    paths = {name: tmp_path / f"figure.{name}" for name in ("pdf", "png")}
    sentences, blocks, bad = (tmp_path / name for name in ("sentences.parquet", "blocks.parquet", "bad.parquet"))
    text.drop(columns="start").to_parquet(bad)
    with pytest.raises(UserError, match=r"bad.parquet.*'start'"):
        plot_block_ribbon.main(bad, **blocks_and_topics(tmp_path), **paths)
    text.assign(sentence=text["sentence"] + 1000).to_parquet(bad)
    with pytest.raises(UserError, match=r"sentences.parquet: none of its sentences is in .*bad.parquet"):
        plot_block_ribbon.main(sentences, **blocks_and_topics(tmp_path) | {"sentence_blocks": bad}, **paths)
    with pytest.raises(UserError, match=r"blocks.parquet: the column 'split' is missing"):
        text[["sentence", "block"]].to_parquet(tmp_path / "no_split_blocks.parquet")
        plot_block_sizes.main(tmp_path / "no_split_blocks.parquet", {}, **paths)
    for change, message in [({"split": "test"}, "'train'"), ({"block": -1}, "no sentence has a block")]:
        text.assign(**change).to_parquet(bad)
        with pytest.raises(UserError, match=rf"bad.parquet.*{message}"):
            plot_block_sizes.main(bad, {}, **paths)
    np.save(tmp_path / "empty.npy", np.full((3, 8), -1))
    with pytest.raises(UserError, match=r"empty.npy: has no windows with blocks"):
        plot_block_sizes.main(blocks, {"fixed": tmp_path / "empty.npy"}, **paths)
