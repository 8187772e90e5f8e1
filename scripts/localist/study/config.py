"""A study's config: reports mistakes before anything runs, fills in defaults from the schema. Imports nothing heavy."""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from snakemake.utils import validate

from localist.plumbing.errors import UserError
from localist.study.arms import PRETRAINED
from localist.study.names import macro_name
from localist.study.schedules import CONTROLS
from localist.study.sources import RESOURCES, SOURCES, describe_sources
from localist.study.trainer_keys import trainer_mistakes, trainer_schema, why_refused

Choices = Mapping[str, Iterable[str]]
# Keys and values of version 0.1 that have been renamed. `*` stands for the name of an arm.
RENAMED_KEYS = {
    "splits.minimum_test_sections": "splits.min_test_sections",
    "blocks.segments": "blocks.spans",
    "blocks.segments.minimum_size": "blocks.spans.min_size",
    "blocks.segments.maximum_size": "blocks.spans.max_size",
    "blocks.semantic.largest_chance": "blocks.semantic.max_chance",
    "blocks.semantic.least_blocks_per_window": "blocks.semantic.min_blocks_per_window",
    "blocks.semantic.minimum_size": "blocks.semantic.min_size",
    "blocks.semantic.least_stability": "blocks.semantic.min_stability",
    "constraint.strength": "constraint.weight",
    "constraint.schedule_applies_to": "constraint.applies_to",
    "constraint.minimum_locality": "constraint.min_locality",
    "arms.*.strength": "weight",
    "arms.*.schedule_applies_to": "applies_to",
    "claims.minimum_fidelity_gain": "claims.min_fidelity_gain",
    "claims.largest_chance_gap": "claims.max_chance_gap",
    "training.batch_windows": "training.batch_size",
    "training.warmup_share": "training.warmup_ratio",
    "training.gradient_norm": "training.max_grad_norm",
    "evaluation.batch_windows": "evaluation.batch_size",
    "evaluation.passage_tokens": "explorer.tokens",
}
# A command-line path with YAML's special characters in it, which was parsed as plain text.
UNQUOTED_PATH = re.compile(r"\{\s*source:\s*\{\s*path:\s*(.*?)\s*\}(?:\s*\}|\s*,.*)\s*", re.DOTALL)
RENAMED_VALUES = {"segments": "spans", "window": "fixed", "strength": "weight"}


def resolve(config: MutableMapping[str, Any], schema_path: Path, choices: Choices) -> None:
    """Complete the config of a study in place: read values, report mistakes, fill in defaults.

    choices: the allowed names of a kind of value, by the kind's name in the schema's `$defs` ("schedule"). Raises
    UserError listing every mistake: the key, what is wrong with it, and what is allowed.
    """
    read_scalars(config, schema_path)
    _refuse(_schema_mistakes(config, schema_path, choices))
    describe_sources(config, _schema(schema_path)["properties"])
    validate(config, str(schema_path))
    _refuse(_contradictions(config))


def read_scalars(config: MutableMapping[str, Any], schema_path: Path) -> None:
    """Convert strings that should be numbers, true, false or null, in place.

    `--config` passes only strings, and YAML reads 1e-4 as a string. Other mismatches are left for `resolve` to report.
    """
    for error in list(Draft202012Validator(_schema(schema_path)).iter_errors(config)):
        if error.validator == "type" and isinstance(error.instance, str):
            *above, key = error.absolute_path
            with suppress(ValueError):
                _at(config, above)[key] = _scalar(error.instance)


def _refuse(mistakes: Iterable[str]) -> None:
    listed = [f"  - {mistake}" for mistake in mistakes]
    if listed:
        raise UserError("\n".join(["The config has mistakes:", *listed]))


@cache
def _schema(path: Path) -> dict[str, Any]:
    schema = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    schema["$defs"]["trainer"] = trainer_schema()
    return schema


