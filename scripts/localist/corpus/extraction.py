"""Extracts a corpus from its files: all sections in order, and a report on each file."""

import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet
from tqdm import tqdm

from localist.corpus.cleaning import NEAR_DUPLICATES, STEPS, one_line
from localist.corpus.corpus_files import checksum_of, printable, shown_names
from localist.corpus.documents import COLUMNS, Document, Section, sections_table
from localist.corpus.formats.book import DROPPED_SECTIONS, INDEX, NAVIGATION, REFERENCES, TABLE, UNKNOWN_TEMPLATES
from localist.corpus.formats.file_kinds import EXTENSIONS
from localist.corpus.near_duplicates import NearDuplicates
from localist.corpus.reading_process import ReadingProcess, spooled
from localist.corpus.repeated_lines import lines_of_most
from localist.corpus.sentences import split_sentences
from localist.corpus.settings import CorpusSettings
from localist.corpus.unspaced import word_count
from localist.plumbing.errors import UserError
from localist.plumbing.provenance import package_versions

# The libraries that determine the extracted text.
LIBRARIES = (
    *("chardet", "datasketch", "ftfy", "lxml", "mammoth", "markdown-it-py", "mdit-py-plugins", "mwparserfromhell"),
    *("mwxml", "py3langid", "pyarrow", "pypdfium2", "sentencex"),
)
# Counted per file and in total.
COUNTS = ("documents", "sections", "characters_read", "characters", "words", "sentences")
DOCUMENTS_AT_ONCE = 500
EXAMPLES = 5
EXAMPLE_CHARACTERS = 160
RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "ug", "ur", "yi"})
# The report warns below these shares: of a file's characters in the configured language, and of characters kept.
LEAST_IN_LANGUAGE = 0.5
LEAST_KEPT = 0.5
# Steps that remove whole sections, tables or repetitions, which may be wanted: the report warns above this share.
OF_SECTIONS = frozenset({INDEX, REFERENCES, TABLE, NAVIGATION, DROPPED_SECTIONS, NEAR_DUPLICATES})
MUCH = 0.2

NUMBERS = ("document", "section", "page")
SCHEMA = pyarrow.schema([(name, pyarrow.int64() if name in NUMBERS else pyarrow.large_string()) for name in COLUMNS])


def extract(files: Sequence[Path], settings: CorpusSettings, sections: Path) -> dict[str, Any]:
    """Write the sections of all files to `sections` (Parquet, documents.COLUMNS), and return the report.

    Raises UserError if no text is left, and for files that cannot be read, naming each of them; with
    settings.on_error: skip, the report lists these files instead.
    """
    reports: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    duplicates = NearDuplicates() if settings.clean[NEAR_DUPLICATES] else None
    with (
        tempfile.TemporaryDirectory() as scratch,
        ReadingProcess() as process,
        parquet.ParquetWriter(sections, SCHEMA) as writer,
    ):
        numbering = _Numbering(writer)
        progress = tqdm(total=len(files), desc="Extracting", unit="file", disable=None)
        for together in _read_together(shown_names(files)):
            read: list[tuple[_FileReport, Path]] = []
            for path, name in together:
                spool = Path(scratch) / f"{len(read)}.jsonl"
                progress.update()
                try:
                    process.read(path, settings, spool)
                    read.append((_FileReport(name, checksum_of(path), settings.language), spool))
                except UserError as error:
                    failures.append({"file": name, "reason": printable(str(error))})
                except OSError as error:
                    reason = f"{path}: cannot be read ({error.strerror}). Check that it is still there."
                    failures.append({"file": name, "reason": printable(reason)})
            around = lines_of_most([_lines(spool) for _, spool in read]) if settings.clean[NAVIGATION] else frozenset()
            for report, spool in read:
                numbering.write(_documents(spool, report, duplicates, around))
                reports.append(report.summary())
        progress.close()
    _refuse_failures(failures, len(files), settings.on_error)
    return _whole_report(reports, failures, settings)


class _Numbering:
    """Writes documents in batches, and numbers them and their sections across the corpus."""

    def __init__(self, writer: parquet.ParquetWriter) -> None:
        self._writer, self._documents, self._sections = writer, 0, 0

    def write(self, documents: Iterator[Document]) -> None:
        batch: list[Document] = []
        for document in documents:
            batch.append(document)
            if len(batch) == DOCUMENTS_AT_ONCE:
                self._flush(batch)
                batch = []
        self._flush(batch)

    def _flush(self, batch: Sequence[Document]) -> None:
        table = sections_table(batch, self._documents, self._sections)
        self._documents, self._sections = self._documents + len(batch), self._sections + len(table)
        if len(table):
            self._writer.write_table(pyarrow.Table.from_pandas(table, SCHEMA, preserve_index=False))


