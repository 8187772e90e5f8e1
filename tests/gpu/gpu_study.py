"""A study on one GPU without Snakemake: several runs in parallel, within a given time.

It writes the files of a study as the rules `train_model`, `evaluate_model`, `probe_model` and `explore_model` do, and
`make figures` draws them. (With Snakemake, every job starts a new process, and jobs on one GPU take turns.)
"""

import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gpu_archives import Archives, finished_part

import evaluate_model
import explore_model
import probe_model
from localist.attention.gpu import explained_gpu_errors, set_up_gpu
from localist.attention.models import load_model
from localist.corpus.splits import SPLITS
from localist.evaluation.losses import split_metrics, token_losses
from localist.evaluation.settings import EvaluationSettings
from localist.study.arms import (
    DISTRIBUTED,
    PRETRAINED,
    PRETRAINED_SEED,
    QUINTIC,
    SEMANTIC,
    SHIFTED,
    Arm,
    arm_table,
    arms_to_dial,
    compared_with,
    meaning,
    named,
    sweep,
)
from localist.tokens.windows import Windows
from localist.training.runs import train_run
from localist.training.settings import ReferenceRun, RunInputs, RunOutputs, TrainingSettings

# The share of the time after the trial that is planned; the rest is for runs that take longer than the trial. (With
# 0.85, a sixth of the runs were not reached: evaluations took 27 s in parallel, and 20 s in the trial.)
SHARE_PLANNED = 0.65
LEAST_TOKENS = 60_000
# One is chosen by the validation loss of distributed after TRIAL_TOKENS, with the first seed.
LEARNING_RATES = (1e-4, 2e-4, 4e-4, 8e-4)
TRIAL_TOKENS = 80_000
# With the first seed, distributed and the arms that differ from quintic in α alone are also evaluated
# after these shares of the token budget.
SNAPSHOT_SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
EVALUATED = ("metrics", "precision", "tokens", "knockout", "divergence", "at_tokens")
SUFFIXES = {"metrics": "json", "precision": "json"}


@dataclass(frozen=True)
class Study:
    """A resolved config, its results folder, the model, and scratch space for trained models and checkpoints.

    processes: parallel runs, since a single small model leaves a large GPU waiting for the program; trial_tokens: the
    tokens of the runs that serve to choose the learning rate and to estimate the time of all others.
    """

    config: Mapping[str, Any]
    results: Path
    model: Path
    scratch: Path
    processes: int = 6
    trial_tokens: int = TRIAL_TOKENS

    def with_training(self, **settings: Any) -> "Study":
        """A copy with other training settings."""
        return replace(self, config={**self.config, "training": {**self.config["training"], **settings}})

    def aside(self, name: str) -> "Study":
        """A copy with the same inputs that writes its results and models to a folder of the scratch space."""
        folder = self.scratch / name
        folder.mkdir(parents=True)
        for inputs in ("tokens", "blocks", "corpus"):
            (folder / inputs).symlink_to((self.results / inputs).resolve())
        return replace(self, results=folder, scratch=folder)

    @property
    def arms(self) -> dict[str, Arm]:
        return arm_table(self.config)

    @property
    def quintic(self) -> str | None:
        return named(self.arms, meaning(QUINTIC, self.config["constraint"]))

    def run_folder(self, arm: str, seed: int) -> Path:
        return self.results / "runs" / arm / f"seed{seed}"

    def model_folder(self, arm: str, seed: int) -> Path:
        return self.model if arm == PRETRAINED else self.scratch / f"{arm}-seed{seed}" / "model"

    def snapshots(self, arm: str, seed: int) -> dict[int, Path]:
        """Number of training tokens → folder of the run's model at that point."""
        wanted = meaning(QUINTIC, self.config["constraint"])
        if seed != self.config["seeds"][0] or arm not in (DISTRIBUTED, *sweep(self.arms, wanted, "weight").values()):
            return {}
        folder = self.model_folder(arm, seed).parent
        return {tokens: folder / f"at-{tokens}" for tokens in self.config["evaluation"]["at_tokens"]}

    def compared_model(self, arm: str, seed: int) -> Path | None:
        """The model that a run's attention is compared with; None in a trial, where it does not exist yet."""
        other = compared_with(arm, seed, self.config["seeds"])
        folder = self.model_folder(*other) if other else None
        return folder if folder and folder.exists() else None


