# Shared by all stages: the resolved config, the arm table, target lists, and resource paths.
import os
import re
import sys

from snakemake.exceptions import WorkflowError

BASE = folder_of_this_file().parents[1]
# BASE as written in inputs: a relative path if the study runs in the checkout.
CODE = BASE if Path.cwd() != BASE else Path()
sys.path.insert(0, str(BASE / "scripts"))

from localist import __version__
from localist.blocks.partitions import PARTITIONS
from localist.corpus.corpus_files import check_corpus_path, checksum_of, corpus_files, shown_names, source_paths
from localist.corpus.formats.file_kinds import FORMATS
from localist.corpus.splits import SPLITS
from localist.plumbing.errors import UserError
from localist.plumbing.job_environment import set_job_environment
from localist.plumbing.provenance import locked_versions, noted_content_hash
from localist.plumbing.slurm import check_requests, sbatch_options
from localist.plumbing.source_files import imported_modules, used_templates
from localist.resources.folders import check_own_folders
from localist.study.arms import (
    DISTRIBUTED,
    PRETRAINED,
    PRETRAINED_SEED,
    QUINTIC,
    SEMANTIC,
    SHIFTED,
    arm_table,
    arms_to_dial,
    arms_to_draw,
    compared_with,
    meaning,
    named,
    sweep,
    without_repeats,
)
from localist.study.config import resolve
from localist.study.folder_lock import lock_message
from localist.study.schedules import SCHEDULES
from localist.study.sources import source_kind
from localist.study.study_files import refuse_repeated_keys

try:
    for file in workflow.configfiles:
        refuse_repeated_keys(Path(file))
    resolve(
        config,
        BASE / "workflow/schemas/config.schema.yaml",
        {"schedule": SCHEDULES, "partition": PARTITIONS, "format": ["auto", *FORMATS]},
    )
    check_own_folders(config)
    if source_kind(config["corpus"]["source"]) == "path":
        check_corpus_path(config["corpus"]["source"]["path"])
except UserError as error:
    raise WorkflowError(str(error)) from None

STUDY = config["study"]
RESULTS = f"results/{STUDY}"
ARMS, SAME_ARMS = without_repeats(arm_table(config))
SEEDS = config["seeds"]
# A run may be trained on several GPUs; jobs that only evaluate a model use one.
GPUS = config["training"]["gpus"]
MEASURED = config["blocks"]["measured"]
REFERENCE = config["blocks"]["reference"]
KNOCKOUT = [partition for partition in MEASURED if partition in (SEMANTIC, REFERENCE, SHIFTED)]
AT_TOKENS = config["evaluation"]["at_tokens"]
# The arms that differ from quintic (or, for budgets, from each other) only in one value, ordered by it.
SWEPT = {
    field: list(sweep(ARMS, meaning(QUINTIC | row, config["constraint"]), field).values())
    for field, row in {"fidelity_target": {}, "weight": {}, "perplexity_budget": {"perplexity_budget": 1}}.items()
}
# The arms that are compared with the paper's published figures.
PUBLISHED = {DISTRIBUTED: DISTRIBUTED} | {
    schedule: named(ARMS, meaning({"schedule": schedule, "partition": SEMANTIC}, config["constraint"]))
    for schedule in ("localist", "quintic")
}
DIALLED = arms_to_dial(ARMS, config["constraint"])
# The arms whose pairs of blocks are drawn: the baseline, and the constrained arm of the claims.
SCATTERED = [DISTRIBUTED, *(name for name in DIALLED if name not in (PRETRAINED, DISTRIBUTED))][:2]
# The model's name on the hub, if it comes from there.
HUB_MODEL = config["model"]["source"]["hub"]["id"] if source_kind(config["model"]["source"]) == "hub" else None
# The models drawn where showing all would be too many; a duplicate is drawn as the arm that it repeats.
DRAWN = list(
    dict.fromkeys(SAME_ARMS.get(name, name) for name in config["draw"] or arms_to_draw(ARMS, config["constraint"]))
)
# The blocks shown with them: the semantic blocks, which have names, if they are measured.
DRAWN_BLOCKS = SEMANTIC if SEMANTIC in MEASURED else REFERENCE
DRAWN_HEADS = (
    [named(ARMS, meaning(QUINTIC, config["constraint"]))]
    if config["explorer"]["heads"] is None
    else [SAME_ARMS.get(name, name) for name in config["explorer"]["heads"]]
)
# The folder of results shared between studies (`snakemake --cache`).
CACHE = Path(os.environ.get("SNAKEMAKE_OUTPUT_CACHE", ""))
KEPT_SEEDS = {"all": SEEDS, "last_seed": SEEDS[-1:], "none": []}[config["keep_models"]]

# Checked here, since Snakemake would notice only after the first job, or leave dangling links.
if CACHED and not (CACHE.is_absolute() and os.access(CACHE, os.W_OK)):
    raise WorkflowError(
        "--cache: SNAKEMAKE_OUTPUT_CACHE must be set to the full path of an existing, writable folder; "
        f"it is {os.environ.get('SNAKEMAKE_OUTPUT_CACHE')!r}."
    )

