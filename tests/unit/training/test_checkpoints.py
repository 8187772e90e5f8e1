"""Checkpoints: a run resumes only from complete ones of its own."""

import json

import pytest

from localist.training.checkpoints import SEAL, last_whole_checkpoint, precision_of, processors_of, seal

HERE = "Processor 1"


@pytest.fixture
def run(tmp_path):
    """A run with two whole checkpoints."""
    for step in (9, 12):
        folder = tmp_path / "run" / f"checkpoint-{step}"
        (folder / "inside").mkdir(parents=True)
        (folder / "model").write_bytes(bytes(range(256)) * 4)
        (folder / "inside" / "state").write_text(f"step {step}")
        seal(folder, "bf16", HERE)
    return tmp_path / "run"


def truncate(checkpoint):
    (checkpoint / "model").write_bytes((checkpoint / "model").read_bytes()[:-1])


def flip_a_bit(checkpoint):
    content = bytearray((checkpoint / "model").read_bytes())
    content[77] ^= 1
    (checkpoint / "model").write_bytes(content)


def lose_a_file(checkpoint):
    (checkpoint / "inside" / "state").unlink()


def lose_the_seal(checkpoint):
    (checkpoint / SEAL).unlink()


def break_the_seal(checkpoint):
    (checkpoint / SEAL).write_text((checkpoint / SEAL).read_text()[:40])


def take_another_runs(checkpoint):
    other = json.loads((checkpoint / SEAL).read_text())
    (checkpoint / SEAL).write_text(json.dumps(other | {"run": "another"}))


def test_runs_resume_from_the_newest_checkpoint(run, tmp_path):
    """Catches step numbers compared as text, or a first start that fails because there is no folder."""
    assert last_whole_checkpoint(run) == run / "checkpoint-12"
    assert last_whole_checkpoint(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (truncate, "model is truncated or modified"),
        (flip_a_bit, "model is truncated or modified"),
        (lose_a_file, "inside/state is missing"),
        (lose_the_seal, "it is incomplete"),
        (break_the_seal, "it is incomplete"),
        (take_another_runs, "it belongs to another run"),
    ],
)
def test_a_damaged_or_foreign_checkpoint_is_reported_and_skipped(damage, fault, run, caplog):
    """Catches a run that resumes from a wrong state, or crashes, although the previous checkpoint is complete."""
    damage(run / "checkpoint-12")
    assert last_whole_checkpoint(run) == run / "checkpoint-9"
    assert caplog.messages == [f"Skipping {run / 'checkpoint-12'}: {fault}."]
    # It is kept for inspection, but ignored from now on.
    assert (run / "unusable-checkpoint-12").is_dir()
    caplog.clear()
    assert last_whole_checkpoint(run) == run / "checkpoint-9" and not caplog.messages


def test_a_run_without_usable_checkpoints_starts_from_scratch(run):
    """Catches a run that cannot start because of unusable checkpoints, also twice at the same step."""
    for _ in range(2):
        for step in (9, 12):
            (run / f"checkpoint-{step}").mkdir(exist_ok=True)
            truncate_seal = run / f"checkpoint-{step}" / SEAL
            truncate_seal.write_text("[]")
        assert last_whole_checkpoint(run) is None


def test_only_the_last_unusable_checkpoint_is_kept(run):
    """Catches a disk that fills up with the checkpoints left incomplete by kills."""
    for step in (15, 18, 21):
        (run / f"checkpoint-{step}").mkdir()
        assert last_whole_checkpoint(run) == run / "checkpoint-12"
    assert [path.name for path in run.glob("unusable-*")] == ["unusable-checkpoint-21"]


def test_all_processors_of_a_run_are_recorded(run):
    """Catches a run computed on two kinds of processor that records only one."""
    assert processors_of(run, "Another 9000") == ["Another 9000", HERE]
    seal(run / "checkpoint-12", "bf16", "Another 9000")
    assert processors_of(run, HERE) == ["Another 9000", HERE]


def test_the_precision_of_a_run_is_read_from_its_own_checkpoints(run, tmp_path):
    """Catches a run that resumes in another precision, or takes its precision from another run."""
    assert precision_of(run) == "bf16"
    assert precision_of(tmp_path / "nothing") is None
    for step in (9, 12):
        take_another_runs(run / f"checkpoint-{step}")
    assert precision_of(run) is None
