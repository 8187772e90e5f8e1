"""Reports to monitoring tools: every step once, under its own number, with late fidelity."""

import json

import pytest
from short_runs import CONSTRAINTS, short_run
from transformers import TrainerCallback
from transformers.integrations import integration_utils

from localist.plumbing.interruption import Interrupted
from localist.training import trainer as module
from localist.training.reports import reported


def test_reported_numbers_by_hand():
    """Catches early layers in late fidelity, or text values, which no curve can show."""
    row = {"step": 3, "loss": 2.5, "penalty": 0.5, "fidelity": json.dumps({"1": 0.9, "4": 0.25, "5": 0.75})}
    assert reported(row, 6) == {"loss": 2.5, "penalty": 0.5, "late_fidelity": 0.5}
    assert reported({"step": 3, "loss": 2.5}, 6) == {"loss": 2.5}


@pytest.mark.parametrize("interval", [1, 5])
@pytest.mark.parametrize("constraint", ["plain", "hinge"])
def test_every_step_is_reported_once_under_its_number(interval, constraint, tmp_path, monkeypatch):
    """Catches steps reported late, twice, or once per micro-batch, or reports that change the training."""
    shown = []

    class Watching(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            if "cross_entropy" in logs:  # the last log is Trainer's own, about the elapsed time
                shown.append((state.global_step, logs))

    monkeypatch.setattr(module, "STEPS_BETWEEN_FETCHES", {"cpu": interval})
    unwatched, history = short_run(tmp_path / "unwatched", CONSTRAINTS[constraint])
    monkeypatch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "tensorboard", Watching)
    watched, history_watched = short_run(
        tmp_path / "watched", CONSTRAINTS[constraint], trainer_keys={"report_to": "tensorboard"}
    )
    assert history_watched == history
    assert all((watched[name] == unwatched[name]).all() for name in unwatched)
    assert [step for step, _ in shown] == [row["step"] for row in history]
    for (_, logs), row in zip(shown, history, strict=True):
        assert logs["cross_entropy"] == row["cross_entropy"]
        if constraint == "hinge":
            assert logs["penalty"] == row["penalty"] and logs["late_fidelity"] == json.loads(row["fidelity"])["2"]


def test_tensorboard_finds_the_curves_in_the_reports_folder(tmp_path):
    """Catches curves deleted with the checkpoints or by a resumed run, or left over from an earlier run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = {"trainer_keys": {"report_to": "tensorboard"}, "reports": tmp_path / "reports"}
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "events.out.tfevents.1.old").write_text("of a run before")
    with pytest.raises(Interrupted):
        short_run(tmp_path / "run", CONSTRAINTS["hinge"], **options, asked_to_stop=iter([False, False, True]).__next__)
    _, history = short_run(tmp_path / "run", CONSTRAINTS["hinge"], **options)
    assert not list((tmp_path / "reports").glob("*.old")) and not list((tmp_path / "run").glob("runs*"))
    events = EventAccumulator(str(tmp_path / "reports")).Reload()
    points = {event.step: event.value for event in events.Scalars("train/penalty")}
    assert list(points) == [row["step"] for row in history]
    assert list(points.values()) == pytest.approx([row["penalty"] for row in history], rel=1e-6)
    assert "train/late_fidelity" in events.Tags()["scalars"]
