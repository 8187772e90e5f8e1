# Sentence embeddings, their clusters, and the block of every token under every partition.


# Takes a few seconds at most: on a cluster, run where the study is started.
localrules:
    partition_tokens,


rule embed_sentences:
    input:
        sentences="results/{study}/corpus/sentences.parquet",
        encoder=resource_path("encoder"),
        code=modules_of("embed_sentences"),
    output:
        embeddings="results/{study}/blocks/embeddings.npy",
    log:
        "results/{study}/logs/embed_sentences.log",
    benchmark:
        "results/{study}/benchmarks/embed_sentences.tsv"
    # Snakemake can only hash folders that it made.
    cache: CACHED and is_fetched("encoder")
    conda:
        "../../envs/training.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=more_each_try(2000),
        runtime=more_each_try(60),
    params:
        own_encoder=OWN_ENCODER,
        software=software,
        threads=config["training"]["threads"],
    script:
        "../../scripts/embed_sentences.py"


rule detect_spans:
    input:
        sentences="results/{study}/corpus/sentences.parquet",
        embeddings="results/{study}/blocks/embeddings.npy",
        code=modules_of("detect_spans"),
    output:
        sentence_blocks="results/{study}/blocks/spans/sentence_blocks.parquet",
        fit="results/{study}/blocks/spans/fit.json",
    log:
        "results/{study}/logs/detect_spans.log",
    benchmark:
        "results/{study}/benchmarks/detect_spans.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=more_each_try(3000),
        runtime=more_each_try(60),
    params:
        spans=config["blocks"]["spans"],
    script:
        "../../scripts/detect_spans.py"


rule cluster_sentences:
    input:
        spans="results/{study}/blocks/spans/sentence_blocks.parquet",
        embeddings="results/{study}/blocks/embeddings.npy",
        tokens="results/{study}/tokens/train",
        code=modules_of("cluster_sentences"),
    output:
        sentence_blocks="results/{study}/blocks/semantic/sentence_blocks.parquet",
        selection="results/{study}/blocks/semantic/selection.csv",
        fit="results/{study}/blocks/semantic/fit.json",
    log:
        "results/{study}/logs/cluster_sentences.log",
    benchmark:
        "results/{study}/benchmarks/cluster_sentences.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=more_each_try(4000),
        runtime=more_each_try(60),
    params:
        semantic=config["blocks"]["semantic"],
    script:
        "../../scripts/cluster_sentences.py"


rule group_blocks:
    input:
        sentences="results/{study}/corpus/sentences.parquet",
        embeddings="results/{study}/blocks/embeddings.npy",
        sentence_blocks="results/{study}/blocks/semantic/sentence_blocks.parquet",
        code=modules_of("group_blocks"),
    output:
        blocks="results/{study}/blocks/semantic/blocks.csv",
        topics="results/{study}/blocks/semantic/topics.csv",
    log:
        "results/{study}/logs/group_blocks.log",
    benchmark:
        "results/{study}/benchmarks/group_blocks.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=more_each_try(4000),
        runtime=more_each_try(60),
    params:
        semantic=config["blocks"]["semantic"],
        language=config["corpus"]["language"],
    script:
        "../../scripts/group_blocks.py"


rule check_blocks:
    input:
        sentences="results/{study}/corpus/sentences.parquet",
        embeddings="results/{study}/blocks/embeddings.npy",
        fit="results/{study}/blocks/semantic/fit.json",
        code=modules_of("check_blocks"),
    output:
        check="results/{study}/blocks/semantic/check.json",
    log:
        "results/{study}/logs/check_blocks.log",
    benchmark:
        "results/{study}/benchmarks/check_blocks.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=more_each_try(3000),
        runtime=more_each_try(30),
    params:
        semantic=config["blocks"]["semantic"],
        spans=config["blocks"]["spans"],
    script:
        "../../scripts/check_blocks.py"


rule partition_tokens:
    input:
        sentence_blocks=blocks_of_sentences("sentence_blocks.parquet"),
        fit=blocks_of_sentences("fit.json"),
        tokens=expand("results/{{study}}/tokens/{split}", split=SPLITS),
        code=modules_of("partition_tokens"),
    output:
        blocks=expand("results/{{study}}/blocks/{{partition}}/{split}.npy", split=SPLITS),
        summary="results/{study}/blocks/{partition}/summary.json",
    log:
        "results/{study}/logs/partition_tokens/{partition}.log",
    benchmark:
        "results/{study}/benchmarks/partition_tokens/{partition}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        seed=config["blocks"]["semantic"]["seed"],
    script:
        "../../scripts/partition_tokens.py"


rule map_blocks:
    input:
        embeddings="results/{study}/blocks/embeddings.npy",
        code=modules_of("map_blocks"),
    output:
        map="results/{study}/blocks/map.parquet",
    log:
        "results/{study}/logs/map_blocks.log",
    benchmark:
        "results/{study}/benchmarks/map_blocks.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=more_each_try(1000),
        runtime=more_each_try(30),
    params:
        seed=config["blocks"]["semantic"]["seed"],
    script:
        "../../scripts/map_blocks.py"
