# One training job per arm and seed.


# Takes a few seconds at most: on a cluster, run where the study is started.
localrules:
    forecast_training,


rule forecast_training:
    input:
        model=resource_path("model"),
        code=modules_of("forecast_training"),
    output:
        forecast="results/{study}/runs/forecast.json",
    log:
        "results/{study}/logs/forecast_training.log",
    benchmark:
        "results/{study}/benchmarks/forecast_training.tsv"
    # No run depends on the forecast, since a new one (after adding an arm) must not retrain models. Its priority and
    # small resource needs make it run first.
    priority: 100
    conda:
        "../../envs/training.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        own_model=OWN_MODEL,
        context=config["tokens"]["context"],
        # Not inputs: unfinished runs have none, and the forecast precedes training.
        settings=per_run("runs/{arm}/seed{seed}/settings.json", runs()),
        same_arms=SAME_ARMS,
        training=config["training"],
        kept_runs=len(kept_runs()),
        results=RESULTS,
    script:
        "../../scripts/forecast_training.py"


rule train_model:
    input:
        model=resource_path("model"),
        tokens="results/{study}/tokens/train",
        blocks=blocks_of_arm,
        reference_history=lambda wildcards: reference_run(wildcards, "history.csv"),
        reference_settings=lambda wildcards: reference_run(wildcards, "settings.json"),
        code=modules_of("train_model"),
    output:
        model=directory("results/{study}/runs/{arm}/seed{seed}/model"),
        history="results/{study}/runs/{arm}/seed{seed}/history.csv",
        settings="results/{study}/runs/{arm}/seed{seed}/settings.json",
        snapshots=snapshots(),
    log:
        "results/{study}/logs/train_model/{arm}/seed{seed}.log",
    benchmark:
        "results/{study}/benchmarks/train_model/{arm}/seed{seed}.tsv"
    wildcard_constraints:
        arm=any_of(ARMS),
        seed=any_of(SEEDS),
    conda:
        "../../envs/training.yaml"
    threads: config["training"]["threads"] * max(1, GPUS)
    resources:
        **gpu_request(GPUS),
        mem_mb=more_each_try(config["training"]["memory_mb"]),
        runtime=2880,
    params:
        own_model=OWN_MODEL,
        arm=lambda wildcards: ARMS[wildcards.arm].as_params(),
        training=training_params(),
        at_tokens=AT_TOKENS,
        # Only arms with a budget depend on it.
        budget=lambda wildcards: (config["constraint"]["budget"] if ARMS[wildcards.arm].perplexity_budget else None),
        min_locality=config["constraint"]["min_locality"],
        query_key_rate=lambda wildcards: (
            1.0 if ARMS[wildcards.arm].schedule == DISTRIBUTED else config["constraint"]["query_key_rate"]
        ),
        checkpoint_steps=config["training"]["checkpoint_steps"],
        # Not an output: Snakemake deletes outputs before rerunning a job, but a killed run resumes from here.
        checkpoints="results/{study}/checkpoints/{arm}-seed{seed}",
    script:
        "../../scripts/train_model.py"


ruleorder: train_unkept_model > train_model


use rule train_model as train_unkept_model with:
    output:
        model=temp(directory("results/{study}/runs/{arm}/seed{seed}/model")),
        history="results/{study}/runs/{arm}/seed{seed}/history.csv",
        settings="results/{study}/runs/{arm}/seed{seed}/settings.json",
        snapshots=snapshots(),
    wildcard_constraints:
        arm=any_of(arm for arm in ARMS if arm != DISTRIBUTED),
        seed=any_of(seed for seed in SEEDS if seed not in KEPT_SEEDS),
