"""Disturb smoke studies by signals, a full disk, deleted files and double starts, and check that results stay the same.

Run it with `make torture`. Each round is a study in its own folder, from scratch or with some results removed, which is
disturbed at random one or more times and restarted until it finishes; then its result files are compared byte by byte
with those of an undisturbed study. The seed and the round number determine what happens. Do not change the code
meanwhile.
"""

import argparse
import random
import re
import shutil
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from checkout import ROOT
from compared_results import differences
from disturbed_study import PATIENCE_SECONDS, POLL_SECONDS, RESULTS, DisturbedStudy, Start

from localist.plumbing.files import read_json, write_json

LARGEST_DELETION = 5
MOST_STARTS = 12
MOST_BYTES_LEFT = 50_000
RULES = ("train_model", "evaluate_model", "probe_model", None, None)
# What a round starts from: a finished study without some of its runs, without some of its last results, or nothing.
BEGINNINGS = {"runs": 0.35, "last": 0.5, "scratch": 0.15}
LAST = ("evaluation/*/*/*.parquet", "explorer/*/*", "tables/*", "figures/*", "*.html")
SIGNALS = {
    "kill a job": signal.SIGKILL,
    "kill Snakemake": signal.SIGKILL,
    "kill all": signal.SIGKILL,
    "end a job": signal.SIGTERM,
    "end Snakemake": signal.SIGTERM,
    "end all": signal.SIGTERM,
    "interrupt all": signal.SIGINT,
}
STOPPED = "stop and continue all"
KINDS = (*SIGNALS, STOPPED, "full disk", "delete files", "start twice", "start twice at once")
DAMAGED = re.compile(r"delete the folder (\S+); the next run recreates it")
# Beginnings of the messages about locks.
WORKS_HERE, WORKED_HERE = "Another Snakemake is working", "The Snakemake process that ran here"


@dataclass(frozen=True)
class Disturbance:
    """What happens, and when: some seconds after a share of the jobs is done, or after a job of a rule has started."""

    kind: str
    share: float
    rule: str | None
    seconds: float


@dataclass(frozen=True)
class Plan:
    """A round: what it starts from, and the disturbances of successive starts."""

    number: int
    beginning: str
    disturbances: tuple[Disturbance, ...]


def planned(seed: int, number: int) -> Plan:
    """The plan of a round, determined by seed and number; kinds of disturbance take turns in coming first."""
    draw = random.Random(f"{seed} {number}")
    beginning = draw.choices(list(BEGINNINGS), list(BEGINNINGS.values()))[0]
    kinds = [KINDS[(number - 1) % len(KINDS)], *draw.choices(KINDS, k=draw.choice((0, 0, 1, 2)))]
    disturbances = []
    for kind in kinds:
        rule, share, seconds = draw.choice(RULES), draw.uniform(0, 0.8), draw.uniform(0, 6)
        if kind == "start twice at once":
            rule, share, seconds = None, 0.0, 0.0
        if beginning == "last":  # no run is trained again
            rule = None
        disturbances.append(Disturbance(kind, 0.0 if rule else share, rule, seconds))
    return Plan(number, beginning, tuple(disturbances))


