"""Semantic blocks and spans compared with real labels: the articles and sections of the whole sample dump.

Run it with `make bench-blocks`, which extracts and embeds the dump first. It prints its tables, writes
results/bench/blocks.json and draws results/bench/blocks.png.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from measure_clusters import labelled_text, measure_clusters
from measure_spans import measure_spans

from localist.blocks.embeddings import load_embeddings
from localist.blocks.partitions import PARTITIONS
from localist.blocks.semantic import BlockSettings
from localist.corpus.formats.file_kinds import FORMATS
from localist.plumbing.files import write_json
from localist.report.figures import GREY, PALETTE, figure_style, new_figure, save_figure
from localist.study.config import resolve
from localist.study.schedules import SCHEDULES
from localist.tokens.windows import Windows

SETS = {
    "choosing half": "47 articles, on which the default was chosen",
    "reporting half": "47 other articles",
    "default study": "the study's twelve articles",
}
COLOURS = {
    "sentences, k-means": PALETTE[3],
    "sentences, agglomerative": PALETTE[5],
    "sentences, spectral": PALETTE[0],
    "short spans, clustered": PALETTE[2],
    "divided spans": "black",
}


def main() -> None:
    """Measure, print, write and draw."""
    options = parse_options()
    config = resolved(options.config)
    sentences, embeddings = text_of(options.study)
    with ProcessPoolExecutor(options.processes) as pool:
        parts = [
            pool.submit(clusters_of, name, articles, options.study, config)
            for name, articles in sets_of(sentences["title"], config["corpus"]["articles"]).items()
        ]
        spans = measure_spans(sentences, embeddings, config["blocks"]["spans"], config["corpus"]["articles"])
        clusters, curves, checks = zip(*(part.result() for part in parts), strict=True)
    report = {"clusters": [*chain(*clusters)], "spans": spans, "curves": [*chain(*curves)], "checks": list(checks)}
    write_json(options.out, report)
    draw(pd.DataFrame(report["curves"]), pd.DataFrame(report["clusters"]), options.out)
    print_report(report)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=Path, default=Path("config.yaml"), help="the study whose settings are measured"
    )
    parser.add_argument("--study", type=Path, default=Path("results/whole_dump"), help="the dump, cut and embedded")
    parser.add_argument("--processes", type=int, default=2, help="sets of articles measured at a time")
    parser.add_argument("--out", type=Path, default=Path("results/bench/blocks.json"))
    return parser.parse_args()


def resolved(path: Path) -> dict[str, Any]:
    """A study's config with all defaults filled in."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    names = {"schedule": SCHEDULES, "partition": PARTITIONS, "format": ["auto", *FORMATS]}
    resolve(config, Path("workflow/schemas/config.schema.yaml"), names)
    return config


def text_of(study: Path) -> tuple[pd.DataFrame, np.ndarray]:
    sentences = pd.read_parquet(study / "corpus/sentences.parquet")
    return sentences, load_embeddings(study / "blocks/embeddings.npy", len(sentences))


def sets_of(titles: pd.Series, chosen: list[str]) -> dict[str, list[str]]:
    """The articles of each set; titles outside the default study alternate between the two halves."""
    others = sorted(set(titles) - set(chosen))
    return dict(zip(SETS, (others[::2], others[1::2], chosen), strict=True))


def clusters_of(name: str, articles: list[str], study: Path, config: Mapping[str, Any]) -> tuple:
    """The results of `measure_clusters` for one set of articles."""
    semantic, spans = config["blocks"]["semantic"], config["blocks"]["spans"]
    settings = BlockSettings(**{field.name: semantic[field.name] for field in fields(BlockSettings)})
    text = labelled_text(*text_of(study), Windows.load(study / "tokens/train"), articles)
    return measure_clusters(name, text, settings, (spans["min_size"], spans["max_size"]))


def draw(curves: pd.DataFrame, clusters: pd.DataFrame, out: Path) -> None:
    """Plot agreement with sections against mean chance: each method as a line, the default as a star."""
    with figure_style():
        figure, panels = new_figure(6.6, rows=len(SETS), sharex=True)
        for axes, (name, says) in zip(panels, SETS.items(), strict=True):
            axes.axvspan(0.6, 1, color=GREY, alpha=0.15, lw=0)
            of_set = curves[curves["set"] == name]
            windows = of_set.sort_values("chance")
            axes.plot(windows["chance"], windows["ari_fixed"], ":", color=GREY, lw=1.2)
            for method, colour in COLOURS.items():
                line = of_set[of_set["method"] == method].sort_values("chance")
                axes.plot(line["chance"], line["ari_section"], "-", color=colour, lw=0.9)
            default = clusters[(clusters["set"] == name) & (clusters["method"] == "divided spans")]
            for column, marker in (("ari_section", "*"), ("ari_shifted", "x"), ("ari_fixed", "+")):
                axes.plot(default["chance"], default[column], marker, color="black", markersize=7, zorder=3)
            axes.set(title=says, ylabel="agreement with sections\n(adjusted Rand index)", xlim=(0.25, 1))
        panels[-1].set_xlabel("mean chance C on training windows")
        handles = [panels[0].plot([], [], color=colour, label=method)[0] for method, colour in COLOURS.items()]
        handles.append(panels[0].plot([], [], ":", color=GREY, lw=1.2, label="fixed windows")[0])
        handles += [
            panels[0].plot([], [], marker, color="black", label=says)[0]
            for marker, says in (("*", "the default"), ("x", "it, shifted"), ("+", "fixed windows of its chance"))
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        save_figure(figure, out.with_suffix(".pdf"), out.with_suffix(".png"))


def print_report(report: Mapping[str, Any]) -> None:
    """Print the tables, best agreement with sections first."""
    clusters = pd.DataFrame(report["clusters"])
    shown = ["method", "k", "ari_article", "ari_section", "ari_fixed", "ari_shifted", "chance", "chance_1024"]
    for name, part in clusters.groupby("set", sort=False):
        print(f"\n{name}: {SETS[str(name)]}")
        part = part.sort_values("ari_section", ascending=False)
        print(part[[*shown, "blocks_per_window", "allowed"]].round(3).to_string(index=False))
    print("\nchecks without labels")
    print(pd.DataFrame(report["checks"]).round(3).to_string(index=False))
    print("\nspans")
    print(pd.DataFrame(report["spans"]).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
