"""Run the real workflow in a separate folder, with the resources that the set-up has fetched."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from forked_snakemake import forked_snakemake

BASE = Path(__file__).resolve().parents[2]
CONFIGS = BASE / "workflow" / "configs"
SMOKE = CONFIGS / "smoke.yaml"


class Workplace:
    """A folder in which studies run with the code of `checkout` and the resources of the real checkout."""

    def __init__(self, folder: Path, checkout: Path = BASE):
        self.folder, self.checkout, self.screen = folder, checkout, ""
        folder.mkdir(exist_ok=True)
        (BASE / "resources").mkdir(exist_ok=True)
        link = folder / "resources"
        if not link.exists():
            link.symlink_to(BASE / "resources")

    def show_screen(self) -> None:
        """From now on, print what Snakemake prints when started in the checkout."""
        (self.folder / "scripts").symlink_to(self.checkout / "scripts")

    def config(self, source: Path = SMOKE, **changes) -> Path:
        """A copy of a study file with top-level keys replaced; mappings except arms are merged with the file's."""
        config = yaml.safe_load(source.read_text(encoding="utf-8"))
        for key, value in changes.items():
            merged = isinstance(value, dict) and key != "arms"
            config[key] = config.get(key, {}) | value if merged else value
        path = self.folder / "study.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return path

    def snakemake(self, config: Path | None, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake in this folder; output and errors are returned as text."""
        return forked_snakemake(self.arguments(config, *arguments), self.folder)

    def command(self, config: Path | None, *arguments: str) -> list[str]:
        """The command that a user types for the same."""
        return [sys.executable, "-m", "snakemake", *self.arguments(config, *arguments)]

    def arguments(self, config: Path | None, *arguments: str) -> list[str]:
        chosen = ["--configfile", str(config)] if config else []
        code = ["-s", str(self.checkout / "Snakefile")]
        profile = ["--workflow-profile", str(self.checkout / "profiles" / "default")]
        # The config files come last: the option takes all names that follow it.
        return [*code, *profile, *arguments, "--cores", "2", *chosen]

    def planned(self, config: Path | None, *arguments: str) -> dict[str, int]:
        """The jobs that Snakemake would run: rule → number of jobs (without the target rule)."""
        done = self.snakemake(config, "--dry-run", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        text = done.stdout + done.stderr
        table = text.partition("Job stats:")[2].partition("total")[0]
        jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
        jobs.pop("all", None)
        return jobs


def copied_checkout(folder: Path) -> Path:
    """A copy of the code that a test may change."""
    folder.mkdir(exist_ok=True)
    for part in ("scripts", "workflow", "envs", "docs"):
        shutil.copytree(BASE / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("Snakefile", "config.yaml", "requirements.txt"):
        shutil.copy2(BASE / part, folder)
    (folder / "profiles").symlink_to(Path("workflow") / "profiles")
    return folder


@pytest.fixture
def workplace(tmp_path):
    return Workplace(tmp_path)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """The smoke study, run once to completion with its own copy of the code; tests must leave both unchanged."""
    place = Workplace(tmp_path_factory.mktemp("smoke"), copied_checkout(tmp_path_factory.mktemp("checkout")))
    place.show_screen()
    done = subprocess.run(place.command(SMOKE), capture_output=True, text=True, cwd=place.folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    place.screen = done.stdout + done.stderr
    return place


@pytest.fixture
def prepared(smoke, tmp_path):
    """A separate workplace in which everything before training is done, copied from the smoke study."""
    place = Workplace(tmp_path, smoke.checkout)
    for name in ("config.yaml", "corpus", "tokens", "blocks", "initial_model"):
        source, copy = (folder / "results" / "smoke" / name for folder in (smoke.folder, place.folder))
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy2(source, copy)
    return place
