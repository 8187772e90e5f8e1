"""Every shipped config plans its whole graph; a bad one stops at once with a message for people."""

import subprocess

import pytest
from conftest import BASE, CONFIGS


def said(done: subprocess.CompletedProcess) -> str:
    """All that Snakemake said; a dry run says it on standard output."""
    return done.stdout + done.stderr


@pytest.mark.parametrize(("path", "arms"), [(BASE / "config.yaml", 6), (CONFIGS / "smoke.yaml", 7)])
def test_shipped_configs_plan(workplace, path, arms):
    """Catches a shipped study that the schema or the rules no longer accept."""
    planned = workplace.planned(path)
    assert planned["train_model"] == arms and planned["evaluate_model"] == 1 + arms


def test_the_paper_study_plans_when_the_book_is_given(workplace):
    """Catches the documented command for one's own book: five seeds of each arm, only the last one's model kept."""
    book = workplace.folder / "book.txt"
    book.write_text("A book.\n", encoding="utf-8")
    planned = workplace.planned(CONFIGS / "paper.yaml", "--config", f"corpus={{source: {{path: {book}}}}}")
    assert planned["train_model"] == 6 and planned["train_unkept_model"] == 24
    assert planned["fetch_model"] == 1 and "fetch_sample_corpus" not in planned


def test_the_paper_study_asks_for_the_book(workplace):
    """Catches a traceback, or a job that starts, where only the book is missing."""
    done = workplace.snakemake(CONFIGS / "paper.yaml", "--dry-run")
    assert done.returncode != 0
    assert "corpus.source.path: not given" in said(done) and "--config 'corpus=" in said(done)
    assert "Traceback" not in said(done)


def test_unknown_keys_stop_before_any_job(workplace):
    """Catches typing errors that would silently run the default."""
    done = workplace.snakemake(workplace.config(training={"learning_rat": 1}, seed=[1]))
    assert done.returncode != 0
    assert "training.learning_rat: unknown key" in said(done) and "seed: unknown key" in said(done)
    assert "learning_rate" in said(done)
    assert "Traceback" not in said(done)
    assert not (workplace.folder / "results").exists()


def test_wrong_values_name_the_allowed_ones(workplace):
    """Catches messages from which a user cannot tell what to write."""
    arms = {"distributed": {"schedule": "distributed"}, "other": {"schedule": "quadratic", "partition": "semantic"}}
    done = workplace.snakemake(workplace.config(arms=arms, keep_models="some"))
    assert done.returncode != 0
    assert "arms.other.schedule: 'quadratic' is not one of distributed, localist, linear, cubic, quintic" in said(done)
    assert "keep_models: 'some' is not one of all, last_seed, none" in said(done)


def test_values_on_the_command_line_add_to_the_default_study(workplace):
    """Catches command-line values that replace the default study instead of changing it."""
    assert workplace.planned(None, "--config", "seeds=[1,2]")["train_model"] == 12
