"""Which files a corpus is made of."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from localist.plumbing.errors import UserError
from localist.plumbing.files import check_path, exists, files_in

# Beside a data set's own files; they tell of the data, and hold none of it.
NO_TEXT = frozenset({"dataset_info.json", "state.json", "dataset_dict.json", "dataset_infos.json"})
DATA_SET = (".arrow", ".parquet")


def corpus_files(sources: Iterable[Path]) -> list[Path]:
    """The files named, and all files in the folders named, in the order of their names (2 before 10).

    Hidden files are passed over, and what describes a data set in a folder that has one. Raises UserError for a path
    that does not exist, and for folders in which nothing is left.
    """
    sources = list(sources)
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            found.extend(_files_in(source))
        elif exists(source):
            found.append(source)
        else:
            raise UserError(f"corpus.source.path: {source} does not exist (looked in {Path.cwd()}). Correct the path.")
    if not found:
        raise UserError(
            f"corpus.source.path: no file in {', '.join(map(str, sources))}. Name a folder with books in it."
        )
    return list(dict.fromkeys(found))


def source_paths(path: str | Sequence[str]) -> list[Path]:
    """What the config's `path` names: one path, or several."""
    return [Path(one).expanduser() for one in ([path] if isinstance(path, str) else path)]


def check_corpus_path(path: str | Sequence[str]) -> None:
    """Refuse a corpus path of the user's that cannot be read, before any job starts."""
    for one in source_paths(path):
        check_path(one, "corpus.source.path")
    for file in corpus_files(source_paths(path)):
        if "{" in str(file) or "}" in str(file):
            raise UserError(
                f"corpus.source.path: {file} has braces in its name, which Snakemake cannot read. Rename it."
            )


def shown_names(files: Iterable[Path]) -> dict[Path, str]:
    """What reports call each file: its name, with its folder's where two have the same."""
    files = list(files)
    shared = Counter(path.name for path in files)
    return {
        path: printable(path.name if shared[path.name] == 1 else f"{path.parent.name}/{path.name}") for path in files
    }


def printable(text: str) -> str:
    """Text in which bytes of a file name that are no UTF-8 are question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _files_in(folder: Path) -> list[Path]:
    files = [path for path in files_in(folder) if not _is_hidden(path.relative_to(folder))]
    data = [path for path in files if path.suffix in DATA_SET]
    if data:
        files = [path for path in files if path.name not in NO_TEXT and path.name != "README.md"]
    return sorted(files, key=lambda path: _natural(path.relative_to(folder).as_posix()))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
