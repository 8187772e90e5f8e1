"""Draws a legible graph of the rules: a box per rule in its stage's colour; one box each for tables, pages and figures.

snakemake --rulegraph | python docs/site/draw_workflow.py | tred | dot -Tsvg -o docs/workflow.svg
"""

import re
import sys
from pathlib import Path

RULES = Path(__file__).resolve().parents[2] / "workflow" / "rules"
# Rule file → colour of its boxes, and the label of the box if all its rules share one.
STAGES = {
    "resources": ("#e8e8e8", None),
    "corpus": ("#cfe3f3", None),
    "blocks": ("#d5ecd4", None),
    "train": ("#fbe0c3", None),
    "evaluate": ("#f3d9e6", None),
    "tables": ("#fff3bf", "judge_claims, collect_…: tables"),
    "pages": ("#fff3bf", "build_…, describe_…: pages"),
    "figures": ("#fff3bf", "plot_…: figures"),
}
RULE = re.compile(r"^(?:use rule \w+ as|rule) (\w+)", re.MULTILINE)
NODE = re.compile(r'^\s*(\d+)\[label = "(\w+)', re.MULTILINE)
EDGE = re.compile(r"^\s*(\d+) -> (\d+)$", re.MULTILINE)


def stage_of_rules(folder: Path = RULES) -> dict[str, str]:
    return {rule: file.stem for file in folder.glob("*.smk") for rule in RULE.findall(file.read_text(encoding="utf-8"))}


def legible(graph: str, stages: dict[str, str]) -> str:
    """Simplify the graph that Snakemake writes in the dot language; rules without a stage (`all`) are left out."""
    names = {number: rule for number, rule in NODE.findall(graph) if rule in stages}
    boxes = {number: STAGES[stages[rule]][1] or rule for number, rule in names.items()}
    colours = {boxes[number]: STAGES[stages[rule]][0] for number, rule in names.items()}
    arrows = {
        (boxes[a], boxes[b]) for a, b in EDGE.findall(graph) if a in boxes and b in boxes and boxes[a] != boxes[b]
    }
    return "\n".join(
        [
            "digraph workflow {",
            "graph [nodesep=0.2, ranksep=0.35];",
            'node [shape=box, style="rounded,filled", color="#808080", fontname="Helvetica", fontsize=13, height=0.4];',
            'edge [color="#606060", arrowsize=0.7];',
            *(f'"{box}" [fillcolor="{colour}"];' for box, colour in sorted(colours.items())),
            *(f'"{one}" -> "{other}";' for one, other in sorted(arrows)),
            "}",
        ]
    )


if __name__ == "__main__":
    print(legible(sys.stdin.read(), stage_of_rules()))
