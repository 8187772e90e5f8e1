# Every run, and the untuned model, on the same held-out text.


# A second or a few: on a cluster, done where the study is started.
localrules:
    describe_model,


rule evaluate_model:
    input:
        model=lambda wildcards: model_of(wildcards.arm, wildcards.seed),
        other=lambda wildcards: model_compared_with(wildcards.arm, int(wildcards.seed)),
        snapshots=snapshots_of,
        tokens=lambda wildcards: expand("results/{{study}}/tokens/{split}", split=splits_of(wildcards.arm)),
        sentences="results/{study}/corpus/sentences.parquet",
        blocks=expand("results/{{study}}/blocks/{measured}/test.npy", measured=MEASURED),
        code=modules_of("evaluate_model"),
    output:
        metrics="results/{study}/evaluation/{arm}/seed{seed}/metrics.json",
        precision="results/{study}/evaluation/{arm}/seed{seed}/precision.json",
        tokens="results/{study}/evaluation/{arm}/seed{seed}/tokens.parquet",
        knockout="results/{study}/evaluation/{arm}/seed{seed}/knockout.parquet",
        divergence="results/{study}/evaluation/{arm}/seed{seed}/divergence.parquet",
        at_tokens="results/{study}/evaluation/{arm}/seed{seed}/at_tokens.parquet",
        layers=expand("results/{{study}}/evaluation/{{arm}}/seed{{seed}}/{measured}/layers.parquet", measured=MEASURED),
    log:
        "results/{study}/logs/evaluate_model/{arm}/seed{seed}.log",
    benchmark:
        "results/{study}/benchmarks/evaluate_model/{arm}/seed{seed}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: config["training"]["threads"]
    resources:
        **gpu_request(min(1, GPUS)),
        mem_mb=more_each_try(config["training"]["memory_mb"]),
        runtime=more_each_try(120),
    params:
        own_model=own_model_of,
        measured=MEASURED,
        reference=REFERENCE,
        knockout=KNOCKOUT,
        splits=lambda wildcards: splits_of(wildcards.arm),
        at_tokens=lambda wildcards: AT_TOKENS if snapshots_of(wildcards) else [],
        settings={
            key: config["evaluation"][key]
            for key in (
                *("batch_size", "precision", "seed", "sample_tokens"),
                "divergence_tokens",
            )
        }
        | {key: config["training"][key] for key in ("threads", "deterministic")}
        | {"gpus": min(1, GPUS)},
    script:
        "../../scripts/evaluate_model.py"


# Attention within a few passages, to be looked at: no measure and no claim depends on it.
rule explore_model:
    input:
        model=lambda wildcards: model_of(wildcards.arm, wildcards.seed),
        tokens="results/{study}/tokens/test",
        blocks=f"results/{{study}}/blocks/{DRAWN_BLOCKS}/test.npy",
        code=modules_of("explore_model"),
    output:
        passages="results/{study}/explorer/{arm}/seed{seed}.npz",
    log:
        "results/{study}/logs/explore_model/{arm}/seed{seed}.log",
    benchmark:
        "results/{study}/benchmarks/explore_model/{arm}/seed{seed}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: config["training"]["threads"]
    resources:
        **gpu_request(min(1, GPUS)),
        mem_mb=more_each_try(config["training"]["memory_mb"]),
        runtime=more_each_try(10),
    params:
        own_model=own_model_of,
        settings=lambda wildcards: {key: config["explorer"][key] for key in ("passages", "tokens")}
        | {
            "heads": wildcards.arm in DRAWN_HEADS,
            "precision": config["evaluation"]["precision"],
            "threads": config["training"]["threads"],
            "gpus": min(1, GPUS),
        },
    script:
        "../../scripts/explore_model.py"


