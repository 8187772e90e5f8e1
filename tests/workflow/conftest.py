"""Running the real workflow in a folder of its own, with the resources that the set-up has fetched."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

BASE = Path(__file__).resolve().parents[2]
CONFIGS = BASE / "workflow" / "configs"


class Workplace:
    """A folder in which studies run; `resources` is the checkout's own."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (BASE / "resources").mkdir(exist_ok=True)
        link = folder / "resources"
        if not link.exists():
            link.symlink_to(BASE / "resources")

    def config(self, source: Path = CONFIGS / "smoke.yaml", **changes) -> Path:
        """A copy of a shipped config with top-level keys replaced; a mapping is merged with the one it replaces."""
        config = yaml.safe_load(source.read_text(encoding="utf-8"))
        for key, value in changes.items():
            config[key] = config[key] | value if isinstance(value, dict) else value
        path = self.folder / "study.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return path

    def snakemake(self, config: Path | None, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake here; output and errors come back as text."""
        return subprocess.run(
            self.command(config, *arguments), capture_output=True, text=True, cwd=self.folder, check=False
        )

    def command(self, config: Path | None, *arguments: str) -> list[str]:
        chosen = ["--configfile", str(config)] if config else []
        snakemake = [sys.executable, "-m", "snakemake", "-s", str(BASE / "Snakefile")]
        profile = ["--workflow-profile", str(BASE / "profiles" / "default")]
        # The config files come last: the option takes all names that follow it.
        return [*snakemake, *profile, *arguments, "--cores", "2", *chosen]

    def planned(self, config: Path | None, *arguments: str) -> dict[str, int]:
        """What Snakemake says it would run: rule → number of jobs (without the target rule)."""
        done = self.snakemake(config, "--dry-run", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        text = done.stdout + done.stderr
        table = text.partition("Job stats:")[2].partition("total")[0]
        jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
        jobs.pop("all", None)
        return jobs


@pytest.fixture
def workplace(tmp_path):
    return Workplace(tmp_path)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """The smoke study, run once to its end; tests that use it must leave it as it is."""
    place = Workplace(tmp_path_factory.mktemp("smoke"))
    done = place.snakemake(CONFIGS / "smoke.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return place
