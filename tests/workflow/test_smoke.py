"""The smoke study end to end, and what Snakemake would redo of it after a change."""

import os
import time

import pandas as pd
import pytest
import yaml
from conftest import BASE, CONFIGS

pytestmark = pytest.mark.slow

ARMS = ["distributed", "localist", "linear", "cubic", "quintic", "quintic_fixed", "quintic_groups"]
MEASURED = ["semantic", "fixed", "shifted"]
FIGURES = [
    *(
        "claims",
        "schedules",
        "perplexity",
        "fidelity",
        "entropy",
        "divergence",
        "frontier",
        "targets",
        "knockout",
        "training",
    ),
    *("block_selection", "block_map", "block_ribbon", "block_sizes", "attention_maps"),
]
MODEL = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
METRICS = (
    "arm,schedule,degree,partition,penalty,fidelity_target,weight,applies_to,dose,seed,split,perplexity,bits_per_byte,"
    "accuracy,nll,tokens"
)
LAYERS = (
    "arm,seed,measured_partition,layer,locality,fidelity,chance,fidelity_corrected,sink_share,self_share,"
    "entropy_bits,entropy_normalised,entropy_no_sink_bits,distance_tokens,queries"
)


def expected_files():
    """Every file of the smoke study, logs and benchmarks apart."""
    splits = ["train", "validation", "test"]
    arrays = ["input_ids", "sentence_ids", "byte_counts", "stretch_ids"]
    evaluated = [("pretrained", 0), *((arm, 1) for arm in ARMS)]
    measures = ["metrics.json", "tokens.parquet", "knockout.parquet", "passage.npz"]
    compared = [("pretrained", 0), *((arm, 1) for arm in ARMS if arm != "distributed")]
    tables = [
        *("metrics.csv", "layers.csv", "arms.csv", "history.csv", "schedules.csv", "knockout.csv", "divergence.csv"),
        *("claims.csv", "contrasts.csv", "manipulation.csv", "published.csv"),
        *("arms.tex", "claims.tex", "published.tex", "numbers.tex"),
        *(
            "summary.html",
            "claims.html",
            "published.html",
            "blocks.html",
            "extraction.html",
            "study.html",
            "study.json",
        ),
    ]
    return {
        *("corpus/documents.parquet", "corpus/extraction.json", "corpus/sentences.parquet"),
        *("tokens/summary.json", "runs/forecast.json"),
        *(f"initial_model/{name}" for name in MODEL),
        *(f"tokens/{split}/{array}.npy" for split in splits for array in arrays),
        *("blocks/embeddings.npy", "blocks/map.parquet"),
        *(f"blocks/semantic/{n}" for n in ("sentence_blocks.parquet", "selection.csv", "blocks.csv", "fit.json")),
        *(f"blocks/{name}/{split}.npy" for name in MEASURED for split in splits),
        *(f"blocks/{name}/summary.json" for name in MEASURED),
        *(f"runs/{arm}/seed1/model/{name}" for arm in ARMS for name in MODEL),
        *(f"runs/{arm}/seed1/{name}" for arm in ARMS for name in ("history.csv", "settings.json", "README.md")),
        *(f"evaluation/{a}/seed{s}/{n}" for a, s in evaluated for n in measures),
        *(f"evaluation/{a}/seed{s}/{m}/layers.parquet" for a, s in evaluated for m in MEASURED),
        *(f"comparisons/{arm}/seed{seed}/distributed/seed1/layers.parquet" for arm, seed in compared),
        *(f"tables/{name}" for name in tables),
        *(f"figures/{name}.{kind}" for name in FIGURES for kind in ("pdf", "png")),
    }


def test_exactly_the_promised_files_are_there(smoke):
    """Catches outputs that are missing, undeclared or left over (checkpoints, temporary files)."""
    results = smoke.folder / "results" / "smoke"
    found = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    found = {name for name in found if not name.startswith(("logs/", "benchmarks/"))}
    assert {name for name in found if not name.endswith(".snakemake_timestamp")} == expected_files()


def test_tables_keep_their_contract(smoke):
    """Catches a column or row that later work relies on: one per arm, seed and split; one per partition and layer."""
    tables = smoke.folder / "results" / "smoke" / "tables"
    metrics, layers = pd.read_csv(tables / "metrics.csv"), pd.read_csv(tables / "layers.csv")
    assert ",".join(metrics.columns) == METRICS and ",".join(layers.columns) == LAYERS
    assert metrics.groupby(["arm", "seed"]).size().to_dict() == {
        ("pretrained", 0): 3,
        **{(arm, 1): 3 for arm in ARMS},
    }
    assert len(layers) == (1 + len(ARMS)) * len(MEASURED) * 4
    locality = layers.loc[layers["arm"] == "quintic", "locality"].to_numpy()[:4]
    assert locality == pytest.approx([0, 0, (2 / 3) ** 5, 1])
    assert layers["fidelity"].dropna().between(0, 1).all()


