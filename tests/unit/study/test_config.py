"""The config: shipped studies are valid, defaults are filled in, and mistakes are reported with key and remedy."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from checkout import ROOT
from whole_studies import SCHEMA, changed, default_study, load, mistakes, resolved, set_key

from localist.study.config import RENAMED_KEYS, read_scalars

SHIPPED = [
    ROOT / "config.yaml",
    *sorted((ROOT / "workflow" / "configs").glob("*.yaml")),
    *sorted((ROOT / "docs" / "study").rglob("*.yaml")),
    ROOT / "tests" / "gpu" / "study.yaml",
]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "arms: {no: {schedule: quintic}}",
            "arms: False is not of type string. YAML reads no, off, yes and on as false",
        ),
        ("arms: {1: {schedule: quintic}}", "arms: 1 is not of type string. If it is meant as text, put it in quotes."),
        ("study: 2024", "study: 2024 is not of type string. If it is meant as text, put it in quotes."),
        ("corpus: {language: no}", "corpus.language: False is not of type string. YAML reads no, off, yes and on"),
        ("study: [x]", "study: ['x'] is not of type string."),
    ],
)
def test_names_that_yaml_reads_as_other_types_get_a_hint_to_quote(text, message):
    """Catches an error for `no` (language or arm name, read by YAML as false) without the hint to quote it."""
    found = mistakes(yaml.safe_load(text))
    assert any(line.startswith(message) for line in found), found
    assert ("quotes" in message or "YAML" in message) == any("put it in quotes" in line for line in found)


def mappings(part: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every mapping inside `part`, with its dotted key."""
    yield above, part
    for name, value in part.items():
        if isinstance(value, Mapping):
            yield from mappings(value, f"{above}.{name}" if above else name)


def properties(schema: Mapping[str, Any], whole: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping]]:
    """Every property in the schema, references followed, with its dotted key."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].removeprefix("#/$defs/")] | {
            k: v for k, v in schema.items() if k != "$ref"
        }
    yield above, schema
    rows = schema.get("additionalProperties")
    children = dict(schema.get("properties", {})) | ({"*": rows} if isinstance(rows, Mapping) else {})
    for name, child in children.items():
        yield from properties(child, whole, f"{above}.{name}" if above else name)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_studies_are_valid(path, tmp_path):
    """Catches a shipped config that the schema rejects (two need a book supplied by the user)."""
    config = load(path)
    if path.name == "paper.yaml" or path.parent.name == "novel":
        book = tmp_path / "book.txt"
        book.write_text("Words.")
        config["corpus"]["source"]["path"] = str(book)
    resolved(config)


def test_the_paper_study_asks_for_the_book():
    """Catches a study that starts without its text, or an error that does not say how to supply it."""
    (line,) = mistakes(load(ROOT / "workflow" / "configs" / "paper.yaml"))
    assert line.startswith("corpus.source.path: not set")
    assert "--config" in line


def test_config_yaml_equals_the_schema_defaults():
    """Catches a default in config.yaml that a study file without that key would not get."""
    assert resolved(load(ROOT / "config.yaml")) == default_study()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_recorded_config_resolves_to_itself(path):
    """Catches a recorded config that does not run on its own, or runs as another study."""
    config = load(path)
    if path.name == "paper.yaml":
        config["corpus"]["source"]["path"] = "book.txt"
    whole = resolved(config)
    assert resolved(whole) == whole


def test_a_study_overrides_only_the_keys_it_sets():
    """Catches a key that removes its siblings' defaults, or arms that are added to the default ones."""
    arms = {"distributed": {"schedule": "distributed"}, "late": {"schedule": "quintic", "partition": "semantic"}}
    study = resolved({"study": "mine", "training": {"token_budget": 7}, "arms": arms, "corpus": {"section_words": 99}})
    default = default_study()
    assert study["training"] == default["training"] | {"token_budget": 7}
    assert study["arms"] == arms
    assert study["corpus"] == default["corpus"] | {"section_words": 99}
    assert study["blocks"] == default["blocks"]


