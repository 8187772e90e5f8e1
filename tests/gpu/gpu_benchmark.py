"""The benchmark of `make bench` in one process on a GPU, and a comparison of ways to compute the block mass."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from bench_attention import EVALUATION, LAYER, MODELS, TRAINING, summarised
from measure_attention import BLOCK_COUNT, LAYER_HEADS, LAYER_WIDTH, RUN_LENGTH, measure, measured
from ways_to_block_mass import ways

from localist.plumbing.files import write_json

# T, windows, and whether eager attention is included: at the largest T it would run out of memory.
SETTINGS = [(1024, 16, True), (4096, 1, True), (16384, 1, False)]
REHEARSED = [(64, 1, True)]


def benchmark(folder: Path, out: Path, *, device: str, threads: int, deadline: float, rehearse: bool) -> None:
    """Measure until `deadline` (time.monotonic), and write all results so far to `out` after every measurement.

    folder: a model folder; weights are not needed.
    """
    shared = {
        **{"device": device, "precision": "bf16", "threads": threads, "folder": str(folder)},
        **{"repetitions": 1 if rehearse else 10, "measure": "time"},
    }
    reference = {"task": "reference", **shared}
    results, mass = [reference | measured(reference)], []
    for task in planned(shared, REHEARSED if rehearse else SETTINGS):
        if time.monotonic() > deadline:
            break
        if task["task"] == "ways":
            mass.append(measured_ways(task))
        else:
            results.append(task | measured(task))
        if device == "cuda":
            torch.cuda.empty_cache()
        report = summarised(results) | {"ways_to_block_mass": mass}
        write_json(out, report)
        print(_line(task, report), flush=True)


def planned(shared: Mapping[str, Any], settings: list[tuple[int, int, bool]]) -> list[dict[str, Any]]:
    """The measurements, most important first."""
    plan = []
    models = MODELS[:1] if settings == REHEARSED else MODELS
    for context, batch, with_eager in settings:
        sizes = {"context": context, "batch": batch}
        for model in models:
            for task, variants in (("training_step", TRAINING), ("evaluation", EVALUATION)):
                chosen = [variant for variant in variants if with_eager or variant != "eager"]
                plan.append({"task": task, "model": model, "variants": chosen, **sizes, **shared})
        plan.append({"task": "ways", **sizes, **shared})
    for context, _, _ in settings:
        chosen = [variant for variant in LAYER if variant != "eager"]
        plan.append({"task": "attention_layer", "variants": chosen, "context": context, "batch": 1, **shared})
    return plan


def measured_ways(task: Mapping[str, Any]) -> dict[str, Any]:
    """Forward and backward pass of one layer by each way: median milliseconds and, on a GPU, peak memory in MB."""
    device, batch, context = task["device"], task["batch"], task["context"]
    shape = (3, batch, LAYER_HEADS, context, LAYER_WIDTH)
    inputs = torch.randn(shape, device=device, dtype=torch.bfloat16).unbind()
    query, key, value = (tensor.requires_grad_() for tensor in inputs)
    ids = (torch.arange(context, device=device).repeat(batch, 1) // RUN_LENGTH) % BLOCK_COUNT
    ids[:, 0] = -1

    def step(way: Any) -> None:
        output, share = way(query, key, value)
        (output.float().sum() + (0 if share is None else share[:, :, 2:].float().sum())).backward()

    # FlexAttention computes no gradient on a CPU.
    known = ways(ids, BLOCK_COUNT, LAYER_HEADS)
    chosen = known if device == "cuda" else {name: known[name] for name in ("stock", "two_passes")}
    found = measure(task, {name: lambda way=way: step(way) for name, way in chosen.items()})
    milliseconds = {name: 1e3 * float(torch.tensor(times).median()) for name, times in found["seconds"].items()}
    return {"context": context, "batch": batch, "milliseconds": milliseconds} | {
        "peak_memory_mb": found.get("peak_memory_by_variant", {})
    }


def _line(task: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    if task["task"] == "ways":
        return f"ways T={task['context']}: {report['ways_to_block_mass'][-1]['milliseconds']}"
    last = [
        row
        for row in report["rows"]
        if all(row[key] == task.get(key, row[key]) for key in ("task", "model", "context"))
    ]
    shown = ("variant", "tokens_per_second", "ratio_to_stock", "matmul_share", "peak_memory_mb")
    return f"{task['task']} {task.get('model', '')} T={task['context']}: " + "; ".join(
        " ".join(str(row[name]) for name in shown) for row in last
    )
