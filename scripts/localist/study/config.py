"""Checking a study's config before anything runs, with one message per mistake (imports nothing heavy)."""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from localist.plumbing.errors import UserError
from localist.study.arms import PRETRAINED
from localist.study.names import macro_name
from localist.study.schedules import CONTROLS

SOURCES = ("path", "package", "hub", "untrained")


def check_config(config: Mapping[str, Any], schema_path: Path) -> None:
    """Raise UserError listing every mistake in `config`: the key, what is wrong with it, and what is allowed."""
    errors = _validator(schema_path).iter_errors(config)
    ordered = sorted(errors, key=lambda error: list(map(str, error.path)))
    # One mistake can be reported by several errors: every missing key is told of all that are missing.
    mistakes = list(dict.fromkeys(line for error in ordered for line in _lines(error)))
    mistakes = mistakes or list(_contradictions(config))
    if mistakes:
        raise UserError("The config has mistakes:\n" + "\n".join(f"  - {mistake}" for mistake in mistakes))


def read_scalars(config: MutableMapping[str, Any], schema_path: Path) -> None:
    """Read texts that should be numbers, true, false or null, in place.

    `--config` hands over text alone, and YAML reads 1e-4 as text. The rest stays, for check_config to name.
    """
    for error in list(_validator(schema_path).iter_errors(config)):
        if error.validator == "type" and isinstance(error.instance, str):
            *above, key = error.absolute_path
            with suppress(ValueError):
                _at(config, above)[key] = _scalar(error.instance)


def source_kind(source: Mapping[str, Any]) -> str | None:
    """Which of SOURCES a resource comes from; a path, when given, comes first. None where none is given."""
    return next((kind for kind in SOURCES if source.get(kind)), None)


def describe_own_files(config: Mapping[str, MutableMapping[str, Any]]) -> None:
    """Where a path replaces another source of the same config, replace what was said of that source, in place.

    So a book named on the command line is not given the name, licence and origin of the sample corpus.
    """
    for what in ("model", "encoder", "corpus"):
        source = config[what]["source"]
        path = source.get("path")
        if path and any(source.get(kind) for kind in SOURCES[1:]):
            names = [Path(one).name for one in ([path] if isinstance(path, str) else path)]
            told = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
            name = re.sub(r"[^A-Za-z0-9._-]+", "-", names[0]).strip("-.") or what
            config[what] |= {"name": name, "license": "not stated", "origin": f"the user's own files: {told}"}


@cache
def _validator(schema_path: Path) -> Draft202012Validator:
    return Draft202012Validator(yaml.safe_load(Path(schema_path).read_text(encoding="utf-8")))


def _lines(error: ValidationError) -> Iterator[str]:
    key = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in sorted(set(error.instance) - set(known), key=str):
            yield f"{_join(key, name)}: unknown key. Known keys here: {', '.join(known)}."
    elif error.validator == "required":
        for name in sorted(set(error.validator_value) - set(error.instance)):
            meaning = error.schema["properties"][name].get("description", "")
            yield f"{_join(key, name)}: missing. {meaning}"
    elif error.validator == "enum":
        yield f"{key}: {error.instance!r} is not one of {', '.join(map(str, error.validator_value))}."
    elif error.validator == "type":
        kinds = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        yield f"{key or 'config'}: {error.instance!r} is not of type {' or '.join(kinds)}."
    else:
        yield f"{key}: {error.message}."


def _contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    for what in ("model", "encoder", "corpus"):
        yield from _source_mistakes(what, config[what]["source"])
    shares = sum(config["splits"][name] for name in ("train", "validation", "test"))
    if abs(shares - 1) > 1e-6:
        yield f"splits: train, validation and test add up to {shares:g}, not 1."
    semantic = config["blocks"]["semantic"]
    if semantic["min_blocks"] > semantic["max_blocks"]:
        yield "blocks.semantic.min_blocks: is above max_blocks."
    for name in ("semantic", "spans"):
        sizes = config["blocks"][name]
        if sizes["max_size"] is not None and sizes["max_size"] < 2 * sizes["min_size"]:
            yield f"blocks.{name}.max_size: must be at least twice min_size, or blocks cannot keep both."
    if config["blocks"]["reference"] not in config["blocks"]["measured"]:
        yield f"blocks.reference: {config['blocks']['reference']} is not in blocks.measured."
    if "distributed" not in config["arms"] or config["arms"]["distributed"]["schedule"] != "distributed":
        yield "arms.distributed: missing. Every comparison is made against `distributed: {schedule: distributed}`."
    macros = {macro_name(PRETRAINED): PRETRAINED}
    for name, row in config["arms"].items():
        alike = macros.setdefault(macro_name(name), name)
        if alike != name:
            yield f"arms.{name}: its numbers would have the same LaTeX names as those of {alike}: rename one."
        yield from _arm_mistakes(name, row, config["constraint"])
        if "partition" in row and row["partition"] not in config["blocks"]["measured"]:
            yield f"arms.{name}.partition: {row['partition']} is not in blocks.measured, so what it does goes unseen."
    gpus, batch_size = config["training"]["gpus"], config["training"]["batch_size"]
    if gpus > 1 and batch_size % gpus:
        yield (
            f"training.batch_size: {batch_size} windows cannot be shared evenly by training.gpus, {gpus}. "
            "Make it a multiple, or take fewer."
        )
    untrained = config["model"]["source"].get("untrained")
    if untrained and untrained["width"] % untrained["heads"]:
        yield "model.source.untrained.width: is not a multiple of heads."


def _arm_mistakes(name: str, row: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    if name == PRETRAINED:
        yield "arms.pretrained: the name belongs to the untuned model, which is always evaluated. Choose another."
    schedule = row["schedule"]
    useless = sorted(set(row) - {"schedule"})
    if schedule == "distributed":
        if useless:
            yield f"arms.{name}: a distributed arm has no constraint, so it takes no {', '.join(useless)}."
        return
    if "partition" not in row:
        yield f"arms.{name}.partition: missing. The arm {name} is constrained, so it needs blocks."
    if schedule in CONTROLS and "degree" not in row:
        yield f"arms.{name}.degree: missing. A {schedule} schedule is made from a polynomial: say of which degree β."
    if schedule not in CONTROLS and "degree" in row:
        yield f"arms.{name}.degree: belongs to {' and '.join(CONTROLS)}; the degree of {schedule} is known."
    if row.get("penalty", defaults["penalty"]) != "hinge":
        for key in ("fidelity_target", "applies_to"):
            if key in row:
                yield f"arms.{name}.{key}: belongs to the hinge; this arm's penalty has no target."
    elif "dose" in row and row.get("applies_to", defaults["applies_to"]) == "target":
        yield f"arms.{name}.dose: rescales α, but in this arm λ scales τ. Use applies_to: weight."


def _source_mistakes(what: str, source: Mapping[str, Any]) -> Iterator[str]:
    given = [kind for kind in SOURCES[1:] if source.get(kind)]
    path = source.get("path")
    if not path and len(given) > 1:
        yield f"{what}.source: {' and '.join(given)} are both given; keep one."
    elif not path and not given:
        hint = f"--config '{what}={{source: {{path: /your/file}}}}'"
        yield f"{what}.source.path: not given. Name your own copy in the config, or on the command line: {hint}"


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
