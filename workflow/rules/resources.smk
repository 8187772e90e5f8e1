# Models, encoder and sample corpus: fetched once, verified against their hashes, shared by all studies.
# Records come first: the cache stores outputs in this order, and cannot replace a folder left behind by a killed job.


# Run where the study is started, since cluster nodes often have no network.
localrules:
    fetch_model,
    fetch_encoder,
    fetch_corpus,


# Shared by all fetch rules; the rule itself makes nothing.
rule fetch_resource:
    input:
        code=modules_of("fetch_resource"),
    log:
        "resources/logs/fetch_resource.log",
    benchmark:
        "resources/benchmarks/fetch_resource.tsv"
    conda:
        "../../envs/training.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    script:
        "../../scripts/fetch_resource.py"


use rule fetch_resource as fetch_model with:
    output:
        record=f"resources/models/{config['model']['name']}.json",
        content=directory(f"resources/models/{config['model']['name']}"),
    log:
        "resources/logs/fetch_model.log",
    benchmark:
        "resources/benchmarks/fetch_model.tsv"
    cache: CACHED
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        software=software,
        kind="model",
        resource=resource_params("model"),


use rule fetch_resource as fetch_encoder with:
    output:
        record=f"resources/encoders/{config['encoder']['name']}.json",
        content=directory(f"resources/encoders/{config['encoder']['name']}"),
    log:
        "resources/logs/fetch_encoder.log",
    benchmark:
        "resources/benchmarks/fetch_encoder.tsv"
    cache: CACHED
    params:
        software=software,
        kind="encoder",
        resource=resource_params("encoder"),


use rule fetch_resource as fetch_corpus with:
    output:
        record=f"resources/corpora/{config['corpus']['name']}.json",
        content=fetched_corpus(),
    log:
        "resources/logs/fetch_corpus.log",
    benchmark:
        "resources/benchmarks/fetch_corpus.tsv"
    cache: CACHED
    params:
        software=software,
        kind="corpus",
        resource=resource_params("corpus"),


rule initialise_model:
    input:
        sentences="results/{study}/corpus/sentences.parquet",
        code=modules_of("initialise_model"),
    output:
        folder=directory("results/{study}/initial_model"),
    log:
        "results/{study}/logs/initialise_model.log",
    benchmark:
        "results/{study}/benchmarks/initialise_model.tsv"
    conda:
        "../../envs/training.yaml"
    resources:
        mem_mb=more_each_try(1000),
        runtime=more_each_try(10),
    params:
        architecture=config["model"]["source"].get("untrained"),
        context=config["tokens"]["context"],
    script:
        "../../scripts/initialise_model.py"
