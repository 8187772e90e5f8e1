"""Shared by all figures: style, colours of arms, reading tables, placing legends and labels, saving."""

import math
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from localist.plumbing.errors import UserError
from localist.plumbing.files import replacing
from localist.report.fonts import columns, legible, use_installed_fonts

COLUMN_WIDTH = 3.4  # inches: one column of a two-column page
GREY = "#8C8C8C"

# Okabe-Ito without black (kept for the distributed arm) and yellow (too faint on white).
PALETTE = ("#D55E00", "#56B4E9", "#009E73", "#0072B2", "#CC79A7", "#E69F00")
# From cold to warm, so that topics with similar numbers have similar hues.
HUES = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7")
# Range of the shades of a hue, towards black (below 0) and white.
SHADES = (-0.5, 0.6)
LEGEND_NAME = 30  # characters
_LINES = ("-", (0, (4, 1.2)), (0, (1, 1)), (0, (5, 1, 1, 1)))
# Seven markers with six colours and four line styles: no two of the first 168 arms look the same.
_MARKERS = ("s", "^", "D", "v", "P", "X", "o")

_STYLE = {
    "figure.constrained_layout.use": True,
    "font.size": 7,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.2,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "text.parse_math": False,  # names and titles come from config and corpus, where `$` is literal
}


@dataclass(frozen=True)
class ArmStyle:
    """How one arm looks in every figure of a study."""

    colour: str
    line: Any  # a Matplotlib line style
    marker: str
    width: float = 1.1

    def line_style(self) -> Any:
        """Keyword arguments for a line without markers."""
        return {"color": self.colour, "linestyle": self.line, "linewidth": self.width}


OTHERS = ArmStyle("#C8C8C8", "-", "", width=0.6)


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in the project's style, regardless of the user's Matplotlib settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)  # pyright: ignore[reportCallIssue, reportArgumentType]  stubs list the keys
        yield


def new_figure(height: float, rows: int = 1, **subplots: Any) -> tuple[Figure, list[Axes]]:
    """A figure one column wide and `height` inches high, with `rows` panels below each other."""
    # Figure instead of pyplot: always the Agg canvas, no global state, and a shorter start.
    figure = Figure(figsize=(COLUMN_WIDTH, height))
    return figure, list(figure.subplots(rows, 1, squeeze=False, **subplots)[:, 0])


