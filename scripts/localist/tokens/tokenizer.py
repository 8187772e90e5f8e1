"""Tokenizers: loading from a local model folder, the sink token, and training one for an untrained model."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from localist.plumbing.errors import UserError
from localist.plumbing.files import unusable
from localist.resources.folders import refuse_own_code

if TYPE_CHECKING:
    from transformers import BatchEncoding, PreTrainedTokenizerBase, PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"


def load_tokenizer(model: Path) -> "tuple[PreTrainedTokenizerBase, int | None]":
    """The fast tokenizer of a local model folder, and the model's longest input in tokens (None if unlimited).

    Raises UserError if the folder is not a model folder, or if its tokenizer is not fast, has custom code, or has
    tokens outside the model's embedding.
    """
    from transformers import AutoConfig, AutoTokenizer

    refuse_own_code(model, str(model))
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True, trust_remote_code=False)
        config = AutoConfig.from_pretrained(model, local_files_only=True, trust_remote_code=False).get_text_config()
    except (OSError, ValueError) as error:
        reason = f"{model} is not a Hugging Face model folder ({str(error).splitlines()[0]})."
        raise unusable(model, reason) from error
    if not tokenizer.is_fast:
        raise UserError(f"{model} has no fast tokenizer (tokenizer.json), which maps tokens to positions in the text.")
    highest = max(tokenizer.get_vocab().values())
    rows = getattr(config, "vocab_size", None)
    if rows and highest >= rows:
        raise UserError(
            f"{model}: the tokenizer has {highest + 1} tokens, but the model's embedding has {rows} rows. Use the "
            "model's own tokenizer, or enlarge the embedding (resize_token_embeddings, save_pretrained)."
        )
    return tokenizer, getattr(config, "max_position_embeddings", None)


def encode_text(tokenizer: "PreTrainedTokenizerBase", text: str) -> "BatchEncoding":
    """Tokens of a text and their positions (input_ids, offset_mapping); special tokens spelled out in it stay text."""
    return tokenizer(
        text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True, verbose=False
    )


def printed_special_tokens(tokenizer: "PreTrainedTokenizerBase", text: str) -> dict[str, int]:
    """How often each special token is spelled out in a text; tokens that do not occur are omitted."""
    counts = {token: text.count(token) for token in tokenizer.all_special_tokens}
    return {token: count for token, count in counts.items() if count}


def sink_token(tokenizer: "PreTrainedTokenizerBase", configured: int | None) -> int:
    """The token at position 0 of every window: the configured one, else beginning-of-text, else end-of-text."""
    for candidate in (configured, tokenizer.bos_token_id, tokenizer.eos_token_id):
        if isinstance(candidate, int):
            if candidate >= len(tokenizer):
                raise UserError(f"model.sink_token_id: {candidate} is not among the {len(tokenizer)} tokens.")
            return candidate
    raise UserError("The model has neither a beginning- nor an end-of-text token: set model.sink_token_id.")


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> "PreTrainedTokenizerFast":
    """A byte-level BPE tokenizer of at most `vocabulary` tokens, with one special token, END_OF_TEXT."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    special = dict.fromkeys(("bos_token", "eos_token", "pad_token"), END_OF_TEXT)
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)
