"""Verdicts as sentences: template macros, selected by the codes of reasons and findings."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from jinja2.environment import TemplateModule

from localist.claims.claim_tables import Words
from localist.claims.judging import Judgement
from localist.report.templates import load


def claim_words(judged: Iterable[Judgement], templates: Sequence[Path]) -> list[Words]:
    """The text for each judgement. templates: the first has a macro for every code, `advice` and `entry`."""
    macros = load(templates).module
    return [_words(one, macros) for one in judged]


def _words(judgement: Judgement, macros: TemplateModule) -> Words:
    found = [_said(macros, contrast.description.finding.code, contrast) for contrast in judgement.contrasts]
    reason = _said(macros, judgement.reason.code, judgement.reason.facts)
    if judgement.advice:
        reason = f"{reason}; {_said(macros, 'advice', judgement.advice)}"
    # Several contrasts may compare one finding with different bounds.
    return Words(reason, _said(macros, "entry", judgement, list(dict.fromkeys(found)), reason))


def _said(macros: TemplateModule, name: str, *values: object) -> str:
    """The output of a macro for the values, on one line."""
    return " ".join(getattr(macros, name)(*values).split())
