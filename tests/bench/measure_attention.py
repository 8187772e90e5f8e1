"""One measurement of bench_attention.py in a separate process: takes a task as JSON, prints its results as JSON."""

import gc
import json
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import one_hot, scaled_dot_product_attention
from transformers import AutoConfig, AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging as transformers_logging

from localist.attention.block_attention import attention_with_block_mass
from localist.attention.models import processor_of
from localist.attention.observed_attention import ATTENTION, LayerInputs, use_observed_attention
from localist.attention.precision import uses_bf16
from localist.attention.visibility import key_groups, visible_blocks
from localist.evaluation.attention_statistics import StatisticsObserver
from localist.plumbing.provenance import package_versions
from localist.study.schedules import locality_by_layer
from localist.training.constraint import Constraint, ConstraintObserver, counted_mean, hinge
from localist.training.next_token_loss import LOSS_TOKENS, next_token_loss

BLOCK_COUNT = 6
RUN_LENGTH = 25
TARGET = 0.5
PRODUCT_SIZE = 2048
PRODUCT_FLOPS = 2 * PRODUCT_SIZE**3
LAYER_HEADS, LAYER_WIDTH = 12, 64
# Kinds of operators by name prefix; the first match counts.
KINDS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"),
    "fused attention": ("aten::_scaled_dot_product", "aten::_flash", "aten::_efficient"),
    "softmax and loss": ("aten::_softmax", "aten::_log_softmax", "aten::nll_loss", "aten::_softmax_backward"),
    "optimiser": ("aten::_fused_adamw", "aten::linalg_vector_norm", "aten::_foreach"),
    "copies and conversions": ("aten::copy_", "aten::cat", "aten::clone", "aten::fill_", "aten::zero_"),
}


def main() -> None:
    """Measure one task."""
    print(json.dumps(measured(json.loads(sys.argv[1]))))


def measured(task: dict[str, Any]) -> dict[str, Any]:
    """Run the measurement of a task."""
    torch.set_num_threads(task["threads"])
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    torch.manual_seed(0)
    tasks = {"reference": reference, "attention_layer": attention_layer, "profile": profile}
    return tasks.get(task["task"], whole_model)(task)


def reference(task: dict[str, Any]) -> dict[str, Any]:
    """The rate of a square bf16 matrix product, and a description of this machine."""
    product = reference_product(task["device"])
    seconds = [timed(product, task["device"]) for _ in range(50)]
    on_gpu = task["device"] == "cuda"
    return {
        "product": f"bf16 matrix product {PRODUCT_SIZE} × {PRODUCT_SIZE} × {PRODUCT_SIZE}",
        "flops_per_second": PRODUCT_FLOPS / statistics.median(seconds[5:]),
        "dtype": "bf16" if uses_bf16(task["precision"], int(on_gpu)) else "fp32",
        "processor": processor_of(torch.device(task["device"])),
        "versions": package_versions(),
    }


def reference_product(device: str) -> Callable[[], torch.Tensor]:
    """The bf16 matrix product whose rate serves as reference."""
    left, right = torch.randn(2, PRODUCT_SIZE, PRODUCT_SIZE, device=device).bfloat16()
    return lambda: left @ right


def timed(work: Callable[[], Any], device: str) -> float:
    """Seconds until `work` has finished, on the GPU too."""
    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def measure(task: dict[str, Any], work: dict[str, Callable[[], Any]], baseline_mb: float = 0.0) -> dict[str, Any]:
    """Times of alternating variants after a warm-up round, or the peak memory of a single variant run twice.

    On a GPU, timing also gives the peak memory of each variant, and drops those that run out of memory.
    """
    if task["measure"] == "memory":
        (only,) = work.values()
        only()
        only()
        return {"peak_memory_mb": peak_memory_mb(task["device"]) - baseline_mb}
    seconds, peaks, work = defaultdict(list), {}, dict(work)
    on_gpu = task["device"] == "cuda"
    product, product_seconds = reference_product(task["device"]), []
    for repetition in range(task["repetitions"] + 1):
        for variant, step in list(work.items()):
            if on_gpu:
                torch.cuda.reset_peak_memory_stats()
            try:
                taken = timed(step, task["device"])
            except torch.OutOfMemoryError:
                del work[variant]
                torch.cuda.empty_cache()
                continue
            if repetition:
                seconds[variant].append(taken)
                product_seconds += [timed(product, task["device"]) for _ in range(4)]
            if on_gpu:
                peaks[variant] = max(peaks.get(variant, 0.0), peak_memory_mb("cuda"))
    found = {"seconds": seconds, "product_seconds": product_seconds, "product_flops": PRODUCT_FLOPS}
    return found | ({"peak_memory_by_variant": peaks} if on_gpu else {})


