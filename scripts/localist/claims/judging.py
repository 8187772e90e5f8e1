"""From claims to verdicts: obstacles, Holm's correction over all claims, and the reason for each verdict as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from localist.claims.bootstrap import ALPHA, Resampled
from localist.claims.claims import CLAIMS, Arms, Claim
from localist.claims.judged_study import Study
from localist.claims.verdicts import (
    NOT_SUPPORTED,
    NOT_TESTED,
    SUPPORTED,
    UNDECIDED,
    Advice,
    Contrast,
    Message,
    Verdict,
    holm,
    overall,
)
from localist.study.arms import DISTRIBUTED, UNIFORM

# Rounding may change an arm's perplexity relative to the distributed arm by this share of the smallest effect.
PRECISION_SHARE = 0.1


@dataclass(frozen=True)
class Judgement:
    """One claim's verdict, the reason for it, and its contrasts (none if it is not tested).

    advice: how much more data would decide an open claim.
    """

    name: str
    statement: str
    verdict: Verdict
    reason: Message
    arms: tuple[str, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    advice: Advice | None = None
    p_holm: float = np.nan

    @property
    def weakest(self) -> Contrast | None:
        """The contrast that decides the claim: among those with the worst verdict, the one with the largest p."""
        return weakest(self.contrasts) if self.contrasts else None

    @property
    def p(self) -> float:
        """The largest p of the parts, since all of them must hold."""
        return max((contrast.p for contrast in self.contrasts), default=np.nan)


def judge(
    study: Study,
    *,
    min_sections: int,
    gains: Mapping[str, Resampled],
    claims: Mapping[str, Claim] = CLAIMS,
) -> list[Judgement]:
    """Judge every claim. gains: the increase in chance-corrected fidelity due to each arm's constraint."""
    judged = [_judge_alone(name, claim, study, min_sections, gains) for name, claim in claims.items()]
    p_values = np.array([one.p for one in judged])
    strictest = ALPHA / max(1, np.isfinite(p_values).sum())
    return [
        _corrected(one, float(p_holm), study.margins.power, strictest)
        for one, p_holm in zip(judged, holm(p_values), strict=True)
    ]


def manipulation_checks(study: Study) -> dict[str, Resampled]:
    """The increase in chance-corrected fidelity due to each arm's constraint, on the arm's own blocks."""
    arms = study.evidence.arms.items()
    return {name: study.evidence.fidelity_gain(name) for name, arm in arms if arm.schedule != DISTRIBUTED}


def weakest(contrasts: tuple[Contrast, ...]) -> Contrast:
    """Among the contrasts with the worst verdict, the one with the largest p.

    Resampling bounds p from below; ties go to the contrast closest to its null, relative to the width of its interval.
    """
    order = (SUPPORTED, UNDECIDED, NOT_SUPPORTED)

    def weakness(contrast: Contrast) -> tuple[int, float, float]:
        width = contrast.high - contrast.low
        distance = abs(contrast.value - contrast.null)
        return order.index(contrast.verdict), contrast.p, -distance / width if width > 0 else -np.inf

    return max(contrasts, key=weakness)


def _judge_alone(name: str, claim: Claim, study: Study, min_sections: int, gains: Mapping[str, Resampled]) -> Judgement:
    """A claim's judgement before Holm's correction."""
    known = {part: study.arm(row) for part, row in claim.rows.items()}
    arms = {part: arm for part, arm in known.items() if arm is not None}
    missing = _missing(claim, study, arms)
    if missing:
        return Judgement(name, claim.statement, NOT_TESTED, missing)
    contrasts = tuple(claim.compare(study, arms))
    used = dict.fromkeys(arm for contrast in contrasts for arm in contrast.description.arms)
    names = tuple(used or arms.values())
    fewest = min([len(study.evidence.sections), *(contrast.sections for contrast in contrasts)])
    if fewest < min_sections:
        sampled = fewest < len(study.evidence.sections)
        few = Message("too_few_sections", {"sections": fewest, "needed": min_sections, "sampled": sampled})
        return Judgement(name, claim.statement, UNDECIDED, few, names, contrasts)
    obstacle = _obstacle(claim, study, arms, names, gains)
    if obstacle:
        return Judgement(name, claim.statement, UNDECIDED, obstacle, names, contrasts)
    if not contrasts:
        return Judgement(name, claim.statement, UNDECIDED, Message("nothing_to_compare"), names)
    verdict = overall(contrasts)
    decisive = weakest(contrasts)
    advice = None
    if verdict == UNDECIDED and decisive.computable:
        advice = decisive.advice(study.margins.power, ALPHA)
    return Judgement(name, claim.statement, verdict, _reason(verdict, contrasts), names, contrasts, advice)


