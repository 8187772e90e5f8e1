"""Generation under the locality dial: exact with a cache, or refused; at 0 the model itself."""

import numpy as np
import pytest
import torch
from tiny_models import TINY_MODELS, tiny_model

from localist.attention.observed_attention import use_observed_attention
from localist.evaluation.causal_blocks import CausalBlocks, SentenceBlocks
from localist.evaluation.dial import dial_bias
from localist.evaluation.score_bias import BiasedAttention
from localist.notebook.dialled_generation import check_cache, dial_turned, generate
from localist.plumbing.errors import UserError

LOCALITY = [0.0, 0.4, 1.0]
WORDS = [" A", " cat", " dog", ".", " ran", " sat", ".", " Rain", " fell", "\n"]
PROMPT = torch.tensor([[0, 10, 21, 34, 3, 7, 18, 13, 40, 42]])  # A cat ran. Rain fell. A dog


def causal():
    def encode(texts):
        return np.array([[word in text for word in ("cat", "dog", "fell")] for text in texts], dtype=np.float32) + 0.01

    sentences = SentenceBlocks(encode, np.eye(3, dtype=np.float32), "en")
    return CausalBlocks(lambda ids: "".join(WORDS[token % 10] for token in ids), sentences)


def written(model, dial, **options):
    """All tokens, and the logits from which the new ones were chosen."""
    arguments = {"max_new_tokens": 12, "min_new_tokens": 12, "do_sample": False, "pad_token_id": 0} | options
    with dial_turned(model, causal(), LOCALITY, dial):
        output = model.generate(
            PROMPT,
            attention_mask=torch.ones_like(PROMPT),
            return_dict_in_generate=True,
            output_logits=True,
            **arguments,
        )
    return output.sequences[0], torch.cat(output.logits)


def observed(family, **changes):
    model = tiny_model(family, **changes)
    use_observed_attention(model, 32)
    return model


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
@pytest.mark.parametrize("dial", [0.5, 1.0])
def test_generation_equals_one_pass_over_the_whole_text(family, dial):
    """Catches an inexact cache, outdated block ids, and sentences that end too soon or too late."""
    model = observed(family)
    check_cache(model)
    tokens, logits = written(model, dial)
    own = torch.tensor(causal().own_keys(tokens.tolist()))
    assert not own.tril().equal(torch.ones_like(own).tril())
    observer = BiasedAttention(dial_bias(~own[None], LOCALITY, dial))
    with torch.no_grad():
        whole = model(tokens[None], observer=observer, use_cache=False).logits[0]
    torch.testing.assert_close(logits, whole[PROMPT.shape[1] - 1 : -1], rtol=1e-4, atol=1e-4)
    again, without_cache = written(model, dial, use_cache=False)
    assert torch.equal(tokens, again)
    torch.testing.assert_close(logits, without_cache, rtol=1e-4, atol=1e-4)


def test_dial_at_0_is_the_model_itself():
    """Catches a dial at 0 that changes any bit, and a model that stays modified afterwards."""
    model = observed("llama")
    tokens, logits = written(model, 0.0)
    with torch.no_grad():
        plain = model(tokens[None, :-1], use_cache=False).logits[0, PROMPT.shape[1] - 1 :]
    torch.testing.assert_close(logits, plain, rtol=1e-4, atol=1e-4)
    options = {"max_new_tokens": 12, "min_new_tokens": 12, "do_sample": False, "pad_token_id": 0}
    expected = model.generate(
        PROMPT, attention_mask=torch.ones_like(PROMPT), return_dict_in_generate=True, output_logits=True, **options
    )
    assert torch.equal(tokens, expected.sequences[0]) and torch.equal(logits, torch.cat(expected.logits))
    written(model, 1.0)
    assert "forward" not in vars(model)


def test_sliding_windows_are_refused_only_with_a_cache():
    """Catches keys matched with the wrong blocks after the cache has dropped some."""
    model = observed("mistral", sliding_window=7)
    with pytest.raises(UserError, match="use_cache=False"):
        check_cache(model)
    assert len(written(model, 0.5, use_cache=False)[0]) == PROMPT.shape[1] + 12


def test_bad_input(tmp_path):
    """Catches acceptance of a dial outside [0, 1], beam search, or a folder without a study."""
    with pytest.raises(UserError, match="must be between 0"), dial_turned(observed("llama"), causal(), LOCALITY, 1.1):
        pass
    with pytest.raises(UserError, match="one text at a time"):
        written(observed("llama"), 0.5, num_beams=2)
    with pytest.raises(UserError, match="must be between 0"):
        generate(tmp_path, "A cat", study=tmp_path, dial=2)
    with pytest.raises(UserError, match="finished study"):
        generate(tmp_path, "A cat", study=tmp_path, dial=1)
