"""Explains a locked folder: which processes work in it, and how to unlock it after Snakemake was killed."""

import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

CONFIG_OPTIONS = ("--configfile", "--configfiles", "--config", "-C")


def lock_message(folder: Path, command: Sequence[str]) -> str:
    """The message for a user who started `command` (sys.argv) in a folder where Snakemake finds its files locked.

    Snakemake's locks name files but no process, so processes are searched by folder, on this machine only.
    """
    others = [process for process in processes_in(folder) if process.pid != psutil.Process().pid]
    starts = [process for process in others if is_snakemake(process.info["cmdline"])]
    jobs = [process for process in others if job_of(process.info["cmdline"])]
    freed = f"Unlock the files and start again; finished jobs are kept:\n  {unlocking(command)}"
    if starts:
        said = "\n".join(f"  process {process.pid}: {shlex.join(process.info['cmdline'])}" for process in starts)
        if any(study_arguments(process.info["cmdline"]) == study_arguments(command) for process in starts):
            return f"Another Snakemake is working on the same files here. Wait until it has finished:\n{said}"
        return (
            f"Another Snakemake is working here, apparently on another study:\n{said}\nWait until it has finished. Or, "
            f"if an earlier start of this study was killed and left its locks: {freed[0].lower()}{freed[1:]}"
        )
    if jobs:
        said = ", ".join(f"{process.pid} ({job_of(process.info['cmdline'])})" for process in jobs)
        pids = " ".join(str(process.pid) for process in jobs)
        return (
            f"The Snakemake process that ran here was killed, but its jobs are still running: {said}. Wait until they "
            f"have finished, or stop them (kill {pids}). {freed}"
        )
    return (
        f"The Snakemake process that ran here has ended: none is left in {folder} on {platform.node()}. (If "
        f"it ran on another machine, or left jobs on a cluster, check there first.) {freed}"
    )


def processes_in(folder: Path) -> list[psutil.Process]:
    """The processes whose working directory is `folder`, with their `info`; those of other users cannot be seen."""
    here = str(folder.resolve())
    found = psutil.process_iter(["cmdline", "cwd"])
    return [process for process in found if process.info["cwd"] == here and process.info["cmdline"]]


def is_snakemake(command: Sequence[str]) -> bool:
    """Whether a process is Snakemake itself (the program or `python -m snakemake`), not one of its jobs."""
    return any(Path(part).name == "snakemake" for part in command[:3]) and "--target-jobs" not in command


def study_arguments(command: Sequence[str]) -> list[str]:
    """The arguments in a command line that define the study: config files and values, in order."""
    found: list[str] = []
    option = ""
    for part in command:
        if part.startswith("-"):
            option, equals, value = part.partition("=")
            found += [value] if equals and option in CONFIG_OPTIONS else []
            option = "" if equals else option
        elif option in CONFIG_OPTIONS:
            found.append(part)
    return found


def job_of(command: Sequence[str]) -> str:
    """The rule whose script a process runs (Snakemake runs a copy), or an empty string."""
    script = Path(command[1]) if len(command) > 1 else Path()
    return script.stem.partition(".")[2] if script.match("*/.snakemake/scripts/*.py") else ""


def unlocking(command: Sequence[str]) -> str:
    """The command that unlocks the files of `command` (sys.argv): the same with --unlock."""
    program, *arguments = command
    as_module = Path(program).name == "__main__.py"
    return shlex.join([*([sys.executable, "-m", "snakemake"] if as_module else [program]), "--unlock", *arguments])
