"""A trained model's README in the Hugging Face model-card format: its origin, settings, results and limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import isnan
from pathlib import Path
from typing import Any, TypedDict

from huggingface_hub import EvalResult, ModelCardData

from localist.report.templates import render
from localist.study.arms import Arm

# Licence identifiers known to the hub; others are given as `other` with their name.
KNOWN_LICENSES = frozenset(
    [
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0"),
        *("cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-4.0"),
        *("cc-by-nc-sa-4.0", "cc-by-nd-4.0", "openrail", "bigscience-openrail-m", "gemma", "llama2", "llama3"),
        *("llama3.1", "llama3.2", "unlicense"),
    ]
)


class Model(TypedDict):
    """The base model according to the config; base_model: its name on the hub, if it comes from there."""

    name: str
    origin: str
    license: str
    base_model: str | None


class Corpus(TypedDict):
    """The corpus according to the config; language: its two-letter code."""

    name: str
    origin: str
    license: str
    language: str


@dataclass(frozen=True)
class Facts:
    """The data for a model card.

    settings: the run's settings.json; metrics: its metrics.json; evaluated_in: precision of the evaluation; late:
    chance-corrected fidelity of the late layers on the blocks of `partition`, NaN if there is none.
    """

    study: str
    arm: Arm
    settings: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, float]]
    evaluated_in: str
    late: float
    partition: str
    model: Model
    corpus: Corpus


def model_card(facts: Facts, templates: Sequence[Path]) -> str:
    """The card as text."""
    name = f"{facts.model['name']}-{facts.study}-{facts.arm.name}-seed{facts.settings['seed']}"
    body = render(
        templates,
        title=_plain(name),
        schedule=_plain(facts.arm.schedule),
        model={key: _plain(value) for key, value in facts.model.items()},
        corpus={key: _plain(value) for key, value in facts.corpus.items()},
        settings=[(key, _plain(value)) for key, value in _settings(facts).items() if value is not None],
        metrics={_plain(split): values for split, values in facts.metrics.items()},
        partition=_plain(facts.partition),
        late=None if isnan(facts.late) else facts.late,
    )
    return f"---\n{_front_matter(facts).to_yaml()}\n---\n\n{body}\n"


def _settings(facts: Facts) -> dict[str, Any]:
    """The run's settings by name; None for settings that do not apply to its arm."""
    arm, settings = facts.arm, facts.settings
    locality = settings["constraint"]["locality"]
    return {
        "schedule": arm.schedule if arm.degree is None else f"{arm.schedule} (β = {arm.degree:g})",
        "constrained layers": f"{sum(value > 0 for value in locality)} of {len(locality)}",
        "trained on blocks": arm.partition,
        "low-rank adapters": _adapters(settings.get("lora")),
        "penalty": arm.penalty,
        "fidelity target τ": arm.fidelity_target,
        "weight α": settings["constraint"]["weight"],
        "λ scales the": arm.applies_to,
        "seed": settings["seed"],
        "steps": settings["steps"],
        "predicted tokens": settings["optimisation"]["token_budget"],
        "learning rate": settings["optimisation"]["learning_rate"],
        "context in tokens": settings["context"],
        "trained in": settings["precision"],
        "evaluated in": facts.evaluated_in,
        "code": settings["code"],
        "torch, transformers": f"{settings['versions']['torch']}, {settings['versions']['transformers']}",
    }


def _adapters(lora: Mapping[str, Any] | None) -> str | None:
    return f"rank {lora['rank']}, scaled by {lora['alpha']:g} / rank, merged into the weights" if lora else None


def _front_matter(facts: Facts) -> ModelCardData:
    spelled = facts.model["license"]
    known = spelled.lower() if spelled.lower() in KNOWN_LICENSES else None
    return ModelCardData(
        language=facts.corpus["language"],
        license=known or "other",
        license_name=None if known else spelled,
        library_name="transformers",
        pipeline_tag="text-generation",
        base_model=facts.model["base_model"],
        model_name=facts.arm.name,
        eval_results=[
            EvalResult(
                task_type="text-generation",
                dataset_type="text",
                dataset_name=f"{facts.corpus['name']}, held-out sections",
                metric_type="perplexity",
                metric_value=round(facts.metrics["test"]["perplexity"], 4),
            )
        ],
    )


def _plain(text: object) -> str:
    """The text on one line, escaped for Markdown and HTML."""
    line = escape(" ".join(str(text).split()), quote=False)
    return "".join(f"\\{character}" if character in "\\`*_[]|~#" else character for character in line)
