"""The model card: complete, readable by the hub, and without config text that acts as markup."""

import pytest
from checkout import templates
from huggingface_hub import ModelCard

from localist.report.model_card import Facts, model_card
from localist.study.arms import Arm


def card_of(**changes) -> str:
    """The card of a run with two of three layers constrained; arm, model or corpus may be changed in part."""
    arm = Arm("quintic", "quintic", 5, "semantic", "hinge", 0.5, 10.0, "weight")
    found = {
        "study": "small",
        "arm": arm,
        "settings": {
            "seed": 3,
            "constraint": {"locality": [0.0, 0.03, 1.0], "weight": 10.0},
            "steps": 40,
            "optimisation": {"token_budget": 5500, "learning_rate": 2e-4},
            "context": 256,
            "precision": "fp32",
            "code": "abc1234",
            "versions": {"torch": "2.13.0", "transformers": "5.23.0"},
        },
        "metrics": {"test": {"perplexity": 28.987654, "bits_per_byte": 1.0512, "accuracy": 0.379}},
        "evaluated_in": "bf16",
        "late": 0.4996,
        "partition": "semantic",
        "model": {"name": "smol", "origin": "someone", "license": "Apache-2.0", "base_model": None},
        "corpus": {"name": "book", "origin": "a shelf", "license": "CC0", "language": "en"},
    }
    for key, value in changes.items():
        found[key] = found[key] | value if isinstance(value, dict) else value
    return model_card(Facts(**found), templates("model_card.md.j2"))


def test_the_hub_reads_licence_language_and_result():
    """Catches front matter that the hub cannot read, or a perplexity that is not the run's."""
    data = ModelCard(card_of()).data
    assert (data.license, data.language, data.library_name) == ("apache-2.0", "en", "transformers")
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value) == ("perplexity", 28.9877)


def test_settings_and_results_are_those_of_the_run():
    """Catches a card with missing or wrong settings or results of the run."""
    card = card_of()
    for line in (
        "| constrained layers | 2 of 3 |",
        "| fidelity target τ | 0.5 |",
        "| weight α | 10.0 |",
        "| seed | 3 |",
        "| trained in | fp32 |",
        "| evaluated in | bf16 |",
        "| test | 28.99 | 1.051 | 37.9 % |",
        "0.500.",
        "Text: CC0.",
    ):
        assert line in card, line


def test_adapters_are_listed():
    """Catches a card that presents a model trained with adapters as fully fine-tuned."""
    lora = {"rank": 8, "alpha": 16.0, "target_modules": None}
    card = card_of(settings={"lora": lora})
    assert "| low-rank adapters | rank 8, scaled by 16 / rank, merged into the weights |" in card
    assert "adapters" not in card_of()


def test_an_unconstrained_run_lists_no_constraint():
    """Catches rows of settings that the distributed arm does not have."""
    card = card_of(
        arm=Arm("distributed", "distributed"),
        settings={"constraint": {"locality": [0.0] * 3, "weight": None}},
        late=float("nan"),
    )
    assert "None" not in card and "| fidelity target" not in card and "0 of 3" in card and "not measurable" in card


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "a | b\n# title", "[x](javascript:y)", "---\nlicense: x"]
)
def test_config_text_stays_text(text):
    """Catches names and origins that become markup, table cells or front matter."""
    fields = {"name": text, "origin": text, "license": text}
    card = card_of(model=fields, corpus=fields)
    body = card.split("\n---\n", 1)[1]
    assert "<script" not in body and "\n# title" not in body and "[x](java" not in body
    assert ModelCard(card).data.license == "other"
    assert ModelCard(card).data.license_name == text


def test_a_base_model_on_the_hub_is_linked():
    """Catches a card that does not name the base model."""
    assert ModelCard(card_of(model={"base_model": "openai-community/gpt2"})).data.base_model == (
        "openai-community/gpt2"
    )