# What a text's tokens call their own before the text goes on: of the test windows that are probed, and, in centres.npy, for
# text that a model of the study writes.
rule assign_causal_blocks:
    input:
        embeddings="results/{study}/blocks/embeddings.npy",
        sentence_blocks="results/{study}/blocks/semantic/sentence_blocks.parquet",
        tokens="results/{study}/tokens/test",
        blocks=f"results/{{study}}/blocks/{REFERENCE}/test.npy",
        encoder=resource_path("encoder"),
        model=resource_path("model"),
        code=modules_of("assign_causal_blocks"),
    output:
        centres="results/{study}/blocks/causal/centres.npy",
        own_keys="results/{study}/blocks/causal/own_keys.npz",
    log:
        "results/{study}/logs/assign_causal_blocks.log",
    benchmark:
        "results/{study}/benchmarks/assign_causal_blocks.tsv"
    conda:
        "../../envs/training.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=more_each_try(2000),
        runtime=more_each_try(60),
    params:
        own=[OWN_MODEL, OWN_ENCODER],
        language=config["corpus"]["language"],
        windows=config["evaluation"]["knockout_windows"],
        seed=config["evaluation"]["seed"],
        threads=config["training"]["threads"],
    script:
        "../../scripts/assign_causal_blocks.py"


rule probe_model:
    input:
        model=lambda wildcards: model_of(wildcards.arm, wildcards.seed),
        tokens="results/{study}/tokens/test",
        sentences="results/{study}/corpus/sentences.parquet",
        blocks=f"results/{{study}}/blocks/{REFERENCE}/test.npy",
        own_keys="results/{study}/blocks/causal/own_keys.npz",
        code=modules_of("probe_model"),
    output:
        knockouts="results/{study}/evaluation/{arm}/seed{seed}/block_knockouts.parquet",
        dial="results/{study}/evaluation/{arm}/seed{seed}/dial.parquet",
    log:
        "results/{study}/logs/probe_model/{arm}/seed{seed}.log",
    benchmark:
        "results/{study}/benchmarks/probe_model/{arm}/seed{seed}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: config["training"]["threads"]
    resources:
        **gpu_request(min(1, GPUS)),
        mem_mb=more_each_try(config["training"]["memory_mb"]),
        runtime=more_each_try(120),
    params:
        own_model=own_model_of,
        settings=lambda wildcards: {key: config["evaluation"][key] for key in ("batch_size", "precision")}
        | {key: config["training"][key] for key in ("threads", "deterministic")}
        | {"gpus": min(1, GPUS)}
        | {
            "dial": (
                config["evaluation"]["dial"] | {"min_locality": config["constraint"]["min_locality"]}
                if wildcards.arm in DIALLED
                else None
            )
        },
    script:
        "../../scripts/probe_model.py"


# Beside the model folder, not in it: that folder is another rule's output, and whole.
rule describe_model:
    input:
        settings="results/{study}/runs/{arm}/seed{seed}/settings.json",
        metrics="results/{study}/evaluation/{arm}/seed{seed}/metrics.json",
        precision="results/{study}/evaluation/{arm}/seed{seed}/precision.json",
        layers=f"results/{{study}}/evaluation/{{arm}}/seed{{seed}}/{REFERENCE}/layers.parquet",
        templates=templates_of("model_card.md.j2"),
        code=modules_of("describe_model"),
    output:
        card="results/{study}/runs/{arm}/seed{seed}/README.md",
    log:
        "results/{study}/logs/describe_model/{arm}/seed{seed}.log",
    benchmark:
        "results/{study}/benchmarks/describe_model/{arm}/seed{seed}.tsv"
    conda:
        "../../envs/training.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arm=lambda wildcards: ARMS[wildcards.arm].as_params(),
        model={key: config["model"][key] for key in ("name", "origin", "license")} | {"base_model": HUB_MODEL},
        corpus={key: config["corpus"][key] for key in ("name", "origin", "license", "language")},
        partition=REFERENCE,
    script:
        "../../scripts/describe_model.py"
