# One rule per figure: editing a figure's script redraws that figure alone.


# Seconds each: on a cluster, done where the study is started.
localrules:
    plot_claims,
    plot_divergence,
    plot_targets,
    plot_knockout,
    plot_schedules,
    plot_perplexity,
    plot_fidelity,
    plot_entropy,
    plot_frontier,
    plot_training,
    plot_attention_maps,


rule plot_claims:
    input:
        claims="results/{study}/tables/claims.csv",
        contrasts="results/{study}/tables/contrasts.csv",
        code=modules_of("plot_claims"),
    output:
        pdf="results/{study}/figures/claims.pdf",
        png=report(
            "results/{study}/figures/claims.png",
            caption="../report/claims.rst",
            category="Claims",
            labels={"figure": "all effects and verdicts"},
        ),
    log:
        "results/{study}/logs/plot_claims.log",
    benchmark:
        "results/{study}/benchmarks/plot_claims.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/plot_claims.py"


rule plot_divergence:
    input:
        divergence="results/{study}/tables/divergence.csv",
        code=modules_of("plot_divergence"),
    output:
        pdf="results/{study}/figures/divergence.pdf",
        png=report(
            "results/{study}/figures/divergence.png",
            caption="../report/divergence.rst",
            category="Attention",
            labels={"figure": "divergence from distributed by layer"},
        ),
    log:
        "results/{study}/logs/plot_divergence.log",
    benchmark:
        "results/{study}/benchmarks/plot_divergence.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/plot_divergence.py"


rule plot_targets:
    input:
        metrics="results/{study}/tables/metrics.csv",
        code=modules_of("plot_targets"),
    output:
        pdf="results/{study}/figures/targets.pdf",
        png=report(
            "results/{study}/figures/targets.png",
            caption="../report/targets.rst",
            category="Results",
            labels={"figure": "perplexity against the fidelity target"},
        ),
    log:
        "results/{study}/logs/plot_targets.log",
    benchmark:
        "results/{study}/benchmarks/plot_targets.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arms=SWEPT["fidelity_target"],
    script:
        "../../scripts/plot_targets.py"


rule plot_knockout:
    input:
        knockout="results/{study}/tables/knockout.csv",
        code=modules_of("plot_knockout"),
    output:
        pdf="results/{study}/figures/knockout.pdf",
        png=report(
            "results/{study}/figures/knockout.png",
            caption="../report/knockout.rst",
            category="Attention",
            labels={"figure": "attention knockout"},
        ),
    log:
        "results/{study}/logs/plot_knockout.log",
    benchmark:
        "results/{study}/benchmarks/plot_knockout.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/plot_knockout.py"


rule plot_schedules:
    input:
        schedules="results/{study}/tables/schedules.csv",
        code=modules_of("plot_schedules"),
    output:
        pdf="results/{study}/figures/schedules.pdf",
        png=report(
            "results/{study}/figures/schedules.png",
            caption="../report/schedules.rst",
            category="Method",
            labels={"figure": "locality by layer"},
        ),
    log:
        "results/{study}/logs/plot_schedules.log",
    benchmark:
        "results/{study}/benchmarks/plot_schedules.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/plot_schedules.py"


rule plot_perplexity:
    input:
        arms="results/{study}/tables/arms.csv",
        metrics="results/{study}/tables/metrics.csv",
        code=modules_of("plot_perplexity"),
    output:
        pdf="results/{study}/figures/perplexity.pdf",
        png=report(
            "results/{study}/figures/perplexity.png",
            caption="../report/perplexity.rst",
            category="Results",
            labels={"figure": "perplexity by arm"},
        ),
    log:
        "results/{study}/logs/plot_perplexity.log",
    benchmark:
        "results/{study}/benchmarks/plot_perplexity.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/plot_perplexity.py"


rule plot_fidelity:
    input:
        layers="results/{study}/tables/layers.csv",
        code=modules_of("plot_fidelity"),
    output:
        pdf="results/{study}/figures/fidelity.pdf",
        png=report(
            "results/{study}/figures/fidelity.png",
            caption="../report/fidelity.rst",
            category="Attention",
            labels={"figure": "chance-corrected fidelity by layer"},
        ),
    log:
        "results/{study}/logs/plot_fidelity.log",
    benchmark:
        "results/{study}/benchmarks/plot_fidelity.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        measured_partition=config["blocks"]["reference"],
    script:
        "../../scripts/plot_fidelity.py"


rule plot_entropy:
    input:
        layers="results/{study}/tables/layers.csv",
        code=modules_of("plot_entropy"),
    output:
        pdf="results/{study}/figures/entropy.pdf",
        png=report(
            "results/{study}/figures/entropy.png",
            caption="../report/entropy.rst",
            category="Attention",
            labels={"figure": "entropy by layer"},
        ),
    log:
        "results/{study}/logs/plot_entropy.log",
    benchmark:
        "results/{study}/benchmarks/plot_entropy.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/plot_entropy.py"


rule plot_frontier:
    input:
        arms="results/{study}/tables/arms.csv",
        code=modules_of("plot_frontier"),
    output:
        pdf="results/{study}/figures/frontier.pdf",
        png=report(
            "results/{study}/figures/frontier.png",
            caption="../report/frontier.rst",
            category="Results",
            labels={"figure": "perplexity against late-layer fidelity"},
        ),
    log:
        "results/{study}/logs/plot_frontier.log",
    benchmark:
        "results/{study}/benchmarks/plot_frontier.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        swept=SWEPT["weight"],
    script:
        "../../scripts/plot_frontier.py"


rule plot_training:
    input:
        history="results/{study}/tables/history.csv",
        code=modules_of("plot_training"),
    output:
        pdf="results/{study}/figures/training.pdf",
        png=report(
            "results/{study}/figures/training.png",
            caption="../report/training.rst",
            category="Training",
            labels={"figure": "training curves"},
        ),
    log:
        "results/{study}/logs/plot_training.log",
    benchmark:
        "results/{study}/benchmarks/plot_training.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/plot_training.py"


rule plot_attention_maps:
    input:
        passages=lambda wildcards: per_run("evaluation/{arm}/seed{seed}/passage.npz", first_seed_of_each_arm()),
        code=modules_of("plot_attention_maps"),
    output:
        pdf="results/{study}/figures/attention_maps.pdf",
        png=report(
            "results/{study}/figures/attention_maps.png",
            caption="../report/attention_maps.rst",
            category="Attention",
            labels={"figure": "attention on one passage"},
        ),
    log:
        "results/{study}/logs/plot_attention_maps.log",
    benchmark:
        "results/{study}/benchmarks/plot_attention_maps.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arms=[PRETRAINED, *ARMS],
    script:
        "../../scripts/plot_attention_maps.py"
