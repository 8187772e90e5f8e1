# One rule per figure, so that editing a figure's script redraws only that figure.


# Takes seconds: on a cluster, run where the study is started. Derived rules do not inherit this.
localrules:
    plot_claims,
    plot_schedules,
    plot_perplexity,
    plot_fidelity,
    plot_entropy,
    plot_divergence,
    plot_frontier,
    plot_targets,
    plot_price,
    plot_knockout,
    plot_faithfulness,
    plot_dial,
    plot_training,
    plot_attention_maps,
    plot_block_selection,
    plot_block_map,
    plot_block_ribbon,
    plot_block_sizes,


# Shared by all figures; the script is named after the figure. The rule itself makes nothing.
rule plot_figure:
    output:
        "results/{study}/figures/{figure,(?!)}",
    log:
        "results/{study}/logs/plot_{figure}.log",
    benchmark:
        "results/{study}/benchmarks/plot_{figure}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/plot_{wildcards.figure}.py"


use rule plot_figure as plot_claims with:
    input:
        claims="results/{study}/tables/claims.csv",
        contrasts="results/{study}/tables/contrasts.csv",
        code=modules_of("plot_claims"),
    output:
        **figure("claims", category="Claims", label="all effects and verdicts"),


use rule plot_figure as plot_schedules with:
    input:
        schedules="results/{study}/tables/schedules.csv",
        code=modules_of("plot_schedules"),
    output:
        **figure("schedules", category="Method", label="locality by layer"),


use rule plot_figure as plot_perplexity with:
    input:
        arms="results/{study}/tables/arms.csv",
        metrics="results/{study}/tables/metrics.csv",
        code=modules_of("plot_perplexity"),
    output:
        **figure("perplexity", category="Results", label="perplexity by arm"),


use rule plot_figure as plot_fidelity with:
    input:
        layers="results/{study}/tables/layers.csv",
        code=modules_of("plot_fidelity"),
    output:
        **figure("fidelity", category="Attention", label="chance-corrected fidelity by layer"),
    params:
        measured_partition=config["blocks"]["reference"],
        drawn=DRAWN,


use rule plot_figure as plot_entropy with:
    input:
        layers="results/{study}/tables/layers.csv",
        code=modules_of("plot_entropy"),
    output:
        **figure("entropy", category="Attention", label="entropy by layer"),
    params:
        drawn=DRAWN,


use rule plot_figure as plot_divergence with:
    input:
        divergence="results/{study}/tables/divergence.csv",
        code=modules_of("plot_divergence"),
    output:
        **figure("divergence", category="Attention", label="divergence from distributed by layer"),


use rule plot_figure as plot_frontier with:
    input:
        arms="results/{study}/tables/arms.csv",
        code=modules_of("plot_frontier"),
    output:
        **figure("frontier", category="Results", label="perplexity against late-layer fidelity"),
    params:
        # Paths start at distributed, which is quintic with a weight or budget of 0.
        paths=[[DISTRIBUTED, *SWEPT[field]] for field in ("weight", "perplexity_budget")],


use rule plot_figure as plot_price with:
    input:
        at_tokens="results/{study}/tables/at_tokens.csv",
        code=modules_of("plot_price"),
    output:
        **figure("price", category="Results", label="price of locality by tokens trained", drawn=AT_TOKENS),
    params:
        arms=[DISTRIBUTED, *SWEPT["weight"]],


use rule plot_figure as plot_targets with:
    input:
        metrics="results/{study}/tables/metrics.csv",
        code=modules_of("plot_targets"),
    output:
        **figure("targets", category="Results", label="perplexity against the fidelity target"),
    params:
        arms=SWEPT["fidelity_target"],


use rule plot_figure as plot_knockout with:
    input:
        knockout="results/{study}/tables/knockout.csv",
        code=modules_of("plot_knockout"),
    output:
        **figure("knockout", category="Attention", label="attention knockout"),


use rule plot_figure as plot_faithfulness with:
    input:
        faithfulness="results/{study}/tables/faithfulness.csv",
        knockouts=per_run("evaluation/{arm}/seed{seed}/block_knockouts.parquet", [(arm, SEEDS[0]) for arm in SCATTERED]),
        code=modules_of("plot_faithfulness"),
    output:
        **figure("faithfulness", category="Attention", label="attention shown against blocks used"),
    params:
        arms=SCATTERED,


use rule plot_figure as plot_dial with:
    input:
        dial="results/{study}/tables/dial.csv",
        code=modules_of("plot_dial"),
    output:
        **figure("dial", category="Results", label="perplexity under the locality dial"),
    params:
        arms=[PRETRAINED, *ARMS],


use rule plot_figure as plot_training with:
    input:
        history="results/{study}/tables/history.csv",
        code=modules_of("plot_training"),
    output:
        **figure("training", category="Training", label="training curves"),


use rule plot_figure as plot_attention_maps with:
    input:
        passages=per_run("explorer/{arm}/seed{seed}.npz", mapped()),
        code=modules_of("plot_attention_maps"),
    output:
        **figure("attention_maps", category="Attention", label="attention on one passage"),
    params:
        arms=[arm for arm, _ in mapped()],


use rule plot_figure as plot_block_selection with:
    input:
        selection="results/{study}/blocks/semantic/selection.csv",
        code=modules_of("plot_block_selection"),
    output:
        **figure("block_selection", category="Blocks", label="choice of the block size"),
    params:
        semantic={key: config["blocks"]["semantic"][key] for key in ("max_chance", "min_blocks_per_window")},


use rule plot_figure as plot_block_map with:
    input:
        map="results/{study}/blocks/map.parquet",
        sentence_blocks="results/{study}/blocks/semantic/sentence_blocks.parquet",
        blocks="results/{study}/blocks/semantic/blocks.csv",
        topics="results/{study}/blocks/semantic/topics.csv",
        code=modules_of("plot_block_map"),
    output:
        **figure("block_map", category="Blocks", label="map of the topics"),


use rule plot_figure as plot_block_ribbon with:
    input:
        sentences="results/{study}/corpus/sentences.parquet",
        sentence_blocks="results/{study}/blocks/semantic/sentence_blocks.parquet",
        blocks="results/{study}/blocks/semantic/blocks.csv",
        topics="results/{study}/blocks/semantic/topics.csv",
        code=modules_of("plot_block_ribbon"),
    output:
        **figure("block_ribbon", category="Blocks", label="where each topic occurs"),


use rule plot_figure as plot_block_sizes with:
    input:
        sentence_blocks="results/{study}/blocks/semantic/sentence_blocks.parquet",
        partitions=expand("results/{{study}}/blocks/{measured}/train.npy", measured=MEASURED),
        code=modules_of("plot_block_sizes"),
    output:
        **figure("block_sizes", category="Blocks", label="block sizes and run lengths"),
    params:
        measured=MEASURED,