def _schema_mistakes(config: Mapping[str, Any], schema_path: Path, choices: Choices) -> list[str]:
    schema = _schema(schema_path)
    named = {kind: {"enum": list(names)} for kind, names in choices.items()}
    errors = Draft202012Validator(schema | {"$defs": schema["$defs"] | named}).iter_errors(config)
    ordered = sorted(errors, key=lambda error: list(map(str, error.path)))
    # Several errors can report one mistake: each missing key is reported along with all missing ones.
    return list(dict.fromkeys(line for error in ordered for line in _lines(error)))


def _lines(error: ValidationError) -> Iterator[str]:
    key = ".".join(map(str, error.absolute_path))
    schema: Any = error.schema
    allowed: Any = error.validator_value
    value: Any = error.instance
    if error.validator == "additionalProperties":
        known = schema.get("properties", {})
        for name in sorted(set(value) - set(known), key=str):
            hint = _quoting(key, f"{value['path']}, {name}") if _is_cut_path(key, value) else ""
            yield _unknown(_join(key, name), known) + hint
    elif error.validator == "required":
        for name in sorted(set(allowed) - set(value)):
            meaning = schema["properties"][name].get("description", "")
            yield f"{_join(key, name)}: missing. {meaning}"
    elif error.validator == "enum":
        new_name = RENAMED_VALUES.get(str(value))
        hint = f" It is now called {new_name}." if new_name in allowed else ""
        yield f"{key}: {value!r} is not one of {', '.join(map(str, allowed))}.{hint}"
    elif error.validator == "type":
        path = UNQUOTED_PATH.fullmatch(value) if key in RESOURCES and isinstance(value, str) else None
        if path:
            yield f"{key}: {value} cannot be read.{_quoting(key, path[1])}"
            return
        kinds = allowed if isinstance(allowed, list) else [allowed]
        hint = _text_needs_quotes(value) if "string" in kinds else ""
        yield f"{key or 'config'}: {value!r} is not of type {' or '.join(kinds)}.{hint}"
    else:
        yield f"{key}: {error.message}."


def _text_needs_quotes(value: Any) -> str:
    """A hint about a word that YAML reads as another type; empty for a list or a mapping."""
    if isinstance(value, (list, dict)) or value is None:
        return ""
    words = " YAML reads no, off, yes and on as false and true." if isinstance(value, bool) else ""
    return f"{words} If it is meant as text, put it in quotes."


def _is_cut_path(key: str, source: Mapping[str, Any]) -> bool:
    """Whether the keys next to a command-line path may be the rest of the path."""
    return key.endswith(".source") and isinstance(source.get("path"), str)


def _quoting(key: str, path: str) -> str:
    what = key.partition(".")[0]
    example = f"--config '{what}={{source: {{path: \"{path}\"}}}}'"
    return f" A path that contains , : # [ or {{ must be in double quotes: {example}"


def _unknown(key: str, known: Iterable[str]) -> str:
    new_name = RENAMED_KEYS.get(re.sub(r"^arms\.[^.]+\.", "arms.*.", key))
    if new_name:
        return f"{key}: is now called {new_name}. Rename it."
    above, _, name = key.rpartition(".")
    if above == "training.trainer":
        return f"{key}: {why_refused(name, known)}"
    return f"{key}: unknown key. Known keys here: {', '.join(known)}."


