# Figures of the blocks, before anything is trained.


# Seconds each: on a cluster, done where the study is started.
localrules:
    plot_block_selection,
    plot_block_map,
    plot_block_ribbon,
    plot_block_sizes,


rule plot_block_selection:
    input:
        selection="results/{study}/blocks/semantic/selection.csv",
        code=modules_of("plot_block_selection"),
    output:
        pdf="results/{study}/figures/block_selection.pdf",
        png=report(
            "results/{study}/figures/block_selection.png",
            caption="../report/block_selection.rst",
            category="Blocks",
            labels={"figure": "choice of the number of blocks"},
        ),
    log:
        "results/{study}/logs/plot_block_selection.log",
    benchmark:
        "results/{study}/benchmarks/plot_block_selection.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        criterion=config["blocks"]["semantic"]["criterion"],
    script:
        "../../scripts/plot_block_selection.py"


rule plot_block_map:
    input:
        map="results/{study}/blocks/map.parquet",
        blocks="results/{study}/blocks/semantic/sentence_blocks.parquet",
        code=modules_of("plot_block_map"),
    output:
        pdf="results/{study}/figures/block_map.pdf",
        png=report(
            "results/{study}/figures/block_map.png",
            caption="../report/block_map.rst",
            category="Blocks",
            labels={"figure": "map of the blocks"},
        ),
    log:
        "results/{study}/logs/plot_block_map.log",
    benchmark:
        "results/{study}/benchmarks/plot_block_map.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/plot_block_map.py"


rule plot_block_ribbon:
    input:
        sentences="results/{study}/corpus/sentences.parquet",
        blocks="results/{study}/blocks/semantic/sentence_blocks.parquet",
        code=modules_of("plot_block_ribbon"),
    output:
        pdf="results/{study}/figures/block_ribbon.pdf",
        png=report(
            "results/{study}/figures/block_ribbon.png",
            caption="../report/block_ribbon.rst",
            category="Blocks",
            labels={"figure": "where each block lives"},
        ),
    log:
        "results/{study}/logs/plot_block_ribbon.log",
    benchmark:
        "results/{study}/benchmarks/plot_block_ribbon.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/plot_block_ribbon.py"


rule plot_block_sizes:
    input:
        sentence_blocks="results/{study}/blocks/semantic/sentence_blocks.parquet",
        partitions=expand("results/{{study}}/blocks/{measured}/train.npy", measured=MEASURED),
        code=modules_of("plot_block_sizes"),
    output:
        pdf="results/{study}/figures/block_sizes.pdf",
        png=report(
            "results/{study}/figures/block_sizes.png",
            caption="../report/block_sizes.rst",
            category="Blocks",
            labels={"figure": "sizes of blocks and lengths of runs"},
        ),
    log:
        "results/{study}/logs/plot_block_sizes.log",
    benchmark:
        "results/{study}/benchmarks/plot_block_sizes.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        measured=MEASURED,
    script:
        "../../scripts/plot_block_sizes.py"
