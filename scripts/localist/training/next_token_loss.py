"""Next-token cross-entropy that never stores the logits of a complete batch.

With a vocabulary of 50,000, the logits of 4,096 tokens, their softmax and its gradient take 2.5 GB in float32. Here the
head and the loss process LOSS_TOKENS targets at a time, forward and backward together, with the same number of
operations.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, log_softmax, nll_loss
from transformers import PreTrainedModel

NOT_A_TARGET = -100
LOSS_TOKENS = 512
# On a GPU, which a chunk of 512 would not keep busy (1.6 GB of logits in float32).
GPU_LOSS_TOKENS = 8192


def head_is_plain(model: PreTrainedModel) -> bool:
    """Whether the logits are the output of a linear head, without scaling or capping afterwards."""
    probe = torch.arange(4, device=model.device)[None]
    head = model.get_output_embeddings()
    if not isinstance(head, torch.nn.Linear):
        return False
    outputs: list[torch.Tensor] = []

    def keep_output(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        outputs.append(output)

    hook = head.register_forward_hook(keep_output)
    try:
        with torch.no_grad():
            logits = model(input_ids=probe, use_cache=False).logits
    finally:
        hook.remove()
    return len(outputs) == 1 and torch.equal(outputs[0], logits)


def next_token_loss(
    model: torch.nn.Module, head: torch.nn.Linear, input_ids: torch.Tensor, labels: torch.Tensor, **kwargs: Any
) -> tuple[torch.Tensor, Any]:
    """Mean cross-entropy of the targets (a scalar), and the model's outputs, whose logits are meaningless.

    input_ids: [batch, T]; labels: [batch, T], NOT_A_TARGET where a token is not predicted. `head` is the model's plain
    output embedding (`head_is_plain`). The model may be wrapped for distributed training; it receives `kwargs`.
    """
    states: list[torch.Tensor] = []

    def take_input(module: torch.nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        states.append(inputs[0])  # [batch, T, width]
        return (inputs[0][:, :1].detach(),)  # the head itself computes a single position, which is discarded

    hook = head.register_forward_pre_hook(take_input)
    try:
        outputs = model(input_ids=input_ids, use_cache=False, **kwargs)
    finally:
        hook.remove()
    device = input_ids.device.type
    # [batch × (T - 1), width], [vocabulary, width]
    predicting, weight = states[0][:, :-1].flatten(0, 1), head.weight
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        predicting, weight = predicting.to(dtype), weight.to(dtype)
    with torch.autocast(device, enabled=False):
        loss = _ChunkedCrossEntropy.apply(predicting, weight, head.bias, labels[:, 1:].flatten())
    return loss, outputs


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Mean cross-entropy of linear(states, weight, bias); the forward pass also computes the gradients.

    states: [tokens, width]; weight: [vocabulary, width]; bias: [vocabulary] or None; targets: long [tokens], where
    NOT_A_TARGET is excluded from the mean (selecting beforehand would wait for the GPU).
    """

    @staticmethod
    def forward(
        ctx: Any, states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
    ) -> torch.Tensor:
        loss = torch.zeros((), device=states.device)
        state_gradient = torch.empty_like(states)
        # None for a frozen head, as with adapters.
        weight_gradient = torch.zeros_like(weight, dtype=torch.float32) if ctx.needs_input_grad[1] else None
        bias_gradient = None if bias is None or not ctx.needs_input_grad[2] else torch.zeros_like(bias)
        is_target = targets != NOT_A_TARGET  # [tokens]
        count = is_target.sum().clamp(min=1)
        divisor = torch.where(is_target, count, torch.inf)[:, None]  # [tokens, 1]
        rows = torch.arange(len(targets), device=states.device)
        size = GPU_LOSS_TOKENS if states.device.type == "cuda" else LOSS_TOKENS
        for first in range(0, len(targets), size):
            part = slice(first, first + size)
            # [part, vocabulary]
            log_probability = log_softmax(linear(states[part], weight, bias), dim=-1, dtype=torch.float32)
            loss += nll_loss(log_probability, targets[part], reduction="sum", ignore_index=NOT_A_TARGET)
            gradient = log_probability.exp_()  # of the logits, in place
            gradient[rows[: len(gradient)], targets[part].clamp(min=0)] -= 1
            gradient /= divisor[part]
            if bias_gradient is not None:
                bias_gradient += gradient.sum(0)
            gradient = gradient.to(weight.dtype)
            del log_probability
            state_gradient[part] = gradient @ weight
            if weight_gradient is not None:
                weight_gradient += gradient.T @ states[part]
        if weight_gradient is not None:
            weight_gradient = weight_gradient.to(weight.dtype)
        ctx.save_for_backward(state_gradient, weight_gradient, bias_gradient)
        return loss / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return *(None if saved is None else saved * gradient.to(saved.dtype) for saved in ctx.saved_tensors), None
