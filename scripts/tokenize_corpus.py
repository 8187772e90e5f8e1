"""Tokenise each document once, unchanged, and cut windows for each split."""

import logging
from collections import Counter
from pathlib import Path

import pandas as pd

from localist.corpus.documents import document_text
from localist.corpus.splits import SPLITS
from localist.plumbing.errors import UserError
from localist.plumbing.files import write_json
from localist.plumbing.rule_log import rule_log
from localist.tokens.tokenizer import encode_text, load_tokenizer, printed_special_tokens, sink_token
from localist.tokens.windows import Windows, align_tokens, cut_windows

logger = logging.getLogger(__name__)


def main(
    sections: Path, sentences: Path, model: Path, context: int, sink: int | None, splits: dict[str, Path], summary: Path
) -> None:
    """Write one folder of arrays per split, and a summary of their contents."""
    tokenizer, longest = load_tokenizer(model)
    if longest and context > longest:
        raise UserError(f"tokens.context is {context}, but the model accepts at most {longest} tokens. Lower it.")
    sink = sink_token(tokenizer, sink)
    padding = tokenizer.pad_token_id if isinstance(tokenizer.pad_token_id, int) else sink
    sentence_table = pd.read_parquet(sentences)
    documents = []
    printed: Counter[str] = Counter()
    for document, rows in pd.read_parquet(sections).groupby("document"):
        text = document_text(rows.sort_values("section")["text"])
        encoded = encode_text(tokenizer, text)
        printed.update(printed_special_tokens(tokenizer, text))
        own = sentence_table[sentence_table["document"] == document]
        documents.append(align_tokens(text, encoded["offset_mapping"], encoded["input_ids"], own))
    for token, count in printed.items():
        logger.warning("The text contains the special token %s %d times; it is tokenised as text.", token, count)
    section_splits = sentence_table.groupby("section")["split"].first()
    counts = {}
    for split, folder in splits.items():
        windows = cut_windows(documents, section_splits, split, context=context, sink=sink, padding=padding)
        windows.save(folder)
        counts[split] = _counts(windows, int((section_splits == split).sum()))
        logger.info("%s: %d tokens in %d windows.", split, counts[split]["tokens"], counts[split]["windows"])
    total = sum(one["tokens"] for one in counts.values())
    if total < context:
        raise UserError(
            f"The corpus has {total} tokens of text, but one window has {context} (tokens.context), and training, "
            "validation and test text need several windows each. Use a longer text."
        )
    found = {"context": context, "sink_token": sink, "padding_token": padding, "printed_special_tokens": printed}
    write_json(summary, found | {"splits": counts})


def _counts(windows: Windows, sections: int) -> dict[str, int]:
    return {
        "tokens": int(windows.is_text.sum()),
        "bytes": int(windows.byte_counts.sum()),
        "windows": len(windows.input_ids),
        "stretches": len(set(windows.stretch_ids.tolist())),
        "sections": sections,
    }


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            sections=Path(snakemake.input.sections),
            sentences=Path(snakemake.input.sentences),
            model=Path(snakemake.input.model),
            context=snakemake.params.context,
            sink=snakemake.params.sink,
            splits={name: Path(snakemake.output[name]) for name in SPLITS},
            summary=Path(snakemake.output.summary),
        )