def test_own_text_inherits_nothing_from_the_sample_corpus():
    """Catches a user's text with the sample corpus's licence, or reduced to the sample's articles."""
    study = resolved({"corpus": {"source": {"path": "/home/me/My dump.xml.bz2"}}})
    assert study["corpus"]["articles"] == [] and study["corpus"]["license"] == "not stated"
    assert study["corpus"]["name"] == "My-dump.xml.bz2" and study["corpus"]["format"] == "auto"


@pytest.mark.parametrize("old", RENAMED_KEYS)
def test_old_keys_are_reported_with_their_new_names(old):
    """Catches a rejected old key whose error does not name its replacement."""
    key = old.replace("*", "quintic")
    config = default_study()
    *above, _ = key.split(".")
    part = config
    for name in above:
        part = part.setdefault(name, {})
    set_key(config, key, {} if old == "blocks.segments" else 1)
    lines = mistakes(config)
    top = "blocks.segments" if key.startswith("blocks.segments") else key
    assert any(line.startswith(f"{top}: is now called ") for line in lines)


def test_old_values_are_reported_with_their_new_names():
    """Catches a rejected old value whose error does not name its replacement."""
    (line,) = mistakes(changed("arms.linear.partition", "window"))
    assert line.endswith("It is now called fixed.")
    (line,) = mistakes(changed("constraint.applies_to", "strength"))
    assert line.endswith("It is now called weight.")


LEVELS = [key for key, _ in mappings(default_study()) if key not in ("arms", "training.trainer")]


@pytest.mark.parametrize("level", LEVELS)
def test_unknown_keys_are_reported_at_every_level(level):
    """Catches a misspelt key that is silently ignored, so that the default applies."""
    key = f"{level}.surprise" if level else "surprise"
    (line,) = mistakes(changed(key, 1))
    assert line.startswith(f"{key}: unknown key. Known keys here: ")
    some_known = next(iter(dict(mappings(default_study()))[level]))
    assert some_known in line


def test_unknown_keys_of_any_type_are_reported():
    """Catches a crash on keys that YAML reads as numbers (`5:`) or booleans (`on:`)."""
    config = default_study() | {5: 1, True: 2, "surprise": 3}
    lines = mistakes(config)
    assert len(lines) == 3
    assert all("unknown key" in line for line in lines)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("keep_models", "some", ["all", "last_seed", "none"]),
        ("corpus.format", "odt", ["auto", "pdf", "mediawiki", "text"]),
        ("training.precision", "fp16", ["auto", "bf16", "fp32"]),
        ("blocks.reference", "nonsense", ["semantic", "fixed", "shifted"]),
        ("arms.linear.schedule", "quartic", ["distributed", "localist", "linear", "cubic", "quintic"]),
        ("arms.linear.partition", "none", ["semantic", "fixed", "shifted"]),
        ("arms.linear.partition", ["window"], ["semantic", "fixed", "shifted"]),
        ("tokens.context", 4, ["8"]),
        ("tokens.context", "wide", ["integer"]),
        ("training.learning_rate", "fast", ["number"]),
        ("training.learning_rate", 0, ["0"]),
        ("constraint.fidelity_target", 1.5, ["1"]),
        ("constraint.weight.hinge", -1, ["0"]),
        ("constraint.fidelity_target", -0.1, ["0"]),
        ("arms.quintic_budget.perplexity_budget", 0, ["0"]),
        ("arms.quintic_budget.perplexity_budget", -0.02, ["0"]),
        ("arms.quintic_budget.perplexity_budget", 1.5, ["1"]),
        ("splits.train", 1, ["1"]),
        ("seeds", [], ["seeds"]),
        ("seeds", 1, ["array"]),
        ("arms", None, ["object"]),
        ("arms.linear", None, ["object"]),
        ("model.sink_token_id", -1, ["0"]),
        ("study", "../elsewhere", ["A-Za-z0-9"]),
        ("blocks.semantic.min_topics", 1, ["2"]),
        ("blocks.semantic.min_size", True, ["integer"]),
    ],
)
def test_wrong_values_are_reported_with_the_allowed_ones(key, value, allowed):
    """Catches a wrong value that is accepted, or an error without the key, the value or the remedy."""
    (line,) = mistakes(changed(key, value))
    assert line.startswith(f"{key}: ")
    assert repr(value) in line
    assert all(word in line for word in allowed)


