"""A SLURM cluster of four nodes on this machine, and studies that run on it or locally."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import yaml
from training_processes import training_processes
from whole_studies import CONTROL

BASE = Path(__file__).resolve().parents[2]
PROFILE = BASE / "workflow" / "profiles" / "slurm" / "config.yaml"
SMOKE = BASE / "workflow" / "configs" / "smoke.yaml"
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel", "munged")
PREPARED = ("corpus", "tokens", "blocks", "initial_model")
DEADLINE_SECONDS = 600

STORM = ["distributed", "quintic", *CONTROL]
SHORT_OF_ALL = "quintic"
# Long enough for several checkpoints: a run is held at one of them until it is disturbed, however fast it trains.
DISTURBED = {"token_budget": 100_000, "checkpoint_steps": 50}
# The message of a run that was asked to end.
TOLD_TO_END = "was asked to end after step"
# Two jobs fill a node, so that the three of the storm need two nodes.
HALF_A_NODE_MB = 20_000
TOO_LITTLE_MB = 450


class Cluster:
    """The SLURM cluster that start_slurm.sh starts; `environment` is that of a logged-in user."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "etc" / "slurm.conf"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        }

    def ask(self, *command: str) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def jobs(self) -> list[dict[str, str]]:
        """Every job that SLURM remembers, as scontrol shows it."""
        lines = self.ask("scontrol", "show", "job", "--oneliner", "--all").splitlines()
        return [dict(pair.split("=", 1) for pair in line.split(" ") if "=" in pair) for line in lines]

    def job(self, number: str) -> dict[str, str]:
        return next(job for job in self.jobs() if job.get("JobId") == number)

    def lose(self, node: str) -> None:
        """Kill everything that runs on a node, SLURM's daemon included, as a power cut would."""
        # Jobs that were cancelled a moment ago may still be running.
        lost = {job["JobId"] for job in self.jobs() if job.get("NodeList") == node}
        os.kill(int((self.folder / "run" / f"slurmd.{node}.pid").read_text()), signal.SIGKILL)
        for process in psutil.process_iter(["cmdline", "environ"]):
            watched = re.match(r"slurmstepd: \[(\d+)\.", " ".join(process.info["cmdline"] or ()))
            if (watched and watched[1] in lost) or (process.info["environ"] or {}).get("SLURM_JOB_ID") in lost:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def bring_back(self, node: str) -> None:
        self.ask("slurmd", "-N", node)

    def start_delayed_jobs(self) -> None:
        """Start requeued jobs now; SLURM would hold them back for two minutes."""
        for job in self.jobs():
            if job.get("JobState") == "PENDING" and job.get("Reason") == "BeginTime":
                self.ask("scontrol", "update", f"JobId={job['JobId']}", "StartTime=now")


