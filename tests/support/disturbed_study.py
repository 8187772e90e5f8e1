"""A smoke study that is started as by a user, and disturbed by signals, a full disk and deleted files.

Signals reach only processes of the study: descendants of this process in a session that was opened for the study.
Processes that a killed Snakemake leaves behind stay descendants, since this process adopts them (a Linux subreaper).
"""

import ctypes
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from checkout import ROOT
from compared_results import result_files

from localist.study.folder_lock import job_of

SMOKE = ROOT / "workflow" / "configs" / "smoke.yaml"
RESULTS = Path("results", "smoke")
SNAKEMAKE = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile")]
COMMAND = [*SNAKEMAKE, "--workflow-profile", str(ROOT / "profiles/default"), "--cores", "2", "--configfile", str(SMOKE)]
# Results record the commit of the code, and there may be a new one while this runs.
NO_COMMIT = {"GIT_DIR": os.devnull}
# How long a start may take.
PATIENCE_SECONDS = 5400
POLL_SECONDS = 0.2
PR_SET_CHILD_SUBREAPER = 36
ROOMY_MEGABYTES = 2000


@dataclass
class Start:
    """One start of Snakemake, and its log file."""

    process: subprocess.Popen
    log: Path

    def runs(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def done(self) -> float:
        """The share of its jobs that are done."""
        shares = re.findall(r"^(\d+) of (\d+) steps", self.said(), re.MULTILINE)
        return int(shares[-1][0]) / int(shares[-1][1]) if shares else 0.0


class DisturbedStudy:
    """The smoke study in `folder`/study, killed when the context ends; logs of starts are in `folder`/start1.log, …"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "study"
        self.starts: list[Start] = []
        self._has_disk = False
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.folder.mkdir(parents=True)

    def __enter__(self) -> "DisturbedStudy":
        return self

    def __exit__(self, *_: object) -> None:
        self.send(signal.SIGKILL, self.processes())
        psutil.wait_procs(self.processes())
        if self._has_disk:
            kept = self.folder.with_name("kept")
            shutil.copytree(self.folder, kept, symlinks=True)
            subprocess.run(["umount", str(self.folder)], check=True)
            self.folder.rmdir()
            kept.rename(self.folder)

    def start(self) -> Start:
        """Start Snakemake in its own session."""
        path = self.folder.with_name(f"start{len(self.starts) + 1}.log")
        with path.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                COMMAND,
                cwd=self.folder,
                env=os.environ | NO_COMMIT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.starts.append(Start(process, path))
        return self.starts[-1]

    @property
    def sessions(self) -> set[int]:
        return {start.process.pid for start in self.starts}

    def processes(self) -> list[psutil.Process]:
        """All running processes of this study, Snakemake first: our descendants in its sessions."""
        found = []
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                if os.getsid(process.pid) in self.sessions and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return sorted(found, key=lambda process: process.pid not in self.sessions)

    def jobs(self, rule: str | None = None) -> list[tuple[psutil.Process, str]]:
        """The processes that run scripts of rules (only of `rule`, if given), each with the name of its rule."""
        found = []
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                if (name := job_of(process.cmdline())) and rule in (None, name):
                    found.append((process, name))
        return found

    def send(self, number: signal.Signals, processes: list[psutil.Process]) -> None:
        """Send a signal; psutil checks that each process is still the one that was found."""
        for process in processes:
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                ours = psutil.Process().children(recursive=True)
                assert process in ours and os.getsid(process.pid) in self.sessions, f"{process} is none of ours"
                process.send_signal(number)

    def wait_for_jobs(self) -> None:
        """Wait until the jobs that a killed Snakemake left behind have ended."""
        psutil.wait_procs(self.processes(), timeout=PATIENCE_SECONDS)

    def wait_until(self, start: Start, share: float, rule: str | None, seconds: float) -> bool:
        """Wait for a share of the jobs or a job of a rule, then some seconds; return whether the start still runs."""
        while start.runs() and (start.done() < share or (rule and not self.jobs(rule))):
            time.sleep(POLL_SECONDS)
        until = time.monotonic() + seconds
        while start.runs() and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        return start.runs()

    def unlock(self, said: str) -> None:
        """Remove the lock of a killed start, with the command that the next start printed."""
        (command,) = re.findall(r"^\s+(\S+ -m snakemake --unlock .*)$", said, re.MULTILINE)
        done = subprocess.run(shlex.split(command), cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def use_a_small_disk(self) -> bool:
        """Put the folder on its own disk, which `fill_disk` can shrink; False if this user may not."""
        options = f"size={ROOMY_MEGABYTES}m"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "torture", str(self.folder)], check=False)
        self._has_disk = done.returncode == 0
        return self._has_disk

    def fill_disk(self, left: int) -> str:
        """Leave `left` bytes free on the folder's own disk; without one, limit the length of files to that."""
        if self._has_disk:
            room = shutil.disk_usage(self.folder).used + left
            self._resize_disk(str(room))
            return f"{left // 1000} kB left on the disk"
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.rlimit(psutil.RLIMIT_FSIZE, (left, psutil.RLIM_INFINITY))
        return f"no file longer than {left // 1000} kB"

    def make_room(self) -> None:
        if self._has_disk:
            self._resize_disk(f"{ROOMY_MEGABYTES}m")

    def _resize_disk(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.folder)], check=True)

    def delete_files(self, draw: random.Random, most: int) -> list[str]:
        """Delete some randomly chosen result files, and return their names."""
        files = sorted(result_files(self.folder / RESULTS))
        chosen = draw.sample(files, min(len(files), draw.randint(1, most)))
        for name in chosen:
            (self.folder / RESULTS / name).unlink(missing_ok=True)  # missing while it is being replaced
        return chosen
