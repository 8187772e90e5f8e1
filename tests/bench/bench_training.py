"""Savings from gradient checkpointing and adapters: memory and time of a training step of SmolLM2-135M.

Each variant trains in its own process, so that peak memory is its own; variants alternate, and ratios compare processes
of the same round. Time is CPU time, on which other load has little effect.
`make bench-training` prints the table.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from localist.plumbing.job_environment import JOB_ENVIRONMENT

MODEL = Path("resources/models/smollm2-135m-instruct")
CONTEXT, BATCH = 256, 4
CHECKPOINTED = {"gradient_checkpointing": True}
VARIANTS = {
    "all weights": {},
    "all weights, 4 micro-batches": {"trainer": {"gradient_accumulation_steps": 4}},
    "all weights, checkpointing": {"trainer": CHECKPOINTED},
    "adapters of rank 8": {"lora": {"rank": 8, "alpha": 16}},
    "adapters of rank 8, checkpointing": {"trainer": CHECKPOINTED, "lora": {"rank": 8, "alpha": 16}},
}


def main() -> None:
    """Measure every variant in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1, help="steps that are timed, after one that is not")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--variant", choices=VARIANTS, help="measure this one alone, in this process")
    options = parser.parse_args()
    if options.variant:
        print(json.dumps(measured(options.variant, options.steps, options.threads)))
        return
    environment = os.environ | JOB_ENVIRONMENT | {"OMP_NUM_THREADS": str(options.threads)}
    command = [sys.executable, __file__, "--steps", str(options.steps), "--threads", str(options.threads), "--variant"]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    turns = [name for _ in range(options.rounds) for name in VARIANTS]
    for name in tqdm(turns, mininterval=0.5 if sys.stderr.isatty() else 30):
        done = subprocess.run([*command, name], env=environment, stdout=subprocess.PIPE, check=True, text=True)
        found[name].append(json.loads(done.stdout.splitlines()[-1]))
        tqdm.write(f"{name}: {found[name][-1]}", file=sys.stderr)
    print("| trained | memory, GB | × | processor seconds per step | × |\n|---|---|---|---|---|")
    for name, rows in found.items():
        print(f"| {name} | {' | '.join(shown(rows, found['all weights'], key) for key in ('gigabytes', 'seconds'))} |")


def shown(rows: list[dict[str, float]], reference: list[dict[str, float]], key: str) -> str:
    """The median, and the median, lowest and highest ratio to the reference of the same round."""
    ratios = sorted(row[key] / base[key] for row, base in zip(rows, reference, strict=True))
    span = f" ({ratios[0]:.2f} – {ratios[-1]:.2f})" if ratios[0] != ratios[-1] else ""
    return f"{statistics.median(row[key] for row in rows):.1f} | {statistics.median(ratios):.2f}{span}"


def measured(variant: str, steps: int, threads: int) -> dict[str, float]:
    """Peak memory of this process and median CPU time of a training step (hinge, quintic schedule)."""
    import numpy as np
    import torch

    from localist.attention.models import load_model
    from localist.attention.precision import uses_bf16
    from localist.study.schedules import locality_by_layer
    from localist.tokens.windows import Windows
    from localist.training.adapters import with_adapters
    from localist.training.constraint import Constraint
    from localist.training.settings import LoraSettings, Optimisation
    from localist.training.trainer import LocalityTrainer, train_arm

    torch.set_num_threads(threads)
    settings = VARIANTS[variant]
    windows = (1 + steps) * BATCH
    input_ids = np.random.default_rng(0).integers(1, 40_000, (windows, CONTEXT)).astype(np.int32)
    sentence_ids = np.tile(np.arange(CONTEXT) // 16, (windows, 1)).astype(np.int32)
    sentence_ids[:, 0] = -1
    text = Windows(input_ids, sentence_ids, np.ones_like(input_ids), np.arange(windows, dtype=np.int32))
    blocks = np.where(sentence_ids < 0, -1, sentence_ids % 6)
    model = load_model(MODEL, CONTEXT)
    locality = locality_by_layer("quintic", model.config.num_hidden_layers, min_locality=0.01)
    if "lora" in settings:
        model = with_adapters(model, LoraSettings(**settings["lora"]), seed=1)
    ends: list[float] = []

    class TimedTrainer(LocalityTrainer):
        def get_batch_samples(self, *args, **kwargs):
            ends.append(time.process_time())
            return super().get_batch_samples(*args, **kwargs)

    train_arm.__globals__["LocalityTrainer"] = TimedTrainer
    folder = TemporaryDirectory()
    train_arm(
        model, text, blocks, constraint=Constraint(locality, "hinge", 1.0, 10.0),
        optimisation=Optimisation(windows * (CONTEXT - 1), BATCH, 1e-4, 0.0, 0.0, 1.0), seed=1, bf16=uses_bf16("auto"),
        checkpoints=Path(folder.name), checkpoint_steps=0, trainer_keys=settings.get("trainer"), name=variant,
    )  # fmt: skip
    ends.append(time.process_time())
    seconds = [later - earlier for earlier, later in pairwise(ends[1:])]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"gigabytes": peak, "seconds": statistics.median(seconds)}


if __name__ == "__main__":
    main()
