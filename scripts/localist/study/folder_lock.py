"""Why Snakemake may not start: who works in the folder of a study, and how to free what a killed start has locked."""

import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil


def lock_message(folder: Path, command: Sequence[str]) -> str:
    """What to tell who starts `command` (sys.argv) in a folder where Snakemake finds the same files locked.

    Snakemake's locks name files and no process, so processes are looked for by their folder, on this machine alone.
    """
    others = [process for process in processes_in(folder) if process.pid != psutil.Process().pid]
    starts = [process for process in others if is_snakemake(process.info["cmdline"])]
    jobs = [process for process in others if job_of(process.info["cmdline"])]
    if starts:
        said = "\n".join(f"  process {process.pid}: {shlex.join(process.info['cmdline'])}" for process in starts)
        return f"Another Snakemake works here on the same files. Wait until it has ended:\n{said}"
    freed = f"Free its files, and start again; what is finished stays:\n  {unlocking(command)}"
    if jobs:
        said = ", ".join(f"{process.pid} ({job_of(process.info['cmdline'])})" for process in jobs)
        pids = " ".join(str(process.pid) for process in jobs)
        return (
            f"The Snakemake that worked here was killed, but jobs of it still run: {said}. Wait until they have ended, "
            f"or end them (kill {pids}). {freed}"
        )
    return (
        f"The Snakemake that worked here is gone: on {platform.node()} no process of it is left in {folder}. (If it "
        f"ran on another machine, or left jobs on a cluster, look there first.) {freed}"
    )


def processes_in(folder: Path) -> list[psutil.Process]:
    """The processes whose working directory is `folder`, with their `info`; those of other users cannot be seen."""
    here = str(folder.resolve())
    found = psutil.process_iter(["cmdline", "cwd"])
    return [process for process in found if process.info["cwd"] == here and process.info["cmdline"]]


def is_snakemake(command: Sequence[str]) -> bool:
    """Whether a process is a start of Snakemake (the program, or the module that a Python runs), not a job of one."""
    return any(Path(part).name == "snakemake" for part in command[:3]) and "--target-jobs" not in command


def job_of(command: Sequence[str]) -> str:
    """The rule whose script a process runs (Snakemake runs a copy of it), or nothing."""
    script = Path(command[1]) if len(command) > 1 else Path()
    return script.stem.partition(".")[2] if script.match("*/.snakemake/scripts/*.py") else ""


def unlocking(command: Sequence[str]) -> str:
    """The command that frees what `command` (sys.argv) finds locked: the same with --unlock."""
    program, *arguments = command
    as_module = Path(program).name == "__main__.py"
    return shlex.join([*([sys.executable, "-m", "snakemake"] if as_module else [program]), "--unlock", *arguments])
