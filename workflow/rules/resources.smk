# Models, encoder and sample corpus: fetched once, checked against their hashes, shared by all studies.


# Where the study is started there is a network; nodes of a cluster often have none.
localrules:
    fetch_model,
    fetch_encoder,
    fetch_corpus,


rule fetch_model:
    input:
        code=modules_of("fetch_model"),
    output:
        folder=directory(f"resources/models/{config['model']['name']}"),
        record=f"resources/models/{config['model']['name']}.json",
    log:
        "resources/logs/fetch_model.log",
    benchmark:
        "resources/benchmarks/fetch_model.tsv"
    conda:
        "../../envs/training.yaml"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        resource=resource_params("model"),
    script:
        "../../scripts/fetch_model.py"


rule fetch_encoder:
    input:
        code=modules_of("fetch_encoder"),
    output:
        folder=directory(f"resources/encoders/{config['encoder']['name']}"),
        record=f"resources/encoders/{config['encoder']['name']}.json",
    log:
        "resources/logs/fetch_encoder.log",
    benchmark:
        "resources/benchmarks/fetch_encoder.tsv"
    conda:
        "../../envs/training.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        resource=resource_params("encoder"),
    script:
        "../../scripts/fetch_encoder.py"


rule fetch_corpus:
    input:
        code=modules_of("fetch_corpus"),
    output:
        files=fetched_corpus(),
        record=f"resources/corpora/{config['corpus']['name']}.json",
    log:
        "resources/logs/fetch_corpus.log",
    benchmark:
        "resources/benchmarks/fetch_corpus.tsv"
    conda:
        "../../envs/training.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        resource=resource_params("corpus"),
    script:
        "../../scripts/fetch_corpus.py"


rule initialise_model:
    input:
        segments="results/{study}/corpus/segments.parquet",
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
