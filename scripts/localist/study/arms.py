"""The arm table: the meaning of each named arm in the config."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from localist.study.schedules import DEGREES

PRETRAINED = "pretrained"
PRETRAINED_SEED = 0
DISTRIBUTED = "distributed"
LOCALIST = "localist"
UNIFORM = "uniform"
HINGE = "hinge"
WEIGHT = "weight"
TARGET = "target"
SEMANTIC = "semantic"
FIXED = "fixed"
# Attention favours recent tokens: fidelity on misplaced blocks reflects recency, and only the excess reflects meaning.
SHIFTED = "shifted"
QUINTIC = {"schedule": "quintic", "partition": SEMANTIC}


@dataclass(frozen=True)
class Arm:
    """One row of the arm table; values that do not apply are None, such as the partition of the distributed arm.

    degree: β of a polynomial schedule, or of a control made from it. applies_to: what λ scales, the weight α or the
    target τ. dose: the schedule whose α · mean λ the arm receives by rescaling its α. perplexity_budget: the share by
    which perplexity may exceed the distributed arm's; α is then adapted in training, and weight is None.
    """

    name: str
    schedule: str | None
    degree: float | None = None
    partition: str | None = None
    penalty: str | None = None
    fidelity_target: float | None = None
    weight: float | None = None
    applies_to: str | None = None
    dose: str | None = None
    perplexity_budget: float | None = None

    def as_params(self) -> dict[str, Any]:
        """Plain data for a rule's params, so that only a change of the row reruns what depends on it."""
        return asdict(self)


def arm_table(config: Mapping[str, Any]) -> dict[str, Arm]:
    """The arms of a study in config order, defaults filled in from `constraint`; without the untuned model.

    Rows that describe the same training get identical values, whatever their names.
    """
    defaults = config["constraint"]
    table = {}
    for name, row in config["arms"].items():
        if row["schedule"] == DISTRIBUTED:
            table[name] = Arm(name, DISTRIBUTED)
            continue
        penalty = row.get("penalty", defaults["penalty"])
        has_target = penalty == HINGE
        arm = Arm(
            name=name,
            schedule=row["schedule"],
            degree=DEGREES.get(row["schedule"], row.get("degree")),
            partition=row["partition"],
            penalty=penalty,
            fidelity_target=row.get("fidelity_target", defaults["fidelity_target"]) if has_target else None,
            weight=None if "perplexity_budget" in row else row.get("weight", defaults["weight"][penalty]),
            applies_to=row.get("applies_to", defaults["applies_to"]) if has_target else WEIGHT,
            dose=row.get("dose"),
            perplexity_budget=row.get("perplexity_budget"),
        )
        table[name] = _plainest(arm)
    return table


def without_repeats(table: Mapping[str, Arm]) -> tuple[dict[str, Arm], dict[str, str]]:
    """The distinct arms, and for each duplicate the arm that it repeats. Duplicate arms are trained once."""
    first: dict[Arm, str] = {}
    same = {}
    # The baseline keeps its name wherever it is in the table, since all arms are compared with it.
    for name in sorted(table, key=lambda name: name != DISTRIBUTED):
        known = first.setdefault(replace(table[name], name=""), name)
        if known != name:
            same[name] = known
    return {name: arm for name, arm in table.items() if name not in same}, same


def meaning(row: Mapping[str, Any], constraint: Mapping[str, Any]) -> Arm:
    """The arm described by a config row with the defaults of `constraint`, whatever its name."""
    return replace(arm_table({"constraint": constraint, "arms": {"": row}})[""], name="")


def named(table: Mapping[str, Arm], wanted: Arm) -> str | None:
    """The name of the arm equal to `wanted`, whatever it is; None if there is none."""
    return next((name for name, arm in table.items() if replace(arm, name="") == wanted), None)


def sweep(table: Mapping[str, Arm], wanted: Arm, field: str) -> dict[float, str]:
    """The arms that differ from `wanted` only in `field`, by their values of it, in order."""
    found = {
        getattr(arm, field): name
        for name, arm in table.items()
        if getattr(arm, field) is not None
        and replace(arm, name="", **{field: None}) == replace(wanted, **{field: None})
    }
    return dict(sorted(found.items()))


def arms_to_draw(table: Mapping[str, Arm], constraint: Mapping[str, Any]) -> list[str]:
    """The study's models that bear on most claims.

    Untuned, distributed, localist, quintic, quintic on shifted blocks, and the first with a perplexity budget.
    """
    budgets = (name for name, arm in table.items() if arm.perplexity_budget)
    chosen = [
        PRETRAINED,
        DISTRIBUTED,
        named(table, meaning({"schedule": LOCALIST, "partition": SEMANTIC}, constraint)),
        named(table, meaning(QUINTIC, constraint)),
        named(table, meaning(QUINTIC | {"partition": SHIFTED}, constraint)),
        next(budgets, None),
    ]
    return [name for name in chosen if name]


def arms_to_dial(table: Mapping[str, Arm], constraint: Mapping[str, Any]) -> list[str]:
    """The models to which the dial is applied: untuned, distributed, quintic, quintic under each perplexity budget."""
    quintic = named(table, meaning(QUINTIC, constraint))
    budgets = sweep(table, meaning(QUINTIC | {"perplexity_budget": 1}, constraint), "perplexity_budget")
    return [name for name in (PRETRAINED, DISTRIBUTED, quintic, *budgets.values()) if name]


def compared_with(arm: str, seed: int, seeds: Sequence[int]) -> tuple[str, int] | None:
    """The run with which this run's attention is compared: distributed with the same seed; for distributed itself, that
    with the next seed."""
    if arm == PRETRAINED:
        return DISTRIBUTED, seeds[0]
    if arm != DISTRIBUTED:
        return DISTRIBUTED, seed
    following = [*seeds[1:], *(seeds[:1] if len(seeds) > 2 else [])]
    return next(((DISTRIBUTED, other) for one, other in zip(seeds, following, strict=False) if one == seed), None)


def _plainest(arm: Arm) -> Arm:
    """An equivalent arm in its simplest form."""
    if arm.schedule == LOCALIST:
        arm = replace(arm, applies_to=WEIGHT)  # λ = 1 changes neither weight nor target
    if arm.dose and arm.schedule in (LOCALIST, UNIFORM):
        return replace(arm, schedule=UNIFORM, degree=DEGREES[arm.dose], dose=None)
    if arm.dose and DEGREES[arm.dose] == arm.degree:
        return replace(arm, dose=None)
    return arm
