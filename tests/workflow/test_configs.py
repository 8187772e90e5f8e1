"""Every shipped config plans its whole job graph; a bad one stops immediately with a readable message."""

import os
import re
import subprocess

import pytest
import yaml
from conftest import BASE, CONFIGS
from forked_snakemake import forked_snakemake
from tiny_models import tiny_model

from localist.tokens.tokenizer import train_tokenizer

pytestmark = pytest.mark.slow


def said(done: subprocess.CompletedProcess) -> str:
    """All output of Snakemake; a dry run writes to standard output."""
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "arms", "seeds"), [(BASE / "config.yaml", 7, 1), (CONFIGS / "smoke.yaml", 2, 1)], ids=["default", "smoke"]
)
def test_shipped_configs_plan(workplace, path, arms, seeds):
    """Catches a shipped study that the schema or the rules no longer accept."""
    planned = workplace.planned(path)
    assert planned["train_model"] == arms * seeds and planned["evaluate_model"] == 1 + arms * seeds


def test_the_full_study_has_every_arm_once(workplace):
    """Catches the same arm trained under two names: localist_dose is uniform, and quintic_target10 is quintic."""
    planned = workplace.planned(CONFIGS / "full.yaml")
    assert planned["train_model"] == 26 + 4 and planned["train_unkept_model"] == 4 * 25
    assert planned["evaluate_model"] == 1 + 5 * 26


def test_gpu_jobs_take_turns_on_one_machine(workplace):
    """Catches two runs at a time on a GPU that one of them fills, and evaluations that reserve several GPUs."""
    config = workplace.config(training={"gpus": 2})
    done = workplace.snakemake(config, "--dry-run", "--resources", "gpu=2", "gpu_jobs=1")
    asked = dict(re.findall(r"^rule (\w+):\n(?:.+\n)*?    resources: (.+)$", said(done), re.MULTILINE))
    assert "gpu=2" in asked["train_model"] and "gpu_jobs=1" in asked["train_model"]
    assert "gpu=1" in asked["evaluate_model"] and "gpu_jobs=1" in asked["evaluate_model"]
    assert "gpu" not in asked["embed_sentences"]
    profile = yaml.safe_load((BASE / "workflow/profiles/default/config.yaml").read_text(encoding="utf-8"))
    assert profile["resources"]["gpu_jobs"] == 1


def test_batches_that_do_not_divide_evenly_among_gpus_are_refused(workplace):
    """Catches batches that leave the GPUs with unequal work."""
    done = workplace.snakemake(workplace.config(training={"gpus": 3}), "--dry-run")
    assert "training.batch_size: 4 windows cannot be divided evenly by training.gpus, 3" in said(done)


@pytest.mark.parametrize(
    ("folder", "arms", "seeds"),
    [("twelve_articles", 16, 3), ("three_seeds", 10, 3), ("all_arms", 21, 2)],
)
def test_documented_studies_plan(workplace, folder, arms, seeds):
    """Catches a documented study that can no longer be repeated."""
    planned = workplace.planned(BASE / "docs" / "study" / folder / "config.yaml")
    assert planned["evaluate_model"] == 1 + arms * seeds


def test_the_paper_study_plans_when_the_book_is_given(workplace):
    """Catches a broken documented command for one's own book: five seeds per arm, only the last one's model is kept."""
    book = workplace.folder / "book.txt"
    book.write_text("A book.\n", encoding="utf-8")
    planned = workplace.planned(CONFIGS / "paper.yaml", "--config", f"corpus={{source: {{path: {book}}}}}")
    assert planned["train_model"] == 14 + 4 and planned["train_unkept_model"] == 4 * 13
    assert planned["fetch_model"] == 1 and "fetch_corpus" not in planned


def test_a_hub_data_set_is_fetched_as_a_folder(workplace):
    """Catches a data set of several files that is declared as one file, or read before it is fetched."""
    hub = {"id": "org/texts", "revision": "0" * 40, "files": ["data/train-*"]}
    config = workplace.config(corpus={"name": "texts", "source": {"hub": hub}})
    planned = workplace.planned(config, "inspect_corpus")
    assert planned == {"fetch_corpus": 1, "extract_corpus": 1, "describe_corpus": 1, "inspect_corpus": 1}


def test_a_book_added_to_a_folder_is_noticed(workplace):
    """Catches rules that depend on a folder of books, but not on the files in it."""
    books = workplace.folder / "books"
    books.mkdir()
    (books / "a.txt").write_text("A book.\n", encoding="utf-8")
    source = ("--config", f"corpus={{source: {{path: {books}}}}}")
    assert "fetch_corpus" not in workplace.planned(None, "inspect_corpus", *source)
    (books / "b.txt").write_text("Another.\n", encoding="utf-8")
    done = workplace.snakemake(None, "--dry-run", "inspect_corpus", *source)
    assert "b.txt" in said(done)


def test_the_paper_study_asks_for_the_book(workplace):
    """Catches a traceback, or a job that starts, when only the book is missing."""
    done = workplace.snakemake(CONFIGS / "paper.yaml", "--dry-run")
    assert done.returncode != 0
    assert "corpus.source.path: not set" in said(done) and "--config 'corpus=" in said(done)
    assert "Traceback" not in said(done)


def test_unknown_keys_stop_before_any_job(workplace):
    """Catches misspelt keys that silently leave the defaults in place."""
    done = workplace.snakemake(workplace.config(training={"learning_rat": 1}, seed=[1]))
    assert done.returncode != 0
    assert "training.learning_rat: unknown key" in said(done) and "seed: unknown key" in said(done)
    assert "learning_rate" in said(done)
    assert "Traceback" not in said(done)
    assert not (workplace.folder / "results").exists()