def peak_memory_mb(device: str) -> float:
    """The largest resident set so far, or the largest allocation on the GPU."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class WholeModel:
    """A model with batch and optimiser, for training steps and evaluations of any variant."""

    def __init__(self, task: dict[str, Any]):
        self.task = task
        self.device = task["device"]
        self.model = self.load(task["model"], task["context"], Path(task["folder"])).to(self.device)
        use_observed_attention(self.model, task["context"])
        self.layers = self.model.config.num_hidden_layers
        shape = (task["batch"], task["context"])
        self.input_ids = torch.randint(0, self.model.config.vocab_size, shape, device=self.device)
        runs = torch.randint(0, BLOCK_COUNT, (shape[0], shape[1] // RUN_LENGTH + 1))
        self.blocks = runs.repeat_interleave(RUN_LENGTH, dim=1)[:, : shape[1]].clone().to(self.device)
        self.blocks[:, 0] = -1
        self.bf16 = uses_bf16(task["precision"], int(self.device == "cuda"))
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=1e-6, fused=True)

    @staticmethod
    def load(name: str, context: int, folder: Path) -> torch.nn.Module:
        """The model in `folder`, or GPT-2 with random weights and no dropout, which the CPU's fused kernel lacks."""
        if name == "gpt2-124m":
            no_dropout = dict.fromkeys(("attn_pdrop", "resid_pdrop", "embd_pdrop"), 0.0)
            return GPT2LMHeadModel(GPT2Config(n_positions=max(1024, context), **no_dropout))
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        config.max_position_embeddings = max(config.max_position_embeddings, context)
        if not (folder / "model.safetensors").exists():  # times do not depend on the weights
            return AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        return AutoModelForCausalLM.from_pretrained(folder, config=config, dtype=torch.float32, local_files_only=True)

    def constraint(self, variant: str) -> Constraint:
        """The constraint of a training variant."""
        schedule = "quintic" if variant == "quintic" else "localist"
        return Constraint(locality_by_layer(schedule, self.layers, min_locality=0.01), "hinge", TARGET, 1.0)

    def forward(self, **inputs) -> tuple[torch.Tensor, Any]:
        """Loss and outputs as in training or, without gradients, as in an evaluation (float32)."""
        training = torch.is_grad_enabled()
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.bf16 and training):
            if training and self.input_ids.numel() > LOSS_TOKENS:
                return next_token_loss(
                    self.model, self.model.get_output_embeddings(), self.input_ids, self.input_ids, **inputs
                )
            outputs = self.model(input_ids=self.input_ids, labels=self.input_ids, use_cache=False, **inputs)
            return outputs.loss, outputs

    def step(self, variant: str) -> None:
        """One training step: forward, backward, clipping, optimiser."""
        self.model.train()
        with self.implementation(variant):
            self.loss(variant).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()

    def loss(self, variant: str) -> torch.Tensor:
        if variant == "stock":
            return self.forward()[0]
        if variant != "eager":
            observer = ConstraintObserver(self.constraint(variant), self.blocks, BLOCK_COUNT)
            return observer.add_to(self.forward(observer=observer)[0], 1.0)
        loss, outputs = self.forward(output_attentions=True)
        groups = key_groups(self.blocks, BLOCK_COUNT)
        visible = visible_blocks(groups, None)
        penalties = []
        for attention in outputs.attentions:
            mass = (attention @ groups[:, None].to(attention.dtype)).float()
            mass = mass - attention.diagonal(dim1=-2, dim2=-1)[..., None] * groups[:, None]  # the query's own key
            penalties.append(counted_mean(hinge(mass[..., 1:], visible, TARGET), visible.counted))
        return loss + sum(penalties) / self.layers

    def evaluate(self, variant: str) -> None:
        """Compute the loss of a batch and the attention statistics of the variant."""
        self.model.eval()
        with torch.inference_mode(), self.implementation(variant):
            if variant == "stock":
                self.forward()
            elif variant == "statistics":
                partitions = dict.fromkeys(("semantic", "fixed", "shifted"), self.blocks)
                self.forward(observer=StatisticsObserver(partitions, self.blocks >= 0))
            else:
                self.eager_statistics(self.forward(output_attentions=True)[1].attentions)

    def eager_statistics(self, attentions: tuple[torch.Tensor, ...]) -> None:
        """Entropy with and without the sink, and fidelity, from T × T attentions, as comparable tools compute them."""
        same = self.blocks[:, None, :, None] == self.blocks[:, None, None, :]
        for attention in attentions:
            attention = attention.float()
            torch.special.entr(attention).sum(-1).mean(1)
            visible = attention.tril(-1)
            visible[..., 0] = 0
            visible = visible / visible.sum(-1, keepdim=True).clamp(min=1e-30)
            torch.special.entr(visible).sum(-1).mean(1)
            (visible * same).sum(-1).mean(1)

    @contextmanager
    def implementation(self, variant: str) -> Iterator[None]:
        """Use eager attention within the context if the variant is eager."""
        if variant == "eager":
            self.model.set_attn_implementation("eager")
        yield
        self.model.set_attn_implementation(ATTENTION)

    def flops_per_token(self, training: bool) -> float:
        """FLOPs per token of the model alone, without penalty and statistics, as in stock fine-tuning."""
        weights = sum(
            module.weight.numel() for module in self.model.modules() if isinstance(module, (torch.nn.Linear, Conv1D))
        )
        attention = 2 * self.task["context"] * self.model.config.hidden_size * self.layers
        return (2 * weights + attention) * (3 if training else 1)


