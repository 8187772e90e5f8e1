"""Next-token cross-entropy that never holds the logits of a whole batch.

With a vocabulary of 50,000, the logits of 4,096 tokens, their softmax and its gradient take 2.5 GB in float32. Here the
head and the loss run on LOSS_TOKENS targets at a time, forward and backward at once, in the same number of operations.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, log_softmax, nll_loss
from transformers import PreTrainedModel

NOT_A_TARGET = -100
LOSS_TOKENS = 512


def head_is_plain(model: PreTrainedModel) -> bool:
    """Whether the logits are the head applied to its input, and nothing is scaled or capped behind it."""
    probe = torch.arange(4, device=model.device)[None]
    head = model.get_output_embeddings()
    if not isinstance(head, torch.nn.Linear):
        return False
    seen: list[torch.Tensor] = []
    hook = head.register_forward_hook(lambda module, inputs, output: seen.append(output))
    try:
        with torch.no_grad():
            logits = model(input_ids=probe, use_cache=False).logits
    finally:
        hook.remove()
    return len(seen) == 1 and torch.equal(seen[0], logits)


def next_token_loss(
    model: torch.nn.Module, head: torch.nn.Linear, input_ids: torch.Tensor, labels: torch.Tensor, **kwargs: Any
) -> tuple[torch.Tensor, Any]:
    """Mean cross-entropy of the targets in `labels`, [batch, T], NOT_A_TARGET elsewhere; and the model's other outputs.

    `head` is the model's, and plain (`head_is_plain`). The model may be wrapped; `kwargs` go to it, and its logits are
    of no use.
    """
    states: list[torch.Tensor] = []

    def take_input(module: torch.nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        states.append(inputs[0])
        return (inputs[0][:, :1].detach(),)  # the head itself computes one position, which nobody uses

    hook = head.register_forward_pre_hook(take_input)
    try:
        outputs = model(input_ids=input_ids, use_cache=False, **kwargs)
    finally:
        hook.remove()
    is_target = labels[:, 1:] != NOT_A_TARGET
    device = input_ids.device.type
    states_of_targets, weight = states[0][:, :-1][is_target], head.weight
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        states_of_targets, weight = states_of_targets.to(dtype), weight.to(dtype)
    with torch.autocast(device, enabled=False):
        loss = _ChunkedCrossEntropy.apply(states_of_targets, weight, head.bias, labels[:, 1:][is_target])
    return loss, outputs


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Mean cross-entropy of linear(states, weight, bias); the gradients are made along with it, for a loss of 1."""

    @staticmethod
    def forward(ctx, states, weight, bias, targets):
        loss = torch.zeros((), device=states.device)
        state_gradient = torch.empty_like(states)
        weight_gradient = torch.zeros_like(weight, dtype=torch.float32)
        bias_gradient = None if bias is None else torch.zeros_like(bias)
        for first in range(0, len(targets), LOSS_TOKENS):
            part = slice(first, first + LOSS_TOKENS)
            log_probability = log_softmax(linear(states[part], weight, bias), dim=-1, dtype=torch.float32)
            loss += nll_loss(log_probability, targets[part], reduction="sum")
            gradient = log_probability.exp_()
            gradient[torch.arange(len(gradient), device=states.device), targets[part]] -= 1
            gradient /= len(targets)
            if bias_gradient is not None:
                bias_gradient += gradient.sum(0)
            gradient = gradient.to(weight.dtype)
            del log_probability
            state_gradient[part] = gradient @ weight
            weight_gradient += gradient.T @ states[part]
        ctx.save_for_backward(state_gradient, weight_gradient.to(weight.dtype), bias_gradient)
        return loss / max(1, len(targets))

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        return *(None if saved is None else saved * gradient.to(saved.dtype) for saved in ctx.saved_tensors), None