def _corrected(judgement: Judgement, p_holm: float, power: float, strictest: float) -> Judgement:
    """A judgement after Holm's correction, which may turn a supported claim into an undecided one.

    strictest: the level of Holm's first step, which the advice then uses.
    """
    decisive = judgement.weakest
    if judgement.verdict != SUPPORTED or decisive is None or p_holm < ALPHA:
        return replace(judgement, p_holm=p_holm)
    reason = Message("may_be_chance", {"p_holm": p_holm})
    advice = decisive.advice(power, strictest)
    advice = replace(advice, before_holm=False) if advice else None
    return replace(judgement, verdict=UNDECIDED, reason=reason, advice=advice, p_holm=p_holm)


def _missing(claim: Claim, study: Study, arms: Arms) -> Message | None:
    """What the study lacks for the claim to be tested."""
    equal_doses = any("dose" in row or row["schedule"] == UNIFORM for row in claim.rows.values())
    if equal_doses and study.scales_target:
        return Message("dose_not_matched")
    for part, row in claim.rows.items():
        if part not in arms:
            return Message("arm_missing", {"row": [f"{key}: {value}" for key, value in row.items()]})
    unmeasured = [partition for partition in claim.partitions if partition not in study.evidence.measured]
    if unmeasured:
        return Message("partition_not_measured", {"partitions": unmeasured})
    if claim.min_targets and len(study.targets()) < claim.min_targets:
        return Message("too_few_targets", {"needed": claim.min_targets})
    return None


def _obstacle(
    claim: Claim, study: Study, arms: Arms, compared: Sequence[str], gains: Mapping[str, Resampled]
) -> Message | None:
    """What makes a claim undecidable regardless of its numbers. compared: the arms of its contrasts."""
    evidence, margins = study.evidence, study.margins
    seeds = len(evidence.seeds)
    if seeds < claim.min_seeds:
        return Message("too_few_seeds", {"seeds": seeds, "needed": claim.min_seeds})
    for arm in dict.fromkeys([*arms.values(), *compared]):
        shift, allowed = np.expm1(evidence.precision_shift(arm)), PRECISION_SHARE * margins.smallest_effect
        if not shift < allowed:
            return Message("precision_too_low", {"arm": arm, "shift": 100 * shift, "allowed": 100 * allowed})
    if claim.matched:
        one, other, split = claim.matched
        gap = abs(evidence.mean_chance(one, split) - evidence.mean_chance(other, split))
        if not gap <= margins.max_chance_gap:
            facts = {"one": one, "other": other, "split": split, "gap": gap, "allowed": margins.max_chance_gap}
            return Message("chances_not_matched", facts)
    for arm in claim.checked_arms(study, arms):
        gain, needed = gains[arm].value, study.min_fidelity_gain(arm)
        if not np.isfinite(gain):
            return Message("constraint_nowhere", {"arm": arm})
        if not gain >= needed:
            return Message("constraint_inactive", {"arm": arm, "gain": gain, "needed": needed})
    return None


def _reason(verdict: Verdict, contrasts: tuple[Contrast, ...]) -> Message:
    """Why the contrasts give this verdict, with the numbers of the weakest."""
    contrast = weakest(contrasts)
    facts = {
        "label": contrast.description.label,
        "parts": len(contrasts),
        "unit": contrast.description.unit,
        "better": contrast.better,
        "null": contrast.null,
        "smallest": contrast.smallest,
    }
    if not contrast.computable:
        return Message("not_computable", facts)
    codes = {SUPPORTED: "beyond_the_null", NOT_SUPPORTED: "short_of_the_smallest", UNDECIDED: "too_wide"}
    return Message(codes[verdict], facts)
