"""What documentation and comments refer to exists: documents, links, make targets, config keys, code.

Names are looked up in files and syntax trees; nothing is imported.
"""

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest
import yaml
from checkout import ROOT, SCRIPTS

GUIDES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "results/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "benchmarks").glob("*.md")),
]
SOURCES = [ROOT / "config.yaml", *sorted(SCRIPTS.rglob("*.py"))]
SCHEMA = yaml.safe_load((ROOT / "workflow" / "schemas" / "config.schema.yaml").read_text(encoding="utf-8"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
FOLDERS = ("scripts", "workflow", "tests", "docs", "envs", ".ci")
# Such as `claims.csv`, which is not a key of the config.
FILE_ENDINGS = {"csv", "html", "json", "md", "npy", "npz", "parquet", "pdf", "png", "py", "smk", "tex", "yaml"}


@cache
def prose(path: Path) -> str:
    """The text of `path` in which things are named: a whole document, otherwise comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    if path.suffix == ".yaml":
        return "\n".join(re.findall(r"# ?(.*)", text))
    found = [
        part.string.lstrip("# ") for part in tokenize.generate_tokens(io.StringIO(text).readline) if is_comment(part)
    ]
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, documented)]
    return "\n".join([*found, *(ast.get_docstring(node) or "" for node in nodes)])


def is_comment(part: tokenize.TokenInfo) -> bool:
    return part.type == tokenize.COMMENT


def spans(text: str) -> list[str]:
    """The text between single backticks."""
    return [" ".join(span.split()) for span in SPAN.findall(FENCED.sub("", text))]


def headings(document: str) -> list[str]:
    return [line.lstrip("# ").strip() for line in FENCED.sub("", document).splitlines() if line.startswith("#")]


def anchors(document: str) -> set[str]:
    """The fragments by which GitHub links to the document's headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(document)}


def missing_documents(text: str, folder: Path) -> set[str]:
    """Names ending in .md that match no file in `folder`, the repository's root or docs; patterns are skipped."""
    names = re.findall(r"(?<![\w./{}*:-])([\w./{}*-]*\w\.md)\b", text)
    roots = (folder, ROOT, ROOT / "docs")
    return {name for name in names if not set("{*") & set(name) and not any((root / name).is_file() for root in roots)}


def missing_sections(text: str, document: str) -> set[str]:
    """Sections cited as `(method.md, Heading)` for which `document` has no heading."""
    named = re.findall(r"method\.md, ([A-Z][^);.]*)", " ".join(text.split()))
    return {name.strip() for name in named} - set(headings(document))


def missing_links(text: str, folder: Path) -> set[str]:
    """Relative links, including images, to a file or heading that does not exist in the repository."""
    broken = set()
    for link in re.findall(r"\]\(([^)\s]+)\)", SPAN.sub("", FENCED.sub("", text))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = (folder / name).resolve()
        there = not name or (target.exists() and target.is_relative_to(ROOT))
        if not there or (fragment and fragment not in anchors(target.read_text(encoding="utf-8") if name else text)):
            broken.add(link)
    return broken


def missing_targets(text: str, targets: set[str]) -> set[str]:
    """Targets of `make xyz`, in backticks or at the start of a line in a code block, that are not in `targets`."""
    blocks = "\n".join(FENCED.findall(text))
    calls = [*spans(text), *re.findall(r"^ *(make .*)", blocks, re.MULTILINE)]
    named = [re.match(r"make (?:[A-Z]+=\S+ )*([a-z][a-z-]*)", call) for call in calls]
    return {match[1] for match in named if match} - targets


def is_key(name: str, schema: dict) -> bool:
    """Whether `a.b.c` is a key of the config that `schema` describes."""
    here = schema
    for part in name.split("."):
        here = resolved(here, schema)
        inner = here.get("properties", {}).get(part) or here.get("additionalProperties")
        if not inner:
            return False
        here = inner
    return True


def resolved(node: dict, schema: dict) -> dict:
    return schema["$defs"][node["$ref"].rpartition("/")[2]] | node if "$ref" in node else node


def missing_keys(text: str, schema: dict) -> set[str]:
    """Dotted names in backticks that begin with a top-level key of the config but are not in its schema."""
    named = [re.fullmatch(r"([a-z_]+(?:\.[a-z_]+)+)(?::.*)?", span) for span in spans(text)]
    keys = {match[1] for match in named if match and match[1].partition(".")[0] in schema["properties"]}
    return {key for key in keys if key.rpartition(".")[2] not in FILE_ENDINGS and not is_key(key, schema)}


def is_code(name: str, scripts: Path) -> bool:
    """Whether a dotted name is a package, a module, or something that a module defines (of a class: a member)."""
    parts = name.split(".")
    place = scripts
    while parts and (place / parts[0]).is_dir():
        place /= parts.pop(0)
    if not parts:
        return place != scripts
    module = place / f"{parts.pop(0)}.py"
    if not module.is_file():
        return False
    body = ast.parse(module.read_text(encoding="utf-8")).body
    for part in parts:
        node = next((node for node in body if part in defined(node)), None)
        if node is None:
            return False
        body = getattr(node, "body", [])
    return True


def defined(node: ast.stmt) -> set[str]:
    """The names that a statement of a module or class defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}


def missing_code(text: str, scripts: Path) -> set[str]:
    """Names in backticks such as `localist.blocks.chance` that do not exist in the package."""
    named = [re.fullmatch(r"(localist(?:\.\w+)+)(?:\(.*\))?", span) for span in spans(text)]
    return {match[1] for match in named if match and not is_code(match[1], scripts)}


def missing_paths(text: str, root: Path) -> set[str]:
    """Paths in backticks that begin with a folder of the repository but do not exist; patterns are skipped."""
    named = [
        span for span in spans(text) if span.partition("/")[0] in FOLDERS and re.fullmatch(r"[\w./-]+/[\w./-]*", span)
    ]
    return {path for path in named if not (root / path).exists()}


METHOD = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
CHECKS = {
    "documents": missing_documents,
    "sections": lambda text, folder: missing_sections(text, METHOD),
    "make targets": lambda text, folder: missing_targets(text, TARGETS),
    "config keys": lambda text, folder: missing_keys(text, SCHEMA),
    "code": lambda text, folder: missing_code(text, SCRIPTS),
    "paths": lambda text, folder: missing_paths(text, ROOT),
}


@pytest.mark.parametrize("kind", CHECKS)
def test_referenced_names_exist(kind):
    """Catches a reference to a document, section, make target, config key, function or file that does not exist."""
    missing = {str(path.relative_to(ROOT)): CHECKS[kind](prose(path), path.parent) for path in [*GUIDES, *SOURCES]}
    assert {path: names for path, names in missing.items() if names} == {}


def test_relative_links_resolve():
    """Catches a relative link to a file that was moved, or to a heading that was reworded."""
    missing = {str(path.relative_to(ROOT)): missing_links(prose(path), path.parent) for path in GUIDES}
    assert {path: links for path, links in missing.items() if links} == {}


def test_comments_and_docstrings_are_searched(tmp_path):
    """Catches a search that skips comments or docstrings of functions, or that includes strings in the code."""
    source = tmp_path / "one.py"
    source.write_text('"""First."""\nx = "# data"  # second\n\n\ndef f():\n    """Third."""\n', encoding="utf-8")
    assert all(word in prose(source) for word in ("First", "second", "Third"))
    assert "data" not in prose(source)
    config = tmp_path / "one.yaml"
    config.write_text("# first\nkey: value  # second\n", encoding="utf-8")
    assert "first" in prose(config) and "second" in prose(config) and "value" not in prose(config)


def test_a_missing_document_is_found():
    """Catches a check that accepts the name of a missing file, or rejects one that exists in docs."""
    text = "See README.md, (nowhere.md, Claims), benchmarks/README.md, runs/{arm}/README.md and .md files."
    assert missing_documents(text, ROOT) == {"nowhere.md"}


def test_a_missing_section_is_found():
    """Catches a check that accepts a section without a heading, also if the line wraps inside its name."""
    text = "(method.md, The\nconstraint), (kernels; method.md, Partitions; NumPy), (method.md, Nonsense)."
    assert missing_sections(text, "# Method\n## The constraint\n## Partitions\n```\n# Nonsense\n```\n") == {"Nonsense"}


def test_a_broken_link_is_found(tmp_path):
    """Catches a check that accepts links to missing files or headings, or takes URLs for files."""
    text = "[a](README.md) ![b](gone.png) [c](https://x.org/gone) [d](#own-words) [e](#gone) [f](README.md#gone)\n"
    assert missing_links(text + "# Own *words*\n", ROOT) == {"gone.png", "#gone", "README.md#gone"}
    assert missing_links("[a](../elsewhere.md)", ROOT) == {"../elsewhere.md"}


def test_a_missing_make_target_is_found():
    """Catches a check that overlooks targets in code blocks, behind variables or before arguments."""
    text = (
        "`make run`, `make CONFIG=x gone`, make nothing\n```\nmake lint\nmake gone-too ARGS=1\nsnakemake other\n```\n"
    )
    assert missing_targets(text, {"run", "lint"}) == {"gone", "gone-too"}


def test_a_missing_config_key_is_found():
    """Catches a check that accepts unknown keys at some depth, or takes other dotted names or files for keys."""
    text = "`blocks.semantic.max_chance`, `claims.power: 0.8`, `arms.quintic.dose`, `claims.csv`, `numpy.mean`"
    assert missing_keys(text, SCHEMA) == set()
    text = "`blocks.semantic.largest_chance`, `claims.strength: 1`, `arms.quintic.gone`, `seeds.first`"
    assert missing_keys(text, SCHEMA) == {
        *("blocks.semantic.largest_chance", "claims.strength", "arms.quintic.gone", "seeds.first")
    }


def test_missing_code_is_found(tmp_path):
    """Catches a check that accepts a missing folder, module, function or method, or rejects an existing one."""
    room = tmp_path / "localist" / "room"
    room.mkdir(parents=True)
    (room / "module.py").write_text(
        "import json\nA, B = 1, 2\nC: int = 3\ndef f(): pass\nclass K:\n    d: int\n    def m(self): pass\n",
        encoding="utf-8",
    )
    there = ("room", "room.module", *(f"room.module.{name}" for name in ("A", "B", "C", "f()", "K", "K.d", "K.m")))
    gone = ("hall", "room.gone", "room.module.json", "room.module.g", "room.module.K.gone", "room.module.f.x")
    text = " ".join(f"`localist.{name}`" for name in (*there, *gone))
    assert missing_code(text, tmp_path) == {f"localist.{name}" for name in gone}


def test_a_missing_path_is_found():
    """Catches a check that accepts a path whose file was moved."""
    text = "`docs/method.md`, `workflow/rules`, `tests/gone.py`, `scripts/localist/*.py`, `results/x/`, `docs/gone/`"
    assert missing_paths(text, ROOT) == {"tests/gone.py", "docs/gone/"}
