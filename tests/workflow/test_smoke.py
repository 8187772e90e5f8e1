"""The smoke study end to end, and what Snakemake would rerun after a change."""

import json
import os
import shutil
from contextlib import contextmanager

import pandas as pd
import pytest
from conftest import SMOKE, Workplace
from whole_studies import CONTROL, load

from localist.claims.tables import snapshot_rows
from localist.notebook.measure_attention import measure_attention
from localist.tokens.windows import Windows

pytestmark = pytest.mark.slow

ARMS = ["distributed", "quintic"]
SEEDS = [1]
RUNS = [(arm, seed) for arm in ARMS for seed in SEEDS]
MEASURED = ["semantic", "fixed", "shifted", "spans"]
FIGURES = [
    *("claims", "schedules", "perplexity", "fidelity", "entropy", "divergence", "frontier", "targets", "knockout"),
    *("faithfulness", "dial"),
    *("training", "attention_maps", "block_selection", "block_map", "block_ribbon", "block_sizes"),
]
MODEL = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
METRICS = (
    "arm,schedule,degree,partition,penalty,fidelity_target,weight,applies_to,dose,perplexity_budget,seed,split,precision,"
    "perplexity,bits_per_byte,accuracy,nll,tokens"
)
LAYERS = (
    "arm,seed,measured_partition,layer,locality,fidelity,chance,fidelity_corrected,sink_share,self_share,"
    "entropy_bits,entropy_normalised,entropy_no_sink_bits,distance_tokens,queries"
)


def expected_files():
    """Every file of the smoke study, except logs and benchmarks."""
    splits = ["train", "validation", "test"]
    arrays = ["input_ids", "sentence_ids", "byte_counts", "stretch_ids"]
    evaluated = [("pretrained", 0), *RUNS]
    measures = [
        *("metrics.json", "precision.json", "tokens.parquet", "knockout.parquet", "divergence.parquet"),
        *("at_tokens.parquet", "block_knockouts.parquet", "dial.parquet"),
    ]
    tables = [
        *("metrics.csv", "layers.csv", "arms.csv", "history.csv", "schedules.csv", "knockout.csv", "divergence.csv"),
        *("at_tokens.csv", "faithfulness.csv", "faithfulness_sections.csv", "dial.csv", "faithfulness.tex"),
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
        *("tokens/summary.json", "runs/forecast.json", "config.yaml"),
        *(f"initial_model/{name}" for name in MODEL),
        *(f"tokens/{split}/{array}.npy" for split in splits for array in arrays),
        *("blocks/embeddings.npy", "blocks/map.parquet"),
        *(f"blocks/semantic/{name}" for name in ("sentence_blocks.parquet", "selection.csv", "fit.json")),
        *(f"blocks/semantic/{name}" for name in ("blocks.csv", "topics.csv", "check.json")),
        *(f"blocks/causal/{name}" for name in ("centres.npy", "own_keys.npz")),
        *(f"blocks/spans/{name}" for name in ("sentence_blocks.parquet", "fit.json")),
        *(f"blocks/{name}/{split}.npy" for name in MEASURED for split in splits),
        *(f"blocks/{name}/summary.json" for name in MEASURED),
        *(f"runs/{arm}/seed{seed}/model/{name}" for arm, seed in RUNS for name in MODEL),
        *(f"runs/{arm}/seed{s}/{n}" for arm, s in RUNS for n in ("history.csv", "settings.json", "README.md")),
        *(f"evaluation/{a}/seed{s}/{n}" for a, s in evaluated for n in measures),
        *(f"explorer/{arm}/seed{seed}.npz" for arm, seed in RUNS),
        "explorer.html",
        "index.html",
        *(f"evaluation/{a}/seed{s}/{m}/layers.parquet" for a, s in evaluated for m in MEASURED),
        *(f"tables/{name}" for name in tables),
        *(f"figures/{name}.{kind}" for name in FIGURES for kind in ("pdf", "png")),
    }


