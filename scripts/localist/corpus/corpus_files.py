"""The files of a corpus, and their names in reports."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from localist.corpus.formats.file_kinds import EXTENSIONS, is_unpacked_epub
from localist.plumbing.errors import UserError
from localist.plumbing.files import check_path, exists, files_in, sha256_of

# Metadata files of a data set.
NO_TEXT = frozenset({"dataset_info.json", "state.json", "dataset_dict.json", "dataset_infos.json"})
DATA_SET = (".arrow", ".parquet")
# Files that accompany books: pictures, metadata written by e-book programs, parts of web pages.
BESIDE_BOOKS = frozenset(
    [
        *(".jpg", ".jpeg", ".png", ".gif", ".svg", ".webp", ".bmp", ".ico"),
        *(".opf", ".ncx", ".db", ".sqlite", ".ini", ".nfo", ".css", ".js", ".woff", ".woff2", ".ttf", ".otf", ".eot"),
        *(".mp3", ".m4a", ".m4b", ".ogg", ".mp4"),
    ]
)


def corpus_files(sources: Iterable[Path]) -> list[Path]:
    """The given files, and all files in the given folders, in natural order of their names (2 before 10).

    An unpacked EPUB counts as one file. Hidden files and data set metadata in folders are skipped, and so are files
    that accompany books (BESIDE_BOOKS) unless there is nothing else. Raises UserError if a path does not exist or no
    file is left.
    """
    sources = list(sources)
    found: list[Path] = []
    for source in sources:
        if source.is_dir() and not is_unpacked_epub(source):
            found.extend(_files_in(source))
        elif exists(source):
            found.append(source)
        else:
            raise UserError(f"corpus.source.path: {source} does not exist (looked in {Path.cwd()}). Correct the path.")
    if not found:
        raise UserError(
            f"corpus.source.path: no files in {', '.join(map(str, sources))}. Name a folder that contains books."
        )
    return list(dict.fromkeys(found))


def source_paths(path: str | Sequence[str]) -> list[Path]:
    """The paths in corpus.source.path (one or several), as a list."""
    return [Path(one).expanduser() for one in ([path] if isinstance(path, str) else path)]


def check_corpus_path(path: str | Sequence[str]) -> None:
    """Check the user's corpus path before any job starts. Raises UserError."""
    for one in source_paths(path):
        check_path(one, "corpus.source.path")
    for file in corpus_files(source_paths(path)):
        if "{" in str(file) or "}" in str(file):
            raise UserError(
                f"corpus.source.path: {file} has braces in its name, which Snakemake would read as a wildcard. "
                "Rename the file."
            )


def shown_names(files: Iterable[Path]) -> dict[Path, str]:
    """Names of files in reports: the file name, preceded by its folder where two files share a name."""
    files = list(files)
    shared = Counter(path.name for path in files)
    return {
        path: printable(path.name if shared[path.name] == 1 else f"{path.parent.name}/{path.name}") for path in files
    }


def printable(text: str) -> str:
    """Replace bytes of a file name that are not UTF-8 with question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def checksum_of(path: Path) -> str:
    """The SHA-256 of a file; for an unpacked EPUB, that of the names and checksums of its files."""
    if not path.is_dir():
        return sha256_of(path)
    files = sorted(path.rglob("*"))
    listed = [f"{sha256_of(file)} {file.relative_to(path).as_posix()}" for file in files if file.is_file()]
    return sha256("\n".join(listed).encode("utf-8", "surrogateescape")).hexdigest()


def _files_in(folder: Path) -> list[Path]:
    files = [path for path in files_in(folder) if not _is_hidden(path.relative_to(folder))]
    books = {path.parent.parent for path in files if is_unpacked_epub(path.parent.parent)}
    files = [path for path in files if not books.intersection(path.parents)]
    data = [path for path in files if path.suffix in DATA_SET]
    if data:
        files = [path for path in files if path.name not in NO_TEXT and path.name != "README.md"]
    saved = {path.with_name(f"{path.stem}_files") for path in files if path.suffix.lower() in EXTENSIONS["html"]}
    texts = [path for path in files if path.suffix.lower() not in BESIDE_BOOKS and not saved.intersection(path.parents)]
    found = [*(texts or ([] if books else files)), *books]
    return sorted(found, key=lambda path: _natural(path.relative_to(folder).as_posix()))


def _is_hidden(path: Path) -> bool:
    """Whether a file is hidden, or is a temporary lock file of a program."""
    return any(part.startswith((".", "~$")) for part in path.parts)


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
