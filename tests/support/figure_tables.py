"""Tables of an invented study in the workflow's format, and the arguments for drawing each figure from them."""

from pathlib import Path

import numpy as np
import pandas as pd

# Columns of tables that may have no rows.
EMPTY = {
    "schedules": ["arm", "layer", "locality"],
    "at_tokens": ["arm", "seed", "tokens", "perplexity", "late_fidelity_corrected"],
}
STUDY = ["pretrained", "distributed", "localist", "linear", "cubic", "quintic", "quintic_fixed"]
MANY = [*STUDY, *(f"quintic_$tau{number}" for number in range(7))]
CLAIMS = [
    {"claim": "near_baseline", "verdict": "supported"},
    {"claim": "steeper_is_better", "verdict": "undecided"},
    {"claim": "meaning_matters", "verdict": "not supported"},
    {"claim": "late_layers_localised", "verdict": "undecided"},
    {"claim": "robust_across_seeds", "verdict": "not tested"},
]
CONTRAST_COLUMNS = (
    "claim",
    "contrast",
    "better",
    "unit",
    "effect",
    "ci_low",
    "ci_high",
    "null",
    "smallest_effect",
    "verdict",
)
CONTRASTS = [
    dict(zip(CONTRAST_COLUMNS, row, strict=True))
    for row in [
        ("near_baseline", "a against b", "lower", "% perplexity", 1.0, 0.2, 2.0, 5.0, 5.0, "supported"),
        ("steeper_is_better", "c against $d", "higher", "% perplexity", 1.0, 0.2, 2.0, 0.0, 1.0, "supported"),
        ("steeper_is_better", "d against e", "higher", "% perplexity", 0.7, -0.2, 2.0, 0.0, 1.0, "undecided"),
        ("meaning_matters", "f against e", "higher", "% perplexity", -1.0, -2.0, 0.1, 0.0, 1.0, "not supported"),
        (
            "late_layers_localised",
            "e against b",
            "higher",
            "chance-corrected fidelity",
            np.nan,
            np.nan,
            np.nan,
            0.0,
            0.05,
            "undecided",
        ),
    ]
]
BETAS = {"linear": 1, "cubic": 3}


def schedule_of(arm: str, layers: int) -> np.ndarray:
    """λ of each layer, by the name of the arm."""
    if arm in ("pretrained", "distributed"):
        return np.zeros(layers)
    return np.ones(layers) if arm == "localist" else np.linspace(0, 1, layers) ** BETAS.get(arm, 5)


