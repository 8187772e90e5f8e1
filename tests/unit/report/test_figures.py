"""Figures: drawn from the workflow's tables, with the same bytes each time, and without heavy imports."""

import importlib
import os
import pickle
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import jinja2
import numpy as np
import pandas as pd
import pypdfium2
import pytest
from checkout import SCRIPTS
from docutils.core import publish_parts
from figure_tables import CLAIMS, CONTRAST_COLUMNS, CONTRASTS, MANY, STUDY, write_study
from whole_studies import default_study

from localist.plumbing.errors import UserError
from localist.report.figures import (
    OTHERS,
    arm_styles,
    block_colours,
    drawn_styles,
    figure_style,
    new_figure,
    place_labels,
    read_table,
    save_figure,
    shortened,
    topic_colours,
)
from localist.study.arms import DISTRIBUTED, PRETRAINED
from plot_attention_maps import block_shares
from plot_block_map import densest_place

FIGURES = [
    *(
        "claims",
        "schedules",
        "perplexity",
        "fidelity",
        "entropy",
        "divergence",
        "frontier",
        "price",
        "targets",
        "knockout",
        "training",
    ),
    *("block_selection", "block_map", "block_ribbon", "block_sizes", "attention_maps"),
]


def draw(name: str, arguments: dict, folder: Path) -> list[bytes]:
    """Run one figure's `main`; the bytes of its PDF and PNG."""
    outputs = {kind: folder / f"{name}.{kind}" for kind in ("pdf", "png")}
    importlib.import_module(f"plot_{name}").main(**arguments, **outputs)
    return [path.read_bytes() for path in outputs.values()]


