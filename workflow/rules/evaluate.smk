# Every run, and the untuned model, on the same held-out text.


rule evaluate_model:
    input:
        model=evaluated_model,
        tokens=expand("results/{{study}}/tokens/{split}", split=SPLITS),
        segments="results/{study}/corpus/segments.parquet",
        blocks=expand("results/{{study}}/blocks/{measured}/test.npy", measured=MEASURED),
        code=modules_of("evaluate_model"),
    output:
        metrics="results/{study}/evaluation/{arm}/seed{seed}/metrics.json",
        tokens="results/{study}/evaluation/{arm}/seed{seed}/tokens.parquet",
        passage="results/{study}/evaluation/{arm}/seed{seed}/passage.npz",
        layers=expand("results/{{study}}/evaluation/{{arm}}/seed{{seed}}/{measured}/layers.parquet", measured=MEASURED),
    log:
        "results/{study}/logs/evaluate_model/{arm}/seed{seed}.log",
    benchmark:
        "results/{study}/benchmarks/evaluate_model/{arm}/seed{seed}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=config["training"]["memory_mb"],
        runtime=240,
        gpu=config["training"]["gpus"],
    params:
        measured=MEASURED,
        reference=config["blocks"]["reference"],
        evaluation={key: config["evaluation"][key] for key in ("batch_windows", "seed", "passage_tokens")},
        precision=config["training"]["precision"],
        threads=config["training"]["threads"],
        gpus=config["training"]["gpus"],
    script:
        "../../scripts/evaluate_model.py"