def whole_model(task: dict[str, Any]) -> dict[str, Any]:
    """Training steps or evaluations of a whole model."""
    whole = WholeModel(task)
    training = task["task"] == "training_step"
    run = whole.step if training else whole.evaluate
    work = {variant: lambda variant=variant: run(variant) for variant in task["variants"]}
    return measure(task, work) | {"flops_per_token": whole.flops_per_token(training)}


def attention_layer(task: dict[str, Any]) -> dict[str, Any]:
    """Attention of a single layer, forward and backward (statistics: forward only), to show its growth with T."""
    context, device = task["context"], task["device"]
    dtype = torch.bfloat16 if uses_bf16(task["precision"], int(device == "cuda")) else torch.float32
    inputs = torch.randn(3, 1, LAYER_HEADS, context, LAYER_WIDTH, device=device).to(dtype).requires_grad_()
    blocks = (torch.arange(context, device=device)[None] // RUN_LENGTH) % BLOCK_COUNT
    blocks[:, 0] = -1
    groups = key_groups(blocks, BLOCK_COUNT)
    scaling = LAYER_WIDTH**-0.5

    def stock() -> None:
        scaled_dot_product_attention(*inputs, is_causal=True).sum().backward()

    def block_mass() -> None:
        output, mass = attention_with_block_mass(*inputs, groups, None, scaling)
        (output.sum() + mass[..., 1].sum()).backward()

    def statistics_alone() -> None:
        with torch.no_grad():
            observer = StatisticsObserver({"semantic": blocks}, blocks >= 0)
            observer.observe(0, LayerInputs(*inputs, None, scaling, 0.0))

    def eager() -> None:
        scores = inputs[0] @ inputs[1].transpose(-1, -2) * scaling
        hidden = torch.ones(context, context, dtype=torch.bool, device=device).triu(1)
        attention = scores.masked_fill(hidden, -torch.inf).softmax(-1, dtype=torch.float32).to(dtype)
        mass = attention.tril(-1) @ one_hot(blocks + 1).to(dtype)[:, None]
        ((attention @ inputs[2]).sum() + mass[..., 1].sum()).backward()

    works = {"stock": stock, "block_mass": block_mass, "statistics": statistics_alone, "eager": eager}
    gc.collect()
    return measure(task, {variant: works[variant] for variant in task["variants"]}, peak_memory_mb(device))


def profile(task: dict[str, Any]) -> dict[str, Any]:
    """Seconds of one training step by kind of operator."""
    whole = WholeModel(task)
    found = {}
    for variant in task["variants"]:  # before profiling: the first steps also allocate memory from the system
        whole.step(variant)
    for variant in task["variants"]:
        with torch.profiler.profile() as profiler:
            whole.step(variant)
        totals: dict[str, float] = defaultdict(float)
        on_gpu = task["device"] == "cuda"
        for event in profiler.key_averages():
            kind = next((kind for kind, names in KINDS.items() if event.key.startswith(names)), "everything else")
            totals[kind] += (event.self_device_time_total if on_gpu else event.self_cpu_time_total) / 1e6
        found[variant] = dict(totals)
    return {"seconds_by_kind": found}


if __name__ == "__main__":
    main()
