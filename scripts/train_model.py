"""Fine-tune the model of one arm with one seed, in as many processes as it has GPUs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localist.plumbing.interruption import noticing_sigterm
from localist.plumbing.rule_log import rule_log


def main(gpus: int, asked_to_stop: Callable[[], bool], run: Mapping[str, Any]) -> None:
    """Train as `localist.training.runs.train_run` does; `run` are its arguments."""
    # Not before SIGTERM is noticed: torch takes seconds to load, in which a job may be told to end.
    from localist.attention.ranks import run_in_processes
    from localist.training.runs import train_run

    if gpus > 1:
        run_in_processes(gpus, train_run, run, asked_to_stop)
    else:
        train_run(**run, asked_to_stop=asked_to_stop)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]), noticing_sigterm() as asked_to_stop:
        main(
            gpus=snakemake.params.training["gpus"],
            asked_to_stop=asked_to_stop,
            run={
                "model": Path(snakemake.input.model),
                "tokens": Path(snakemake.input.tokens),
                "blocks": Path(snakemake.input.blocks) if snakemake.input.get("blocks") else None,
                "arm": snakemake.params.arm,
                "seed": int(snakemake.wildcards.seed),
                "training": snakemake.params.training,
                "min_locality": snakemake.params.min_locality,
                "checkpoints": Path(snakemake.params.checkpoints),
                "checkpoint_steps": snakemake.params.checkpoint_steps,
                "code": [Path(path) for path in snakemake.input.code],
                "outputs": {name: Path(snakemake.output[name]) for name in ("model", "history", "settings")},
            },
        )
