"""Find the processes that train, so that tests can kill or suspend them."""

from pathlib import Path

import psutil


def training_processes(folder: Path) -> list[psutil.Process]:
    """The training processes of the study in `folder`; their script is Snakemake's copy of train_model.py."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if process.info["cwd"] == str(folder.resolve())
        and any(argument.endswith("train_model.py") for argument in (process.info["cmdline"] or ())[1:2])
    ]
