"""The page that shows what became of each file of a corpus; every text of it is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from localist.corpus.formats.book import DROPPED_SECTIONS
from localist.report.pages import html_page, html_pairs, html_table

FILES_WITH_SAMPLES = 12
NOTHING = "(nothing)"


def extraction_page(report: Mapping[str, Any]) -> str:
    """Totals and warnings first, then file by file, what each step took, and samples before and after."""
    files = report["files"]
    parts = [("In all", html_pairs(totals(report)))]
    warnings = [(one["file"], warning) for one in files for warning in one["warnings"]]
    if warnings:
        parts.append(("Look at these", html_table(pd.DataFrame(warnings, columns=["file", "warning"]), prose=True)))
    if report["skipped"]:
        skipped = pd.DataFrame(report["skipped"], columns=["file", "reason"])
        parts.append(("Left out, since it could not be read (on_error: skip)", html_table(skipped, prose=True)))
    parts.append(("File by file", html_table(_file_table(files), prose=True)))
    parts.append(("What each step took out", html_table(_step_table(report), prose=True)))
    for one in files[:FILES_WITH_SAMPLES]:
        for sample in one["samples"]:
            parts.append(
                (f"Before and after: {one['file']}, {sample['where']}", _beside(sample["before"], sample["after"]))
            )
    if len(files) > FILES_WITH_SAMPLES:
        rest = len(files) - FILES_WITH_SAMPLES
        parts.append(("Further files", f"<p>Samples of {rest} more files are in corpus/extraction.json.</p>"))
    return html_page("What was read, and what was taken out", parts)


def totals(report: Mapping[str, Any]) -> dict[str, str]:
    """The corpus in a few numbers."""
    counts = report["totals"]
    return {
        "files": f"{len(report['files'])} read, {len(report['skipped'])} left out",
        "documents": f"{counts['documents']:,}",
        "sections (the unit of the splits)": f"{counts['sections']:,}",
        "words": f"{counts['words']:,}",
        "sentences": f"{counts['sentences']:,}",
        "characters kept": f"{counts['characters']:,} of {counts['characters_read']:,}",
        "language": f"{report['language']} (config); by the text: {_languages(_all_languages(report['files']))}",
    }


def _file_table(files: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
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
            "taken out, by step": [_taken_out(one["removed"]) for one in files],
        }
    )


def _step_table(report: Mapping[str, Any]) -> pd.DataFrame:
    states = {one["step"]: "on" if one["on"] else "off" for one in report["steps"]} | {DROPPED_SECTIONS: "on"}
    rows = []
    for step, state in states.items():
        told = report["removed"].get(step, {"count": 0, "characters": 0})
        examples = _examples(one["removed"].get(step, {}).get("examples", ()) for one in report["files"])
        name = "sections by heading (drop_sections)" if step == DROPPED_SECTIONS else step.replace("_", " ")
        rows.append((name, state, f"{told['count']:,}", f"{told['characters']:,}", examples))
    return pd.DataFrame(rows, columns=["step", "", "times", "characters", "for example"])


def _examples(found: Iterable[Sequence[str]]) -> str:
    each = [one for examples in found for one in examples]
    return "  •  ".join(one if one.isprintable() and one.strip() else repr(one) for one in each[:5])


def _beside(before: str, after: str) -> str:
    cells = "".join(f'<td dir="auto">{escape(text or NOTHING)}</td>' for text in (before, after))
    return f'<table class="beside"><tr><th>before</th><th>after</th></tr><tr>{cells}</tr></table>'


def _title(one: Mapping[str, Any]) -> str:
    if one["documents"] > 1:
        return f"{one['documents']:,} documents, the first: {one['title']}"
    return f"{one['title']} ({one['author']})" if one["author"] else one["title"]


def _all_languages(files: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for one in files:
        for language, share in one["languages"].items():
            weights[language] = weights.get(language, 0) + share * one["characters"]
    whole = sum(weights.values()) or 1
    ordered = sorted(weights.items(), key=lambda item: -item[1])
    return {language: weight / whole for language, weight in ordered[:5]}


def _taken_out(removed: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(f"{step.replace('_', ' ')} {told['count']:,}" for step, told in removed.items()) or "nothing"


def _languages(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{language} {share:.0%}" for language, share in shares.items()) or "none"