def main() -> None:
    """Make the reference if it is missing, then run the rounds; the exit status is 1 if any round has problems."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1, help="the number of the first round")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no round after these")
    parser.add_argument("--folder", type=Path, default=ROOT / "results" / "torture")
    options = parser.parse_args()
    # A shell that starts this in the background makes it, and thus the studies, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = options.folder.resolve()
    reference = folder / "reference" / "study"
    if not (reference / RESULTS / "index.html").exists():
        print("Making the study that all others are compared with ...", flush=True)
        make_reference(reference.parent)
    until = time.monotonic() + options.minutes * 60
    numbers = range(options.first, options.first + options.rounds)

    def one(number: int) -> None:
        if time.monotonic() < until:
            row = made_round(planned(options.seed, number), folder, reference)
            write_json(folder / "rounds" / f"{options.seed}-{number}.json", row)
            print(told(row), flush=True)

    with ThreadPoolExecutor(options.at_once) as rounds:
        try:
            list(rounds.map(one, numbers))
        except KeyboardInterrupt:
            until = 0.0
            print("Ending after the current rounds ...", flush=True)
    rows = sorted(map(read_json, (folder / "rounds").glob("*.json")), key=lambda row: row["round"])
    write_json(folder / "rounds.json", rows)
    print(summary(rows))
    sys.exit(any(row["problems"] for row in rows))


def make_reference(folder: Path) -> None:
    """The undisturbed study."""
    shutil.rmtree(folder, ignore_errors=True)
    with DisturbedStudy(folder) as study:
        (study.folder / "resources").symlink_to(ROOT / "resources")
        start = study.start()
        if start.process.wait():
            sys.exit(f"The undisturbed study failed: see {start.log}.")


def made_round(plan: Plan, folder: Path, reference: Path) -> dict:
    """Run a round; return what was planned, what happened, and the problems. If there are any, the folder is kept."""
    place, began = folder / f"round{plan.number}", time.monotonic()
    shutil.rmtree(place, ignore_errors=True)
    story = Story(random.Random(plan.number))
    with DisturbedStudy(place) as study:
        try:
            if any(disturbance.kind == "full disk" for disturbance in plan.disturbances):
                study.use_a_small_disk()
            story.deleted.update(prepare(study.folder, plan.beginning, reference, story.draw))
            run_to_the_end(study, list(plan.disturbances), story)
        except Exception as error:  # the other rounds continue
            story.problems.append(repr(error))
    results = study.folder / RESULTS
    story.problems += differences(results, reference / RESULTS, story.deleted)
    row = {
        "round": plan.number,
        "beginning": plan.beginning,
        "kinds": story.kinds,
        "happened": story.happened,
        "starts": len(study.starts),
        "not_needed_again": sum(not (results / name).exists() for name in story.deleted),
        "seconds": round(time.monotonic() - began),
        "problems": story.problems,
    }
    if story.problems:
        return row | {"folder": str(place)}
    shutil.rmtree(place)
    return row


@dataclass
class Story:
    """The course of a round, and its random generator. `robbed`: files were deleted, so one more start is needed."""

    draw: random.Random
    kinds: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    robbed: bool = False


def run_to_the_end(study: DisturbedStudy, waiting: list[Disturbance], story: Story) -> None:
    """Start the study, disturb it, follow the error messages, and restart until it succeeds."""
    while len(study.starts) < MOST_STARTS:
        start = study.start()
        if waiting:
            start = disturb(study, start, waiting, story)
        status = start.process.wait(PATIENCE_SECONDS)
        study.make_room()
        story.happened.append(f"{start.log.stem} ended with {status}")
        if status == 0 and not story.robbed:
            return
        story.robbed = False
        recover(study, start.said(), story)
    story.problems.append(f"{MOST_STARTS} starts were not enough")


def prepare(folder: Path, beginning: str, reference: Path, draw: random.Random) -> list[str]:
    """Lay out the results to start from; return the names of single files removed from a finished study."""
    (folder / "resources").symlink_to(ROOT / "resources")
    if beginning == "scratch":
        return []
    for part in ("results", ".snakemake"):
        shutil.copytree(reference / part, folder / part, symlinks=True)
    results = folder / RESULTS
    if beginning == "runs":
        for run in draw.sample(sorted(results.glob("runs/*/seed*")), draw.randint(1, 2)):
            shutil.rmtree(run)
        return []  # every file of a run is made again
    files = sorted(path for pattern in LAST for path in results.glob(pattern))
    chosen = draw.sample(files, draw.randint(3, 20))
    for path in chosen:
        path.unlink()
    return [path.relative_to(results).as_posix() for path in chosen]


def disturb(study: DisturbedStudy, start: Start, waiting: list[Disturbance], story: Story) -> Start:
    """Cause the next disturbance when it is due, unless the start ends first; return the start that continues."""
    planned = waiting[0]
    if not study.wait_until(start, planned.share, planned.rule, planned.seconds):
        return start
    waiting.pop(0)
    at = f"{planned.kind} at {start.done():.0%} of {start.log.stem}"
    if planned.kind.startswith("start twice"):
        start, whom = start_twice(study, start, story)
    elif planned.kind == "full disk":
        whom = study.fill_disk(story.draw.randint(0, MOST_BYTES_LEFT))
    elif planned.kind == "delete files":
        names = study.delete_files(story.draw, LARGEST_DELETION)
        story.deleted.update(names)
        story.robbed = True
        whom = ", ".join(names)
    else:
        whom = send_signals(study, planned, story)
    story.kinds.append(planned.kind)
    story.happened.append(f"{at}: {whom}")
    return start


def send_signals(study: DisturbedStudy, planned: Disturbance, story: Story) -> str:
    """Send signals to one job, to Snakemake, or to all processes; return who received them."""
    jobs, processes = study.jobs(), study.processes()
    if planned.kind == STOPPED:
        study.send(signal.SIGSTOP, processes)
        time.sleep(planned.seconds)
        study.send(signal.SIGCONT, processes)
    else:
        one_job = [story.draw.choice(jobs)[0]] if jobs else []
        processes = {"job": one_job, "Snakemake": processes[:1], "all": processes}[planned.kind.split()[-1]]
        study.send(SIGNALS[planned.kind], processes)
    return ", ".join(
        [*("Snakemake" for process in processes if process.pid in study.sessions)]
        + [rule for process, rule in jobs if process in processes]
        + [f"(not {rule})" for process, rule in jobs if process not in processes]
    )


def start_twice(study: DisturbedStudy, first: Start, story: Story) -> tuple[Start, str]:
    """Start again during the first start: one must be refused, with the reason. Return the one that continues."""
    second = study.start()
    while first.runs() and second.runs():
        time.sleep(POLL_SECONDS)
    ended, other = (first, second) if second.runs() else (second, first)
    if first.done() and second.done():
        story.problems.append("start twice: neither was refused")
    if ended.process.returncode == 0:
        return other, f"{ended.log.stem} had nothing left to do"
    if WORKS_HERE not in ended.said():
        story.problems.append(f"start twice: {ended.log.stem} was not told who works here")
    return other, f"{ended.log.stem} was refused"


def recover(study: DisturbedStudy, said: str, story: Story) -> None:
    """Follow the messages of a failed start: delete damaged folders, wait for jobs or end them, remove stale locks."""
    if "Directory cannot be locked" in said:
        story.problems.append("a lock was not explained")
    for name in sorted(set(DAMAGED.findall(said))):
        shutil.rmtree(study.folder / name)
        story.happened.append(f"deleted {name}, as told")
    if WORKED_HERE not in said:
        return
    left = study.jobs()
    if story.draw.random() < 0.5:
        study.send(signal.SIGTERM, [process for process, _ in left])
    study.wait_for_jobs()
    study.unlock(said)
    story.happened.append(f"unlocked once {len(left)} jobs had ended")


def told(row: dict) -> str:
    """Format a row as a readable line."""
    outcome = "EQUAL" if not row["problems"] else f"FAILED, see {row['folder']}: {'; '.join(row['problems'][:5])}"
    return f"round {row['round']} ({row['beginning']}, {row['seconds']} s): {'; '.join(row['happened'])}: {outcome}"


def summary(rows: list[dict]) -> str:
    """The numbers of rounds and disturbances, and how many of them ended with equal bytes."""
    equal = [row for row in rows if not row["problems"]]
    lines = [f"{len(equal)} of {len(rows)} rounds ended with the bytes of an undisturbed study."]
    kinds, good = (Counter(kind for row in chosen for kind in row["kinds"]) for chosen in (rows, equal))
    lines += [f"  {kind}: {kinds[kind]}, of these {good[kind]} in rounds that ended so" for kind in kinds]
    lines.append(f"  {sum(not row['kinds'] for row in rows)} rounds ended before anything happened to them.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