def test_exactly_the_expected_files_exist(smoke):
    """Catches outputs that are missing, undeclared or left over (checkpoints, temporary files)."""
    results = smoke.folder / "results" / "smoke"
    found = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    found = {name for name in found if not name.startswith(("logs/", "benchmarks/"))}
    assert {name for name in found if not name.endswith(".snakemake_timestamp")} == expected_files()


def test_tables_keep_their_contract(smoke):
    """Catches changed columns, and rows other than one per arm, seed and split, or one per partition and layer."""
    tables = smoke.folder / "results" / "smoke" / "tables"
    metrics, layers = pd.read_csv(tables / "metrics.csv"), pd.read_csv(tables / "layers.csv")
    assert ",".join(metrics.columns) == METRICS and ",".join(layers.columns) == LAYERS
    assert metrics.groupby(["arm", "seed"]).size().to_dict() == {
        ("pretrained", 0): 2,
        # Validation text is measured only for the baseline, on which settings are tuned.
        **{(arm, seed): 3 if arm == "distributed" else 2 for arm, seed in RUNS},
    }
    assert len(layers) == (1 + len(RUNS)) * len(MEASURED) * 4
    locality = layers.loc[layers["arm"] == "quintic", "locality"].to_numpy()[:4]
    assert locality == pytest.approx([0, 0, (2 / 3) ** 5, 1])
    assert layers["fidelity"].dropna().between(0, 1).all()


def test_the_forecast_comes_before_any_training(smoke):
    """Catches a forecast that waits for free cores until the training it predicts is over."""
    results = smoke.folder / "results" / "smoke"
    said = (results / "logs" / "forecast_training.log").read_text(encoding="utf-8")
    assert f"To be trained: {len(RUNS)} of {len(RUNS)} runs" in said and "GB of disk" in said
    forecast = (results / "runs" / "forecast.json").stat().st_mtime
    assert all(path.stat().st_mtime > forecast for path in results.glob("runs/*/*/settings.json"))


def test_models_load_without_our_code(smoke):
    """Catches a saved model that can be loaded only with this project."""
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
    """Catches rules whose inputs or parameters change between starts: a second run must have nothing to do."""
    assert smoke.planned(SMOKE) == {}


def test_tables_and_figures_need_only_the_evaluation_files(smoke, workplace):
    """Catches a table or figure that needs a model, and tables whose bytes differ when made again.

    Only the figure that is drawn directly from evaluation files is made: test_figures.py compares the bytes of all.
    """
    results, again = (place.folder / "results" / "smoke" for place in (smoke, workplace))
    shutil.copytree(results, again, ignore=shutil.ignore_patterns("model", "tables", "figures"))
    place = Workplace(workplace.folder, smoke.checkout)
    planned = place.planned(SMOKE, "figures")
    assert set(FIGURES) <= {rule.removeprefix("plot_") for rule in planned}
    assert not {"train_model", "evaluate_model"} & set(planned)
    made = [*(f"tables/{path.name}" for path in (results / "tables").iterdir()), "figures/attention_maps.pdf"]
    done = place.snakemake(SMOKE, *(f"results/smoke/{name}" for name in made))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [name for name in made if (results / name).read_bytes() != (again / name).read_bytes()] == []


@contextmanager
def edited(path):
    """Change a file within the context, then restore its content and times."""
    before, content = path.stat(), path.read_bytes()
    path.write_bytes(content + b"\n# Edited.\n")
    try:
        yield
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_an_edited_figure_is_redrawn_alone(smoke):
    """Catches figures that depend on each other or on training through shared inputs. The index is remade too."""
    with edited(smoke.checkout / "scripts" / "plot_entropy.py"):
        assert smoke.planned(SMOKE) == {"plot_entropy": 1, "build_index": 1}


def test_a_changed_log_message_reruns_nothing(smoke):
    """Catches plumbing among the inputs of rules: rewording a log message would retrain every model."""
    with edited(smoke.checkout / "scripts" / "localist" / "plumbing" / "rule_log.py"):
        assert smoke.planned(SMOKE) == {}


def test_changed_attention_code_retrains_every_model(smoke):
    """Catches code that affects results but is not an input of any rule: outdated results would stay in place."""
    with edited(smoke.checkout / "scripts" / "localist" / "attention" / "block_attention.py"):
        planned = smoke.planned(SMOKE)
    assert planned["train_model"] == len(RUNS) and "extract_corpus" not in planned


