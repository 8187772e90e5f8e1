"""The forecast of time, memory and disk, with adapters and gradient checkpointing; and refusals before any run."""

from dataclasses import replace

import pytest
from short_runs import LORA, OPTIMISATION
from tiny_models import tiny_model

from forecast_training import count_trained, main, operations_per_token
from localist.plumbing.errors import UserError
from localist.plumbing.files import read_json
from localist.training.settings import TrainingSettings

SETTINGS = TrainingSettings(OPTIMISATION, precision="fp32", threads=1, gpus=0)


@pytest.fixture
def forecast(tmp_path, monkeypatch):
    """Forecasts one run of a tiny model, with given settings, on a machine with one core."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr("forecast_training.matrix_rate", lambda dtype: 1e6)
    tiny_model("llama").save_pretrained(tmp_path / "model")

    def made(settings):
        main(tmp_path / "model", 16, [tmp_path / "no"], {}, settings, 1, tmp_path, tmp_path / "forecast.json")
        return read_json(tmp_path / "forecast.json")

    return made


def test_time_memory_and_disk_by_hand(forecast):
    """Catches miscounted parameters, bytes or operations, or gradient checkpointing without a second forward pass."""
    whole = forecast(SETTINGS)
    parameters = sum(weight.numel() for weight in tiny_model("llama").parameters())
    assert whole["parameters"] == whole["trained_parameters"] == parameters
    assert whole["memory_bytes"] == 16 * parameters and whole["disk_bytes"] == 4 * 10 * parameters
    assert whole["seconds"] == pytest.approx(OPTIMISATION.token_budget * 6 * parameters / 5e5)
    again = forecast(replace(SETTINGS, trainer={"gradient_checkpointing": True}))
    assert again == whole | {"seconds": pytest.approx(whole["seconds"] * 8 / 6)}


def test_adapters_by_hand(forecast):
    """Catches trained parameters that include the head or miss some layers, or checkpoints of the whole model."""
    pytest.importorskip("peft")
    found = forecast(replace(SETTINGS, lora=LORA))
    # Three layers: queries, keys, values, output; gate, up, down. Keys and values have half of the heads.
    wide = 32 + 32
    trained = 3 * 4 * (wide + 2 * (32 + 16) + wide + 3 * (32 + 48))
    parameters = found["parameters"]
    assert found["trained_parameters"] == trained == count_trained(tiny_model("llama"), LORA)
    assert found["memory_bytes"] == 4 * parameters + 12 * trained
    assert found["disk_bytes"] == 36 * trained + 4 * parameters
    assert operations_per_token(parameters, trained, {}) == 4 * parameters + 2 * trained


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trainer": {"optim": "nonsense"}}, r"training\.trainer: nonsense is not a valid"),
        ({"lora": replace(LORA, target_modules=["nothing"])}, r"training\.lora\.target_modules: .*nothing"),
    ],
)
def test_settings_that_no_run_can_use_are_refused(changes, message, forecast):
    """Catches settings that fail only in the first run, after all text has been read and embedded."""
    if "lora" in changes:
        pytest.importorskip("peft")
    with pytest.raises(UserError, match=message):
        forecast(replace(SETTINGS, **changes))