class _FileReport:
    """Summarises the documents of one file."""

    def __init__(self, name: str, checksum: str, language: str) -> None:
        self.language = language
        self.about: dict[str, Any] = {"file": name, "sha256": checksum}
        self.counts: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        steps = (*STEPS, DROPPED_SECTIONS, UNKNOWN_TEMPLATES)
        self.removed = {step: {"count": 0, "characters": 0, "examples": []} for step in steps}
        self.samples: list[Mapping[str, str]] = []
        self.warnings: Counter[str] = Counter()

    def add(self, extracted: Mapping[str, Any]) -> None:
        document = extracted["document"]
        if not self.counts["documents"]:
            self.about |= {name: extracted[name] for name in ("kind", "encoding", "pages")}
            self.about |= {name: document[name] for name in ("title", "author")}
            self.samples = extracted["samples"]
        self.counts["documents"] += 1
        self.counts["characters_read"] += extracted["characters_read"]
        self.languages.update(extracted["languages"])
        self.warnings.update(extracted["warnings"])
        for step, texts in extracted["removed"].items():
            self.remove(step, texts)

    def remove(self, step: str, texts: Sequence[str]) -> None:
        entry = self.removed[step]
        entry["count"] += len(texts)
        entry["characters"] += sum(map(len, texts))
        new = (" ".join(one_line(text).split())[:EXAMPLE_CHARACTERS] for text in dict.fromkeys(texts))
        entry["examples"] += list(new)[: EXAMPLES - len(entry["examples"])]

    def count(self, section: Section) -> None:
        self.counts["sections"] += 1
        self.counts["characters"] += len(section.text)
        self.counts["words"] += word_count(section.text)
        self.counts["sentences"] += len(split_sentences(section.text, self.language))

    def summary(self) -> dict[str, Any]:
        all_characters = self.languages.total() or 1
        shares = {language: round(count / all_characters, 3) for language, count in self.languages.most_common(5)}
        return {
            **self.about,
            **{kind: self.counts[kind] for kind in COUNTS},
            "languages": shares,
            "removed": {step: entry for step, entry in self.removed.items() if entry["count"]},
            "samples": self.samples,
            "warnings": [*_counted(self.warnings), *self._own_warnings(shares)],
        }

    def _own_warnings(self, shares: Mapping[str, float]) -> Iterator[str]:
        if not self.counts["words"]:
            yield "no text is left"
            return
        if shares.get(self.language, 0) < LEAST_IN_LANGUAGE:
            main = next(iter(shares))
            direction = ", which is written right to left" if main in RIGHT_TO_LEFT else ""
            yield f"most of the text appears to be in {main!r}{direction}, but corpus.language is {self.language!r}"
        read = self.counts["characters_read"]
        if self.counts["characters"] < LEAST_KEPT * read:
            share = 1 - self.counts["characters"] / read
            yield f"{share:.0%} of the text was removed: see the steps below"
        for step, entry in self.removed.items():
            if step in OF_SECTIONS and entry["characters"] > MUCH * read:
                share = entry["characters"] / read
                yield f"{step.replace('_', ' ')} removed {share:.0%} of the text ({entry['characters']:,} characters)"


def _read_together(files: Mapping[Path, str]) -> Iterator[list[tuple[Path, str]]]:
    """The web pages of a folder as one group, since they may share lines; other files one by one."""
    for _, files_of_one in groupby(files.items(), key=lambda one: one[0].parent if _is_page(one[0]) else one[0]):
        yield list(files_of_one)


def _is_page(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS["html"]


def _lines(spool: Path) -> Iterator[str]:
    sections = (section for extracted in spooled(spool) for section in extracted["document"]["sections"])
    return (line for section in sections for line in section["text"].split("\n"))


def _documents(
    spool: Path, report: _FileReport, duplicates: NearDuplicates | None, around: Collection[str]
) -> Iterator[Document]:
    for extracted in spooled(spool):
        report.add(extracted)
        document = extracted["document"]
        sections = []
        for section in (Section(**one) for one in document["sections"]):
            lines = section.text.split("\n")
            report.remove(NAVIGATION, [line for line in lines if line in around])
            lines = [line for line in lines if line not in around]
            if duplicates:
                lines, copies = duplicates.without(lines)
                report.remove(NEAR_DUPLICATES, copies)
            section = Section(section.heading, "\n".join(lines), section.page)
            if section.text:
                report.count(section)
                sections.append(section)
        yield Document(document["title"], tuple(sections), document["author"], report.about["file"])


def _refuse_failures(failures: Sequence[Mapping[str, str]], files: int, on_error: str) -> None:
    if not failures or (on_error == "skip" and len(failures) < files):
        return
    if files == 1:
        raise UserError(failures[0]["reason"])
    listed = "\n".join(f"  - {failure['reason']}" for failure in failures)
    hint = "" if on_error == "skip" else " Fix or remove them, or set corpus.on_error: skip to leave them out."
    raise UserError(f"{len(failures)} of {files} files of the corpus cannot be read.{hint}\n{listed}")


def _whole_report(
    reports: list[dict[str, Any]], failures: list[dict[str, str]], settings: CorpusSettings
) -> dict[str, Any]:
    totals = {kind: sum(report[kind] for report in reports) for kind in COUNTS}
    if not totals["characters"]:
        names = ", ".join(report["file"] for report in reports)
        raise UserError(
            f"{names}: no text is left after extraction. Use another file, or switch off steps in corpus.clean."
        )
    removed: dict[str, Counter[str]] = {}
    for report in reports:
        for step, entry in report["removed"].items():
            removed.setdefault(step, Counter()).update(count=entry["count"], characters=entry["characters"])
    return {
        "files": reports,
        "skipped": failures,
        "totals": totals,
        "removed": {step: dict(counts) for step, counts in removed.items()},
        "steps": [{"step": step, "on": settings.clean[step]} for step in STEPS],
        "language": settings.language,
        "versions": package_versions(LIBRARIES),
    }


def _counted(warnings: Counter[str]) -> Iterator[str]:
    for warning, count in warnings.items():
        yield warning if count == 1 else f"{warning} ({count} documents)"
