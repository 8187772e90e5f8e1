"""The smoke study on the cluster: the same results, few submissions, and nothing to do the second time."""

# Excluded from the comparison, since they record times and jobs.
TELL_OF_THE_RUN = ("logs/", "benchmarks/")
# Forecasts the duration of the study on the machine where it is started.
FORECAST = "runs/forecast.json"


def contents(study):
    files = {path.relative_to(study.results).as_posix(): path for path in study.results.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if not name.startswith(TELL_OF_THE_RUN) and path.name != ".snakemake_timestamp" and name != FORECAST
    }


def test_results_equal_those_of_a_local_run(on_slurm, local):
    """Catches results that depend on where the study runs."""
    here, there = contents(local), contents(on_slurm)
    assert here.keys() == there.keys()
    assert [name for name in here if here[name] != there[name]] == []
    assert (on_slurm.results / FORECAST).exists()


def test_short_jobs_share_submissions(on_slurm):
    """Catches a study that floods the queue: it needs one job for each of two runs, and six for all the rest."""
    assert len(on_slurm.submitted()) == 2 + 6


def test_logs_and_benchmarks_of_jobs_are_kept(on_slurm):
    """Catches logs that are deleted on success, and missing benchmarks of grouped jobs."""
    assert "Computing on the CPU" in on_slurm.slurm_logs("quintic")
    kept = {path.parent.name for path in (on_slurm.folder / "results/slurm_logs").rglob("*.log")}
    assert "group_evaluation_evaluate_model" in kept
    for name in ("train_model/quintic/seed1.tsv", "evaluate_model/quintic/seed1.tsv"):
        assert "max_rss" in (on_slurm.results / "benchmarks" / name).read_text(encoding="utf-8")


def test_a_second_run_submits_nothing(on_slurm, cluster):
    """Catches rules whose inputs or parameters differ between the cluster's jobs and the submitting process."""
    on_slurm.finished(on_slurm.start(on_slurm.profile(), environment=cluster.environment))
    assert "Nothing to be done" in on_slurm.log and not on_slurm.submitted()
