"""Every documented command: the cheap ones are run, the others planned; documented studies are valid.

TREATMENTS defines how each is tried; a new command that matches none of its patterns fails a test.
"""

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from checkout import ROOT
from documented_blocks import blocks
from forked_snakemake import forked_snakemake
from whole_studies import resolved

pytestmark = pytest.mark.slow

# How a command is tried, by its first words; the first match counts.
RUN, PLAN, UNTRIED = "run", "plan", "untried"
TREATMENTS = (
    (r"snakemake .*--executor kubernetes", UNTRIED),  # needs a plugin, a cluster and storage
    (r"snakemake .*--software-deployment-method conda", UNTRIED),  # needs conda
    (r"snakemake .*--report ", UNTRIED),  # needs a finished study: test_report.py
    (r"PYTHONPATH=scripts python -m localist.report.summary ", UNTRIED),  # the same: make run and test_summary.py
    (r"snakemake --unlock", RUN),
    (r"snakemake ", PLAN),
    (r"make (help|inspect )", RUN),
    (r"make ", PLAN),
    (r"cp -r workflow/profiles/slurm my_cluster$", RUN),
    (r"\. \.venv/bin/activate$", RUN),
    (r"git (clone|lfs) ", UNTRIED),  # needs the network
    (r"(mkdir |export \w+=)/shared/", UNTRIED),  # the reader's own folder
)
# The reader's own files → their stand-ins.
PLACEHOLDERS = {"/path/to/book.pdf": "book.txt", "/path/to/model": "model", "/path/to/folder": "model"}


def commands() -> list[str]:
    """Each command once, without comments; --dry-run is removed, so that no command is planned twice."""
    lines = "".join(text.replace("\\\n", " ") for _, text in blocks("sh")).splitlines()
    typed = (re.sub(r"(^|\s)# .*|--dry-run", "", line) for line in lines)
    return list(dict.fromkeys(" ".join(line.split()) for line in typed if line.strip()))


def treatment(command: str) -> str | None:
    return next((how for pattern, how in TREATMENTS if re.match(pattern, command)), None)


def placed(text: str) -> str:
    for name, stand_in in PLACEHOLDERS.items():
        text = text.replace(name, stand_in)
    return text


@pytest.fixture(scope="module")
def readers_folder(tmp_path_factory):
    """A reader's checkout with a book, a model, the README's study and a custom profile."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("Snakefile", "Makefile", "config.yaml", "requirements.txt", "workflow", "scripts", "envs", "docs"):
        (folder / name).symlink_to(ROOT / name)
    for name in ("profiles", ".venv"):
        (folder / name).symlink_to(ROOT / name)
    (ROOT / "resources").mkdir(exist_ok=True)
    (folder / "resources").symlink_to(ROOT / "resources")
    words = re.findall(r"[a-z]{3,}", (ROOT / "README.md").read_text(encoding="utf-8"))
    paragraphs = (" ".join(random.Random(n).choices(words, k=60)).capitalize() + "." for n in range(200))
    (folder / "book.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")
    (folder / "model").mkdir()
    for name, text in (("config.json", '{"model_type": "gpt2"}'), ("tokenizer.json", "{}"), ("model.safetensors", "0")):
        (folder / "model" / name).write_text(text, encoding="utf-8")
    study = next(text for path, text in blocks("yaml") if path.name == "README.md")
    (folder / "my_study.yaml").write_text(placed(study), encoding="utf-8")
    shutil.copytree(ROOT / "workflow" / "profiles" / "slurm", folder / "my_cluster")
    return folder


def in_shell(command: str, folder: Path) -> subprocess.CompletedProcess:
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def tried(command: str, folder: Path) -> subprocess.CompletedProcess:
    how, typed = treatment(command), placed(command)
    if typed.startswith("make "):
        # Use the environment that runs the tests, however old it is.
        return in_shell(typed.replace("make ", f"make -o .venv/ready {'-n ' if how == PLAN else ''}", 1), folder)
    if how == PLAN:
        words = subprocess.run(["bash", "-c", f"printf '%s\\0' {typed}"], capture_output=True, text=True, check=True)
        return forked_snakemake([*words.stdout.split("\0")[1:-1], "--dry-run"], folder)
    return in_shell(typed.replace("my_cluster", "another_cluster") if typed.startswith("cp ") else typed, folder)


def test_every_command_is_classified():
    """Catches a new documented command that no test tries."""
    assert [command for command in commands() if treatment(command) is None] == []


@pytest.mark.parametrize(
    "command", [line for line in commands() if treatment(line) != UNTRIED], ids=lambda line: line[:70]
)
def test_documented_commands_work(readers_folder, command):
    """Catches a command with an option, target, file or key that no longer exists."""
    done = tried(command, readers_folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_wrong_commands_fail(readers_folder):
    """Catches a test runner that reports success for any command."""
    wrong = (
        "snakemake --cores all inspect_corpsu",
        "snakemake --cores all --config 'tokens={contxt: 9}'",
        "snakemake --cores all --configfile gone.yaml",
        "make no-such-target",
    )
    assert [tried(command, readers_folder).returncode != 0 for command in wrong] == [True] * len(wrong)
    assert treatment("rm -rf results") is None


@pytest.mark.parametrize("text", [text for _, text in blocks("yaml") if not text.startswith(" ")])
def test_documented_studies_are_valid(text):
    """Catches an example that the schema would refuse. Indented ones, parts of the one above, are left out."""
    study = yaml.safe_load(text)
    if "arms" in study:
        measured = {arm.get("partition", "semantic") for arm in study["arms"].values()}
        assert measured <= {"semantic", "fixed", "shifted"}, "the default study measures no other"
    resolved(study)