set_job_environment(os.environ, BASE / "scripts")


def more_each_try(amount):
    """A request that doubles with each attempt, since a job may have been killed for lack of the resource."""
    return lambda wildcards, attempt: amount * 2 ** (attempt - 1)


def gpu_request(count):
    """How a job requests its GPUs: by number or as generic resources, and in which partition (clusters differ).

    gpu_jobs lets a profile serialise jobs that would all use the first visible GPU.
    """
    if not count:
        return {}
    gpus = {"nodes": 1} | ({"gres": f"gpu:{count}"} if said_by_profile("gpu_request") == "gres" else {"gpu": count})
    partition = said_by_profile("gpu_partition")
    return {"gpu_jobs": 1} | gpus | ({"slurm_partition": partition} if partition else {})


def refuse_what_slurm_would_refuse():
    """Check the requests of SLURM jobs before anything is submitted; groups need no less than their largest job."""
    requests = {sbatch_options(job.resources, job.threads): job.rule.name for job in jobs_for_slurm()}
    try:
        if requests:
            check_requests(requests)
    except UserError as error:
        raise WorkflowError(f"Nothing was submitted: {error}") from None


def any_of(values):
    """A wildcard pattern that matches exactly these names, or nothing if there are none."""
    return "|".join(re.escape(str(value)) for value in values) or "(?!)"


wildcard_constraints:
    study=any_of([STUDY]),
    arm=any_of([PRETRAINED, *ARMS]),
    seed=r"\d+",
    partition=any_of(PARTITIONS),
    split=any_of(SPLITS),


def modules_of(script):
    """The package modules that a script imports; code is an input like any other."""
    return [str(path) for path in imported_modules(CODE / "scripts" / f"{script}.py")]


# Values that, besides code, parameters and input contents, distinguish results in the cache. A parameter that takes
# `input` enters the cache's hash but reruns nothing in an existing study.
def software(wildcards, input):
    """The versions of libraries, which Snakemake tracks only for conda environments."""
    return locked_versions(BASE / "requirements.txt") if CACHED else {}


def own_books(wildcards, input):
    """Name and content hash of each of the user's files, since titles come from names, which the cache's hash lacks."""
    if not CACHED or is_fetched("corpus"):
        return []
    return [[name, checksum_of(path)] for path, name in shown_names(map(Path, input.source)).items()]


def resource_path(what):
    """The path of the model, encoder or fetched corpus: the user's own, or the output of its fetch rule."""
    kind = source_kind(config[what]["source"])
    if kind == "path":
        return str(Path(config[what]["source"]["path"]).expanduser())
    if kind == "untrained":
        return f"{RESULTS}/initial_model"
    folder = {"model": "models", "encoder": "encoders", "corpus": "corpora"}[what]
    return f"resources/{folder}/{config[what]['name']}"


def corpus_source(wildcards):
    """The user's own files, listed one by one so that new files in a folder are noticed; else the fetched corpus."""
    if source_kind(config["corpus"]["source"]) == "path":
        return [str(path) for path in corpus_files(source_paths(config["corpus"]["source"]["path"]))]
    return [resource_path("corpus")]


def own_content(what):
    """A hash of the user's own model or encoder, so that replacing its files reruns everything that depends on them."""
    if source_kind(config[what]["source"]) == "path":
        return noted_content_hash(Path(resource_path(what)), Path(".snakemake/own_content.json"))


# Parameters of the rules that read them, since Snakemake checks the time of a folder, not of the files in it.
OWN_MODEL, OWN_ENCODER = own_content("model"), own_content("encoder")


def own_model_of(wildcards):
    return OWN_MODEL if wildcards.arm == PRETRAINED else None


def resource_params(what):
    return {key: config[what][key] for key in ("name", "source", "license", "origin")}


def fetched_corpus():
    """One raw file from a package, or a folder of a data set's files from the hub."""
    path = f"resources/corpora/{config['corpus']['name']}"
    return directory(path) if source_kind(config["corpus"]["source"]) == "hub" else path


def resource_records():
    """The licence and origin files of fetched resources."""
    return [f"{resource_path(what)}.json" for what in ("model", "encoder", "corpus") if is_fetched(what)]


def is_fetched(what):
    return source_kind(config[what]["source"]) in ("package", "hub")


def fetched_resources():
    return [resource_path(what) for what in ("model", "encoder", "corpus") if is_fetched(what)]


def runs():
    """(arm, seed) of every training run."""
    return [(arm, seed) for arm in ARMS for seed in SEEDS]


def evaluated():
    """(arm, seed) of every row in the tables: the untuned model, then every run."""
    return [(PRETRAINED, PRETRAINED_SEED), *runs()]


def model_compared_with(arm, seed):
    other = compared_with(arm, seed, SEEDS)
    return model_of(*other) if other else []


def compared():
    """(arm, seed, other arm, other seed) of every comparison of attention."""
    return [(*run, *other) for run in evaluated() if (other := compared_with(*run, SEEDS))]