def train(study: Study, arm: str, seed: int) -> float:
    """Train a run, and return the seconds that it took."""
    begun = time.monotonic()
    row, folder = study.arms[arm], study.run_folder(arm, seed)
    reference = study.run_folder(DISTRIBUTED, seed)
    budget = study.config["constraint"]["budget"] if row.perplexity_budget else None
    with explained_gpu_errors("training.batch_size"):
        train_run(
            RunInputs(
                model=study.model,
                tokens=study.results / "tokens" / "train",
                blocks=study.results / "blocks" / row.partition / "train.npy" if row.partition else None,
                code=(),
                reference=ReferenceRun(reference / "history.csv", reference / "settings.json") if budget else None,
            ),
            row,
            seed,
            TrainingSettings.from_config(study.config["training"], budget),
            study.config["constraint"]["min_locality"],
            1.0 if row.schedule == DISTRIBUTED else study.config["constraint"]["query_key_rate"],
            study.scratch / "checkpoints" / f"{arm}-seed{seed}",
            0,  # repeating a run of seconds is cheaper than saving it
            RunOutputs(
                study.model_folder(arm, seed),
                folder / "history.csv",
                folder / "settings.json",
                study.snapshots(arm, seed),
            ),
            lambda: False,
        )
    return time.monotonic() - begun


def evaluate(study: Study, arm: str, seed: int) -> float:
    """Evaluate and probe a run, or the untuned model, and return the seconds that it took."""
    begun = time.monotonic()
    folder = study.results / "evaluation" / arm / f"seed{seed}"
    measured = study.config["blocks"]["measured"]
    settings = {name: study.config["evaluation"][name] for name in ("batch_size", "precision", "seed", "sample_tokens")}
    settings |= {"divergence_tokens": study.config["evaluation"]["divergence_tokens"]}
    settings |= {name: study.config["training"][name] for name in ("threads", "deterministic", "gpus")}
    splits = SPLITS if arm in (PRETRAINED, DISTRIBUTED) else ("train", "test")
    with explained_gpu_errors("evaluation.batch_size"):
        evaluate_model.main(
            evaluate_model.Inputs(
                model=study.model_folder(arm, seed),
                other=study.compared_model(arm, seed),
                snapshots=study.snapshots(arm, seed),
                tokens={split: study.results / "tokens" / split for split in splits},
                sentences=study.results / "corpus" / "sentences.parquet",
                blocks={name: study.results / "blocks" / name / "test.npy" for name in measured},
            ),
            study.config["blocks"]["reference"],
            [name for name in measured if name in (SEMANTIC, SHIFTED)],
            EvaluationSettings(**settings),
            f"{arm} seed {seed}",
            evaluate_model.Outputs(
                **{name: folder / f"{name}.{SUFFIXES.get(name, 'parquet')}" for name in EVALUATED},
                layers={name: folder / name / "layers.parquet" for name in measured},
            ),
        )
        probe(study, arm, seed, folder)
        if arm in study.config["draw"] and seed in (PRETRAINED_SEED, study.config["seeds"][0]):
            explore(study, arm, seed)
    return time.monotonic() - begun


def probe(study: Study, arm: str, seed: int, folder: Path) -> None:
    """Knock single blocks out of a model, and turn its dial."""
    config, blocks = study.config, study.results / "blocks"
    dial = config["evaluation"]["dial"] | {"min_locality": config["constraint"]["min_locality"]}
    probe_model.main(
        {
            "model": study.model_folder(arm, seed),
            "tokens": study.results / "tokens" / "test",
            "sentences": study.results / "corpus" / "sentences.parquet",
            "blocks": blocks / config["blocks"]["reference"] / "test.npy",
            "own_keys": blocks / "causal" / "own_keys.npz",
        },
        probe_model.ProbeSettings(
            **{name: config["evaluation"][name] for name in ("batch_size", "precision")},
            **{name: config["training"][name] for name in ("threads", "gpus", "deterministic")},
            dial=dial if arm in arms_to_dial(study.arms, config["constraint"]) else None,
        ),
        f"{arm} seed {seed}",
        {"knockouts": folder / "block_knockouts.parquet", "dial": folder / "dial.parquet"},
    )


