"""Cost of attention with block mass relative to stock attention: training steps, evaluation, growth with the context.

Every comparison is a ratio within one run: variants alternate step by step on the same batches with the same loss,
optimiser and precision. Peak memory is that of a process (CPU) or allocator (GPU) that ran a single variant.
Run it with `make bench`; it prints its tables and writes results/bench/attention.json.
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from localist.plumbing.files import write_json
from localist.plumbing.job_environment import JOB_ENVIRONMENT

MODELS = ("gpt2-124m", "smollm2-135m")
TRAINING = ("stock", "all_layers", "quintic", "eager")
EVALUATION = ("stock", "statistics", "eager")
LAYER = ("stock", "block_mass", "statistics", "eager")
MEANINGS = {
    "stock": "stock SDPA attention, no penalty",
    "all_layers": "the hinge in every layer",
    "quintic": "the hinge under the quintic schedule",
    "eager": "eager attention with output_attentions, the same penalty or statistics from its T × T attentions",
    "statistics": "the attention statistics of an evaluation, on three partitions",
    "block_mass": "one layer's output and block mass, forward and backward",
}
COLUMNS = [
    *("task", "model", "context", "batch", "variant", "device", "dtype", "tokens_per_second"),
    *("peak_memory_mb", "ratio_to_stock", "ratio_low", "ratio_high", "memory_ratio_to_stock", "matmul_share"),
]
REFERENCE = ("product", "flops_per_second", "dtype", "processor", "versions")
MEASURE = Path(__file__).with_name("measure_attention.py")


def main() -> None:
    """Run the measurements selected on the command line, then save and print the results."""
    options = parse_options()
    environment = os.environ | JOB_ENVIRONMENT | {"OMP_NUM_THREADS": str(options.threads)}
    plan = planned_measurements(options)
    results = []
    interval = 0.5 if sys.stderr.isatty() else 30
    with tqdm(total=len(plan), unit="measurement", mininterval=interval, disable=options.quiet) as bar:
        for task in plan:
            bar.set_postfix_str(f"{task['task']} {task.get('model', '')} T={task.get('context', '')}", refresh=False)
            results.append(measured(task, environment))
            bar.update()
    report = summarised(results)
    report["measured"] = datetime.now(UTC).date().isoformat()
    report["threads"] = options.threads
    write_json(options.out, report)
    print_report(report)
    print(f"Written to {options.out}.")


def parse_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/bench/attention.json"))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--contexts", nargs="+", type=int, default=[256, 1024], help="T of the steps that are timed")
    parser.add_argument("--growth", nargs="*", type=int, default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--tokens", type=int, default=1024, help="tokens of a batch; a longer context takes one window")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("auto", "bf16", "fp32"), default="auto")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--folder", type=Path, default=Path("resources/models/smollm2-135m-instruct"))
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser.parse_args()


def planned_measurements(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The measurements, one process each; for whole models, all times come before all memory peaks."""
    shared = {
        "device": options.device,
        "precision": options.precision,
        "threads": options.threads,
        "folder": str(options.folder),
        "repetitions": options.repetitions,
    }
    settings = [
        {"model": model, "context": context, "batch": max(1, options.tokens // context)}
        for model in options.models
        for context in options.contexts
    ]
    kinds = [("training_step", TRAINING), ("evaluation", EVALUATION)]
    plan = [{"task": "reference", **shared}]
    plan += [
        {"task": task, "measure": "time", "variants": variants, **setting, **shared}
        for task, variants in kinds
        for setting in settings
    ]
    plan += [
        {"task": task, "measure": "memory", "variants": [variant], **setting, **shared}
        for task, variants in kinds
        for setting in settings
        for variant in variants
    ]
    plan += [
        {"task": "attention_layer", "measure": measure, "variants": variants, "context": context, "batch": 1, **shared}
        for context in options.growth
        for measure, variants in (("time", LAYER), *(("memory", [variant]) for variant in LAYER))
    ]
    largest = max(options.contexts, default=0)
    plan += [
        {
            "task": "profile",
            "variants": ["stock", "all_layers"],
            "model": model,
            "context": largest,
            "batch": 1,
            **shared,
        }
        for model in options.models
        if largest
    ]
    return plan


def measured(task: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """Run one measurement in its own process; if that runs out of memory, the result says so."""
    run = subprocess.run(
        [sys.executable, str(MEASURE), json.dumps(task)], env=environment, capture_output=True, text=True, check=False
    )
    if run.returncode in (-9, 137) or "out of memory" in run.stderr.lower():
        return task | {"out_of_memory": True}
    if run.returncode:
        sys.exit(f"The measurement {task} failed:\n{run.stderr}")
    return task | json.loads(run.stdout.splitlines()[-1])


def summarised(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows, growth exponents and profiles from the measurements."""
    reference = next(result for result in results if result["task"] == "reference")
    rows: dict[tuple, dict[str, Any]] = {}
    for result in results:
        if result["task"] in ("reference", "profile"):
            continue
        for variant in result["variants"]:
            identity = {
                "task": result["task"],
                "model": result.get("model", "12 heads of 64"),
                **{name: result[name] for name in ("context", "batch")},
                "variant": variant,
                "device": result["device"],
                "dtype": reference["dtype"],
            }
            row = rows.setdefault(tuple(identity.values()), dict.fromkeys(COLUMNS) | identity)
            peaks = result.get("peak_memory_by_variant", {variant: None})
            if result.get("out_of_memory") or variant not in peaks:
                row["peak_memory_mb"] = "out of memory"
            elif result["measure"] == "memory":
                row["peak_memory_mb"] = round(result["peak_memory_mb"])
            else:
                row |= time_columns(result, variant)
                if peaks[variant] is not None:
                    row["peak_memory_mb"] = round(peaks[variant])
    for row in rows.values():
        stock = rows[tuple(row[name] if name != "variant" else "stock" for name in IDENTITY)]["peak_memory_mb"]
        if isinstance(row["peak_memory_mb"], int) and isinstance(stock, int) and stock:
            row["memory_ratio_to_stock"] = round(row["peak_memory_mb"] / stock, 3)
    return {
        "rows": list(rows.values()),
        "growth": growth(list(rows.values())),
        "profile": [result for result in results if result["task"] == "profile"],
        "reference": {name: reference[name] for name in REFERENCE},
        "flops": "training 3 × forward; forward per token 2 × weights in matrix products + 2 × T × width × layers",
        "memory": "largest resident set of a process (CPU) or allocation (GPU); attention_layer: above its inputs",
        "matmul_share": "model FLOP/s over the rate of the reference product, timed between the same steps",
        "ratio": "median, and quartiles, of the time of a step over that of the stock step before it",
        "variants": MEANINGS,
    }


IDENTITY = ("task", "model", "context", "batch", "variant", "device", "dtype")


def time_columns(result: dict[str, Any], variant: str) -> dict[str, Any]:
    """Rate, ratio to stock with its quartiles, and share of the matrix-product rate."""
    seconds = np.array(result["seconds"][variant])
    ratio = seconds / np.array(result["seconds"]["stock"])
    rate = result["batch"] * result["context"] / np.median(seconds)
    low, middle, high = np.quantile(ratio, [0.25, 0.5, 0.75])
    found = {
        "tokens_per_second": round(float(rate), 1),
        "ratio_to_stock": round(float(middle), 3),
        "ratio_low": round(float(low), 3),
        "ratio_high": round(float(high), 3),
    }
    if "flops_per_token" in result:
        product_rate = result["product_flops"] / np.median(result["product_seconds"])
        found["matmul_share"] = round(float(rate * result["flops_per_token"] / product_rate), 3)
    return found


def growth(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Exponents of T for one layer's time and memory: slopes of log-log fits over all contexts."""
    table = pd.DataFrame(rows, columns=COLUMNS).query("task == 'attention_layer'")
    found = []
    for variant, group in table.groupby("variant", sort=False):
        if len(group) < 2:
            continue
        context = np.log(group["context"].astype(float))
        memory = pd.to_numeric(group["peak_memory_mb"], errors="coerce")
        seconds = group["context"] / group["tokens_per_second"].astype(float)
        known = memory.notna()
        found.append(
            {
                "variant": variant,
                "memory_exponent": round(float(np.polyfit(context[known], np.log(memory[known]), 1)[0]), 2),
                "time_exponent": round(float(np.polyfit(context, np.log(seconds), 1)[0]), 2),
            }
        )
    return found


def print_report(report: dict[str, Any]) -> None:
    """Print the tables."""
    reference = report["reference"]
    print(f"{reference['processor']}; {reference['product']}: {reference['flops_per_second'] / 1e9:.0f} GFLOP/s")
    table = pd.DataFrame(report["rows"], columns=COLUMNS).drop(columns=["device"])
    print(table.to_string(index=False, na_rep="–", max_colwidth=18))
    if report["growth"]:
        print("\nExponents of T for one attention layer")
        print(pd.DataFrame(report["growth"]).to_string(index=False))
    for profile in report["profile"]:
        shares = pd.DataFrame(profile["seconds_by_kind"]).fillna(0)
        print(f"\nWhere a training step's time goes, {profile['model']}, T = {profile['context']} (seconds)")
        print(shares.round(3).to_string())


if __name__ == "__main__":
    main()