def save_figure(figure: Figure, pdf: Path, png: Path) -> None:
    """Write the figure as PDF and PNG; the same figure gives the same bytes."""
    use_installed_fonts(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout is final; do not repeat the slow computation for each file
    with replacing(Path(pdf)) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    with replacing(Path(png)) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def arm_styles(arms: Iterable[str]) -> dict[str, ArmStyle]:
    """One style per arm, by its position among the arms; pretrained is grey and distributed black.

    These two take no position, so that a table without one of them does not change the colours of the others.
    """
    styles = {
        "pretrained": ArmStyle(GREY, "-", "h", width=1.5),
        "distributed": ArmStyle("#000000", "-", "o", width=1.5),
    }
    result: dict[str, ArmStyle] = {}
    place = 0
    for arm in dict.fromkeys(arms):
        if arm in styles:
            result[arm] = styles[arm]
            continue
        colour, line = PALETTE[place % len(PALETTE)], _LINES[place // len(PALETTE) % len(_LINES)]
        result[arm] = ArmStyle(colour, line, _MARKERS[place % len(_MARKERS)])
        place += 1
    return result


def drawn_styles(arms: Iterable[str], drawn: Collection[str]) -> dict[str, ArmStyle]:
    """The styles of `arms`, with thin grey for those that are not in `drawn` (if any is)."""
    styles = arm_styles(arms)
    chosen = {arm: style for arm, style in styles.items() if arm in drawn} or styles
    return {arm: OTHERS for arm in styles if arm not in chosen} | chosen


def with_topics(table: pd.DataFrame, source: Path, sentence_blocks: Path, blocks: Path) -> pd.DataFrame:
    """`table` (with a column sentence) with the block and topic of each sentence, -1 if it has none.

    blocks: the topic of each block. Raises UserError, naming the table's file `source`, if no sentence has a block.
    """
    table = table.merge(read_table(sentence_blocks, numbers=["sentence", "block"]), on="sentence", how="left")
    if table["block"].isna().all():
        raise UserError(f"{source}: none of its sentences is in {sentence_blocks}; delete both and run again")
    table = table.merge(read_table(blocks, numbers=["block", "topic"]), on="block", how="left")
    return table.assign(**{name: table[name].fillna(-1).astype(int) for name in ("block", "topic")})


def topic_colours(count: int) -> dict[int, Any]:
    """A colour for each of `count` topics, similar numbers in shades of one hue; no topic (-1) is light grey."""
    colours = {-1: to_rgb("#DDDDDD")}
    for hue, topics in enumerate(np.array_split(np.arange(count), len(HUES))):
        base = np.array(to_rgb(HUES[hue]))
        shades = np.linspace(*SHADES, len(topics)) if len(topics) > 1 else np.zeros(len(topics))
        for topic, shade in zip(topics, shades, strict=True):
            colours[int(topic)] = tuple(base * (1 + shade) if shade < 0 else base + (1 - base) * shade)
    return colours


def topic_legend(figure: Figure, topics: Path, colours: Mapping[int, Any]) -> None:
    """Add a legend with each topic's number and name below the panels, which keep their height. topics: topic, name."""
    table = read_table(topics, text=["name"], numbers=["topic"])
    handles = [Line2D([], [], color=colours[topic], marker="s", ls="", markersize=4.5) for topic in table["topic"]]
    named = zip(table["topic"], table["name"], strict=True)
    names = [f"{topic:.0f}  {shortened(str(name), LEGEND_NAME)}" for topic, name in named]
    figure.set_figheight(figure.get_figheight() + 0.2 + 0.115 * math.ceil(len(names) / 2))
    figure.legend(
        handles, names, loc="outside lower center", ncols=2, title="topic", fontsize=6, title_fontsize=7,
        borderpad=0.1, borderaxespad=0.1, handlelength=0.8, handletextpad=0.3, columnspacing=0.9, labelspacing=0.3,
    )  # fmt: skip


def shortened(name: str, length: int) -> str:
    """`name` on one line of at most `length` characters, in characters that can be drawn."""
    name = legible(" ".join(name.split()) or "untitled")
    if columns(name) <= length:
        return name
    while columns(name) >= length:
        name = name[:-1]
    return name.rstrip(" ,;:-–(") + "…"


def block_colours(blocks: Iterable[int]) -> dict[int, Any]:
    """One colour per block id, in order of id; no block (-1) is light grey. Colours repeat after eighteen."""
    ids = sorted({int(block) for block in blocks})
    base = np.array([to_rgb(colour) for colour in PALETTE])
    shades = np.concatenate([base, base * 0.55, 1 - (1 - base) * 0.5])  # plain, dark, light
    return {block: tuple(shades[block % len(shades)]) if block >= 0 else to_rgb("#DDDDDD") for block in ids}


def read_table(
    path: Path, text: Sequence[str] = (), numbers: Sequence[str] = (), *, may_be_empty: bool = False
) -> pd.DataFrame:
    """The named columns of a CSV or Parquet file; empty cells of number columns become NaN.

    Raises UserError if the file has no rows (unless allowed), lacks a column, or has text in a number column.
    """
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            # As text first: an arm may be called "null" or "007".
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError:
        table = pd.DataFrame()
    remedy = "delete the file and run the workflow again"
    for column in (*text, *numbers):
        if column not in table.columns:
            found = ", ".join(table.columns) or "none"
            raise UserError(f"{path}: the column '{column}' is missing (columns found: {found}); {remedy}")
    if table.empty and not may_be_empty:
        raise UserError(f"{path}: the table has no rows (needed: {', '.join((*text, *numbers))}); {remedy}")
    table = table[[*text, *numbers]].copy()
    for column in numbers:
        try:
            table[column] = pd.to_numeric(table[column]).astype(float)
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}: the column '{column}' has a value that is not a number: {error}") from None
    return table


def only(table: pd.DataFrame, path: Path, column: str, value: str) -> pd.DataFrame:
    """The rows whose `column` is `value`; UserError if there are none."""
    chosen = table[table[column] == value]
    if chosen.empty:
        found = ", ".join(sorted(set(table[column])))
        raise UserError(f"{path}: no row has '{value}' in the column '{column}' (found: {found})")
    return chosen


def draw_by_layer(axes: Axes, table: pd.DataFrame, column: str, styles: Mapping[str, ArmStyle]) -> None:
    """Draw `column` by layer for each arm: the mean over seeds, and each seed faintly if there are several.

    table: columns arm, seed, layer and `column`; further rows of the same arm, seed and layer are averaged.
    """
    for number, (arm, style) in enumerate(styles.items()):
        rows = table[table["arm"] == arm]
        by_seed = rows.pivot_table(index="layer", columns="seed", values=column, aggfunc="mean")
        if by_seed.empty:
            continue
        if by_seed.shape[1] > 1:
            axes.plot(by_seed.index, by_seed, **style.line_style() | {"linewidth": 0.5, "alpha": 0.35})
        # Markers at every fifth layer, shifted from arm to arm, so that overlapping lines remain visible.
        axes.plot(
            by_seed.index,
            by_seed.mean(axis=1),
            **style.line_style(),
            marker=style.marker,
            markevery=(number % 5, 5) if len(by_seed) > 5 else 1,
            zorder=3 if arm == "distributed" else 2.5,
        )
    layer_axis(axes)


def layer_axis(axes: Axes) -> None:
    """Whole numbers on the x axis."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))


def without_values(table: pd.DataFrame, column: str, arms: Iterable[str]) -> set[str]:
    """The arms without any value in `column`."""
    return set(arms) - set(table.loc[table[column].notna(), "arm"])


def legend_below(figure: Figure, styles: Mapping[str, ArmStyle], missing: Iterable[str] = ()) -> None:
    """Add a legend below the panels, where it covers no data; the figure grows by its height.

    Keys of `styles` are the labels; those in `missing` are marked as having no values.
    """
    missing = set(missing)
    chosen = {arm: style for arm, style in styles.items() if style is not OTHERS}
    if len(chosen) < len(styles):
        chosen["other arms"] = OTHERS
    styles = chosen
    labels = [textwrap.fill(f"{name} (no values)" if name in missing else name, 64) for name in styles]
    # An entry takes about six characters more than its label; a line holds about 66.
    longest = max(len(line) for label in labels for line in label.splitlines())
    columns = max(1, min(len(labels), 66 // (longest + 6)))
    lines = math.ceil(len(labels) / columns) + sum(label.count("\n") for label in labels)
    figure.set_figheight(figure.get_figheight() + 0.08 + 0.145 * lines)
    handles = [Line2D([], [], **style.line_style(), marker=style.marker) for style in styles.values()]
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=2.4, columnspacing=1.2)


def perplexity_axis(axes: Axes, which: str, values: Iterable[float]) -> None:
    """Label the axis `which` ("x" or "y") as test perplexity; a log scale if values span more than a factor of 4."""
    finite = [value for value in values if np.isfinite(value) and value > 0]
    log = bool(finite) and max(finite) > 4 * min(finite)
    axes.set(**{f"{which}label": "perplexity (test, log scale)" if log else "perplexity (test)"})
    if log:
        log_axis(axes, which)


def log_axis(axes: Axes, which: str) -> None:
    """A log scale on the axis `which` ("x" or "y") with plain numbers; over many decades, one number per decade."""
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())


def place_labels(
    axes: Axes, points: np.ndarray, labels: Sequence[str], colours: Sequence[str], lines: Sequence[np.ndarray] = ()
) -> None:
    """Write each label next to its point, where it covers least; call this last, when the axes are final.

    points: [n, 2] in data units. lines: lines to avoid, each [2, 2], start and end in data units.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # finalises the layout, and with it the pixel positions
    scale = figure.dpi / 72  # pixels per point
    pixels = axes.transData.transform(points)
    ends = [axes.transData.transform(line) for line in lines]
    taken = np.vstack([_boxes(pixels, 3 * scale), *(np.hstack([end.min(0) - 1, end.max(0) + 1]) for end in ends)])
    frame = np.array([axes.get_window_extent().extents])
    distances, angles = (5, 12, 20, 30, 42, 56), np.deg2rad(np.arange(0, 360, 30))
    far = np.repeat(distances, len(angles))
    direction = np.tile(np.stack([np.cos(angles), np.sin(angles)], axis=1), (len(distances), 1))
    # A distant label is connected to its point by a thin line, which should not cross other labels either.
    steps = [np.arange(8, one if one >= 20 else 0, 2) * scale for one in far]
    leaders = [np.outer(step, one) for step, one in zip(steps, direction, strict=True)]
    for pixel, point, label, colour in zip(pixels, points, labels, colours, strict=True):
        text = axes.annotate(label, point, (0, 0), textcoords="offset points", ha="center", va="center", color=colour)
        size = np.array(text.get_window_extent().size)
        # Its edge, not its middle, is `far` from the point.
        shifts = direction * (far[:, np.newaxis] * scale + size / 2)
        boxes = _boxes(pixel + shifts, size / 2 + 1)
        cost = far + _overlaps(boxes, taken).sum(1)
        cost += 10 * ((boxes[:, 2:] - boxes[:, :2]).prod(1) - _overlaps(boxes, frame)[:, 0])
        cost += [30 * _points_inside(pixel + leader, taken) for leader in leaders]
        best = int(cost.argmin())
        text.set_position(tuple(shifts[best] / scale))
        taken = np.vstack([taken, boxes[best], _boxes(pixel + leaders[best], 1)])
        if len(leaders[best]):
            arrow = {"arrowstyle": "-", "linewidth": 0.4, "color": colour, "shrinkA": 0, "shrinkB": 3}
            end = tuple(direction[best] * far[best])
            axes.annotate("", point, end, textcoords="offset points", arrowprops=arrow)


def _boxes(middles: np.ndarray, around: Any) -> np.ndarray:
    """[n, 4], as x0, y0, x1, y1: boxes that extend `around` pixels from their middles [n, 2]."""
    return np.hstack([middles - around, middles + around])


def _overlaps(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[n, m]: the areas in square pixels that boxes [n, 4] share with others [m, 4]."""
    low = np.maximum(some[:, np.newaxis, :2], others[:, :2])
    high = np.minimum(some[:, np.newaxis, 2:], others[:, 2:])
    return np.maximum(high - low, 0.0).prod(2)


def _points_inside(points: np.ndarray, boxes: np.ndarray) -> int:
    """How often one of the points [n, 2] lies in one of the boxes [m, 4]."""
    above, below = points[:, np.newaxis] >= boxes[:, :2], points[:, np.newaxis] <= boxes[:, 2:]
    return int((above & below).all(2).sum())