def explore(study: Study, arm: str, seed: int) -> None:
    """Save the attention within a few passages, for the explorer and the attention maps."""
    config = study.config
    heads = config["explorer"]["heads"]
    explore_model.main(
        study.model_folder(arm, seed),
        study.results / "tokens" / "test",
        study.results / "blocks" / SEMANTIC / "test.npy",
        explore_model.ExplorerSettings(
            **{name: config["explorer"][name] for name in ("passages", "tokens")},
            heads=arm in ([study.quintic] if heads is None else heads),
            precision=config["evaluation"]["precision"],
            **{name: config["training"][name] for name in ("threads", "gpus")},
        ),
        f"{arm} seed {seed}",
        study.results / "explorer" / arm / f"seed{seed}.npz",
    )


def train_and_evaluate(study: Study, arm: str, seed: int) -> dict[str, Any]:
    """Train and evaluate one run; only distributed's model is kept, since the others are compared with it."""
    found = {"arm": arm, "seed": seed}
    if not study.model_folder(arm, seed).exists():
        found["train_seconds"] = round(train(study, arm, seed), 1)
    found["evaluate_seconds"] = round(evaluate(study, arm, seed), 1)
    for folder in study.snapshots(arm, seed).values():
        shutil.rmtree(folder)
    if arm not in (PRETRAINED, DISTRIBUTED):
        shutil.rmtree(study.model_folder(arm, seed))
    return found


def tried(study: Study, learning_rate: float) -> dict[str, float]:
    """Validation perplexity of distributed at a learning rate (first seed), and the seconds of one step and of all."""
    other = study.aside(f"rate-{learning_rate:g}").with_training(learning_rate=learning_rate)
    seed = other.config["seeds"][0]
    one_step = train(replace(other.with_training(token_budget=1), scratch=other.scratch / "first"), DISTRIBUTED, seed)
    seconds = train(other.with_training(token_budget=study.trial_tokens), DISTRIBUTED, seed)
    windows = Windows.load(other.results / "tokens" / "validation")
    training = other.config["training"]
    model = load_model(other.model_folder(DISTRIBUTED, seed), windows.input_ids.shape[1], training["gpus"])
    if training["gpus"]:
        set_up_gpu(exact=True, deterministic=training["deterministic"])
    batch = other.config["evaluation"]["batch_size"]
    losses = token_losses(model, windows, batch_size=batch, bf16=False, description=f"learning rate {learning_rate:g}")
    shutil.rmtree(other.results)
    found = split_metrics(losses, int(windows.byte_counts.sum()))
    return {
        "learning_rate": learning_rate,
        "validation_perplexity": found["perplexity"],
        "seconds_of_one_step": round(one_step, 2),
        "seconds": round(seconds, 2),
    }


def repeated(study: Study, arm: str, seed: int) -> dict[str, Any]:
    """Train and evaluate a finished run once more, and list the files whose bytes differ."""
    other = study.aside("repeated")
    other = replace(other, config={**other.config, "draw": []})
    shutil.copytree(study.model_folder(DISTRIBUTED, seed), other.model_folder(DISTRIBUTED, seed))
    train_and_evaluate(other, arm, seed)
    folders = [Path("runs") / arm / f"seed{seed}", Path("evaluation") / arm / f"seed{seed}"]
    files = [path.relative_to(other.results) for folder in folders for path in (other.results / folder).rglob("*.*")]
    names = sorted(path.as_posix() for path in files if path.name != "settings.json")
    differing = [name for name in names if (study.results / name).read_bytes() != (other.results / name).read_bytes()]
    return {"arm": arm, "seed": seed, "files": len(names), "differing": differing}


