"""The documentation as a site: README.md is its first page, and everything is rendered without a network."""

import re
from collections.abc import Callable
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

project = "Progressive localisation"
copyright = ""
html_show_copyright = False
root_doc = "README"
include_patterns = ["*.md", "docs/**.md", "results/README.md"]
exclude_patterns = [".*", "resources", "results/*/**", "scripts", "tests", "workflow"]
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
# Headings down to this level can be linked to; such links are checked.
myst_heading_anchors = 3
html_theme = "furo"
html_title = project
html_math_renderer = "mathml"
html_copy_source = False
pygments_style = "default"

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)\)")
# The navigation. On GitHub, README.md has links instead.
CONTENTS = {
    "Use": [f"docs/{page}" for page in ("running", "own-book", "own-model", "own-arms", "cluster", "troubleshooting")],
    "Results": [f"docs/{page}" for page in ("reading-the-report", "explorer", "dial", "python")],
    "Background": [
        *("docs/method", "docs/study/README"),
        *(f"docs/benchmarks/{page}" for page in ("README", "blocks", "corpus", "reliability")),
    ],
    "Project": ["results/README", "CONTRIBUTING", "CHANGELOG"],
}


def add_navigation(app, page: str, source: list[str]) -> None:
    if page == root_doc:
        for part, pages in CONTENTS.items():
            source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {part}", *pages, "```", ""])


def drop_links_to_folders(app, page: str, source: list[str]) -> None:
    """Replace links to folders, which have no page, with their text."""
    folder = (ROOT / page).parent
    source[0] = LINK.sub(lambda link: link[1] if (folder / link[2]).is_dir() else link[0], source[0])


def mathml(block: bool) -> Callable:
    """A Sphinx visitor that writes a formula as MathML, which browsers render natively."""

    def visit(writer, node: nodes.Node) -> None:
        formula = convert(node.astext(), display="block" if block else "inline")
        writer.body.append(f"<p>{formula}</p>" if block else formula)
        raise nodes.SkipNode

    return visit


def setup(app) -> None:
    app.connect("source-read", add_navigation)
    app.connect("source-read", drop_links_to_folders)
    app.add_html_math_renderer("mathml", (mathml(block=False), None), (mathml(block=True), None))
