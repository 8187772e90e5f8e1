"""The loss in pieces: the same value and gradients as stock, without the logits of a whole batch."""

import pytest
import torch
from tiny_models import TINY_MODELS, tiny_model

from localist.training import next_token_loss as module
from localist.training.next_token_loss import NOT_A_TARGET, head_is_plain, next_token_loss


@pytest.fixture(params=[1, 7, 1000])
def piece(request, monkeypatch):
    monkeypatch.setattr(module, "LOSS_TOKENS", request.param)


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_loss_and_gradients_equal_stock(family, piece):
    """Catches an off-by-one error, padding that counts, or a bias or tied weight without its gradient."""
    model = tiny_model(family)
    assert head_is_plain(model)
    generator = torch.Generator().manual_seed(0)
    input_ids = torch.randint(0, 60, (2, 12), generator=generator)
    labels = input_ids.clone()
    labels[:, 0] = labels[1, 8:] = NOT_A_TARGET
    gradients = []
    losses = [
        model(input_ids, labels=labels).loss,
        next_token_loss(model, model.get_output_embeddings(), input_ids, labels)[0],
    ]
    for loss in losses:
        model.zero_grad()
        (2 * loss).backward()
        gradients.append({name: weight.grad.clone() for name, weight in model.named_parameters()})
    torch.testing.assert_close(losses[1], losses[0])
    for name, expected in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], expected, rtol=1e-4, atol=1e-6, msg=name)


def test_logits_of_the_whole_batch_are_never_computed():
    """Catches logits of the whole batch, which would take most of the memory."""
    model = tiny_model("llama")
    rows = []
    model.lm_head.register_forward_hook(lambda module, inputs, output: rows.append(output.shape[1]))
    input_ids = torch.zeros((2, 30), dtype=torch.long)
    next_token_loss(model, model.get_output_embeddings(), input_ids, input_ids)
    assert rows == [1]


def test_a_head_followed_by_other_operations_is_detected():
    """Catches models whose loss would be wrong because they scale or cap logits after the head."""
    assert not head_is_plain(tiny_model("gemma2", final_logit_softcapping=5.0))


def test_autocast_keeps_the_loss_in_float32():
    """Catches a loss that is summed in bf16."""
    model = tiny_model("llama")
    input_ids = torch.randint(0, 60, (2, 30), generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, _ = next_token_loss(model, model.get_output_embeddings(), input_ids, input_ids)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(model(input_ids, labels=input_ids).loss.item(), rel=0.02)