def words(pdf: bytes) -> str:
    """The text of a figure, without white space."""
    document = pypdfium2.PdfDocument(pdf)
    return "".join("".join(page.get_textpage().get_text_bounded().split()) for page in document)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Arguments of every figure, for a study like the default one."""
    return write_study(tmp_path_factory.mktemp("study"), STUDY)


@pytest.fixture(scope="module")
def drawn_elsewhere(study, tmp_path_factory):
    """A folder with the study's figures, drawn by another process with a different order of sets."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "study").write_bytes(pickle.dumps(study))
    code = (
        "import importlib, pathlib, pickle, sys; folder = pathlib.Path(sys.argv[1])\n"
        "for name, arguments in pickle.loads((folder / 'study').read_bytes()).items():\n"
        "    outputs = {kind: folder / f'{name}.{kind}' for kind in ('pdf', 'png')}\n"
        "    importlib.import_module(f'plot_{name}').main(**arguments, **outputs)"
    )
    run_python(code, folder, PYTHONHASHSEED="1")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_same_input_gives_same_bytes(name, study, drawn_elsewhere, tmp_path):
    """Catches dates, and orders (of sets, for example) that differ between runs, in either file; names contain `$`."""
    drawn = draw(name, study[name], tmp_path)
    assert drawn[0].startswith(b"%PDF") and drawn[1].startswith(b"\x89PNG")
    assert drawn == [(drawn_elsewhere / f"{name}.{kind}").read_bytes() for kind in ("pdf", "png")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.pdf", f"{name}.png"]


@pytest.fixture(scope="module", params=[(["distributed"], 1), (MANY, 3)], ids=["one arm", "14 arms, 3 seeds"])
def other_study(request, tmp_path_factory):
    """The arms of a study with fewer or more arms and seeds than the default one, and arguments of every figure."""
    arms, seeds = request.param
    return arms, write_study(tmp_path_factory.mktemp("other"), arms, seeds, layers=12, positions=24)


@pytest.mark.parametrize(
    "name", ["schedules", "perplexity", "fidelity", "frontier", "targets", "knockout", "training", "attention_maps"]
)
def test_any_number_of_arms_can_be_drawn(name, other_study, tmp_path):
    """Catches layouts that only work for the default study, and `$` in an arm's name read as mathematics."""
    arms, arguments = other_study
    shown = words(draw(name, arguments[name], tmp_path)[0])
    trained = [arm for arm in arms if arm != PRETRAINED]
    few = {"targets": [DISTRIBUTED], "schedules": trained, "training": trained, "attention_maps": arms[:4]}
    expected = few.get(name, arms)
    assert [arm for arm in expected if arm not in shown] == []


def test_an_untrained_model_leaves_the_ticks_of_the_frontier_legible(tmp_path):
    """Catches tick labels on top of each other, or none near it, if one model is 66 times worse than the others."""
    arguments = write_study(tmp_path, STUDY, layers=3, positions=12)["frontier"]
    table = pd.read_csv(arguments["arms"])
    table.loc[table["arm"] == PRETRAINED, ["ratio", "ratio_low", "ratio_high"]] = 66, 60, 70
    table.to_csv(arguments["arms"], index=False)
    with pypdfium2.PdfDocument(draw("frontier", arguments, tmp_path)[0]) as document:
        text = document[0].get_textpage()
        lines = [text.get_rect(number) for number in range(text.count_rects())]
        ticks = {text.get_text_bounded(*box).strip(): box for box in lines}
    ticks = {label: box for label, box in ticks.items() if label.endswith("%")}
    assert {"+50%", "+900%", "+4,900%"} <= ticks.keys()
    heights = sorted((low, high) for _, low, _, high in ticks.values())
    assert all(above >= high for (_, high), (above, _) in pairwise(heights))


@pytest.mark.parametrize("name", ["perplexity", "fidelity", "entropy", "frontier"])
def test_an_arm_without_values_can_be_drawn(name, tmp_path):
    """Catches a figure that fails, or hides the others, because one arm has no values."""
    arguments = write_study(tmp_path / "tables", STUDY, layers=3, positions=12)
    for table in ("arms", "layers"):
        path = tmp_path / "tables" / f"{table}.csv"
        frame = pd.read_csv(path)
        numbers = [column for column in frame if column not in ("arm", "seed", "measured_partition", "layer")]
        frame.loc[frame["arm"] == "cubic", numbers] = np.nan
        frame.to_csv(path, index=False)
    shown = words(draw(name, arguments[name], tmp_path)[0])
    expected = {"perplexity": "cubic", "frontier": "notshown(novalues):cubic"}.get(name, "cubic(novalues)")
    assert expected in shown and all(arm in shown for arm in STUDY)


def test_plotting_imports_nothing_heavy():
    """Catches a figure that imports torch or transformers, directly or through the package."""
    modules = ", ".join(f"plot_{name}" for name in FIGURES)
    code = f"import sys, {modules}; print(*{{'torch', 'transformers', 'sklearn', 'seaborn'}} & sys.modules.keys())"
    assert run_python(code).strip() == ""


def run_python(code: str, *arguments: Path, **environment: str) -> str:
    """Run code in a fresh interpreter that sees the scripts folder."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), **environment}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_arm_styles_are_distinct_and_stable():
    """Catches two arms that look the same, and colours that change if a table lacks the unconstrained arms."""
    arms = ["pretrained", "distributed", *(f"arm{number}" for number in range(24))]
    styles = arm_styles(arms)
    assert len({(style.colour, str(style.line)) for style in styles.values()}) == 26
    assert styles["distributed"].colour == "#000000"
    without = arm_styles(arms[2:])
    assert all(without[arm] == styles[arm] for arm in arms[2:])


def test_block_colours_do_not_depend_on_other_blocks():
    """Catches a block whose colour differs between the map and a passage that has only some of the blocks."""
    assert block_colours([7, 3])[7] == block_colours(range(12))[7]
    assert block_colours([-1, 0])[-1] not in block_colours(range(18)).values()
    assert len(set(block_colours(range(18)).values())) == 18


def test_block_shares_by_hand():
    """Catches the sink or the token itself counted as earlier text, and a recurring block treated as a single run."""
    attention = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.2, 0.2, 0.6, 0], [0.2, 0.3, 0.1, 0.4]])
    found = block_shares(attention, np.array([-1, 7, 3, 7]))
    np.testing.assert_allclose(found, [[np.nan] * 3, [1, 0, np.nan], [0.75, 0.25, 0]])
    found = block_shares(attention, np.array([-1, 7, 7, 3]))
    np.testing.assert_allclose(found, [[1, np.nan], [1, 0]])


def test_only_chosen_arms_are_coloured(study, tmp_path):
    """Catches a colour that depends on which arms are drawn, missing lines of the others, and a legend of all."""
    styles = drawn_styles(["distributed", "linear", "cubic"], ["cubic", "nobody"])
    assert styles["cubic"] == arm_styles(["distributed", "linear", "cubic"])["cubic"]
    assert styles["linear"] is styles["distributed"] is OTHERS and list(styles)[-1] == "cubic"
    assert drawn_styles(["linear"], ["nobody"]) == arm_styles(["linear"])
    shown = words(draw("fidelity", study["fidelity"] | {"drawn": [DISTRIBUTED]}, tmp_path)[0])
    assert "distributed" in shown and "other" in shown and "quintic" not in shown


@pytest.mark.parametrize("count", [1, 5, 6, 17, 40])
def test_topic_colours_are_distinct_and_similar_for_neighbours(count):
    """Catches repeated colours, and neighbouring topics whose colours differ more than most."""
    colours = np.array([topic_colours(count)[topic] for topic in range(-1, count)])
    assert len({tuple(colour) for colour in colours}) == count + 1 and ((colours >= 0) & (colours <= 1)).all()
    if count > 12:
        steps = np.linalg.norm(np.diff(colours[1:], axis=0), axis=1)
        every = np.linalg.norm(colours[1:, None] - colours[None, 1:], axis=-1)
        assert np.median(steps) < np.median(every[np.triu_indices(count, 1)])


def test_long_names_are_shortened():
    """Catches titles and names that are too long for a figure, or that contain line breaks."""
    assert shortened("Art", 20) == "Art" and shortened(" a\nb ", 20) == "a b" and shortened("", 20) == "untitled"
    assert shortened("Assistive technology, a history", 20) == "Assistive technolog…"
    assert len(shortened("x" * 1000, 20)) == 20


def test_labels_overlap_neither_each_other_nor_the_points():
    """Catches labels on top of each other or of points if arms are close together."""
    points = np.array([[0.0, 0.0], [0.01, 0.01], [0.02, 0.0], [1.0, 1.0]])
    with figure_style():
        _, (axes,) = new_figure(2.5)
        axes.plot(*points.T, "o")
        place_labels(axes, points, ["distributed", "localist", "quintic_fixed", "linear"], ["black"] * 4)
        boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
        pixels = axes.transData.transform(points)
    assert len(boxes) == 4
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    assert not any(box.contains(*pixel) for box in boxes for pixel in pixels)


COLUMNS = {
    "schedules": ("schedules", "locality"),
    "perplexity": ("arms", "ratio_low"),
    "fidelity": ("layers", "fidelity_corrected"),
    "entropy": ("layers", "entropy_no_sink_bits"),
    "frontier": ("arms", "late_fidelity_corrected"),
    "divergence": ("divergence", "divergence_bits"),
    "price": ("at_tokens", "late_fidelity_corrected"),
    "targets": ("metrics", "fidelity_target"),
    "knockout": ("knockout", "delta_nll"),
    "training": ("history", "penalty"),
    "block_selection": ("selection", "chosen"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_bad_table_is_reported_by_name(name, study, tmp_path):
    """Catches a traceback or an empty picture instead of an error that names the file and the column."""
    argument, column = COLUMNS[name]
    frame = pd.read_csv(study[name][argument])
    bad = tmp_path / "bad.csv"
    for content, message in [(frame.drop(columns=column), f"'{column}' is missing"), (frame[:0], "no rows")]:
        content.to_csv(bad, index=False)
        with pytest.raises(UserError, match=message) as caught:
            draw(name, study[name] | {argument: bad}, tmp_path)
        assert "bad.csv" in str(caught.value) and column in str(caught.value)


def test_bad_blocks_and_passages_are_reported_by_name(study, tmp_path):
    """Catches the same for the two figures that read files other than CSV."""
    bad = tmp_path / "bad.parquet"
    pd.DataFrame({"sentence": [1]}).to_parquet(bad)
    with pytest.raises(UserError, match=r"bad.parquet.*'block'"):
        draw("block_map", study["block_map"] | {"sentence_blocks": bad}, tmp_path)
    np.savez(tmp_path / "bad.npz", layers=[0, 1, 2])
    with pytest.raises(UserError, match=r"bad.npz.*'rows'"):
        draw("attention_maps", {"passages": [tmp_path / "bad.npz"], "arms": ["a"]}, tmp_path)


def test_unknown_partitions_and_words_for_numbers_are_reported(study, tmp_path):
    """Catches an empty figure for a misspelt partition, and words accepted as numbers."""
    with pytest.raises(UserError, match=r"layers.csv.*'semantics'.*found: semantic, shifted"):
        draw("fidelity", study["fidelity"] | {"measured_partition": "semantics"}, tmp_path)
    (tmp_path / "words.csv").write_text("arm,layer\nnull,many\n")
    with pytest.raises(UserError, match=r"words.csv.*'layer'"):
        read_table(tmp_path / "words.csv", text=["arm"], numbers=["layer"])
    (tmp_path / "words.csv").write_text("arm,layer\nnull,\n")
    table = read_table(tmp_path / "words.csv", text=["arm"], numbers=["layer"])
    assert table["arm"].tolist() == ["null"] and table["layer"].isna().all()


def test_user_settings_of_matplotlib_change_nothing(tmp_path):
    """Catches a figure that depends on the user's Matplotlib settings, or changes them."""
    import matplotlib

    def bytes_of(name: str) -> bytes:
        with figure_style():
            figure, (axes,) = new_figure(1)
            axes.plot([0, 1], label="a")
            save_figure(figure, tmp_path / f"{name}.pdf", tmp_path / f"{name}.png")
        return (tmp_path / f"{name}.png").read_bytes()

    plain = bytes_of("plain")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True}):
        assert bytes_of("own") == plain
        assert matplotlib.rcParams["font.size"] == 20


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]], ids=["one seed", "three seeds"])
def test_captions_render(name, seeds):
    """Catches a caption with a missing setting or broken markup, which would otherwise appear only in a report."""
    config = default_study() | {"study": "a_study_", "seeds": seeds}
    config["corpus"]["name"] = "sample*|_"
    stub = SimpleNamespace(config=config, params=SimpleNamespace(measured_partition="semantic"))
    source = (SCRIPTS.parent / "workflow" / "report" / f"{name}.rst").read_text(encoding="utf-8")
    text = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(source).render(snakemake=stub)
    assert "{" not in text
    assert ("one seed" in text) == (len(seeds) == 1 and name != "schedules" and not name.startswith("block_"))
    publish_parts(text, writer="html", settings_overrides={"halt_level": 2, "report_level": 2})


def test_claims_without_effects_can_be_drawn(tmp_path):
    """Catches a figure that fails if a study has the arms of no claim."""
    pd.DataFrame(CLAIMS).to_csv(tmp_path / "claims.csv", index=False)
    pd.DataFrame(CONTRASTS[:0], columns=CONTRAST_COLUMNS).to_csv(tmp_path / "contrasts.csv", index=False)
    tables = {name: tmp_path / f"{name}.csv" for name in ("claims", "contrasts")}
    shown = words(draw("claims", tables, tmp_path)[0])
    assert "noeffecttodraw:" in shown
    assert all(row["claim"].replace("_", "") in shown for row in CLAIMS)


def test_a_block_is_numbered_among_its_own_dots():
    """Catches a number between the parts of a scattered block, where another block's may be."""
    x = np.array([0.0, 0.1, 0.2, 9.9, 10.0])
    assert densest_place(x, x) == pytest.approx((0.1, 0.1))