class Study:
    """A folder in which a study runs, on this machine or on the cluster; resources are the checkout's."""

    def __init__(self, folder: Path, **changes):
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "resources").symlink_to(BASE / "resources")
        config = yaml.safe_load(SMOKE.read_text(encoding="utf-8"))
        for key, value in changes.items():
            config[key] = config[key] | value if key in {"arms", "training"} else value
        self.config = folder / "study.yaml"
        self.config.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")

    @property
    def results(self) -> Path:
        return self.folder / "results" / "smoke"

    @property
    def log(self) -> str:
        return (self.folder / "snakemake.log").read_text(encoding="utf-8")

    def prepare_like(self, other: "Study") -> "Study":
        """Copy everything made before training from another study."""
        for name in PREPARED:
            subprocess.run(
                ["cp", "-a", "--parents", f"results/smoke/{name}", self.folder], cwd=other.folder, check=True
            )
        return self

    def profile(self, **variables) -> Path:
        """A copy of the shipped profile with some keys changed, as by a user, and with more frequent status checks."""
        text = PROFILE.read_text(encoding="utf-8")
        for name, value in variables.items():
            text, found = re.subn(rf"^  {name}: .*$", f"  {name}: {value}", text, count=1, flags=re.MULTILINE)
            assert found == 1, name
        text = text.replace("before-status-checks: 60", "before-status-checks: 3").replace("wait: 60", "wait: 20")
        path = self.folder / "profile" / "config.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path.parent

    def start(
        self, profile: Path, *arguments: str, environment: dict | None = None, log: str = "snakemake.log"
    ) -> subprocess.Popen:
        """Start Snakemake in the folder; its output goes to the file `log` there."""
        command = [sys.executable, "-m", "snakemake", "-s", str(BASE / "Snakefile"), "--workflow-profile", str(profile)]
        with (self.folder / log).open("w", encoding="utf-8") as said:
            return subprocess.Popen(
                [*command, *arguments, "--configfile", str(self.config)],
                cwd=self.folder,
                env=environment,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def start_here(self, *arguments: str) -> subprocess.Popen:
        return self.start(BASE / "workflow" / "profiles" / "default", "--cores", "2", *arguments)

    def finished(self, running: subprocess.Popen) -> "Study":
        assert running.wait(timeout=DEADLINE_SECONDS) == 0, self.log[-8000:]
        return self

    def submitted(self) -> list[str]:
        """The numbers of the SLURM jobs, in order of submission."""
        return re.findall(r"has been submitted with SLURM jobid (\d+)", self.log)

    def training_jobs(self) -> dict[str, str]:
        """Number of each training job → its arm, in order of submission."""
        return dict(re.findall(r"SLURM jobid (\d+) \(log: \S*/rule_train_model/smoke_(\w+)_1/", self.log))

    def job_of(self, arm: str) -> str:
        """The number of the last SLURM job that trains this arm."""
        return [number for number, trained in self.training_jobs().items() if trained == arm][-1]

    def slurm_logs(self, arm: str) -> str:
        """The joined logs of all SLURM jobs that train this arm."""
        logs = sorted((self.folder / "results/slurm_logs/rule_train_model" / f"smoke_{arm}_1").glob("*.log"))
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in logs)

    def checkpoints(self, arm: str) -> list[Path]:
        return list((self.results / "checkpoints" / f"{arm}-seed1").glob("*/checkpoint-*/seal.json"))

    @contextmanager
    def held(self, as_long_as: Callable[[], bool] = lambda: True) -> Iterator[set[psutil.Process]]:
        """Within the context, suspend each training process at its next checkpoint, until SIGTERM arrives.

        Yields the processes suspended so far.
        """
        before: dict[psutil.Process, set[Path]] = {}
        held: set[psutil.Process] = set()

        def hold(process, arm):
            checkpoints = set(self.checkpoints(arm))
            if process in held:
                if has_sigterm(process):
                    process.resume()
            elif checkpoints - before.setdefault(process, checkpoints) and as_long_as():
                process.suspend()
                held.add(process)

        def hold_all():
            arms = self.training_jobs()
            for process in training_processes(self.folder):
                # It may end during the check, or begin before its job number is known here.
                with suppress(psutil.Error, OSError, KeyError):
                    hold(process, arms[process.environ()["SLURM_JOB_ID"]])

        with repeating(hold_all, seconds=0.2):
            yield held
        for process in held:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def model(self, arm: str) -> dict[str, bytes]:
        run = self.results / "runs" / arm / "seed1"
        return {name: (run / name).read_bytes() for name in ("model/model.safetensors", "history.csv", "settings.json")}


def settings_of(arm):
    return f"results/smoke/runs/{arm}/seed1/settings.json"


def has_sigterm(process: psutil.Process) -> bool:
    """Whether SIGTERM is pending for a suspended process."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    waiting = [int(signals, 16) for signals in re.findall(r"^(?:SigPnd|ShdPnd):\s*(\w+)$", status, re.MULTILINE)]
    return any(signals >> (signal.SIGTERM - 1) & 1 for signals in waiting)


def wait_until(true: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"waited for nothing: {why}"
        time.sleep(0.2)


@contextmanager
def repeating(action: Callable[[], None], seconds: float) -> Iterator[None]:
    """Within the context, repeat `action` at intervals of `seconds`."""
    over = threading.Event()

    def repeat():
        while not over.wait(seconds):
            action()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
