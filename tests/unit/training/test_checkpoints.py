"""Checkpoints: only whole ones of the run itself are gone on from."""

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


def test_the_newest_is_gone_on_from(run, tmp_path):
    """Catches comparing step numbers as text, and a first start that finds no folder."""
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
def test_a_damaged_or_foreign_one_is_named_and_passed_over(damage, fault, run, caplog):
    """Catches going on from a wrong state, silently or with a crash, although the checkpoint before is whole."""
    damage(run / "checkpoint-12")
    assert last_whole_checkpoint(run) == run / "checkpoint-9"
    assert caplog.messages == [f"Skipping {run / 'checkpoint-12'}: {fault}."]
    # It is still there for whoever wants to know, but counts no more.
    assert (run / "unusable-checkpoint-12").is_dir()
    caplog.clear()
    assert last_whole_checkpoint(run) == run / "checkpoint-9" and not caplog.messages


def test_with_none_left_the_run_starts_anew(run):
    """Catches a run that cannot start because what lies there cannot be used; also twice for the same step."""
    for _ in range(2):
        for step in (9, 12):
            (run / f"checkpoint-{step}").mkdir(exist_ok=True)
            truncate_seal = run / f"checkpoint-{step}" / SEAL
            truncate_seal.write_text("[]")
        assert last_whole_checkpoint(run) is None


def test_only_the_last_of_those_that_cannot_be_used_is_kept(run):
    """Catches a disk that fills with what every kill in the middle of a checkpoint leaves."""
    for step in (15, 18, 21):
        (run / f"checkpoint-{step}").mkdir()
        assert last_whole_checkpoint(run) == run / "checkpoint-12"
    assert [path.name for path in run.glob("unusable-*")] == ["unusable-checkpoint-21"]


def test_every_processor_of_a_run_is_told(run):
    """Catches a run that was computed on two kinds of processor and says that it was one."""
    assert processors_of(run, "Another 9000") == ["Another 9000", HERE]
    seal(run / "checkpoint-12", "bf16", "Another 9000")
    assert processors_of(run, HERE) == ["Another 9000", HERE]


def test_the_precision_of_a_run_is_known_once_it_has_begun(run, tmp_path):
    """Catches a run that goes on in another precision than it began in, and one that takes it from another run."""
    assert precision_of(run) == "bf16"
    assert precision_of(tmp_path / "nothing") is None
    for step in (9, 12):
        take_another_runs(run / f"checkpoint-{step}")
    assert precision_of(run) is None