def test_a_wrong_list_item_is_reported_with_its_index():
    """Catches an error that shows the whole list instead of the wrong item."""
    (line,) = mistakes(changed("blocks.measured", ["semantic", "nonsense"]))
    assert line.startswith("blocks.measured.1: 'nonsense' is not one of semantic, spans, fixed, shifted, shuffled")


def test_an_unusable_arm_name_is_refused():
    """Catches an accepted arm name that cannot be part of a path."""
    (line,) = mistakes(changed("arms.bad name", {"schedule": "linear", "partition": "semantic"}))
    assert line.startswith("arms")
    assert "'bad name'" in line


def test_each_missing_key_is_reported_once_with_its_meaning():
    """Catches mistakes reported several times, or an error that does not say what a key is for."""
    config = changed("model.source", {"hub": {"id": "a/b"}, "untrained": {"layers": 1, "heads": 1, "width": 8}})
    del config["arms"]["cubic"]["schedule"]
    lines = mistakes(config)
    untrained = "model.source.untrained"
    expected = ["arms.cubic.schedule", "model.source.hub.revision", f"{untrained}.seed", f"{untrained}.vocabulary"]
    assert sorted(line.split(":")[0] for line in lines) == expected
    assert all(len(line.split(": missing. ")[1]) > 5 for line in lines)


def test_all_mistakes_are_reported_together():
    """Catches a check that stops at the first mistake."""
    config = changed("keep_models", "some")
    config["tokens"]["context"] = 1
    config["surprise"] = 1
    assert len(mistakes(config)) == 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"arms.linear": {"schedule": "linear"}}, "arms.linear.partition: missing"),
        ({"arms.distributed.perplexity_budget": 0.02}, "arms.distributed: a distributed arm has no constraint"),
        ({"arms.quintic_budget.weight": 3}, "arms.quintic_budget.weight: sets α, but perplexity_budget adapts"),
        ({"arms.quintic_budget.dose": "linear"}, "arms.quintic_budget.dose: sets α, but perplexity_budget adapts"),
        ({"constraint.budget.min_weight": 5000}, "constraint.budget.min_weight: is above max_weight"),
        ({"evaluation.at_tokens": [100, 12001]}, "evaluation.at_tokens: 12001 is beyond training.token_budget, 12000"),
        ({"arms.free": {"schedule": "distributed", "partition": "semantic"}}, "arms.free: a distributed arm"),
        (
            {"constraint.penalty": "group_sparsity", "arms.linear.fidelity_target": 0.3},
            "arms.linear.fidelity_target: applies only to the hinge",
        ),
        (
            {"arms.linear.penalty": "group_sparsity", "arms.linear.applies_to": "target"},
            "arms.linear.applies_to: applies only to the hinge",
        ),
        (
            {"arms.linear.partition": "spans"},
            "arms.linear.partition: spans is not in blocks.measured",
        ),
        ({"arms.linear": {"schedule": "uniform", "partition": "semantic"}}, "arms.linear.degree: missing"),
        ({"arms.linear.degree": 5}, "arms.linear.degree: applies only to reversed and uniform"),
        (
            {"constraint.applies_to": "target", "arms.linear.dose": "cubic"},
            "arms.linear.dose: rescales α, but",
        ),
        ({"arms.distributed": {"schedule": "distributed", "weight": 2}}, "arms.distributed: a distributed arm"),
        (
            {"arms.pretrained": {"schedule": "linear", "partition": "semantic"}},
            "arms.pretrained: this name is reserved",
        ),
        ({"arms.distributed": {"schedule": "linear", "partition": "semantic"}}, "arms.distributed: missing"),
        ({"arms": {"linear": {"schedule": "linear", "partition": "semantic"}}}, "arms.distributed: missing"),
        (
            {"arms.cu-bic": {"schedule": "cubic", "partition": "semantic"}, "arms.cu_bic": {"schedule": "distributed"}},
            "arms.cu_bic: its LaTeX macros would have the same names as those of cu-bic. Rename one",
        ),
        (
            {"arms.Pretrained": {"schedule": "cubic", "partition": "semantic"}},
            "arms.Pretrained: its LaTeX macros would",
        ),
        ({"splits.train": 0.7}, "splits: train, validation and test add up to 0.9"),
        ({"blocks.semantic.min_topics": 600}, "blocks.semantic.min_topics: is above max_topics"),
        ({"blocks.reference": "spans"}, "blocks.reference: spans is not in blocks.measured"),
        ({"corpus.format": "text", "corpus.section_words": None}, None),
        ({"corpus.source.path": ["a.pdf", "b"]}, None),
        ({"corpus.source": {}}, "corpus.source.path: not set"),
    ],
)
def test_contradictions_are_reported(changes, expected):
    """Catches keys that are valid on their own but contradict each other."""
    config = default_study()
    for key, value in changes.items():
        set_key(config, key, value)
    if expected is None:
        resolved(config)
    else:
        (line,) = mistakes(config)
        assert line.startswith(expected)


