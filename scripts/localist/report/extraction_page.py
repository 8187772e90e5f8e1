"""The page that shows how each file of a corpus was extracted."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import pandas as pd

from localist.corpus.formats.book import DROPPED_SECTIONS, UNKNOWN_TEMPLATES
from localist.report.pages import text_pairs, text_table
from localist.report.templates import render

FILES_WITH_SAMPLES = 12
STEPS_BY_OTHER_NAMES = {
    DROPPED_SECTIONS: "sections by heading (drop_sections)",
    UNKNOWN_TEMPLATES: "unknown wiki templates within sentences",
}


class Sample(TypedDict):
    """A place in a file before and after cleaning."""

    where: str
    before: str
    after: str


class Counts(TypedDict):
    """How often a step removed something, and how much of it."""

    count: int
    characters: int


class Removed(Counts):
    """What a step removed from one file."""

    examples: list[str]


class FileReport(TypedDict):
    """One file of extraction.json, as far as the page shows it."""

    file: str
    kind: str
    encoding: str | None
    title: str
    author: str | None
    pages: int | None
    documents: int
    sections: int
    sentences: int
    words: int
    characters: int
    languages: Mapping[str, float]
    removed: Mapping[str, Removed]
    samples: Sequence[Sample]
    warnings: Sequence[str]


class Skipped(TypedDict):
    """A file that was left out."""

    file: str
    reason: str


class Totals(TypedDict):
    """Counts over all files; characters_read includes removed text."""

    documents: int
    sections: int
    words: int
    sentences: int
    characters: int
    characters_read: int


class Step(TypedDict):
    """A cleaning step of the config."""

    step: str
    on: bool


class Report(TypedDict):
    """extraction.json."""

    language: str
    files: Sequence[FileReport]
    skipped: Sequence[Skipped]
    steps: Sequence[Step]
    removed: Mapping[str, Counts]
    totals: Totals


def extraction_page(report: Report, overview: Mapping[str, str], templates: Sequence[Path], no_study: str = "") -> str:
    """The page: why the corpus is too small, if so; overview, warnings, files, removals by step, samples."""
    files = report["files"]
    warnings = [(one["file"], warning) for one in files for warning in one["warnings"]]
    skipped = [(one["file"], one["reason"]) for one in report["skipped"]]
    sampled = files[:FILES_WITH_SAMPLES]
    return render(
        templates,
        no_study=no_study,
        totals=text_pairs(overview),
        warnings=text_table(pd.DataFrame(warnings, columns=["file", "warning"])),
        skipped=text_table(pd.DataFrame(skipped, columns=["file", "reason"])),
        files=text_table(_file_table(files)),
        steps=text_table(_step_table(report)),
        samples=[{"file": one["file"], **sample} for one in sampled for sample in one["samples"]],
        files_without_samples=len(files) - len(sampled),
    )


def totals(report: Report) -> dict[str, str]:
    """The corpus in a few numbers."""
    counts = report["totals"]
    return {
        "files": f"{len(report['files'])} read, {len(report['skipped'])} left out",
        "documents": f"{counts['documents']:,}",
        "sections (the unit of the splits)": f"{counts['sections']:,}",
        "words": f"{counts['words']:,}",
        "sentences": f"{counts['sentences']:,}",
        "characters kept": f"{counts['characters']:,} of {counts['characters_read']:,}",
        "language": f"{report['language']} (config); detected: {_languages(_all_languages(report['files']))}",
    }


def _file_table(files: Sequence[FileReport]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "file": [one["file"] for one in files],
            "kind": [" ".join(filter(None, (one["kind"], one["encoding"]))) for one in files],
            "title": [_title(one) for one in files],
            "pages": ["" if one["pages"] is None else f"{one['pages']:,}" for one in files],
            "words": [f"{one['words']:,}" for one in files],
            "sentences": [f"{one['sentences']:,}" for one in files],
            "sections": [f"{one['sections']:,}" for one in files],
            "languages": [_languages(one["languages"]) for one in files],
            "removed, by step": [_removed(one["removed"]) for one in files],
        }
    )


def _step_table(report: Report) -> pd.DataFrame:
    states = {one["step"]: "on" if one["on"] else "off" for one in report["steps"]}
    states |= dict.fromkeys(STEPS_BY_OTHER_NAMES, "on")
    rows = []
    for step, state in states.items():
        counts = report["removed"].get(step, {"count": 0, "characters": 0})
        examples = _examples(one["removed"][step]["examples"] for one in report["files"] if step in one["removed"])
        name = STEPS_BY_OTHER_NAMES.get(step) or step.replace("_", " ")
        rows.append((name, state, f"{counts['count']:,}", f"{counts['characters']:,}", examples))
    return pd.DataFrame(rows, columns=["step", "", "times", "characters", "for example"])


def _examples(by_file: Iterable[Sequence[str]]) -> str:
    """The first few examples over all files; invisible ones are quoted."""
    each = [one for examples in by_file for one in examples]
    return "  •  ".join(one if one.isprintable() and one.strip() else repr(one) for one in each[:5])


def _title(one: FileReport) -> str:
    if one["documents"] > 1:
        return f"{one['documents']:,} documents, first: {one['title']}"
    return f"{one['title']} ({one['author']})" if one["author"] else one["title"]


def _all_languages(files: Sequence[FileReport]) -> dict[str, float]:
    """Shares of the languages over all files, by characters; the five largest."""
    weights: dict[str, float] = {}
    for one in files:
        for language, share in one["languages"].items():
            weights[language] = weights.get(language, 0) + share * one["characters"]
    whole = sum(weights.values()) or 1
    ordered = sorted(weights.items(), key=lambda item: -item[1])
    return {language: weight / whole for language, weight in ordered[:5]}


def _removed(removed: Mapping[str, Removed]) -> str:
    return ", ".join(f"{step.replace('_', ' ')} {counts['count']:,}" for step, counts in removed.items()) or "nothing"


def _languages(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{language} {share:.0%}" for language, share in shares.items()) or "none"