def test_the_forecast_comes_before_any_training(smoke):
    """Catches a forecast that waits for free cores until the training that it speaks of is over."""
    results = smoke.folder / "results" / "smoke"
    said = (results / "logs" / "forecast_training.log").read_text(encoding="utf-8")
    assert f"Training ahead: {len(ARMS)} of {len(ARMS)} runs" in said and "GB of disk" in said
    forecast = (results / "runs" / "forecast.json").stat().st_mtime
    assert all(path.stat().st_mtime > forecast for path in results.glob("runs/*/seed1/settings.json"))


def test_models_load_without_our_code(smoke):
    """Catches a saved model that needs this project to be read."""
    from huggingface_hub import ModelCard
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = smoke.folder / "results" / "smoke" / "runs" / "quintic" / "seed1"
    model = AutoModelForCausalLM.from_pretrained(folder, subfolder="model", local_files_only=True)
    assert model.config._attn_implementation in ("sdpa", "eager")
    tokenizer = AutoTokenizer.from_pretrained(folder, subfolder="model", local_files_only=True)
    assert len(tokenizer) == model.config.vocab_size
    card = ModelCard.load(folder / "README.md")
    assert card.data.eval_results and 'subfolder="model"' in card.text


def test_nothing_is_left_to_do(smoke):
    """Catches rules whose inputs or parameters change from one start to the next: a second run trains nothing."""
    assert smoke.planned(CONFIGS / "smoke.yaml") == {}


def test_tables_and_figures_come_back_from_the_evaluation_files_alone(smoke):
    """Catches a figure that needs a model, and tables or figures that are not the same bytes when made again."""
    results = smoke.folder / "results" / "smoke"
    made = [path for kind in ("tables", "figures") for path in sorted((results / kind).iterdir())]
    before = {path: path.read_bytes() for path in made}
    away = {results / "runs" / arm / "seed1" / "model": results / f"away-{arm}" for arm in ARMS}
    for model, place in away.items():
        model.rename(place)
    for path in made:
        path.unlink()
    try:
        planned = smoke.planned(CONFIGS / "smoke.yaml", "figures")
        assert not {"train_model", "evaluate_model", "compare_attention"} & set(planned)
        done = smoke.snakemake(CONFIGS / "smoke.yaml", "figures")
    finally:
        for model, place in away.items():
            place.rename(model)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in made if path.read_bytes() != before[path]] == []


def test_an_edited_figure_is_redrawn_alone(smoke):
    """Catches figures that hang on each other or on training through shared inputs."""
    script = BASE / "scripts" / "plot_entropy.py"
    before = script.stat()
    os.utime(script, (time.time(), time.time()))
    try:
        assert smoke.planned(CONFIGS / "smoke.yaml") == {"plot_entropy": 1}
    finally:
        os.utime(script, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_new_arm_trains_that_arm_alone(smoke):
    """Catches runs that depend on the whole arm table."""
    arms = yaml.safe_load((CONFIGS / "smoke.yaml").read_text(encoding="utf-8"))["arms"]
    new = {"cubic_low": {"schedule": "cubic", "partition": "semantic", "fidelity_target": 0.1}}
    planned = smoke.planned(smoke.config(arms=arms | new))
    assert planned["train_model"] == 1 and planned["evaluate_model"] == 1
    assert not {"fetch_model", "extract_corpus", "embed_sentences", "partition_tokens"} & set(planned)


def test_a_new_seed_trains_that_seed_alone(smoke):
    """Catches runs that depend on the list of seeds; the arms' first runs must stay."""
    planned = smoke.planned(smoke.config(seeds=[1, 2]))
    assert planned["train_model"] == len(ARMS) and planned["evaluate_model"] == len(ARMS)
    assert "embed_sentences" not in planned


def test_a_changed_weight_retrains_the_arms_with_that_penalty_alone(smoke):
    """Catches a config value that is read past the rules' parameters and so triggers nothing."""
    planned = smoke.planned(smoke.config(constraint={"weight": {"hinge": 7.0, "group_sparsity": 10.0}}))
    without_the_hinge = {"distributed", "quintic_groups"}
    assert planned["train_model"] == len(set(ARMS) - without_the_hinge)


def test_a_second_study_gives_the_same_bytes_and_keeps_no_model(smoke, workplace):
    """Catches results that depend on more than inputs, config and machine, and models that stay when none is wanted."""
    arms = {"distributed": {"schedule": "distributed"}, "quintic": {"schedule": "quintic", "partition": "semantic"}}
    config = workplace.config(arms=arms, keep_models="none")
    done = workplace.snakemake(config, "results/smoke/evaluation/quintic/seed1/metrics.json")
    assert done.returncode == 0, done.stdout + done.stderr
    evaluation = "evaluation/quintic/seed1"
    for name in ("runs/quintic/seed1/history.csv", f"{evaluation}/metrics.json", f"{evaluation}/tokens.parquet"):
        one, other = (place.folder / "results" / "smoke" / name for place in (smoke, workplace))
        assert one.read_bytes() == other.read_bytes(), name
    assert not (workplace.folder / "results/smoke/runs/quintic/seed1/model").exists()
    assert (workplace.folder / "results/smoke/runs/quintic/seed1/settings.json").exists()