def write_study(folder: Path, arms: list[str], seeds: int = 1, layers: int = 30, positions: int = 96) -> dict:
    """Write every table that a figure reads; return the arguments of each figure's `main`, without outputs."""
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True, exist_ok=True)
    schedules, metrics, by_layer, summary, history, knockout, divergence, snapshots = ([] for _ in range(8))
    depth = np.arange(layers)
    bump = 0.25 + 0.1 * np.sin(depth / 3)
    for number, arm in enumerate(arms):
        locality = schedule_of(arm, layers)
        perplexity = 31.5 if arm == "pretrained" else 21.0 + 6 * locality.mean() + 0.2 * number
        if arm != "pretrained":
            schedules += [{"arm": arm, "schedule": arm, "layer": x, "locality": locality[x]} for x in range(layers)]
        for seed in range(1 if arm == "pretrained" else seeds):
            ours = bump + 0.45 * locality * (1 - bump) + rng.normal(0, 0.01, layers)
            metrics += [
                {
                    "arm": arm, "seed": seed, "split": split, "perplexity": perplexity + rng.normal(0, 0.15),
                    "fidelity_target": np.nan if arm in ("pretrained", "distributed") else 0.1 * number,
                }
                for split in ("train", "validation", "test")
            ]  # fmt: skip
            knockout += [
                {"arm": arm, "seed": seed, "partition": partition, "delta_nll": loss * (2 - locality.mean())}
                for partition, loss in (("semantic", 0.02), ("shifted", 0.03))
            ]
            divergence += [
                {
                    "arm": arm, "other": "distributed", "seed": seed, "layer": layer,
                    "divergence_bits": 1e-3 * (1 + 9 * locality[layer]) * np.exp(rng.normal(0, 0.1)),
                }
                for layer in range(layers)
                if arm != "distributed" or seeds > 1
            ]  # fmt: skip
            by_layer += [
                {
                    "arm": arm, "seed": seed, "measured_partition": partition, "layer": layer,
                    "fidelity_corrected": ours[layer] - 0.1 * (partition == "shifted"),
                    "entropy_bits": 4.5 - 2 * bump[layer] - ours[layer] + rng.normal(0, 0.03),
                    "entropy_no_sink_bits": 5.5 - 1.2 * ours[layer] + rng.normal(0, 0.03),
                }
                for partition in ("semantic", "shifted")
                for layer in range(layers)
            ]  # fmt: skip
            if arm != "pretrained":
                step = np.arange(300)
                frame = pd.DataFrame({"arm": arm, "seed": seed, "step": step, "tokens": (step + 1) * 1024})
                frame["cross_entropy"] = np.log(perplexity) + 0.4 * np.exp(-step / 60) + rng.normal(0, 0.12, 300)
                constrained = locality.any()
                decay = locality.mean() * (0.05 + 0.3 * np.exp(-step / 80)) + rng.normal(0, 0.008, 300)
                frame["penalty"] = decay.clip(0) if constrained else np.nan
                adapted = arm == "linear"
                frame["weight"] = np.exp(3 - 2 * np.exp(-step / 50)) if constrained else np.nan
                frame["excess"] = 0.02 + rng.normal(0, 0.004, 300) if adapted else np.nan
                history.append(frame)
            snapshots += [
                {
                    "arm": arm, "seed": seed, "tokens": tokens, "perplexity": perplexity + 9 * locality.mean() / tokens,
                    "late_fidelity_corrected": min(0.4 + locality[-10:].mean() * tokens / 50, 0.95),
                }
                for tokens in ((10, 30, 60) if arm in ("distributed", "quintic") else ())
            ]  # fmt: skip
        late = bump[-10:].mean() + 0.45 * locality[-10:].mean() * 0.7
        ratio = perplexity / 21.2
        summary.append(
            {
                "arm": arm, "perplexity": perplexity, "perplexity_low": perplexity - 1.1,
                "perplexity_high": perplexity + 1.2, "ratio": ratio, "ratio_low": ratio - 0.012 * (ratio != 1),
                "ratio_high": ratio + 0.013 * (ratio != 1), "late_fidelity_corrected": late + 0.004 * number,
            }
        )  # fmt: skip
    tables = {"schedules": schedules, "metrics": metrics, "layers": by_layer, "arms": summary, "knockout": knockout}
    tables |= {"claims": CLAIMS, "contrasts": CONTRASTS, "at_tokens": snapshots}
    if divergence:
        tables["divergence"] = divergence
    paths = {name: folder / f"{name}.csv" for name in [*tables, "history", "selection"]}
    for name, rows in tables.items():
        pd.DataFrame(rows, columns=None if rows else EMPTY.get(name, ["arm"])).to_csv(paths[name], index=False)
    columns = ["arm", "seed", "step", "tokens", "cross_entropy", "penalty", "weight", "excess"]
    pd.concat([pd.DataFrame(columns=columns), *history]).to_csv(paths["history"], index=False)

    tried = np.arange(2, 33)
    chance = 1 / np.sqrt(tried)
    curve = pd.DataFrame({"blocks": tried, "mean_chance": chance, "median_blocks_per_window": np.sqrt(tried).round()})
    curve.assign(allowed=chance <= 0.4, chosen=tried == 7).to_csv(paths["selection"], index=False)

    block = rng.integers(0, 17, 2700)
    centres = rng.normal(0, 30, (17, 2))[block] + rng.normal(0, 5, (2700, 2))
    sentence = np.arange(2700)
    pd.DataFrame({"sentence": sentence, "x": centres[:, 0], "y": centres[:, 1]}).to_parquet(folder / "map.parquet")
    frame = pd.DataFrame({"sentence": sentence, "block": block, "split": "train"})
    frame.to_parquet(folder / "sentence_blocks.parquet")
    pd.DataFrame({"block": np.arange(17), "topic": np.arange(17) % 9}).to_csv(folder / "blocks.csv", index=False)
    named = [f"$x_{number}$, mind, machine, electroencephalography" for number in range(9)]
    pd.DataFrame({"topic": np.arange(9), "name": named}).to_csv(folder / "topics.csv", index=False)
    document, place = np.divmod(sentence, 225)  # twelve documents
    frame = pd.DataFrame({"sentence": sentence, "document": document, "start": 90 * place, "end": 90 * place + 89})
    frame.assign(title="On $10 and $x^2$", heading="").to_parquet(folder / "sentences.parquet")
    partitions = {name: folder / f"{name}.npy" for name in ("semantic", "fixed", "shifted")}
    for path in partitions.values():
        np.save(path, np.repeat(rng.integers(0, 17, (40, 16)), 4, axis=1).astype(np.int32))

    topics = {name: folder / f"{name}.csv" for name in ("blocks", "topics")}
    topics["sentence_blocks"] = folder / "sentence_blocks.parquet"
    passages = [folder / f"passage{number}.npz" for number in range(len(arms))]
    for path, arm in zip(passages, arms, strict=True):
        write_passage(path, schedule_of(arm, layers), rng, positions)
    return {
        "schedules": {"schedules": paths["schedules"]},
        "claims": {"claims": paths["claims"], "contrasts": paths["contrasts"]},
        "divergence": {"divergence": paths.get("divergence")},
        "price": {"at_tokens": paths["at_tokens"], "arms": arms},
        "targets": {"metrics": paths["metrics"], "arms": [arm for arm in arms if arm.startswith("quintic")]},
        "knockout": {"knockout": paths["knockout"]},
        "perplexity": {"arms": paths["arms"], "metrics": paths["metrics"]},
        "fidelity": {"layers": paths["layers"], "measured_partition": "semantic", "drawn": arms},
        "entropy": {"layers": paths["layers"], "drawn": arms},
        "frontier": {"arms": paths["arms"], "paths": [[arm for arm in arms if arm.startswith("quintic")], arms[:2]]},
        "training": {"history": paths["history"]},
        "block_selection": {
            "selection": paths["selection"],
            "semantic": {"max_chance": 0.4, "min_blocks_per_window": 3},
        },
        "block_map": {"block_map": folder / "map.parquet", **topics},
        "block_ribbon": {"sentences": folder / "sentences.parquet", **topics},
        "block_sizes": {"sentence_blocks": folder / "sentence_blocks.parquet", "partitions": partitions},
        "attention_maps": {"passages": passages[:4], "arms": arms[:4]},
    }


def write_passage(path: Path, locality: np.ndarray, rng: np.random.Generator, positions: int) -> None:
    """Write a passage whose attention prefers the sink, near keys and, with λ, its own block."""
    blocks = np.concatenate([[-1], np.repeat([3, 7, 3, 11, 0], positions // 5 + 1)])[:positions]
    distance = np.subtract.outer(np.arange(positions), np.arange(positions))
    maps = []
    for layer in locality:
        scores = rng.normal(0, 1.2, (positions, positions)) - 0.03 * distance
        scores += 3.5 * layer * np.equal.outer(blocks, blocks)
        scores[:, 0] += 5
        scores[distance < 0] = -np.inf
        weights = np.exp(scores)
        maps.append(weights / weights.sum(1, keepdims=True))
    np.savez(path, rows=[0], attention_0=np.array(maps, dtype=np.float16), blocks_0=blocks)
