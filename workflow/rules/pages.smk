# HTML pages: start page, explorer, extraction report, block descriptions. Nothing here needs a model.


# Takes seconds: on a cluster, run where the study is started.
localrules:
    describe_study,
    describe_corpus,
    build_index,
    build_explorer,
    describe_blocks,


# The files or folders of user-provided resources, by resource name.
OWN_FILES = [
    (what, path)
    for what in ("model", "encoder", "corpus")
    if source_kind(config[what]["source"]) == "path"
    for path in (corpus_source(None) if what == "corpus" else [resource_path(what)])
]


rule describe_study:
    input:
        records=resource_records(),
        own=[path for _, path in OWN_FILES],
        tokens="results/{study}/tokens/summary.json",
        blocks=expand("results/{{study}}/blocks/{measured}/summary.json", measured=MEASURED),
        settings=per_run("runs/{arm}/seed{seed}/settings.json", runs()),
        templates=templates_of("study.html.j2"),
        code=modules_of("describe_study"),
    output:
        page=report(
            "results/{study}/tables/study.html",
            caption="../report/study.rst",
            category="Study",
            labels={"table": "settings, data origin, versions"},
        ),
        record="results/{study}/tables/study.json",
    log:
        "results/{study}/logs/describe_study.log",
    benchmark:
        "results/{study}/benchmarks/describe_study.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        version=__version__,
        own_content=[OWN_MODEL, OWN_ENCODER],
        config=config,
        same_arms=SAME_ARMS,
        own=[what for what, _ in OWN_FILES],
    script:
        "../../scripts/describe_study.py"


rule describe_corpus:
    input:
        report="results/{study}/corpus/extraction.json",
        sections="results/{study}/corpus/documents.parquet",
        templates=templates_of("extraction.html.j2"),
        code=modules_of("describe_corpus"),
    output:
        page=report(
            "results/{study}/tables/extraction.html",
            caption="../report/extraction.rst",
            category="Corpus",
            labels={"table": "text read and removed"},
        ),
    log:
        "results/{study}/logs/describe_corpus.log",
    benchmark:
        "results/{study}/benchmarks/describe_corpus.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        splits={key: config["splits"][key] for key in [*SPLITS, "seed", "passage_words", "min_test_sections"]},
    script:
        "../../scripts/describe_corpus.py"


rule build_index:
    input:
        **{
            name: f"results/{{study}}/tables/{name}.csv"
            for name in ("arms", "claims", "knockout", "faithfulness", "dial")
        },
        figures=lambda wildcards: [path for path in figures() if path.endswith(".png")],
        method=CODE / "docs/method.md",
        templates=templates_of("index.html.j2"),
        code=modules_of("build_index"),
    output:
        page="results/{study}/index.html",
    log:
        "results/{study}/logs/build_index.log",
    benchmark:
        "results/{study}/benchmarks/build_index.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arm=named(ARMS, meaning(QUINTIC, config["constraint"])),
        about={
            "model": config["model"]["name"],
            "corpus": config["corpus"]["name"],
            "tokens": f"{config['training']['token_budget']:,}",
        },
    script:
        "../../scripts/build_index.py"


rule build_explorer:
    input:
        passages=per_run("explorer/{arm}/seed{seed}.npz", drawn()),
        losses=per_run("evaluation/{arm}/seed{seed}/tokens.parquet", drawn()),
        layers=per_run(f"evaluation/{{arm}}/seed{{seed}}/{DRAWN_BLOCKS}/layers.parquet", drawn()),
        sentences="results/{study}/corpus/sentences.parquet",
        block_tables=(
            expand("results/{{study}}/blocks/semantic/{table}.csv", table=["blocks", "topics"])
            if DRAWN_BLOCKS == SEMANTIC
            else []
        ),
        templates=templates_of("explorer.html.j2"),
        style=CODE / "workflow/report/explorer.css",
        program=CODE / "workflow/report/explorer.js",
        code=modules_of("build_explorer"),
    output:
        page=report(
            "results/{study}/explorer.html",
            caption="../report/explorer.rst",
            category="Attention",
            labels={"table": "explorer: what a token attends to"},
        ),
    log:
        "results/{study}/logs/build_explorer.log",
    benchmark:
        "results/{study}/benchmarks/build_explorer.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arms=[arm for arm, _ in drawn()],
    script:
        "../../scripts/build_explorer.py"


rule describe_blocks:
    input:
        blocks="results/{study}/blocks/semantic/blocks.csv",
        topics="results/{study}/blocks/semantic/topics.csv",
        summary="results/{study}/blocks/semantic/summary.json",
        check="results/{study}/blocks/semantic/check.json",
        templates=templates_of("blocks.html.j2"),
        code=modules_of("describe_blocks"),
    output:
        page=report(
            "results/{study}/tables/blocks.html",
            caption="../report/blocks.rst",
            category="Blocks",
            labels={"table": "topics and blocks of the text"},
        ),
    log:
        "results/{study}/logs/describe_blocks.log",
    benchmark:
        "results/{study}/benchmarks/describe_blocks.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        min_stability=config["blocks"]["semantic"]["min_stability"],
    script:
        "../../scripts/describe_blocks.py"
