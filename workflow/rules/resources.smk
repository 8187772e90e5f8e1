# Models, encoder and sample corpus: fetched once, checked against their hashes, shared by all studies.
# Records come first: the cache stores in this order, and cannot put a folder in the place of one that a kill left alone.


# Where the study is started there is a network; nodes of a cluster often have none.
localrules:
    fetch_model,
    fetch_encoder,
    fetch_corpus,


rule fetch_model:
    input:
        code=modules_of("fetch_model"),
    output:
        record=f"resources/models/{config['model']['name']}.json",
        folder=directory(f"resources/models/{config['model']['name']}"),
    log:
        "resources/logs/fetch_model.log",
    benchmark:
        "resources/benchmarks/fetch_model.tsv"
    cache: CACHED
    conda:
        "../../envs/training.yaml"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        software=software,
        resource=resource_params("model"),
    script:
        "../../scripts/fetch_model.py"


rule fetch_encoder:
    input:
        code=modules_of("fetch_encoder"),
    output:
        record=f"resources/encoders/{config['encoder']['name']}.json",
        folder=directory(f"resources/encoders/{config['encoder']['name']}"),
    log:
        "resources/logs/fetch_encoder.log",
    benchmark:
        "resources/benchmarks/fetch_encoder.tsv"
    cache: CACHED
    conda:
        "../../envs/training.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        software=software,
        resource=resource_params("encoder"),
    script:
        "../../scripts/fetch_encoder.py"


rule fetch_corpus:
    input:
        code=modules_of("fetch_corpus"),
    output:
        record=f"resources/corpora/{config['corpus']['name']}.json",
        files=fetched_corpus(),
    log:
        "resources/logs/fetch_corpus.log",
    benchmark:
        "resources/benchmarks/fetch_corpus.tsv"
    cache: CACHED
    conda:
        "../../envs/training.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        software=software,
        resource=resource_params("corpus"),
    script:
        "../../scripts/fetch_corpus.py"


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
