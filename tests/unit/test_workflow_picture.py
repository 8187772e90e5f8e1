"""The drawn graph of rules: rules of a stage are merged, and the picture is up to date."""

import html
import importlib.util
import re

from checkout import ROOT

SOURCE = ROOT / "docs" / "site" / "draw_workflow.py"
spec = importlib.util.spec_from_file_location("draw_workflow", SOURCE)
draw_workflow = importlib.util.module_from_spec(spec)
spec.loader.exec_module(draw_workflow)
# Rules that the default study does not run, or that only serve as a base for others.
NOT_DRAWN = {"fetch_resource", "initialise_model", "train_unkept_model"}


def test_rules_of_a_stage_share_a_box():
    """Catches arrows from a box to itself, missing arrows between boxes, or boxes for pure target rules."""
    graph = '0[label = "all"];\n1[label = "plot_a"];\n2[label = "plot_b"];\n3[label = "train"];\n'
    graph += "3 -> 1\n1 -> 2\n2 -> 0\n"
    drawn = draw_workflow.legible(graph, {"plot_a": "figures", "plot_b": "figures", "train": "train"})
    assert re.findall(r'"(.+)" -> "(.+)";', drawn) == [("train", "plot_…: figures")]
    assert drawn.count("fillcolor") == 2 and "all" not in drawn


def test_the_picture_is_up_to_date():
    """Catches a rule that was added, renamed or deleted since docs/workflow.svg was drawn (make docs/workflow.svg)."""
    titles = re.findall(r"<title>(.+)</title>", (ROOT / "docs" / "workflow.svg").read_text(encoding="utf-8"))
    boxes = {html.unescape(title) for title in titles if "&gt;" not in title} - {"workflow"}
    stages = draw_workflow.stage_of_rules()
    assert boxes == {draw_workflow.STAGES[stages[rule]][1] or rule for rule in stages if rule not in NOT_DRAWN}
