"""Text generation under the locality dial (docs/dial.md)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from localist.attention.models import cache_argument, load_model
from localist.evaluation.causal_blocks import CausalBlocks, study_config, study_sentence_blocks
from localist.evaluation.dial import check_dial, dial_bias
from localist.evaluation.score_bias import BiasedAttention
from localist.plumbing.errors import UserError
from localist.study.schedules import locality_by_layer
from localist.tokens.tokenizer import load_tokenizer, sink_token


def generate(
    model: str | Path,
    prompt: str,
    *,
    study: str | Path,
    dial: float,
    schedule: str | None = None,
    max_new_tokens: int = 60,
    use_cache: bool = True,
    **options: Any,
) -> str:
    """Generate the continuation of `prompt` under the dial at d = `dial`; the prompt is not returned.

    model: a local model folder; study: the folder of a finished study, whose encoder and centres assign blocks to
    sentences as they are completed; schedule: λ by layer, by default that of the study's `evaluation.dial`; options:
    passed to transformers' `generate`, for one text at a time. Raises UserError for a dial outside [0, 1], a model that
    cannot be observed, or a key cache that is not exact.
    """
    check_dial(dial)
    config, sentence_blocks = study_config(Path(study)), study_sentence_blocks(Path(study))
    tokenizer, _ = load_tokenizer(Path(model))
    sink = sink_token(tokenizer, config["model"].get("sink_token_id"))
    input_ids = [sink, *tokenizer(prompt, add_special_tokens=False)["input_ids"]]
    loaded = load_model(Path(model), len(input_ids) + max_new_tokens).eval()
    locality = locality_by_layer(
        schedule or config["evaluation"]["dial"]["schedule"],
        loaded.config.get_text_config().num_hidden_layers,
        min_locality=config["constraint"]["min_locality"],
    )
    if use_cache:
        check_cache(loaded)
    causal = CausalBlocks(lambda ids: str(tokenizer.decode(ids)), sentence_blocks)
    tokens = torch.tensor([input_ids], device=loaded.device)
    arguments = {"max_new_tokens": max_new_tokens, "use_cache": use_cache, "pad_token_id": sink} | options
    with dial_turned(loaded, causal, locality, dial), torch.inference_mode():
        written = loaded.generate(tokens, attention_mask=torch.ones_like(tokens), **arguments)  # pyright: ignore[reportCallIssue]
    return str(tokenizer.decode(written[0, len(input_ids) :], skip_special_tokens=True))


@contextmanager
def dial_turned(model: PreTrainedModel, causal: CausalBlocks, locality: Sequence[float], dial: float) -> Iterator[None]:
    """Context in which `model` reads one text at a time under the dial, from the start or on top of cached keys.

    At 0 it is bitwise equal to the plain model. locality: λ by layer. Raises UserError for more than one text.
    """
    check_dial(dial)
    forward, cached_keys, read = model.forward, cache_argument(model), list[int]()

    @wraps(forward)
    def turned(input_ids: torch.Tensor, **arguments: Any) -> Any:
        if len(input_ids) > 1:
            raise UserError("The locality dial takes one text at a time: use one prompt per call and no beam search.")
        cache = arguments.get(cached_keys)
        cached = 0 if cache is None else cache.get_seq_length()
        read[cached:] = input_ids[0].tolist()
        own = torch.as_tensor(causal.own_keys(read, first=cached), device=input_ids.device)
        observer = BiasedAttention(dial_bias(~own[None], locality, dial))
        return forward(input_ids=input_ids, observer=observer, **arguments)

    if not dial:
        yield
        return
    model.forward = turned  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        del model.forward  # restores the class's method


def check_cache(model: PreTrainedModel) -> None:
    """Raises UserError if a cache drops keys that have a block, since own keys could then not be determined.

    Otherwise a cache is exact: a token's own keys depend only on the text up to it, and so never change later.
    """
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or [])
    if getattr(config, "sliding_window", None) or kinds - {"full_attention"}:
        raise UserError(
            f"{type(model).__name__} has sliding windows, whose cache drops keys that leave the window, so that keys "
            "and blocks no longer match: generate with use_cache=False."
        )
