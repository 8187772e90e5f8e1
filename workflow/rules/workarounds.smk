# Workarounds for features without a public interface in Snakemake 9.27, and when each can be removed.
from snakemake import exceptions
from snakemake.shell import shell


def study_file_is_given():
    """Whether --configfile names a study. A study's arms replace those of config.yaml; Snakemake would merge them.

    Can be removed when `configfile:` can be skipped for files given on the command line.
    """
    return bool(workflow.overwrite_configfiles)


def folder_of_this_file():
    """The folder of the rule file being read. If another workflow uses this one as a module, workflow.basedir differs,
    and workflow.source_path gives a copy. Can be removed when Snakemake documents an interface for it.
    """
    return Path(workflow.current_basedir.get_path_or_uri(secret_free=True))


# Whether early results are shared with other studies (`snakemake --cache`); rules declare it when they are defined.
# Can be removed when `cache:` is allowed without --cache and in rules with a benchmark.
CACHED = workflow.enable_cache


def drop_benchmarks_of_cached_rules():
    """Snakemake does not cache rules with a benchmark. Can be removed when it does."""
    for cached in workflow.rules:
        if cached.cache.output:
            cached._benchmark = None


def explain_locks():
    """Snakemake leaves it to the user to check for other Snakemakes here. Can be removed when it checks itself."""
    exceptions.LockException = lambda: WorkflowError(lock_message(Path.cwd(), sys.argv))


def said_by_profile(name):
    """A default resource set in the profile, unevaluated, or None.

    Can be removed when `resources:` of a rule can depend on the profile's.
    """
    return getattr((workflow.resource_settings.default_resources or {}).get(name), "raw", None)


def jobs_for_slurm():
    """The jobs that will be submitted to SLURM. Can be removed when the executor plugin checks requests beforehand."""
    if "slurm" not in type(workflow.executor_settings).__module__:
        return []
    return [job for job in workflow.dag.needrun_jobs() if not workflow.is_local(job.rule)]


# Scripts replace the shell that starts them: bash before 5.1 would stay, and a SIGTERM to all processes of a job would
# end the shell, and with it the job, before training has saved. Can be removed when Snakemake starts scripts without a
# shell.
shell.prefix("set -euo pipefail; exec ")