def run_study(study: Study, *, seconds: float, archives: Archives) -> dict[str, Any]:
    """Train and evaluate as many runs as `seconds` allow; finished runs go to `archives` immediately.

    All runs have the same token budget; if time is short, first the budget is lowered, then the number of seeds.
    Distributed is trained first, since other runs need its model or history.
    """
    end = time.monotonic() + seconds
    pool = ProcessPoolExecutor(study.processes, multiprocessing.get_context("spawn"), start_up)
    found, measured = trial(pool, study)
    best = min(found, key=lambda one: one["validation_perplexity"])["learning_rate"]
    seeds, tokens = affordable(study, measured, end - time.monotonic())
    at_tokens = sorted({max(1, int(tokens * share)) for share in SNAPSHOT_SHARES})
    study = study.with_training(token_budget=tokens, learning_rate=best)
    evaluation = study.config["evaluation"] | {"at_tokens": at_tokens}
    study = replace(study, config={**study.config, "seeds": seeds, "evaluation": evaluation})
    print(f"{found}, {measured}: so a learning rate of {best:g}, {tokens} tokens a run, seeds {seeds}.", flush=True)
    for one in [pool.submit(train, study, DISTRIBUTED, seed) for seed in seeds]:
        one.result()
    record: dict[str, Any] = {"learning_rates": found, "trial": measured, "runs": []}

    def keep(run: Mapping[str, Any]) -> None:
        print(f"{end - time.monotonic():.0f} s left; {run}", flush=True)
        record["runs"].append(run)
        archives.add(study.results, run["arm"], run["seed"])
        done = {(one["arm"], one["seed"]) for one in record["runs"]}
        archives.write_record(record | {"config": finished_part(study.config, done)})

    runs = [(PRETRAINED, PRETRAINED_SEED), *((arm, seed) for seed in seeds for arm in study.arms)]
    missing = in_time(pool, ((train_and_evaluate, study, *run) for run in runs), end, keep)
    if not missing and study.quintic:

        def keep_repetition(repetition: Mapping[str, Any]) -> None:
            archives.write_record({**record, "config": study.config, "repeated": repetition})

        in_time(pool, [(repeated, study, study.quintic, seeds[0])], end, keep_repetition)
    for process in list(pool._processes.values()):
        process.kill()  # no file is left half-written: each is moved into place
    pool.shutdown(wait=False, cancel_futures=True)
    return {"token_budget": tokens, "seeds": seeds, "runs": len(record["runs"]), "missing": missing}


def in_time(
    pool: ProcessPoolExecutor,
    tasks: Iterable[tuple[Any, ...]],
    end: float,
    keep: Callable[[Mapping[str, Any]], None],
) -> int:
    """Run tasks (a function and its arguments) until `end`, pass results to `keep`, and return how many are left."""
    running = {pool.submit(*task) for task in tasks}
    while running and time.monotonic() < end:
        finished, running = wait(running, timeout=max(0.0, end - time.monotonic()), return_when=FIRST_COMPLETED)
        for future in finished:
            keep(future.result())
    return len(running)


def start_up() -> None:
    """Prepare a process to fork its data loaders, as a job does, since spawned ones spend seconds on imports."""
    multiprocessing.set_start_method("fork", force=True)


def trial(pool: ProcessPoolExecutor, study: Study) -> tuple[list[dict[str, float]], dict[str, float]]:
    """The result of each learning rate, tried in parallel with evaluations, and the estimated seconds of a run: a fixed
    part, a part per token, and its evaluation."""
    aside = study.aside("trial")
    aside = replace(aside, config={**aside.config, "draw": []})
    rates = [pool.submit(tried, study, rate) for rate in LEARNING_RATES]
    evaluations = [pool.submit(evaluate, aside, PRETRAINED, PRETRAINED_SEED + number) for number in range(2)]
    found = [rate.result() for rate in rates]
    evaluation = sum(one.result() for one in evaluations) / len(evaluations)
    shutil.rmtree(aside.results)
    fixed = min(one["seconds_of_one_step"] for one in found)  # the first step of a process takes longer
    by_token = max(1e-3, sum(one["seconds"] - fixed for one in found)) / (len(found) * study.trial_tokens)
    return found, {"fixed": fixed, "by_token": by_token, "evaluation": round(evaluation, 2)}


def affordable(study: Study, measured: Mapping[str, float], seconds: float) -> tuple[list[int], int]:
    """The seeds and tokens per run that fit into the time: first fewer tokens, and below LEAST_TOKENS fewer seeds.

    Besides the runs, there are the untuned model and a repetition.
    """
    wanted = study.config["training"]["token_budget"]
    count, tokens = 0, 0
    for count in range(len(study.config["seeds"]), 0, -1):
        jobs = count * len(study.arms) + 2
        of_a_run = SHARE_PLANNED * seconds * study.processes / jobs
        tokens = min(wanted, int((of_a_run - measured["fixed"] - measured["evaluation"]) / measured["by_token"]))
        if tokens >= min(wanted, LEAST_TOKENS):
            break
    return list(study.config["seeds"][:count]), max(1000, tokens)
