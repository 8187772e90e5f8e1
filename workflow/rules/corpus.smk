# From books or dumps to sections, sentences, and token windows in three splits.


# Takes a second: on a cluster, run where the study is started.
localrules:
    record_config,


# Runs first, so that a failed study also has its record.
rule record_config:
    input:
        code=modules_of("record_config"),
    output:
        record="results/{study}/config.yaml",
    log:
        "results/{study}/logs/record_config.log",
    benchmark:
        "results/{study}/benchmarks/record_config.tsv"
    priority: 200
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        config=config,
    script:
        "../../scripts/record_config.py"


rule extract_corpus:
    input:
        source=corpus_source,
        code=modules_of("extract_corpus"),
    output:
        sections="results/{study}/corpus/documents.parquet",
        report="results/{study}/corpus/extraction.json",
    log:
        "results/{study}/logs/extract_corpus.log",
    benchmark:
        "results/{study}/benchmarks/extract_corpus.tsv"
    cache: CACHED
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=more_each_try(2500),
        runtime=more_each_try(60),
    params:
        software=software,
        books=own_books,
        corpus={
            key: value for key, value in config["corpus"].items() if key not in ("name", "license", "origin", "source")
        },
    script:
        "../../scripts/extract_corpus.py"


rule split_sentences:
    input:
        sections="results/{study}/corpus/documents.parquet",
        code=modules_of("split_sentences"),
    output:
        sentences="results/{study}/corpus/sentences.parquet",
    log:
        "results/{study}/logs/split_sentences.log",
    benchmark:
        "results/{study}/benchmarks/split_sentences.tsv"
    cache: CACHED
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=more_each_try(1000),
        runtime=more_each_try(10),
    params:
        software=software,
        language=config["corpus"]["language"],
        splits={key: config["splits"][key] for key in [*SPLITS, "seed", "passage_words"]},
    script:
        "../../scripts/split_sentences.py"


rule tokenize_corpus:
    input:
        sections="results/{study}/corpus/documents.parquet",
        sentences="results/{study}/corpus/sentences.parquet",
        model=resource_path("model"),
        code=modules_of("tokenize_corpus"),
    output:
        train=directory("results/{study}/tokens/train"),
        validation=directory("results/{study}/tokens/validation"),
        test=directory("results/{study}/tokens/test"),
        summary="results/{study}/tokens/summary.json",
    log:
        "results/{study}/logs/tokenize_corpus.log",
    benchmark:
        "results/{study}/benchmarks/tokenize_corpus.tsv"
    conda:
        "../../envs/training.yaml"
    resources:
        mem_mb=more_each_try(1000),
        runtime=more_each_try(10),
    params:
        own_model=OWN_MODEL,
        context=config["tokens"]["context"],
        sink=config["model"]["sink_token_id"],
    script:
        "../../scripts/tokenize_corpus.py"
