"""A study on one GPU without Snakemake: several runs beside each other, in the time that there is.

It writes the files of a study as the rules `train_model`, `evaluate_model` and `probe_model` do, and `make figures`
draws them. (With Snakemake, every job is a process that starts anew, and jobs on one GPU take turns.)
"""

import multiprocessing
import shutil
import tarfile
import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import evaluate_model
import probe_model
from localist.attention.gpu import explained_gpu_errors
from localist.corpus.splits import SPLITS
from localist.evaluation.settings import EvaluationSettings
from localist.plumbing.files import replacing, write_json
from localist.study.arms import DISTRIBUTED, PRETRAINED, PRETRAINED_SEED, SEMANTIC, SHIFTED, Arm, arm_table
from localist.training.runs import train_run
from localist.training.settings import ReferenceRun, RunInputs, RunOutputs, TrainingSettings

# Of the time that the trial leaves: the rest is for runs that take longer than it did.
SHARE_PLANNED = 0.85
LEAST_TOKENS = 100_000
EVALUATED = ("metrics", "precision", "tokens", "knockout", "divergence", "at_tokens")
SUFFIXES = {"metrics": "json", "precision": "json"}


@dataclass(frozen=True)
class Study:
    """A resolved config, the folder of its results, the model, and where models and checkpoints lie meanwhile.

    processes: runs beside each other, since one with a small model leaves a large GPU waiting for the program;
    trial_steps: of the runs by which the time of all others is estimated.
    """

    config: Mapping[str, Any]
    results: Path
    model: Path
    scratch: Path
    processes: int = 4
    trial_steps: int = 60

    def with_tokens(self, tokens: int, scratch: str = "") -> "Study":
        """The same with another token budget, and for a trial with another folder for what it makes."""
        config = {**self.config, "training": {**self.config["training"], "token_budget": tokens}}
        return replace(self, config=config, scratch=self.scratch / scratch)

    @property
    def arms(self) -> dict[str, Arm]:
        return arm_table(self.config)

    def run_folder(self, arm: str, seed: int) -> Path:
        return self.results / "runs" / arm / f"seed{seed}"

    def model_folder(self, arm: str, seed: int) -> Path:
        return self.model if arm == PRETRAINED else self.scratch / f"{arm}-seed{seed}" / "model"


def train(study: Study, arm: str, seed: int) -> float:
    """Train a run, and return its seconds."""
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
            study.config["training"]["checkpoint_steps"],
            RunOutputs(study.model_folder(arm, seed), folder / "history.csv", folder / "settings.json"),
            lambda: False,
        )
    return time.monotonic() - begun


def evaluate(study: Study, arm: str, seed: int) -> float:
    """Evaluate a run, or the untuned model, and return the seconds that it took."""
    begun = time.monotonic()
    folder = study.results / "evaluation" / arm / f"seed{seed}"
    measured = study.config["blocks"]["measured"]
    other = None if arm in (PRETRAINED, DISTRIBUTED) else study.model_folder(DISTRIBUTED, seed)
    settings = {name: study.config["evaluation"][name] for name in ("batch_size", "precision", "seed", "sample_tokens")}
    settings |= {"divergence_tokens": study.config["evaluation"]["divergence_tokens"]}
    settings |= {name: study.config["training"][name] for name in ("threads", "deterministic", "gpus")}
    splits = SPLITS if arm in (PRETRAINED, DISTRIBUTED) else ("train", "test")
    with explained_gpu_errors("evaluation.batch_size"):
        evaluate_model.main(
            evaluate_model.Inputs(
                model=study.model_folder(arm, seed),
                other=other,
                snapshots={},
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
            dial=dial,
        ),
        f"{arm} seed {seed}",
        {"knockouts": folder / "block_knockouts.parquet", "dial": folder / "dial.parquet"},
    )


def train_and_evaluate(study: Study, arm: str, seed: int) -> dict[str, float]:
    """One run, after which only distributed's model is kept: the others are compared with it."""
    found = {} if arm == PRETRAINED else {"train_seconds": train(study, arm, seed)}
    found["evaluate_seconds"] = evaluate(study, arm, seed)
    if arm not in (PRETRAINED, DISTRIBUTED):
        shutil.rmtree(study.model_folder(arm, seed))
    return {name: round(value, 1) for name, value in found.items()}


