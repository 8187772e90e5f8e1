# What Snakemake 9.27 offers no public way for: what each of these works around, and when it can go.
from snakemake import exceptions
from snakemake.shell import shell


def study_file_is_given():
    """Whether --configfile names a study. A study's arms replace those of config.yaml, where Snakemake would merge the two.

    Can go when `configfile:` can be skipped for files given on the command line.
    """
    return bool(workflow.overwrite_configfiles)


def folder_of_this_file():
    """The folder of the rule file that is being read. workflow.basedir is another one where a workflow uses this one as a module,
    and workflow.source_path gives a copy. Can go when Snakemake offers it as something documented.
    """
    return Path(workflow.current_basedir.get_path_or_uri(secret_free=True))


# Whether early results are shared with other studies (`snakemake --cache`): rules must say so when they are defined.
# Can go when a rule's `cache:` may stand without --cache and its benchmark may stand beside it.
CACHED = workflow.enable_cache


def drop_benchmarks_of_cached_rules():
    """Snakemake does not cache a rule that has a benchmark. Can go when it does."""
    for cached in workflow.rules:
        if cached.cache.output:
            cached._benchmark = None


def explain_locks():
    """Snakemake asks its user to make sure that no other Snakemake works here. Can go when it looks itself."""
    exceptions.LockException = lambda: WorkflowError(lock_message(Path.cwd(), sys.argv))


def said_by_profile(name):
    """A default resource that the profile sets, as it stands there, or None.

    Can go when `resources:` of a rule can depend on the profile's.
    """
    return getattr((workflow.resource_settings.default_resources or {}).get(name), "raw", None)


def jobs_for_slurm():
    """The jobs that will be submitted to SLURM. Can go when the executor plugin checks requests before it submits."""
    if "slurm" not in type(workflow.executor_settings).__module__:
        return []
    return [job for job in workflow.dag.needrun_jobs() if not workflow.is_local(job.rule)]


# Scripts take the place of the shell that starts them: bash before 5.1 stays, and a SIGTERM to all of a job's processes ends
# it, and with it the job, while training has yet to save. Can go when Snakemake starts scripts without a shell.
shell.prefix("set -euo pipefail; exec ")
