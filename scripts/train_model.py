"""Fine-tune the model of one arm with one seed, with one process per GPU."""

from collections.abc import Callable
from pathlib import Path

from localist.plumbing.interruption import noticing_sigterm
from localist.plumbing.rule_log import rule_log
from localist.study.arms import Arm
from localist.training.settings import ReferenceRun, RunInputs, RunOutputs, TrainingSettings


def main(
    inputs: RunInputs,
    arm: Arm,
    seed: int,
    settings: TrainingSettings,
    min_locality: float,
    query_key_rate: float,
    checkpoints: Path,
    checkpoint_steps: int,
    outputs: RunOutputs,
    asked_to_stop: Callable[[], bool],
) -> None:
    """Train with `localist.training.runs.train_run`, which takes the same arguments."""
    # Import torch only after SIGTERM is deferred: loading takes seconds, during which the job may be asked to end.
    from localist.attention.ranks import run_in_processes
    from localist.training.runs import train_run

    run = {
        "inputs": inputs,
        "arm": arm,
        "seed": seed,
        "settings": settings,
        "min_locality": min_locality,
        "query_key_rate": query_key_rate,
        "checkpoints": checkpoints,
        "checkpoint_steps": checkpoint_steps,
        "outputs": outputs,
    }
    if settings.gpus > 1:
        run_in_processes(settings.gpus, train_run, run, asked_to_stop)
    else:
        train_run(**run, asked_to_stop=asked_to_stop)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]), noticing_sigterm() as asked_to_stop:
        blocks, history = snakemake.input.get("blocks"), snakemake.input.get("reference_history")
        main(
            inputs=RunInputs(
                model=Path(snakemake.input.model),
                tokens=Path(snakemake.input.tokens),
                blocks=Path(blocks) if blocks else None,
                code=tuple(map(Path, snakemake.input.code)),
                reference=ReferenceRun(Path(history), Path(snakemake.input.reference_settings)) if history else None,
            ),
            arm=Arm(**snakemake.params.arm),
            seed=int(snakemake.wildcards.seed),
            settings=TrainingSettings.from_config(snakemake.params.training, snakemake.params.budget),
            min_locality=snakemake.params.min_locality,
            query_key_rate=snakemake.params.query_key_rate,
            checkpoints=Path(snakemake.params.checkpoints),
            checkpoint_steps=snakemake.params.checkpoint_steps,
            outputs=RunOutputs(
                **{name: Path(snakemake.output[name]) for name in ("model", "history", "settings")},
                snapshots=dict(zip(snakemake.params.at_tokens, map(Path, snakemake.output.snapshots), strict=True)),
                reports=Path(snakemake.output.model).with_name("tensorboard"),
            ),
            asked_to_stop=asked_to_stop,
        )
