# Entry point of the workflow. The stages are in workflow/rules; config.yaml defines a study.
from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/workarounds.smk"


# Without a study file, the default study is run. A study file contains only what differs from the schema's defaults.
if not study_file_is_given():

    configfile: folder_of_this_file() / "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/corpus.smk"
include: "workflow/rules/blocks.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/pages.smk"
include: "workflow/rules/figures.smk"


report: "workflow/report/workflow.rst"


drop_benchmarks_of_cached_rules()
explain_locks()


onstart:
    refuse_what_slurm_would_refuse()


rule all:
    default_target: True
    input:
        f"{RESULTS}/config.yaml",
        f"{RESULTS}/runs/forecast.json",
        tables(),
        figures(),
        f"{RESULTS}/index.html",
        f"{RESULTS}/explorer.html",
        model_cards(),


rule figures:
    input:
        tables(),
        figures(),


# Only the corpus and its extraction report, to check them before training.
rule inspect_corpus:
    input:
        f"{RESULTS}/tables/extraction.html",


# Only the blocks, their topics and their quality, likewise.
rule inspect_blocks:
    input:
        f"{RESULTS}/tables/blocks.html",
        expand(f"{RESULTS}/figures/block_{{name}}.png", name=["map", "ribbon", "selection"]),


rule resources:
    input:
        fetched_resources(),
