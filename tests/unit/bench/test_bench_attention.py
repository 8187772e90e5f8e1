"""The benchmark's arithmetic: ratios, shares and exponents from given times and memory."""

import json
import sys

from bench_attention import COLUMNS, parse_options, planned_measurements, print_report, summarised

SHARED = {"device": "cpu", "batch": 1}
REFERENCE = {
    "task": "reference",
    **{"product": "a product", "flops_per_second": 1e9, "dtype": "fp32", "processor": "a processor", "versions": {}},
}


def layer(context, variant, **found):
    return SHARED | {"task": "attention_layer", "context": context, "variants": [variant]} | found


def test_ratios_compare_paired_steps():
    """Catches a ratio of medians, which drifts with the machine, or a share of the wrong rate."""
    times = {"stock": [1.0, 2.0, 4.0], "all_layers": [1.1, 2.2, 4.4]}
    result = {"task": "training_step", "measure": "time", "variants": list(times), "model": "m", "context": 100}
    result |= SHARED | {"seconds": times, "flops_per_token": 1e6, "product_seconds": [0.5], "product_flops": 1e8}
    stock, ours = summarised([REFERENCE, result])["rows"]
    assert list(stock) == COLUMNS
    assert ours["ratio_to_stock"] == ours["ratio_low"] == ours["ratio_high"] == 1.1
    assert stock["tokens_per_second"] == 50 and stock["matmul_share"] == 0.25


def test_memory_is_compared_and_exhaustion_is_reported():
    """Catches a variant killed for lack of memory that looks as if it had not been measured."""
    measured = {"task": "training_step", "measure": "memory", "model": "m", "context": 100} | SHARED
    results = [measured | {"variants": ["stock"], "peak_memory_mb": 100}]
    results += [measured | {"variants": ["all_layers"], "peak_memory_mb": 102}]
    results += [measured | {"variants": ["eager"], "out_of_memory": True}]
    rows = {row["variant"]: row for row in summarised([REFERENCE, *results])["rows"]}
    assert rows["all_layers"]["memory_ratio_to_stock"] == 1.02
    assert rows["eager"]["peak_memory_mb"] == "out of memory"


def test_growth_exponents_by_hand(capsys):
    """Catches a slope that is not fitted to logarithms."""
    results = []
    for context in (256, 512, 1024):
        seconds = {"seconds": {"stock": [1e-6 * context**2]}, "measure": "time"}
        results += [layer(context, "stock", **seconds)]
        results += [layer(context, "stock", peak_memory_mb=float(context), measure="memory")]
    report = summarised([REFERENCE, *results])
    assert report["growth"] == [{"variant": "stock", "memory_exponent": 1.0, "time_exponent": 2.0}]
    print_report(report)
    assert "Exponents of T" in capsys.readouterr().out
    json.dumps(report)


def test_memory_is_measured_in_one_process_per_variant(monkeypatch):
    """Catches a memory peak caused by another variant in the same process."""
    monkeypatch.setattr(sys, "argv", ["bench_attention.py"])
    plan = planned_measurements(parse_options())
    assert plan[0]["task"] == "reference"
    memory = [task for task in plan if task.get("measure") == "memory"]
    assert len(memory) > 20 and all(len(task["variants"]) == 1 for task in memory)
    assert len({task["threads"] for task in plan}) == 1
