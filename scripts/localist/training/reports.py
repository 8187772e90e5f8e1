"""Values reported to training monitors at each step (training.trainer.report_to)."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.integrations.integration_utils import TensorBoardCallback

from localist.attention.ranks import rank
from localist.study.layers import late_layers


def reported(row: Mapping[str, Any], layers: int) -> dict[str, float]:
    """The numbers in a row of the history; fidelity is averaged over the late layers, if any are constrained.

    layers: number of layers of the model.
    """
    numbers = {name: value for name, value in row.items() if name not in ("step", "fidelity")}
    by_layer = json.loads(row.get("fidelity") or "{}")
    late = [by_layer[str(layer)] for layer in late_layers(layers) if str(layer) in by_layer]
    return numbers | ({"late_fidelity": sum(late) / len(late)} if late else {})


def report_into(folder: Path, callbacks: Iterable[TrainerCallback], anew: bool) -> None:
    """Make TensorBoard write to a folder; files of earlier starts of the run are kept unless it starts afresh."""
    if anew and rank() == 0:
        shutil.rmtree(folder, ignore_errors=True)
    for callback in callbacks:
        if isinstance(callback, TensorBoardCallback):
            callback.logging_dir = str(folder)
