"""Semantic blocks and spans against real labels: the articles and sections of the whole sample dump.

Run it with `make bench-blocks`, which extracts and embeds the dump first. It prints its tables, writes
results/bench/blocks.json and draws results/bench/blocks.png.
"""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from measure_clusters import labelled_text, measure_clusters
from measure_spans import measure_spans

from localist.blocks.embeddings import load_embeddings
from localist.blocks.semantic import BlockSettings
from localist.plumbing.files import write_json
from localist.report.figures import GREY, PALETTE, figure_style, new_figure, save_figure
from localist.tokens.windows import Windows

# (context, neighbour_weight): alone, with what the study takes, plain means.
AVERAGES = {"default": [(0, 1), (1, 0.2), (1, 1), (2, 1), (4, 1)], "whole dump": [(0, 1), (1, 0.2), (1, 1)]}
# The numbers of blocks that leave a window of the whole dump three blocks are above those of twelve articles.
WHOLE_DUMP = {"min_blocks": 128, "max_blocks": 3072, "candidates": 10, "restarts": 1}
TITLES = {"default": "the study's twelve articles", "whole dump": "all 106 articles"}
COLOURS = {"kmeans": PALETTE[3], "agglomerative": PALETTE[5], "spectral": PALETTE[0]}
LINES = {(0, 1): ":", (1, 0.2): "-", (1, 1): "--"}
LABELS = {(0, 1): "sentences alone", (1, 0.2): "neighbours at 0.2", (1, 1): "plain mean of 3"}


def main() -> None:
    """Measure, print, write and draw."""
    options = parse_options()
    config = yaml.safe_load(options.config.read_text(encoding="utf-8"))
    with ProcessPoolExecutor(len(AVERAGES)) as pool:
        parts = [pool.submit(clusters_of, name, options.study, config) for name in AVERAGES]
        sentences, embeddings = text_of(options.study)
        spans = measure_spans(sentences, embeddings, config["blocks"]["spans"], config["corpus"]["articles"])
        clusters, curves = zip(*(part.result() for part in parts), strict=True)
    report = {"clusters": [*clusters[0], *clusters[1]], "spans": spans, "curves": [*curves[0], *curves[1]]}
    write_json(options.out, report)
    draw(pd.DataFrame(report["curves"]), pd.DataFrame(report["clusters"]), options.out)
    print_report(report)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=Path, default=Path("config.yaml"), help="the study whose settings are measured"
    )
    parser.add_argument("--study", type=Path, default=Path("results/whole_dump"), help="the dump, cut and embedded")
    parser.add_argument("--out", type=Path, default=Path("results/bench/blocks.json"))
    return parser.parse_args()


def text_of(study: Path) -> tuple[pd.DataFrame, np.ndarray]:
    sentences = pd.read_parquet(study / "corpus/sentences.parquet")
    return sentences, load_embeddings(study / "blocks/embeddings.npy", len(sentences))


def clusters_of(name: str, study: Path, config: Mapping[str, Any]) -> tuple[list[dict], list[dict]]:
    """The rows of one set of articles: those of the study (`default`), or all of the dump."""
    semantic = config["blocks"]["semantic"]
    settings = BlockSettings(**{field.name: semantic[field.name] for field in fields(BlockSettings)})
    articles: Sequence[str] = config["corpus"]["articles"]
    if name != "default":
        settings, articles = replace(settings, **WHOLE_DUMP), []
    text = labelled_text(*text_of(study), Windows.load(study / "tokens/train"), articles)
    return measure_clusters(name, text, settings, AVERAGES[name], (semantic["context"], semantic["neighbour_weight"]))


def draw(curves: pd.DataFrame, clusters: pd.DataFrame, out: Path) -> None:
    """Agreement with sections against mean chance: every number of blocks as a line, the choices as marks."""
    with figure_style():
        figure, panels = new_figure(5.6, rows=len(AVERAGES), sharex=True)
        for axes, (name, averages) in zip(panels, AVERAGES.items(), strict=True):
            draw_set(axes, curves[curves["set"] == name], clusters[clusters["set"] == name], averages)
            axes.set(
                title=TITLES[name],
                ylabel="agreement with sections\n(adjusted Rand index)",
                xlim=(0.25, 1),
            )
        panels[-1].set_xlabel("mean chance C on training windows")
        handles = [panels[0].plot([], [], color=colour, label=method)[0] for method, colour in COLOURS.items()]
        handles += [panels[0].plot([], [], LINES[key], color="black", label=says)[0] for key, says in LABELS.items()]
        handles += [
            panels[0].plot([], [], marker, color="black", label=says)[0]
            for marker, says in (("*", "the default"), ("x", "it, shifted"), ("+", "window"))
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
        save_figure(figure, out.with_suffix(".pdf"), out.with_suffix(".png"))


def draw_set(axes: Any, curves: pd.DataFrame, clusters: pd.DataFrame, averages: Sequence[tuple[int, float]]) -> None:
    axes.axvspan(0.6, 1, color=GREY, alpha=0.15, lw=0)
    for context, weight in averages:
        same = curves[(curves["context"] == context) & (curves["neighbour_weight"] == weight)]
        for method, colour in COLOURS.items() if (context, weight) in LINES else ():
            line = same[same["method"] == method]
            axes.plot(line["chance"], line["ari_section"], LINES[context, weight], color=colour, lw=0.9)
    default = clusters[clusters["default"].eq(True)]
    axes.plot(default["chance"], default["ari_section"], "*", color="black", markersize=8, zorder=3)
    for method, marker in (("shifted", "x"), ("window", "+")):
        control = clusters[clusters["method"] == method]
        axes.plot(control["chance"], control["ari_section"], marker, color="black", markersize=6, zorder=3)


def print_report(report: Mapping[str, Any]) -> None:
    """The tables, best agreement with sections first."""
    clusters = pd.DataFrame(report["clusters"])
    shown = ["method", "criterion", "context", "neighbour_weight", "k", "ari_article", "ari_section", "chance"]
    for (name, bounds), part in clusters.groupby(["set", "bounds"], sort=False):
        print(f"\n{name}, {'within' if bounds else 'without'} the bounds")
        part = part.sort_values("ari_section", ascending=False)
        print(part[[*shown, "blocks_per_window", "allowed", "default"]].round(3).to_string(index=False))
    print("\nspans")
    print(pd.DataFrame(report["spans"]).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
