"""Verdicts in words: the right numbers, in their unit, and a sentence for every code."""

import ast
import re

import pytest
from checkout import SCRIPTS, TEMPLATES, templates
from planted_claims import PLANS, judged
from synthetic_study import Plan

from localist.claims.claims import CLAIMS
from localist.claims.judging import Judgement
from localist.claims.verdicts import NOT_SUPPORTED, SUPPORTED, UNDECIDED, Advice, Message
from localist.report.verdict_sentences import claim_words

VERDICTS = templates("verdicts.txt.j2")


def words(judgement):
    (said,) = claim_words([judgement], VERDICTS)
    return said


def test_every_code_has_a_macro():
    """Catches a reason or finding without a macro in the template, in any module that creates messages."""
    codes = set()
    for path in (SCRIPTS / "localist" / "claims").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Message":
                codes |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
    codes |= {"late_fidelity", "late_sink_share", "beyond_the_null", "short_of_the_smallest", "too_wide"}
    macros = set(re.findall(r"{% macro (\w+)", (TEMPLATES / "verdicts.txt.j2").read_text(encoding="utf-8")))
    assert len(codes) > 15 and codes <= macros


@pytest.mark.parametrize(("name", "verdict"), [(name, verdict) for name in PLANS for verdict in PLANS[name]])
def test_a_sentence_starts_with_its_verdict_and_is_complete(name, verdict):
    """Catches a sentence without its finding or reason, line breaks, double spaces and spaces before punctuation."""
    said = words(judged(name, PLANS[name][verdict]))
    assert said.sentence.startswith(f"{verdict.capitalize()}: ") and said.sentence.endswith(".")
    assert said.reason[1:] in said.sentence
    for text in said:
        assert not re.search(r"\n|  | [.,;)]|\( |\.\.|nan|None", text), text


@pytest.mark.parametrize(
    ("name", "margin"),
    [
        ("near_baseline", "The interval lies below a difference in perplexity of 5 %."),
        ("early_layers_preserved", "The interval lies below a ratio of 1.5."),
        (
            "late_layers_localised",
            "that of quintic against distributed: late fidelity lies above 0 chance-corrected fidelity.",
        ),
    ],
)
def test_a_reason_names_the_margin_in_its_unit(name, margin):
    """Catches "1.5 ratio of divergences", and the margin of another part of the claim."""
    assert margin in words(judged(name, PLANS[name][SUPPORTED])).sentence


@pytest.mark.parametrize(
    ("name", "verdict", "finding"),
    [
        ("near_baseline", NOT_SUPPORTED, r"quintic is 11 % above that of distributed \(95 % interval \+1"),
        (
            "low_fidelity_preserves_capacity",
            SUPPORTED,
            r"through 3 targets, .* at τ = 0.9 is \S+ % above that at τ = 0.1",
        ),
        ("robust_across_seeds", SUPPORTED, r"the test loss of quintic is 0.2 times that of distributed"),
        ("early_layers_preserved", NOT_SUPPORTED, r"quintic diverges from distributed 3 times as much as two seeds of"),
        (
            "localisation_is_used",
            SUPPORTED,
            r"the shifted knockout of quintic multiplies .* by a factor 1[01] % larger than the knock",
        ),
        ("late_layers_localised", NOT_SUPPORTED, r"sink share of quintic differs from that of distributed by \+0.3 "),
    ],
)
def test_findings_have_the_right_numbers(name, verdict, finding):
    """Catches swapped arms, a wrong sign, and a number of another quantity."""
    said = words(judged(name, PLANS[name][verdict])).sentence
    assert re.search(finding, said), said


def test_a_finding_with_two_bounds_is_reported_once():
    """Catches the sink share reported twice, once for each bound."""
    assert words(judged("late_layers_localised", Plan())).sentence.count("late sink share of quintic differs") == 1


def test_a_large_effect_is_written_without_exponent():
    """Catches sentences in which a gap of six times the baseline reads 5.6e+02 %."""
    said = words(judged("progressive_beats_localist", Plan(losses={"localist": 1.887}))).sentence
    assert "e+0" not in said and "560 % above" in said


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3]])
def test_only_a_single_seed_has_a_caveat(seeds):
    """Catches a sentence that takes one run for the method, and a caveat for several runs."""
    said = words(judged("near_baseline", Plan(losses={"quintic": 0.01}, seeds=seeds))).sentence
    assert ("not the method" in said) == (len(seeds) == 1)


@pytest.mark.parametrize(
    ("advice", "ending"),
    [
        (Advice(12, None, 0.8), "; about 12 seeds would decide it with probability 0.8"),
        (Advice(None, 340, 0.9), "; about 340 test sections would decide it with probability 0.9"),
        (Advice(12, 340, 0.8), "; about 12 seeds or 340 test sections would decide it"),
        (Advice(None, None, 0.8), "neither more seeds alone nor more test sections alone would decide it"),
        (None, "at least 3 seeds are needed; the study has 1"),
    ],
)
def test_a_reason_ends_with_the_advice(advice, ending):
    """Catches an undecided verdict without a next step, and swapped numbers."""
    reason = Message("too_few_seeds", {"needed": 3, "seeds": 1})
    said = words(Judgement("any", "Any.", UNDECIDED, reason, advice=advice)).reason
    assert ending in said and ("would decide" in said) == (advice is not None)


def test_a_missing_arm_is_named_as_in_a_config():
    """Catches an untested claim whose missing arm is not named in a form that can be pasted into a config."""
    said = words(judged("near_baseline", Plan(without=["quintic"]))).sentence
    assert said == "Not tested: the study has no arm {schedule: quintic, partition: semantic}."


def test_sentences_are_in_the_order_of_the_claims():
    """Catches a sentence in another claim's row."""
    both = [judged(name, PLANS[name][SUPPORTED]) for name in ("near_baseline", "meaning_matters")]
    assert [said.sentence.split(" is ")[0] for said in claim_words(both, VERDICTS)] == [
        "Supported: the perplexity of quintic",
        "Supported: the perplexity of quintic_shifted",
    ]
    assert set(CLAIMS) >= {one.name for one in both}
