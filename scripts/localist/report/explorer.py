"""The attention explorer: a page with passages, their attention, and descriptions of their blocks."""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from localist.plumbing.errors import UserError
from localist.report.figures import block_colours
from localist.report.templates import render
from localist.tokens.windows import NO_ID

# Attention is stored as a byte: 0 is 0, 255 is 1, and each step is a factor of 2^(1/16), so the error is within 2.2 %.
STEPS_PER_OCTAVE = 16
BLOCKS_IN_COLOUR = 12


@dataclass(frozen=True)
class ArmPassages:
    """Attention and losses of one model on the passages.

    attention, heads: for each passage, float [layers, P, P] and, if stored, [layers, heads, P, P]; losses: for each
    passage, the loss of every token in nats, NaN for tokens that are not predicted; fidelity: mean F by layer over all
    test text.
    """

    name: str
    attention: list[np.ndarray]
    heads: list[np.ndarray] | None
    losses: list[np.ndarray]
    fidelity: Sequence[float]


def read_passages(path: Path) -> dict[str, Any]:
    """The arrays written by explore_model, those of the passages in lists. Raises UserError if one is missing."""
    with np.load(path, allow_pickle=False) as file:
        if "rows" not in file:
            raise UserError(f"{path}: the array 'rows' is missing. Delete the file and run again.")
        kinds = {name.rpartition("_")[0] for name in file.files if name != "rows"}
        return {"rows": file["rows"]} | {
            kind: [file[f"{kind}_{number}"] for number in range(len(file["rows"]))] for kind in kinds
        }


def as_bytes(attention: np.ndarray) -> bytes:
    """The lower triangle of attention, […, P, P], query by query, as bytes on the scale of STEPS_PER_OCTAVE."""
    values = np.asarray(attention, dtype=np.float32)
    queries, keys = np.tril_indices(values.shape[-1])
    seen = np.maximum(values[..., queries, keys], np.finfo(np.float32).tiny)
    return np.clip(np.round(255 + STEPS_PER_OCTAVE * np.log2(seen)), 0, 255).astype(np.uint8).tobytes()


def packed(arms: Sequence[ArmPassages]) -> tuple[str, list[dict[str, Any]]]:
    """All attention as text (base64 of a zlib stream), and the byte offsets of each arm's data: for each passage, the
    mean over heads and, if stored, the single heads."""
    parts: list[bytes] = []
    size, places = 0, []
    for arm in arms:
        place: dict[str, Any] = {"mean": [], "heads": None}
        for kind, matrices in (("mean", arm.attention), ("heads", arm.heads)):
            if matrices is not None:
                place[kind] = []
                for matrix in matrices:
                    place[kind].append(size)
                    parts.append(as_bytes(matrix))
                    size += len(parts[-1])
        places.append(place)
    return base64.b64encode(zlib.compress(b"".join(parts), 9)).decode("ascii"), places


def explorer_page(
    study: str,
    arms: Sequence[ArmPassages],
    passages: Sequence[Mapping[str, Any]],
    blocks: Mapping[int, Mapping[str, Any]],
    templates: Sequence[Path],
    style: Path,
    program: Path,
) -> str:
    """The page, which loads nothing from the network.

    passages: for each, title, tokens, blocks and sentences (lists of length P); blocks: as from block_entries.
    """
    stream, places = packed(arms)
    data = {
        "study": study,
        "stepsPerOctave": STEPS_PER_OCTAVE,
        "layers": len(arms[0].attention[0]),
        "palette": [to_hex(colour) for colour in block_colours(range(BLOCKS_IN_COLOUR)).values()],
        "passages": passages,
        "blocks": blocks,
        "arms": [
            {
                "name": arm.name,
                "headCount": arm.heads[0].shape[1] if arm.heads else 0,
                "losses": [[None if np.isnan(loss) else round(float(loss), 4) for loss in one] for one in arm.losses],
                "fidelity": [round(float(value), 4) for value in arm.fidelity],
                **place,
            }
            for arm, place in zip(arms, places, strict=True)
        ],
    }
    script, css = program.read_text(encoding="utf-8"), style.read_text(encoding="utf-8")
    return render(
        templates,
        study=study,
        script=script,
        style=css,
        script_hash=_csp_hash(script),
        style_hash=_csp_hash(css),
        data=_json_in_html(data),
        stream=stream,
    )


def passage_losses(tokens: pd.DataFrame, rows: Sequence[int], lengths: Sequence[int]) -> list[np.ndarray]:
    """For each passage, the loss of every token, float [P], NaN for tokens that are not predicted.

    tokens: window, position and nll of the test split.
    """
    found = []
    for row, length in zip(rows, lengths, strict=True):
        own = tokens[(tokens["window"] == row) & (tokens["position"] < length)]
        losses = np.full(length, np.nan)
        losses[own["position"].to_numpy()] = own["nll"].to_numpy()
        found.append(losses)
    return found


def passage_title(sentences: pd.DataFrame, numbers: np.ndarray) -> str:
    """Title and heading of the section that contains a passage. numbers: its tokens' sentences, the sink's first."""
    first = sentences.loc[sentences["sentence"] == numbers[1]].iloc[0]
    return f"{first['title']}, “{first['heading']}”" if first["heading"] else str(first["title"])


def block_entries(ids: Iterable[int], blocks: pd.DataFrame, topics: pd.DataFrame) -> dict[int, dict[str, str]]:
    """The page's description of each block: its name, further characteristic words, and its topic's name and places.

    blocks, topics: as in blocks.csv and topics.csv; empty for blocks without words.
    """
    of_block = blocks.set_index("block") if len(blocks) else blocks
    of_topic = topics.set_index("topic") if len(topics) else topics
    entries = {}
    for block in (int(one) for one in ids if one != NO_ID):
        entry = {"name": f"block {block}", "words": "", "topic": "", "places": ""}
        if block in of_block.index:
            known = of_block.loc[block]
            topic = of_topic.loc[known["topic"]]
            rest = known["words"].removeprefix(known["name"]).removeprefix(", ")
            name = f"{known['topic']} ({topic['name']})"  # numbered as in the figures
            entry = {"words": rest, "topic": name, "places": topic["places"]}
            entry = {"name": known["name"] or f"block {block}"} | entry
        entries[block] = entry
    return entries


def _json_in_html(data: object) -> str:
    """JSON that cannot end a script element or begin a comment, whatever text it contains."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _csp_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
