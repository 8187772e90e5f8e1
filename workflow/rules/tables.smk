# Tables from the evaluation files: nothing here needs a model.


# Takes seconds: on a cluster, run where the study is started.
localrules:
    collect_metrics,
    collect_probes,
    collect_faithfulness,
    judge_claims,
    compare_published,
    write_numbers,


rule collect_metrics:
    input:
        metrics=per_run("evaluation/{arm}/seed{seed}/metrics.json", evaluated()),
        precision=per_run("evaluation/{arm}/seed{seed}/precision.json", evaluated()),
        tokens=per_run("evaluation/{arm}/seed{seed}/tokens.parquet", evaluated()),
        at_tokens=per_run("evaluation/{arm}/seed{seed}/at_tokens.parquet", evaluated()),
        layers=[
            path
            for measured in MEASURED
            for path in per_run(f"evaluation/{{arm}}/seed{{seed}}/{measured}/layers.parquet", evaluated())
        ],
        history=per_run("runs/{arm}/seed{seed}/history.csv", runs()),
        templates=templates_of("summary.html.j2"),
        code=modules_of("collect_metrics"),
    output:
        metrics="results/{study}/tables/metrics.csv",
        layers="results/{study}/tables/layers.csv",
        arms=report(
            "results/{study}/tables/arms.csv",
            caption="../report/arms.rst",
            category="Results",
            labels={"table": "arms, as CSV"},
        ),
        latex="results/{study}/tables/arms.tex",
        page=report(
            "results/{study}/tables/summary.html",
            caption="../report/summary.rst",
            category="Results",
            labels={"table": "summary"},
        ),
        history="results/{study}/tables/history.csv",
        schedules="results/{study}/tables/schedules.csv",
        at_tokens="results/{study}/tables/at_tokens.csv",
    log:
        "results/{study}/logs/collect_metrics.log",
    benchmark:
        "results/{study}/benchmarks/collect_metrics.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        arms={name: arm.as_params() for name, arm in ARMS.items()},
        evaluated=evaluated(),
        runs=runs(),
        measured=MEASURED,
        reference=config["blocks"]["reference"],
        min_locality=config["constraint"]["min_locality"],
        evaluation={key: config["evaluation"][key] for key in ("resamples", "seed")},
    script:
        "../../scripts/collect_metrics.py"


rule collect_probes:
    input:
        tokens=per_run("evaluation/{arm}/seed{seed}/tokens.parquet", evaluated()),
        knockout=per_run("evaluation/{arm}/seed{seed}/knockout.parquet", evaluated()),
        comparisons=comparisons(),
        code=modules_of("collect_probes"),
    output:
        knockout="results/{study}/tables/knockout.csv",
        divergence="results/{study}/tables/divergence.csv",
    log:
        "results/{study}/logs/collect_probes.log",
    benchmark:
        "results/{study}/benchmarks/collect_probes.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        evaluated=evaluated(),
        compared=compared(),
    script:
        "../../scripts/collect_probes.py"


rule collect_faithfulness:
    input:
        knockouts=per_run("evaluation/{arm}/seed{seed}/block_knockouts.parquet", evaluated()),
        dials=per_run("evaluation/{arm}/seed{seed}/dial.parquet", dialled()),
        code=modules_of("collect_faithfulness"),
    output:
        faithfulness=report(
            "results/{study}/tables/faithfulness.csv",
            caption="../report/faithfulness_csv.rst",
            category="Attention",
            labels={"table": "faithfulness by arm, as CSV"},
        ),
        sections="results/{study}/tables/faithfulness_sections.csv",
        latex="results/{study}/tables/faithfulness.tex",
        dial="results/{study}/tables/dial.csv",
    log:
        "results/{study}/logs/collect_faithfulness.log",
    benchmark:
        "results/{study}/benchmarks/collect_faithfulness.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        evaluated=evaluated(),
        dialled=dialled(),
        evaluation={key: config["evaluation"][key] for key in ("resamples", "seed")},
    script:
        "../../scripts/collect_faithfulness.py"


rule judge_claims:
    input:
        block_knockouts=per_run("evaluation/{arm}/seed{seed}/block_knockouts.parquet", runs()),
        tokens=per_run("evaluation/{arm}/seed{seed}/tokens.parquet", runs()),
        knockout=per_run("evaluation/{arm}/seed{seed}/knockout.parquet", runs()),
        precision=per_run("evaluation/{arm}/seed{seed}/precision.json", runs()),
        layers=[
            path
            for measured in MEASURED
            for path in per_run(f"evaluation/{{arm}}/seed{{seed}}/{measured}/layers.parquet", runs())
        ],
        comparisons=comparisons(),
        blocks=expand("results/{{study}}/blocks/{measured}/summary.json", measured=MEASURED),
        history=per_run("runs/{arm}/seed{seed}/history.csv", runs()),
        templates=templates_of("claims.html.j2"),
        sentences=templates_of("verdicts.txt.j2"),
        code=modules_of("judge_claims"),
    output:
        claims=report(
            "results/{study}/tables/claims.csv",
            caption="../report/claims_csv.rst",
            category="Claims",
            labels={"table": "claims, as CSV"},
        ),
        contrasts="results/{study}/tables/contrasts.csv",
        manipulation="results/{study}/tables/manipulation.csv",
        latex="results/{study}/tables/claims.tex",
        page=report(
            "results/{study}/tables/claims.html",
            caption="../report/claims_page.rst",
            category="Claims",
            labels={"table": "claim by claim"},
        ),
    log:
        "results/{study}/logs/judge_claims.log",
    benchmark:
        "results/{study}/benchmarks/judge_claims.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        arms={name: arm.as_params() for name, arm in ARMS.items()},
        seeds=SEEDS,
        runs=runs(),
        measured=MEASURED,
        compared=compared(),
        constraint={
            key: value for key, value in config["constraint"].items() if key not in ("budget", "query_key_rate")
        },
        claims=config["claims"],
        min_sections=config["splits"]["min_test_sections"],
        evaluation={key: config["evaluation"][key] for key in ("resamples", "seed")},
    script:
        "../../scripts/judge_claims.py"


rule compare_published:
    input:
        arms="results/{study}/tables/arms.csv",
        templates=templates_of("published.html.j2"),
        code=modules_of("compare_published"),
    output:
        table="results/{study}/tables/published.csv",
        latex="results/{study}/tables/published.tex",
        page=report(
            "results/{study}/tables/published.html",
            caption="../report/published.rst",
            category="Claims",
            labels={"table": "the paper's numbers and ours"},
        ),
    log:
        "results/{study}/logs/compare_published.log",
    benchmark:
        "results/{study}/benchmarks/compare_published.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arms=PUBLISHED,
        model={key: config["model"][key] for key in ("name", "origin")},
        corpus={key: config["corpus"][key] for key in ("name", "origin")},
    script:
        "../../scripts/compare_published.py"


rule write_numbers:
    input:
        arms="results/{study}/tables/arms.csv",
        claims="results/{study}/tables/claims.csv",
        code=modules_of("write_numbers"),
    output:
        macros="results/{study}/tables/numbers.tex",
    log:
        "results/{study}/logs/write_numbers.log",
    benchmark:
        "results/{study}/benchmarks/write_numbers.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/write_numbers.py"