def _contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    for what in RESOURCES:
        yield from _source_mistakes(what, config[what]["source"])
    shares = sum(config["splits"][name] for name in ("train", "validation", "test"))
    if abs(shares - 1) > 1e-6:
        yield f"splits: train, validation and test add up to {shares:g}, not 1."
    semantic, spans = config["blocks"]["semantic"], config["blocks"]["spans"]
    if semantic["min_topics"] > semantic["max_topics"]:
        yield "blocks.semantic.min_topics: is above max_topics."
    if spans["max_size"] < 2 * spans["min_size"]:
        yield "blocks.spans.max_size: must be at least twice min_size, so that both bounds can be met."
    if config["blocks"]["reference"] not in config["blocks"]["measured"]:
        yield f"blocks.reference: {config['blocks']['reference']} is not in blocks.measured."
    budget = config["constraint"]["budget"]
    if budget["min_weight"] > budget["max_weight"]:
        yield "constraint.budget.min_weight: is above max_weight."
    if "distributed" not in config["arms"] or config["arms"]["distributed"]["schedule"] != "distributed":
        yield "arms.distributed: missing. All comparisons are made with `distributed: {schedule: distributed}`."
    macros = {macro_name(PRETRAINED): PRETRAINED}
    for name, row in config["arms"].items():
        alike = macros.setdefault(macro_name(name), name)
        if alike != name:
            yield f"arms.{name}: its LaTeX macros would have the same names as those of {alike}. Rename one."
        yield from _arm_mistakes(name, row, config["constraint"])
        if "partition" in row and row["partition"] not in config["blocks"]["measured"]:
            yield f"arms.{name}.partition: {row['partition']} is not in blocks.measured, so its effect is not measured."
    known = {PRETRAINED, *config["arms"]}
    for key, names in (("draw", config["draw"]), ("explorer.heads", config["explorer"]["heads"])):
        for name in names or ():
            if name not in known:
                yield f"{key}: there is no arm {name}. Arms: {', '.join(sorted(known))}."
    for tokens in config["evaluation"]["at_tokens"]:
        if tokens > config["training"]["token_budget"]:
            yield (
                f"evaluation.at_tokens: {tokens} is beyond training.token_budget, {config['training']['token_budget']}."
            )
    yield from trainer_mistakes(config["training"])
    untrained = config["model"]["source"].get("untrained")
    if untrained and untrained["width"] % untrained["heads"]:
        yield "model.source.untrained.width: is not a multiple of heads."


def _arm_mistakes(name: str, row: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    if name == PRETRAINED:
        yield "arms.pretrained: this name is reserved for the untuned model, which is always evaluated. Choose another."
    schedule = row["schedule"]
    useless = sorted(set(row) - {"schedule"})
    if schedule == "distributed":
        if useless:
            yield f"arms.{name}: a distributed arm has no constraint, so it must not set {', '.join(useless)}."
        return
    if "partition" not in row:
        yield f"arms.{name}.partition: missing. The arm {name} is constrained, so it needs blocks."
    if "perplexity_budget" in row:
        for key in sorted({"weight", "dose"} & set(row)):
            yield f"arms.{name}.{key}: sets α, but perplexity_budget adapts α in training. Keep one of the two."
    if schedule in CONTROLS and "degree" not in row:
        yield f"arms.{name}.degree: missing. A {schedule} schedule is made from a polynomial: set its degree β."
    if schedule not in CONTROLS and "degree" in row:
        yield f"arms.{name}.degree: applies only to {' and '.join(CONTROLS)}; the degree of {schedule} is fixed."
    if row.get("penalty", defaults["penalty"]) != "hinge":
        for key in ("fidelity_target", "applies_to"):
            if key in row:
                yield f"arms.{name}.{key}: applies only to the hinge penalty; this arm's penalty has no target."
    elif "dose" in row and row.get("applies_to", defaults["applies_to"]) == "target":
        yield f"arms.{name}.dose: rescales α, but in this arm λ scales τ. Use applies_to: weight."


def _source_mistakes(what: str, source: Mapping[str, Any]) -> Iterator[str]:
    given = [kind for kind in SOURCES[1:] if source.get(kind)]
    path = source.get("path")
    if not path and len(given) > 1:
        yield f"{what}.source: {' and '.join(given)} are set; keep only one."
    elif not path and not given:
        hint = f"--config '{what}={{source: {{path: /your/file}}}}'"
        yield f"{what}.source.path: not set. Name your own copy in the config, or on the command line: {hint}"


def _at(config: Any, keys: Iterable[str | int]) -> Any:
    for key in keys:
        config = config[key]
    return config


def _scalar(text: str) -> float | int | bool | None:
    words = {"null": None, "true": True, "false": False}
    if text.lower() in words:
        return words[text.lower()]
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else str(name)
