# Sentence embeddings, their clusters, and the block of every token under every partition.


# A second or a few: on a cluster, done where the study is started.
localrules:
    partition_tokens,


rule embed_segments:
    input:
        segments="results/{study}/corpus/segments.parquet",
        encoder=resource_path("encoder"),
        code=modules_of("embed_segments"),
    output:
        embeddings="results/{study}/blocks/embeddings.npy",
    log:
        "results/{study}/logs/embed_segments.log",
    benchmark:
        "results/{study}/benchmarks/embed_segments.tsv"
    # Snakemake can hash no folder that it has not made.
    cache: CACHED and is_fetched("encoder")
    conda:
        "../../envs/training.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=more_each_try(2000),
        runtime=more_each_try(60),
    params:
        software=software,
        threads=config["training"]["threads"],
    script:
        "../../scripts/embed_segments.py"


rule partition_segments:
    input:
        segments="results/{study}/corpus/segments.parquet",
        embeddings="results/{study}/blocks/embeddings.npy",
        tokens="results/{study}/tokens/train",
        code=modules_of("partition_segments"),
    output:
        segment_blocks="results/{study}/blocks/semantic/segment_blocks.parquet",
        selection="results/{study}/blocks/semantic/selection.csv",
        blocks="results/{study}/blocks/semantic/blocks.csv",
        found="results/{study}/blocks/semantic/found.json",
    log:
        "results/{study}/logs/partition_segments.log",
    benchmark:
        "results/{study}/benchmarks/partition_segments.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=more_each_try(6000),
        runtime=more_each_try(120),
    params:
        semantic=config["blocks"]["semantic"],
        language=config["corpus"]["language"],
    script:
        "../../scripts/partition_segments.py"


rule segment_spans:
    input:
        segments="results/{study}/corpus/segments.parquet",
        embeddings="results/{study}/blocks/embeddings.npy",
        code=modules_of("segment_spans"),
    output:
        segment_blocks="results/{study}/blocks/segments/segment_blocks.parquet",
        found="results/{study}/blocks/segments/found.json",
    log:
        "results/{study}/logs/segment_spans.log",
    benchmark:
        "results/{study}/benchmarks/segment_spans.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=more_each_try(3000),
        runtime=more_each_try(60),
    params:
        spans=config["blocks"]["segments"],
    script:
        "../../scripts/segment_spans.py"


rule partition_tokens:
    input:
        segment_blocks=blocks_of_segments("segment_blocks.parquet"),
        found=blocks_of_segments("found.json"),
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