def test_duplicate_keys_stop_before_any_job(workplace):
    """Catches a study file that is checked only after YAML has dropped the first of two duplicate keys."""
    config = workplace.config()
    config.write_text(config.read_text(encoding="utf-8") + "\nseeds: [7]\n", encoding="utf-8")
    done = workplace.snakemake(config, "--dry-run")
    assert done.returncode != 0
    assert "the key seeds is already set in line" in said(done) and "Traceback" not in said(done)


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "module://ipympl.backend_nbagg"])
def test_figures_are_drawn_from_within_a_notebook(workplace, monkeypatch, backend):
    """Catches figures that fail because a notebook's environment sets a backend that jobs lack."""
    monkeypatch.setenv("MPLBACKEND", backend)
    table = workplace.folder / "results/smoke/tables/schedules.csv"
    table.parent.mkdir(parents=True)
    table.write_text("arm,layer,locality\nquintic,0,0\nquintic,1,1\n", encoding="utf-8")
    figure = "results/smoke/figures/schedules.png"
    done = workplace.snakemake(workplace.config(), figure, "--allowed-rules", "plot_schedules")
    assert done.returncode == 0, said(done)
    assert (workplace.folder / figure).stat().st_size > 0


@pytest.mark.parametrize("arguments", ["--config study=x", "--config 'study=x' seeds=[1]"])
def test_make_run_reports_on_the_study_of_the_command_line(arguments):
    """Catches a report on the config file's study after the command line chose another one."""
    done = subprocess.run(["make", "-n", "run", f"ARGS={arguments}"], cwd=BASE, capture_output=True, text=True)
    assert "results=results/x &&" in done.stdout
    done = subprocess.run(["make", "-n", "run", "ARGS=--quiet"], cwd=BASE, capture_output=True, text=True)
    assert "results=results/$(" in done.stdout


def test_replaced_weights_are_noticed(workplace):
    """Catches a study of two models: overwriting weights keeps the folder's time, and some copies keep the file's."""
    model = workplace.folder / "model"
    tiny_model("llama").save_pretrained(model)
    train_tokenizer(["A text."], 60).save_pretrained(model)
    config = workplace.config(model={"source": {"path": "model"}}, tokens={"context": 16})
    forecast = "results/smoke/runs/forecast.json"
    assert workplace.snakemake(config, forecast).returncode == 0
    assert "Nothing to be done" in said(workplace.snakemake(config, "--dry-run", forecast))
    weights = model / "model.safetensors"
    times, content = weights.stat(), bytearray(weights.read_bytes())
    os.utime(weights)
    assert "Nothing to be done" in said(workplace.snakemake(config, "--dry-run", forecast))
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert workplace.planned(config, forecast) == {"forecast_training": 1}


MODULE = """
configfile: "study.yaml"

module localist:
    snakefile: "{snakefile}"
    config: config

use rule * from localist as localist_*

rule whole:
    input: rules.localist_all.input
"""


def test_another_workflow_can_use_this_one_as_a_module(workplace):
    """Catches code and schema that are looked up in the folder of the importing workflow."""
    workplace.config()
    own = workplace.folder / "Snakefile"
    own.write_text(MODULE.format(snakefile=BASE / "Snakefile"), encoding="utf-8")
    done = forked_snakemake(["--snakefile", str(own), "--dry-run", "--cores", "2", "whole"], workplace.folder)
    assert done.returncode == 0, said(done)
    assert re.search(r"^localist_train_model +2$", said(done), re.MULTILINE)


def test_messages_about_wrong_values_list_the_allowed_ones(workplace):
    """Catches messages that do not tell the user which values are allowed."""
    arms = {"distributed": {"schedule": "distributed"}, "other": {"schedule": "quadratic", "partition": "semantic"}}
    done = workplace.snakemake(workplace.config(arms=arms, keep_models="some"))
    assert done.returncode != 0
    assert "arms.other.schedule: 'quadratic' is not one of distributed, localist, linear, cubic, quintic" in said(done)
    assert "keep_models: 'some' is not one of all, last_seed, none" in said(done)


def test_values_on_the_command_line_add_to_the_default_study(workplace):
    """Catches command-line values that replace the default study instead of changing it."""
    assert workplace.planned(None, "--config", "seeds=[1,2]")["train_model"] == 14


def test_an_arm_with_a_budget_waits_for_the_distributed_run_of_its_seed(workplace):
    """Catches a reference run of another seed, and arms without a budget that wait for a reference run."""
    arms = {
        "distributed": {"schedule": "distributed"},
        "budget": {"schedule": "quintic", "partition": "semantic", "perplexity_budget": 0.02},
        "quintic": {"schedule": "quintic", "partition": "semantic"},
    }
    config = workplace.config(arms=arms, seeds=[1, 2])
    run = "results/smoke/runs/{}/seed2/settings.json".format
    assert workplace.planned(config, run("quintic"))["train_model"] == 1
    assert workplace.planned(config, run("budget"))["train_model"] == 2
    done = workplace.snakemake(config, "--dry-run", run("budget"))
    assert "runs/distributed/seed2/history.csv" in said(done) and "runs/distributed/seed1" not in said(done)


def test_the_gpu_config_applies_to_any_study(workplace):
    """Catches a GPU config with outdated keys, or one that replaces the study's arms."""
    both = ["--configfile", str(CONFIGS / "full.yaml"), str(CONFIGS / "gpu.yaml")]
    done = workplace.snakemake(None, "--dry-run", "--resources", "gpu=1", "gpu_jobs=1", *both)
    asked = dict(re.findall(r"^rule (\w+):\n(?:.+\n)*?    resources: (.+)$", said(done), re.MULTILINE))
    assert "gpu=1" in asked["train_model"] and re.search(r"train_model +30\n", said(done))