def test_every_key_is_described():
    """Catches a key without a description, which error messages and the documentation show."""
    schema = load(SCHEMA)
    bare = [key for key, part in properties(schema, schema) if not part.get("description") and not key.endswith("*")]
    assert not bare


def test_every_key_has_a_default():
    """Catches a new key that breaks existing study files. (Sources and arms have defaults as a whole.)"""
    study, schema = default_study(), load(SCHEMA)
    as_a_whole = ("model.source", "encoder.source", "corpus.source", "arms.")
    for key, _ in properties(schema, schema):
        if key and not key.startswith(as_a_whole):
            part = study
            for name in key.split("."):
                assert name in part, key
                part = part[name]


def test_every_level_rejects_unknown_keys():
    """Catches a part of the schema that accepts misspelt keys."""
    schema = load(SCHEMA)
    parts = [(key, part) for key, part in properties(schema, schema) if "properties" in part]
    assert len(parts) > 10
    assert not [key for key, part in parts if part.get("additionalProperties") is not False]


def test_every_key_of_the_default_study_is_in_the_schema():
    """Catches a default for a key that the schema does not define."""
    schema = load(SCHEMA)
    known = {key for key, _ in properties(schema, schema)}
    for level, part in mappings(default_study()):
        for name in part:
            key = f"{level}.{name}" if level else name
            parts = key.split(".")
            if parts[0] == "arms" and len(parts) > 1:
                key = ".".join(["arms", "*", *parts[2:]])
            assert key in known


def test_text_is_converted_to_the_type_in_the_schema():
    """Catches values left as text: all from the command line, and 1e-4, which YAML reads as text."""
    config = default_study()
    config["seeds"] = ["1", "2"]
    config["training"] |= {"learning_rate": "1e-4", "threads": "four"}
    config["model"]["sink_token_id"] = "null"
    config["corpus"]["clean"] |= {"index": "false", "tables": "True"}
    read_scalars(config, SCHEMA)
    assert config["seeds"] == [1, 2] and config["training"]["learning_rate"] == 1e-4
    assert config["model"]["sink_token_id"] is None
    assert config["corpus"]["clean"]["index"] is False and config["corpus"]["clean"]["tables"] is True
    (line,) = mistakes(config)
    assert line.startswith("training.threads: 'four' is not of type integer")


@pytest.mark.parametrize(
    "path",
    ["/x/Mill, The (2020).pdf", "/x/The Mill: a story.pdf", "/x/mill #1.pdf", "/x/mill [x] {y}.pdf", "/x/[mill].pdf"],
)
@pytest.mark.parametrize("more", ["", ", language: de"])
def test_a_path_that_needs_quotes_is_reported_with_quotes(path, more):
    """Catches errors about unknown keys and types for a file name that YAML splits and that only needs quotes."""
    text = f"{{source: {{path: {path}}}{more}}}"
    try:
        corpus = yaml.safe_load(text)
    except yaml.YAMLError:  # Snakemake passes it on unparsed
        corpus = text
    (line,) = mistakes({"corpus": corpus})
    assert line.startswith("corpus")
    assert f"--config 'corpus={{source: {{path: \"{path}\"}}}}'" in line
    assert yaml.safe_load(f'{{source: {{path: "{path}"}}}}') == {"source": {"path": path}}
