"""Measures the attention of any model on any text, by layer, without the workflow (docs/python.md)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from localist.attention.models import load_model
from localist.blocks.centres import nearest_centre
from localist.blocks.partitions import fixed_blocks, semantic_blocks
from localist.claims.tables import LAYER_COLUMNS, layer_rows
from localist.corpus.sentences import split_sentences
from localist.evaluation.causal_blocks import study_config, study_sentence_blocks
from localist.evaluation.layer_sums import LayerSums
from localist.evaluation.losses import watched_losses
from localist.plumbing.errors import UserError
from localist.plumbing.files import read_json
from localist.tokens.tokenizer import encode_text, load_tokenizer, sink_token
from localist.tokens.windows import NO_ID, Windows, align_tokens, cut_windows

COLUMNS = [name for name in LAYER_COLUMNS if name not in ("arm", "seed", "measured_partition", "locality")]


def measure_attention(
    model: str | Path,
    text: str | Windows,
    blocks: str | Sequence[int] | np.ndarray,
    *,
    study: str | Path | None = None,
    context: int = 256,
    language: str = "en",
    batch_size: int = 4,
) -> pd.DataFrame:
    """Fidelity, chance, sink share, entropy, distance and so on, one row per layer (method.md, Measures).

    model: a local folder, or the id of a model on the Hugging Face hub. text: a text, or windows as in a study's folder
    `tokens/…`. blocks: one id per token of the text (see `text_windows`), or int [windows, T] with -1 on sink and
    padding, or the name of a partition. A name requires the folder of a finished study: for a new text, `semantic` and
    `fixed` are derived from what the study fitted; for the study's own windows, any measured partition is read.
    context, language: used for a text. Raises UserError for arguments that do not fit together, and for a model that
    cannot be observed.
    """
    folder = model_folder(model)
    new = text if isinstance(text, str) else None
    windows = text if isinstance(text, Windows) else text_windows(folder, text, context=context, language=language)
    if isinstance(blocks, str):
        ids = named_blocks(blocks, windows, new, study, language)
    else:
        ids = _blocks_of_tokens(np.asarray(blocks), windows)
    sums = LayerSums(windows, {"": ids})
    loaded = load_model(folder, windows.input_ids.shape[1])
    watched_losses(loaded, windows, batch_size=batch_size, bf16=False, description="Measuring", watchers=[sums])
    depth = loaded.config.get_text_config().num_hidden_layers
    table = sums.table("", np.zeros(int(windows.sentence_ids.max()) + 1, dtype=int))
    return layer_rows(table, [0.0] * depth)[COLUMNS]


def model_folder(model: str | Path) -> Path:
    """The folder of a model; the id of a model on the hub is downloaded (safetensors weights only)."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if str(model).count("/") != 1 or str(model).startswith((".", "~")):
        raise UserError(f"{model} is neither a folder nor the id of a model on the Hugging Face hub (owner/name).")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(str(model), allow_patterns=["*.safetensors", "*.json", "*.txt", "*.model"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(f"{model} was not found, here or on the hub: {str(error).splitlines()[0]}") from error


def text_windows(model: Path, text: str, *, context: int = 256, language: str = "en") -> Windows:
    """The windows of a text: tokenised once by the model's tokenizer, the sink before each window, padding at the end.

    sentence_ids count the sentences of the text. Raises UserError for a text without sentences.
    """
    tokenizer, _ = load_tokenizer(model)
    sink = sink_token(tokenizer, None)
    offsets = split_sentences(text, language)
    if not offsets:
        raise UserError("The text has no sentences, so there is nothing to measure.")
    sentences = pd.DataFrame(offsets, columns=["start", "end"]).assign(sentence=range(len(offsets)), section=0)
    encoded = encode_text(tokenizer, text)
    document = align_tokens(text, encoded["offset_mapping"], encoded["input_ids"], sentences)
    padding = tokenizer.pad_token_id if isinstance(tokenizer.pad_token_id, int) else sink
    return cut_windows([document], pd.Series(["all"]), "all", context=context, sink=sink, padding=padding)


def named_blocks(name: str, windows: Windows, text: str | None, study: str | Path | None, language: str) -> np.ndarray:
    """int32 [windows, T]: the blocks of a study's partition; text: the text of the windows, if not the study's own."""
    if study is None:
        raise UserError(
            f"The partition {name} requires the study in which it was fitted, for example study='results/default'."
        )
    study = Path(study)
    measured = study_config(study)["blocks"]["measured"]
    if name not in measured:
        raise UserError(f"{name} was not measured in {study}; its partitions are {', '.join(measured)}.")
    if text is None:
        return _blocks_of_study(study / "blocks" / name, windows)
    if name == "semantic":
        return semantic_blocks(windows, _semantic(text, study, language))
    if name == "fixed":
        return fixed_blocks(windows, read_json(study / "blocks" / name / "summary.json")["width_tokens"]["train"])
    raise UserError(f"{name} is not available for a new text: use semantic, fixed, or a block id for each token.")


def _semantic(text: str, study: Path, language: str) -> np.ndarray:
    """int [sentences]: the block with the nearest centre, for each sentence."""
    known = study_sentence_blocks(study)
    vectors = known.encode([text[start:end] for start, end in split_sentences(text, language)])
    return nearest_centre(vectors, known.centres)


def _blocks_of_study(folder: Path, windows: Windows) -> np.ndarray:
    for path in sorted(folder.glob("*.npy")):
        ids = np.load(path)
        if ids.shape == windows.input_ids.shape and ((ids != NO_ID) == windows.is_text).all():
            return ids
    raise UserError(f"No blocks in {folder} fit windows of this number and length.")


def _blocks_of_tokens(ids: np.ndarray, windows: Windows) -> np.ndarray:
    """Block ids as int32 [windows, T]. Raises UserError if they belong to another text."""
    is_text = windows.is_text
    if ids.ndim == 1:
        if len(ids) != is_text.sum():
            raise UserError(f"There are {len(ids)} block ids, but the text has {is_text.sum()} tokens.")
        blocks = np.full(is_text.shape, NO_ID, dtype=np.int32)
        blocks[is_text] = ids
        return blocks
    if ids.shape != is_text.shape or ((ids == NO_ID) != ~is_text).any():
        raise UserError(
            f"Block ids of shape {ids.shape} do not fit windows of shape {is_text.shape}: the shapes must be equal, "
            "and exactly sink and padding must have -1."
        )
    return ids.astype(np.int32)
