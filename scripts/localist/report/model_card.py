"""A trained model's README in the Hugging Face model-card format: what it is, from what, how well, and its limits."""

from collections.abc import Mapping
from html import escape
from math import isnan
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

# Identifiers that the hub knows; others are given as `other` with their name.
KNOWN_LICENSES = frozenset(
    [
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0"),
        *("cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-4.0"),
        *("cc-by-nc-sa-4.0", "cc-by-nd-4.0", "openrail", "bigscience-openrail-m", "gemma", "llama2", "llama3"),
        *("llama3.1", "llama3.2", "unlicense"),
    ]
)
LIMITS = """- Fine-tuned to test a method on one text with a small budget: not for use in a product.
- Blocks are made from whole sentences. They shaped the training loss and the measures; the model never sees them.
- Its attention was measured on held-out text of one corpus. That is no promise for other text."""


def model_card(facts: Mapping[str, Any]) -> str:
    """The card as text.

    facts: study, arm (a row of the arm table), settings (a run's settings.json), metrics (metrics.json), late (late
    chance-corrected fidelity, NaN where there is none), partition (that it is measured on), model and corpus as in
    config.
    """
    arm, settings, metrics = facts["arm"], facts["settings"], facts["metrics"]
    name = f"{facts['model']['name']}-{facts['study']}-{arm['name']}-seed{settings['seed']}"
    constrained = [value for value in settings["constraint"]["locality"] if value > 0]
    rows = {
        "schedule": arm["schedule"] if arm["degree"] is None else f"{arm['schedule']} (β = {arm['degree']:g})",
        "constrained layers": f"{len(constrained)} of {len(settings['constraint']['locality'])}",
        "trained on blocks": arm["partition"],
        "penalty": arm["penalty"],
        "fidelity target τ": arm["fidelity_target"],
        "weight α": settings["constraint"]["weight"],
        "λ scales the": arm["applies_to"],
        "seed": settings["seed"],
        "steps": settings["steps"],
        "predicted tokens": settings["optimisation"]["token_budget"],
        "learning rate": settings["optimisation"]["learning_rate"],
        "context in tokens": settings["context"],
        "precision": settings["precision"],
        "code": settings["code"],
        "torch, transformers": f"{settings['versions']['torch']}, {settings['versions']['transformers']}",
    }
    results = {
        split: f"{values['perplexity']:.2f} | {values['bits_per_byte']:.3f} | {100 * values['accuracy']:.1f} %"
        for split, values in metrics.items()
    }
    late = facts["late"]
    parts = [
        f"---\n{_front_matter(facts).to_yaml()}\n---",
        f"# {_plain(name)}",
        f"{_plain(facts['model']['name'])} fine-tuned under the attention-locality schedule "
        f"*{_plain(arm['schedule'])}* by the progressive localisation pipeline. A plain Hugging Face model: it needs "
        "none of the pipeline's code.",
        "## Data",
        _table({key: facts["corpus"][key] for key in ("name", "origin", "license")}, ("corpus", "")),
        "## Arm and settings",
        _table({key: value for key, value in rows.items() if value is not None}, ("setting", "value")),
        "## Results",
        "| split | perplexity | bits per byte | next-token accuracy |\n|---|---|---|---|\n"
        + "\n".join(f"| {split} | {values} |" for split, values in results.items()),
        "Chance-corrected fidelity in the last third of the layers (0: attention as uniform attention would fall, "
        f"1: all of it inside the token's own block), on *{_plain(facts['partition'])}* blocks of the test split: "
        f"{'not measurable' if isnan(late) else f'{late:+.3f}'}.",
        "## Licence",
        f"Of the model it was made from: {_plain(facts['model']['license'])}. Of the text: "
        f"{_plain(facts['corpus']['license'])}.",
        "## Limits",
        f"- Made from: {_plain(facts['model']['origin'])}.\n{LIMITS}",
        "## Loading",
        "From the folder that this file lies in:",
        '```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\nfolder = "."\n'
        'model = AutoModelForCausalLM.from_pretrained(folder, subfolder="model")\n'
        'tokenizer = AutoTokenizer.from_pretrained(folder, subfolder="model")\n```',
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(facts: Mapping[str, Any]) -> ModelCardData:
    spelled = facts["model"]["license"]
    known = spelled.lower() if spelled.lower() in KNOWN_LICENSES else None
    test = facts["metrics"]["test"]
    return ModelCardData(
        language=facts["corpus"]["language"],
        license=known or "other",
        license_name=None if known else spelled,
        library_name="transformers",
        pipeline_tag="text-generation",
        base_model=facts["model"]["base_model"],
        model_name=facts["arm"]["name"],
        eval_results=[
            EvalResult(
                task_type="text-generation",
                dataset_type="text",
                dataset_name=f"{facts['corpus']['name']}, held-out sections",
                metric_type="perplexity",
                metric_value=round(test["perplexity"], 4),
            )
        ],
    )


def _table(values: Mapping[str, Any], heading: tuple[str, str]) -> str:
    rows = [heading, ("---", "---"), *((_plain(key), _plain(value)) for key, value in values.items())]
    return "\n".join(f"| {key} | {value} |" for key, value in rows)


def _plain(text: Any) -> str:
    """One line that neither Markdown nor HTML reads anything into."""
    line = escape(" ".join(str(text).split()), quote=False)
    return "".join(f"\\{character}" if character in "\\`*_[]|~#" else character for character in line)