def test_the_recorded_config_gives_the_same_plan(smoke):
    """Catches a recorded config that lacks a key or gives rules other parameters."""
    record = smoke.folder / "results" / "smoke" / "config.yaml"
    assert smoke.planned(record) == {}


def test_a_new_arm_trains_that_arm_alone(smoke):
    """Catches runs that depend on the whole arm table."""
    arms = load(SMOKE)["arms"]
    new = {"cubic_low": {"schedule": "cubic", "partition": "semantic", "fidelity_target": 0.1}}
    planned = smoke.planned(smoke.config(arms=arms | new))
    assert planned["train_model"] == len(SEEDS) and planned["evaluate_model"] == len(SEEDS)
    assert not {"fetch_model", "extract_corpus", "embed_sentences", "partition_tokens"} & set(planned)


def test_ineffective_training_keys_retrain_nothing(smoke):
    """Catches retraining because of new or ineffective keys in `training`."""
    assert "train_model" not in smoke.planned(smoke.config(training={"trainer": {}, "lora": {"alpha": 3.0}}))
    checkpointing = {"trainer": {"gradient_checkpointing": True}}
    assert smoke.planned(smoke.config(training=checkpointing))["train_model"] == len(RUNS)


def test_measurements_in_python_equal_those_of_the_workflow(smoke):
    """Catches a notebook whose numbers differ from the study's tables."""
    study = smoke.folder / "results" / "smoke"
    found = measure_attention(
        study / "runs/quintic/seed1/model", Windows.load(study / "tokens/test"), "semantic", study=study, batch_size=16
    )
    layers = pd.read_csv(study / "tables/layers.csv")
    run = (layers["arm"] == "quintic") & (layers["seed"] == 1) & (layers["measured_partition"] == "semantic")
    expected = layers.loc[run, found.columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


def test_a_new_seed_trains_that_seed_alone(smoke):
    """Catches runs that depend on the list of seeds; the arms' first runs must stay.

    Only the distributed run that had no next seed to be compared with is evaluated again.
    """
    planned = smoke.planned(smoke.config(seeds=[1, 2]))
    assert planned["train_model"] == len(ARMS) and planned["evaluate_model"] == len(ARMS) + 1
    assert "embed_sentences" not in planned


@pytest.fixture
def copied(smoke, tmp_path):
    """A separate workplace with the same code and the finished smoke study, which may be extended."""
    place = Workplace(tmp_path, smoke.checkout)
    for part in ("results", ".snakemake/metadata"):
        shutil.copytree(smoke.folder / part, place.folder / part, symlinks=True)
    return place


def test_a_finished_study_grows_by_a_seed_and_an_arm(smoke, copied):
    """Catches seeds that train the same model, a distributed run that is not compared with the next seed's, and an arm
    that is trained at another dose, schedule or penalty than it defines."""
    (arm,) = CONTROL
    arms = load(SMOKE)["arms"] | CONTROL
    runs, evaluation = "results/smoke/runs", "results/smoke/evaluation/distributed/seed1"
    targets = (f"{evaluation}/divergence.parquet", f"{runs}/{arm}/seed1/settings.json")
    done = copied.snakemake(copied.config(seeds=[1, 2], arms=arms), *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = (pd.read_csv(copied.folder / runs / f"distributed/seed{seed}/history.csv") for seed in (1, 2))
    assert len(first) == len(second) and not first["cross_entropy"].equals(second["cross_entropy"])
    # Without another seed, there is nothing to compare with.
    before, after = (pd.read_parquet(place.folder / evaluation / "divergence.parquet") for place in (smoke, copied))
    assert before.empty and set(after["layer"]) == {0, 1, 2, 3}
    assert (after["divergence"] > 0).all()
    one, other = (place.folder / evaluation / "tokens.parquet" for place in (smoke, copied))
    assert one.read_bytes() == other.read_bytes()

    run = copied.folder / runs / arm / "seed1"
    trained = json.loads((run / "settings.json").read_text(encoding="utf-8"))["constraint"]
    locality = [1, (2 / 3) ** 3, (1 / 3) ** 3, 0]
    # Quintic locality in the second of four layers is below the least that is trained.
    dose_of_quintic = 1 + (2 / 3) ** 5
    assert trained["penalty"] == "group_sparsity" and trained["locality"] == pytest.approx(locality)
    # The default weight of this penalty is 10.
    assert trained["weight"] * sum(locality) == pytest.approx(10 * dose_of_quintic)
    # Most windows lie within one span, and then no query counts.
    assert pd.read_csv(run / "history.csv")["penalty"].max() > 0


def test_a_study_that_deletes_models_grows_without_training_old_runs_again(copied):
    """Catches a comparison with a deleted model: a new arm or seed would train all old runs of its seed again."""
    for model in (copied.folder / "results" / "smoke" / "runs").glob("*/*/model"):
        if model.parts[-3] != "distributed":
            shutil.rmtree(model)
    again = copied.planned(copied.config(keep_models="none"))
    assert not {"train_model", "train_unkept_model", "evaluate_model", "probe_model"} & set(again)
    arms = load(SMOKE)["arms"]
    new = {"cubic_low": {"schedule": "cubic", "partition": "semantic", "fidelity_target": 0.1}}
    planned = copied.planned(copied.config(keep_models="none", arms=arms | new))
    assert planned["train_unkept_model"] == planned["evaluate_model"] == len(SEEDS) and "train_model" not in planned
    planned = copied.planned(copied.config(keep_models="none", seeds=[1, 2]))
    assert planned["train_unkept_model"] == len(ARMS) - 1 and planned["train_model"] == 1
    assert planned["evaluate_model"] == len(ARMS) + 1


def test_a_changed_weight_retrains_only_the_arms_with_that_penalty(smoke):
    """Catches a config value that bypasses the rules' parameters and so triggers no rerun."""
    changed = {"weight": {"hinge": 7.0, "group_sparsity": 10.0}}
    assert smoke.planned(smoke.config(constraint=changed))["train_model"] == len(SEEDS)
    changed = {"weight": {"hinge": 30.0, "group_sparsity": 7.0}}
    assert "train_model" not in smoke.planned(smoke.config(constraint=changed))


def test_a_repeated_run_gives_the_same_bytes_and_keeps_no_model(smoke, prepared):
    """Catches results that depend on more than inputs, config and machine, and models kept against the config."""
    baseline = "results/smoke/runs/distributed"
    shutil.copytree(smoke.folder / baseline, prepared.folder / baseline)
    arms = {"distributed": {"schedule": "distributed"}, "quintic": {"schedule": "quintic", "partition": "semantic"}}
    config = prepared.config(arms=arms, keep_models="none", evaluation={"at_tokens": [950, 1900]})
    done = prepared.snakemake(config, "results/smoke/evaluation/quintic/seed1/metrics.json")
    assert done.returncode == 0, done.stdout + done.stderr
    evaluation = "evaluation/quintic/seed1"
    for name in ("runs/quintic/seed1/history.csv", f"{evaluation}/metrics.json", f"{evaluation}/tokens.parquet"):
        one, other = (place.folder / "results" / "smoke" / name for place in (smoke, prepared))
        assert one.read_bytes() == other.read_bytes(), name
    assert not (prepared.folder / "results/smoke/runs/quintic/seed1/model").exists()
    assert not (prepared.folder / "results/smoke/runs/quintic/seed1/at").exists()
    early, last = snapshot_rows(
        pd.read_parquet(prepared.folder / "results" / "smoke" / evaluation / "at_tokens.parquet")
    )
    assert (early["tokens"], last["tokens"]) == (950, 1900) and early["perplexity"] > last["perplexity"]
    whole = json.loads((smoke.folder / "results" / "smoke" / evaluation / "metrics.json").read_text(encoding="utf-8"))
    assert last["perplexity"] == pytest.approx(whole["test"]["perplexity"], rel=1e-6)
    assert (prepared.folder / "results/smoke/runs/quintic/seed1/settings.json").exists()
