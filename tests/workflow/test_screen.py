"""The screen output of the real workflow."""

import pytest


def said(done):
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_whole_run_fits_a_few_screens(smoke):
    """Catches lists of files, progress bars and control characters on the screen, and stages missing from it."""
    lines = smoke.screen.splitlines()
    assert len(lines) < 120
    assert max(map(len, lines)) <= 160 and sorted(map(len, lines))[len(lines) * 9 // 10] <= 100
    assert all(line.isprintable() for line in lines)
    assert ".parquet" not in smoke.screen and "scripts/localist" not in smoke.screen
    for stage in ("extract_corpus", "train_model", "evaluate_model", "judge_claims", "plot_frontier", "build_index"):
        assert any(line.startswith("[") and f"] {stage}" in line for line in lines), stage
    log = lines[-1].partition("Full log: ")[2]
    whole = (smoke.folder / log).read_text(encoding="utf-8")
    assert "input: " in whole and "reason: Missing output files" in whole


def test_a_failed_job_shows_its_message_and_its_log(workplace):
    """Catches a failure that shows the job's input files, or a traceback, instead of a remedy."""
    workplace.show_screen()
    (workplace.folder / "short.txt").write_text("One sentence of a book.\n", encoding="utf-8")
    config = workplace.config(corpus={"source": {"path": "short.txt"}})
    done = workplace.snakemake(config, "results/smoke/tokens/train")
    lines = said(done).splitlines()
    assert done.returncode == 1
    at = next(place for place, line in enumerate(lines) if " FAILED after " in line)
    assert "section" in lines[at + 1] and "  log: results/smoke/logs/" in "\n".join(lines[at + 1 :])
    assert "Traceback" not in said(done) and "scripts/" not in said(done)
    assert len(lines) < 20


def test_config_errors_are_shown_in_full(workplace):
    """Catches config errors that are hidden along with the files of jobs, or by `--quiet` as in make."""
    workplace.show_screen()
    done = workplace.snakemake(None, "--quiet", "all", "--config", "study=x", "nonsense=1")
    assert done.returncode == 1
    assert "The config has mistakes:" in said(done) and "  - nonsense: unknown key. Known keys here:" in said(done)


def test_in_other_folders_snakemake_prints_its_usual_output(workplace):
    """Catches a profile that fails in a folder without the module for the screen output."""
    done = workplace.snakemake(workplace.config(), "results/smoke/config.yaml")
    assert done.returncode == 0 and "localrule record_config" in said(done)
