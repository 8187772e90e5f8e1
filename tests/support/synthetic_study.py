"""The evaluation of a study that never ran, with planted effects."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd

from localist.claims.evidence import Evidence, RunEvaluation
from localist.claims.judged_study import ConstraintDefaults, Margins, Study
from localist.study.arms import arm_table

CONSTRAINT = ConstraintDefaults(
    penalty="hinge",
    fidelity_target=0.5,
    weight={"hinge": 10.0, "group_sparsity": 10.0},
    applies_to="weight",
    min_locality=0.01,
)
MARGINS = Margins(
    near_baseline_margin=0.05,
    smallest_effect=0.01,
    min_fidelity_gain=0.05,
    sink_margin=0.1,
    divergence_margin=0.5,
    spread_margin=0.5,
    max_chance_gap=0.03,
    min_rho_gain=0.1,
    local_fidelity=0.75,
    power=0.8,
)
SEMANTIC = {"partition": "semantic"}
ROWS = {
    "distributed": {"schedule": "distributed"},
    "localist": {"schedule": "localist"} | SEMANTIC,
    "linear": {"schedule": "linear"} | SEMANTIC,
    "cubic": {"schedule": "cubic"} | SEMANTIC,
    "quintic": {"schedule": "quintic"} | SEMANTIC,
    "linear_dose": {"schedule": "linear", "dose": "quintic"} | SEMANTIC,
    "cubic_dose": {"schedule": "cubic", "dose": "quintic"} | SEMANTIC,
    "reversed": {"schedule": "reversed", "degree": 5} | SEMANTIC,
    "uniform": {"schedule": "uniform", "degree": 5} | SEMANTIC,
    "quintic_fixed": {"schedule": "quintic", "partition": "fixed"},
    "quintic_shifted": {"schedule": "quintic", "partition": "shifted"},
    "low": {"schedule": "quintic", "fidelity_target": 0.1} | SEMANTIC,
    "high": {"schedule": "quintic", "fidelity_target": 0.9} | SEMANTIC,
    "budget": {"schedule": "quintic", "perplexity_budget": 0.02} | SEMANTIC,
}
PARTITIONS = ("semantic", "fixed", "shifted")
LAYERS, TOKENS = 6, 20


@dataclass
class Plan:
    """Planted effects. losses: nats per token above the baseline, by arm; noise: their spread over sections.

    seed_spread: an arm's spread over seeds; knockouts: nats lost under a knockout, by (arm, partition); gain:
    chance-corrected fidelity added in every constrained arm; sinks: late sink share by arm; divergences: bits, by arm
    (distributed: the floor). faithful: Spearman's ρ of attribution and effect, by arm, in `probed` sections of one
    window.
    """

    losses: Mapping[str, float] = field(default_factory=dict)
    noise: float = 0.002
    seed_spread: Mapping[str, float] = field(default_factory=dict)
    knockouts: Mapping[tuple[str, str], float] = field(default_factory=dict)
    gain: float = 0.3
    sinks: Mapping[str, float] = field(default_factory=dict)
    sink_noise: float = 0.0
    divergences: Mapping[str, float] = field(default_factory=dict)
    divergence_noise: float = 0.01
    faithful: Mapping[str, float] = field(default_factory=dict)
    faithful_noise: float = 0.05
    probed: int = 20
    chances: Mapping[str, float] = field(default_factory=dict)
    seeds: Sequence[int] = (1, 2, 3)
    sections: int = 24
    measured: Sequence[str] = PARTITIONS
    without: Sequence[str] = ()


def planted_study(plan: Plan) -> Study:
    """The evidence by which claims are judged, as if it had been loaded from evaluation files."""
    generator, probes = np.random.default_rng(0), np.random.default_rng(1)
    rows = {name: row for name, row in ROWS.items() if name not in plan.without}
    sections = np.arange(plan.sections)
    base = generator.normal(3, 0.4, plan.sections)
    # The same pattern over seeds for all arms, so that a ratio of spreads is exactly as planted.
    over_seeds = np.resize([1.0, -1.0, 0.5, -0.5, 0.0], len(plan.seeds))
    runs = {}
    for name in rows:
        own = base + plan.losses.get(name, 0.0)
        for seed, moved in zip(plan.seeds, over_seeds, strict=True):
            loss = own + plan.seed_spread.get(name, 0.001) * moved + generator.normal(0, plan.noise, plan.sections)
            lost = {
                partition: plan.knockouts.get((name, partition), 0.0) + generator.normal(0, plan.noise, plan.sections)
                for partition in ("semantic", "shifted")
            }
            gain = 0.0 if name == "distributed" else plan.gain
            # As run_evaluation would compute it from tables of tokens, which would take ten times as long.
            runs[name, seed] = RunEvaluation(
                losses=_losses(loss, sections),
                knockout={partition: _losses(loss + nats, sections) for partition, nats in lost.items()},
                layers={
                    partition: _layers(plan, gain, plan.sinks.get(name, 0.5), generator) for partition in plan.measured
                },
                faithfulness=_faithfulness(plan, plan.faithful.get(name, 0.4), probes),
            )
    pairs = [(name, seed, "distributed", seed) for name in rows if name != "distributed" for seed in plan.seeds]
    seeds = list(plan.seeds)
    ring = zip(seeds, seeds[1:] + seeds[:1], strict=True) if len(seeds) > 2 else ()
    pairs += [("distributed", one, "distributed", other) for one, other in ring]
    evidence = Evidence(
        arms=arm_table({"constraint": asdict(CONSTRAINT), "arms": rows}),
        seeds=seeds,
        measured=list(plan.measured),
        runs=runs,
        comparisons={pair: _divergence(plan, pair[0], generator) for pair in pairs},
        mean_chances={
            (partition, split): plan.chances.get(partition, 0.5)
            for partition in plan.measured
            for split in ("train", "validation", "test")
        },
        min_locality=0.01,
        resamples=1000,
        seed=0,
    )
    return Study(evidence, CONSTRAINT, MARGINS)


def planted_histories(study: Study) -> dict[tuple[str, int], pd.DataFrame]:
    """A history of every run, in which the share of active penalties falls from 1 to 0."""
    return {run: pd.DataFrame({"active_share": np.linspace(1, 0, 20)}) for run in study.evidence.runs}


def _losses(nats: np.ndarray, sections: np.ndarray) -> pd.DataFrame:
    """Like the result of losses_by_section, if each section has `nats` nats per token."""
    return pd.DataFrame({"nll": TOKENS * nats, "tokens": TOKENS}, index=pd.Index(sections, name="section"))


def _faithfulness(plan: Plan, rho: float, generator: np.random.Generator) -> pd.DataFrame:
    values = rho + generator.normal(0, plan.faithful_noise, plan.probed)
    return pd.DataFrame({"rho": values, "rho_windows": 1.0}, index=pd.Index(range(plan.probed), name="section"))


def _divergence(plan: Plan, arm: str, generator: np.random.Generator) -> pd.DataFrame:
    bits = plan.divergences.get(arm, 0.01) * np.exp(generator.normal(0, plan.divergence_noise, plan.sections))
    return _grid(plan).assign(queries=TOKENS, divergence=TOKENS * np.tile(bits, LAYERS))


def _grid(plan: Plan) -> pd.DataFrame:
    layers = np.repeat(np.arange(LAYERS), plan.sections)
    return pd.DataFrame({"layer": layers, "section": np.tile(np.arange(plan.sections), LAYERS)})


def _layers(plan: Plan, gain: float, sink: float, generator: np.random.Generator) -> pd.DataFrame:
    """Chance 0.4 everywhere, so that F = 0.4 + 0.6 × chance-corrected fidelity."""
    table = _grid(plan)
    shares = sink + generator.normal(0, plan.sink_noise, plan.sections)
    return table.assign(
        fidelity=TOKENS * (0.4 + 0.6 * gain),
        chance=TOKENS * 0.4,
        queries=TOKENS,
        sink_share=TOKENS * np.tile(shares, LAYERS),
        queries_all=TOKENS,
    )