def run_study(study: Study, *, seconds: float, archives: Path) -> dict[str, Any]:
    """Train and evaluate as many runs as `seconds` allow; what is done is in `archives`, one file a seed, at any time.

    All runs have the same token budget, lowered to what the time allows, then fewer seeds.
    """
    end = time.monotonic() + seconds
    pool = ProcessPoolExecutor(study.processes, multiprocessing.get_context("spawn"))
    a_step = study.config["training"]["batch_size"] * study.config["tokens"]["context"]
    measured = trial(pool, study, a_step)
    seeds, tokens = affordable(study, measured, end - time.monotonic())
    print(f"A trial: {measured}. So {tokens} tokens a run, seeds {seeds}.", flush=True)
    study = study.with_tokens(tokens)
    waiting = [(PRETRAINED, PRETRAINED_SEED), *((arm, seed) for seed in seeds for arm in study.arms)]
    running: dict[Future[dict[str, float]], tuple[str, int]] = {}
    done: list[dict[str, Any]] = []
    while (waiting or running) and time.monotonic() < end:
        trained = {(one["arm"], one["seed"]) for one in done}
        for arm, seed in list(waiting):
            is_ready = arm in (PRETRAINED, DISTRIBUTED) or (DISTRIBUTED, seed) in trained
            if is_ready and len(running) < study.processes:
                waiting.remove((arm, seed))
                running[pool.submit(train_and_evaluate, study, arm, seed)] = (arm, seed)
        finished, _ = wait(running, timeout=max(0.0, end - time.monotonic()), return_when=FIRST_COMPLETED)
        for future in finished:
            arm, seed = running.pop(future)
            done.append({"arm": arm, "seed": seed} | future.result())
            print(f"{end - time.monotonic():.0f} s left; {done[-1]}", flush=True)
            archive(study, (one for one in done if one["seed"] == seed), archives / f"seed{seed}.tar.gz")
            config = finished_part(study.config, {(one["arm"], one["seed"]) for one in done})
            write_json(archives / "study.json", {"config": config, "trial": measured, "runs": done})
    for process in list(pool._processes.values()):
        process.kill()  # no file is half written: each is moved into place
    pool.shutdown(wait=False, cancel_futures=True)
    return {"token_budget": tokens, "seeds": seeds, "runs": len(done), "missing": len(waiting) + len(running)}


def finished_part(config: Mapping[str, Any], done: Collection[tuple[str, int]]) -> dict[str, Any]:
    """The config of what can be drawn: the seeds of which every run is done; before the first, its arms so far."""
    whole = [seed for seed in config["seeds"] if all((arm, seed) in done for arm in config["arms"])]
    seeds = whole or config["seeds"][:1]
    arms = {arm: row for arm, row in config["arms"].items() if all((arm, seed) in done for seed in seeds)}
    return {**config, "seeds": seeds, "arms": arms}


def trial(pool: ProcessPoolExecutor, study: Study, tokens_per_step: int) -> dict[str, float]:
    """Seconds of as many runs at once as there are processes: to start and end one, by token, and to evaluate one."""
    arm = next(name for name, row in study.arms.items() if row.schedule == "localist")
    trials = [study.with_tokens(tokens_per_step * steps, "trial") for steps in (1, 1, 1 + study.trial_steps)]
    trials = [
        replace(one, results=study.scratch / "trial", scratch=one.scratch / str(n)) for n, one in enumerate(trials)
    ]
    for name in ("tokens", "blocks", "corpus"):
        (study.scratch / "trial").mkdir(parents=True, exist_ok=True)
        (study.scratch / "trial" / name).symlink_to((study.results / name).resolve())

    def at_once(function: Any, one: Study, name: str) -> float:
        futures = [pool.submit(function, one, name, PRETRAINED_SEED + seed) for seed in range(study.processes)]
        return sum(future.result() for future in futures) / study.processes

    _, fixed, longer = (at_once(train, one, arm) for one in trials)  # the first also starts the processes
    evaluation = at_once(evaluate, trials[0], PRETRAINED)
    shutil.rmtree(study.scratch / "trial")
    by_token = max(longer - fixed, 1e-3) / (study.trial_steps * tokens_per_step)
    return {"fixed": round(fixed, 2), "by_token": by_token, "evaluation": round(evaluation, 2)}


def affordable(study: Study, measured: Mapping[str, float], seconds: float) -> tuple[list[int], int]:
    """Seeds, and tokens of a run, that fit into the time: first fewer tokens, and below LEAST_TOKENS fewer seeds."""
    wanted = study.config["training"]["token_budget"]
    count, tokens = 0, 0
    for count in range(len(study.config["seeds"]), 0, -1):
        of_a_run = SHARE_PLANNED * seconds * study.processes / (count * len(study.arms) + 1)
        tokens = min(wanted, int((of_a_run - measured["fixed"] - measured["evaluation"]) / measured["by_token"]))
        if tokens >= min(wanted, LEAST_TOKENS):
            break
    return list(study.config["seeds"][:count]), max(1000, tokens)


def archive(study: Study, runs: Iterable[Mapping[str, Any]], file: Path) -> None:
    """Pack what `make figures` reads of finished runs."""
    with replacing(file) as temporary, tarfile.open(temporary, "w:gz") as packed:
        for one in runs:
            for kind in ("runs", "evaluation"):
                folder = Path(kind) / one["arm"] / f"seed{one['seed']}"
                if (study.results / folder).is_dir():
                    packed.add(study.results / folder, folder.as_posix())