def comparisons():
    return per_run("evaluation/{arm}/seed{seed}/divergence.parquet", [(arm, seed) for arm, seed, *_ in compared()])


def splits_of(arm):
    """The splits on which an arm is evaluated; only distributed's validation loss is used, for hyperparameters."""
    return list(SPLITS) if arm == DISTRIBUTED else [split for split in SPLITS if split != "validation"]


def dialled():
    """(arm, seed) of every run to which the dial is applied."""
    return [(arm, seed) for arm, seed in evaluated() if arm in DIALLED]


def first_seed_of_each_arm():
    return [(PRETRAINED, PRETRAINED_SEED), *((arm, SEEDS[0]) for arm in ARMS)]


def drawn():
    """(arm, seed) of the models that are drawn, each with its first seed."""
    return [(arm, seed) for arm, seed in first_seed_of_each_arm() if arm in DRAWN]


def mapped():
    """The same for the attention maps, which have room for four; the untuned model and localist come last."""
    last = (PRETRAINED, PUBLISHED["localist"])
    return sorted(drawn(), key=lambda run: run[0] in last)[:4]


def per_run(pattern, pairs):
    return ["/".join([RESULTS, pattern.format(arm=arm, seed=seed)]) for arm, seed in pairs]


def kept_runs():
    """(arm, seed) of every run whose model stays on disk.

    Those of distributed always do: an arm added later is compared with them, and training a deleted one again would
    also train again every arm that was compared with it.
    """
    return [(arm, seed) for arm, seed in runs() if arm == DISTRIBUTED or seed in KEPT_SEEDS]


def model_cards():
    return per_run("runs/{arm}/seed{seed}/README.md", kept_runs())


TABLES = [
    *("metrics.csv", "layers.csv", "arms.csv", "history.csv", "schedules.csv", "knockout.csv", "divergence.csv"),
    *("at_tokens.csv", "faithfulness.csv", "faithfulness_sections.csv", "dial.csv", "faithfulness.tex"),
    *("claims.csv", "contrasts.csv", "manipulation.csv", "published.csv"),
    *("arms.tex", "claims.tex", "published.tex", "numbers.tex"),
    *("summary.html", "claims.html", "published.html", "blocks.html", "extraction.html", "study.html", "study.json"),
]


def tables():
    return [f"{RESULTS}/tables/{name}" for name in TABLES]


def blocks_of_sentences(name):
    """A file about the sentence blocks from which a partition is made."""
    return lambda wildcards: f"{RESULTS}/blocks/{PARTITIONS[wildcards.partition].made_from}/{name}"


def training_params():
    """The keys of the section `training` that determine a run's results; newer keys only if they are set."""
    training = config["training"]
    said = {"trainer": training["trainer"], "lora": training["lora"]["rank"]}
    left_out = {"memory_mb", "checkpoint_steps", *(name for name, value in said.items() if not value)}
    return {key: value for key, value in training.items() if key not in left_out}


def blocks_of_arm(wildcards):
    """The training blocks of the arm's partition; the distributed arm needs none."""
    partition = ARMS[wildcards.arm].partition
    return f"{RESULTS}/blocks/{partition}/train.npy" if partition else []


def reference_run(wildcards, name):
    """A file of the distributed run against which an arm's perplexity budget is measured; nothing for other arms."""
    has_budget = ARMS[wildcards.arm].perplexity_budget
    return f"{RESULTS}/runs/{DISTRIBUTED}/seed{wildcards.seed}/{name}" if has_budget else []


def model_of(arm, seed):
    return resource_path("model") if arm == PRETRAINED else f"{RESULTS}/runs/{arm}/seed{seed}/model"


SNAPSHOTS = "results/{study}/runs/{arm}/seed{seed}/at"


def snapshots():
    """The models of a run after given numbers of tokens; kept until they are evaluated."""
    return [temp(directory(f"{SNAPSHOTS}/{tokens}")) for tokens in AT_TOKENS]


def snapshots_of(wildcards):
    return [] if wildcards.arm == PRETRAINED else [f"{SNAPSHOTS}/{tokens}" for tokens in AT_TOKENS]


def templates_of(page):
    """A page's template, and those that it extends, imports or includes; text and markup are inputs like code."""
    return [str(path) for path in used_templates(CODE / "workflow/report/templates" / page)]


FIGURES = []


def figures():
    return [f"{RESULTS}/figures/{name}.{kind}" for name in FIGURES for kind in ("pdf", "png")]


def figure(name, category, label, drawn=True):
    """The outputs of a figure's rule, added to the study's figures: two files, the PNG also in the report.

    Its caption is workflow/report/{name}.rst. drawn: false if the study has nothing to show in it.
    """
    if drawn:
        FIGURES.append(name)
    files = f"results/{{study}}/figures/{{figure,{name}}}"
    entry = {"caption": f"../report/{name}.rst", "category": category, "labels": {"figure": label}}
    return {"pdf": f"{files}.pdf", "png": report(f"{files}.png", **entry)}
