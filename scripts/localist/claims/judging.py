"""From claims to a table of verdicts: what stands in the way of one, Holm's correction, and a sentence for each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from localist.claims.bootstrap import ALPHA, Resampled
from localist.claims.claims import CLAIMS, MIN_TARGETS, Claim, Study
from localist.claims.verdicts import NOT_SUPPORTED, NOT_TESTED, SUPPORTED, UNDECIDED, Contrast, holm, overall
from localist.study.arms import DISTRIBUTED

ONE_SEED = "One seed: this speaks of these runs, not of the method."


@dataclass
class Judgement:
    """One claim's verdict, why, and the contrasts behind it (none where it is not tested)."""

    name: str
    statement: str
    verdict: str
    reason: str
    arms: tuple[str, ...] = ()
    contrasts: list[Contrast] = field(default_factory=list)
    p_holm: float = np.nan

    @property
    def weakest(self) -> Contrast | None:
        """The contrast that the claim hangs on: of those with the worst verdict, the one with the largest p.

        Resampling bounds p from below; of equal ones it is the one nearest to its null, in widths of its interval.
        """
        order = (SUPPORTED, UNDECIDED, NOT_SUPPORTED)

        def weakness(contrast: Contrast) -> tuple[int, float, float]:
            width = contrast.high - contrast.low
            distance = abs(contrast.value - contrast.null)
            return order.index(contrast.verdict), contrast.p, -distance / width if width > 0 else -np.inf

        return max(self.contrasts, key=weakness, default=None)

    @property
    def p(self) -> float:
        """The largest p of the parts: all of them must hold."""
        return max((contrast.p for contrast in self.contrasts), default=np.nan)

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        if not self.contrasts:
            return f"{self.verdict.capitalize()}: {self.reason}."
        found = "; ".join(dict.fromkeys(contrast.phrase for contrast in self.contrasts))
        seeds = f" {ONE_SEED}" if self.contrasts[0].seeds == 1 else ""
        return f"{self.verdict.capitalize()}: {found}. {self.reason[0].upper()}{self.reason[1:]}.{seeds}"


def judge(
    study: Study,
    *,
    min_sections: int,
    gains: Mapping[str, Resampled],
    claims: Mapping[str, Claim] = CLAIMS,
) -> list[Judgement]:
    """Every claim's judgement. gains: what the constraint of each arm added to chance-corrected fidelity."""
    judged = [_judge_alone(name, claim, study, min_sections, gains) for name, claim in claims.items()]
    p_values = np.array([one.p for one in judged])
    strictest = ALPHA / max(1, np.isfinite(p_values).sum())
    for judgement, corrected in zip(judged, holm(p_values), strict=True):
        judgement.p_holm = float(corrected)
        if judgement.verdict == SUPPORTED and corrected >= ALPHA:
            judgement.verdict = UNDECIDED
            found = (
                f"the interval lies where the claim wants it, but among all claims that are tested this may be chance "
                f"(p = {corrected:.2g} after Holm's correction)"
            )
            judgement.reason = _with_advice(found, judgement.weakest, strictest)
    return judged


def _judge_alone(name: str, claim: Claim, study: Study, min_sections: int, gains: Mapping[str, Resampled]) -> Judgement:
    arms = {part: study.arm(row) for part, row in claim.rows.items()}
    missing = _missing(name, claim, study, arms)
    if missing:
        return Judgement(name, claim.statement, NOT_TESTED, missing)
    used = tuple(arms.values())
    obstacle = _obstacle(name, claim, study, arms, min_sections, gains)
    contrasts = claim.compare(study, arms)
    if contrasts:
        used = tuple(dict.fromkeys(arm for contrast in contrasts for arm in contrast.arms))
    judgement = Judgement(name, claim.statement, UNDECIDED, obstacle, used, contrasts)
    if not obstacle:
        judgement.verdict = overall(contrasts)
        judgement.reason = _reason(judgement)
    return judgement


def _missing(name: str, claim: Claim, study: Study, arms: Mapping[str, str | None]) -> str:
    """What a claim lacks to be tested at all."""
    if any("dose" in row for row in claim.rows.values()) and study.scales_target:
        return "in this study λ scales the target, and doses are matched by scaling α"
    for part, arm in arms.items():
        if arm is None:
            row = ", ".join(f"{key}: {value}" for key, value in claim.rows[part].items())
            return f"the study has no arm {{{row}}}"
    unmeasured = [partition for partition in claim.partitions if partition not in study.evidence.measured]
    if unmeasured:
        return f"blocks.measured lacks {', '.join(unmeasured)}"
    if name == "low_fidelity_preserves_capacity" and len(study.targets()) < MIN_TARGETS:
        return f"a trend takes at least {MIN_TARGETS} arms that differ from quintic in fidelity_target alone"
    return ""


def _obstacle(
    name: str,
    claim: Claim,
    study: Study,
    arms: Mapping[str, str],
    min_sections: int,
    gains: Mapping[str, Resampled],
) -> str:
    """What makes a claim undecidable, whatever its numbers say."""
    evidence, margins = study.evidence, study.margins
    if len(evidence.sections) < min_sections:
        return f"{len(evidence.sections)} test sections are too few to decide anything; it takes {min_sections}"
    if len(evidence.seeds) < claim.min_seeds:
        return f"it takes at least {claim.min_seeds} seeds"
    if claim.matched:
        one, other, split = claim.matched
        gap = abs(evidence.mean_chance(one, split) - evidence.mean_chance(other, split))
        if not gap <= margins["max_chance_gap"]:
            return (
                f"controls not matched: the chances of {one} and {other} to hit the own block are {gap:.2g} apart "
                f"on {split} windows, more than {margins['max_chance_gap']:g}"
            )
    # The lowest targets may well leave a constraint inactive; that is what they are for.
    highest = study.targets().values() if name == "low_fidelity_preserves_capacity" else ()
    checked = list(highest)[-1:] or [arm for arm in arms.values() if arm != arms["baseline"]]
    for arm in checked:
        gain = gains[arm].value
        if not np.isfinite(gain):
            return f"the constraint of {arm} acts on no layer, or no token of the test text counts"
        if not gain >= margins["min_fidelity_gain"]:
            return (
                f"constraint inactive: it added {gain:.2g} to the chance-corrected fidelity of {arm} where it acts, "
                f"less than {margins['min_fidelity_gain']:g}"
            )
    return ""


def _reason(judgement: Judgement) -> str:
    contrast = judgement.weakest
    beyond = {"higher": ("above", "below"), "lower": ("below", "above")}[contrast.better]
    if not np.isfinite([contrast.low, contrast.high]).all():
        return f"{contrast.label}: it cannot be computed from what was measured"
    if judgement.verdict == SUPPORTED:
        several = len(judgement.contrasts) > 1
        each = f"every interval lies where it should: that of {contrast.label}" if several else "the interval"
        return f"{each} lies {beyond[0]} {_amount(contrast, contrast.null)}"
    if judgement.verdict == NOT_SUPPORTED:
        where = "" if len(judgement.contrasts) == 1 else f" of {contrast.label}"
        return (
            f"the interval{where} lies {beyond[1]} {_amount(contrast, contrast.smallest)}; the claim needs it "
            f"{beyond[0]} that"
        )
    told = " or ".join(_amount(contrast, bound) for bound in sorted({contrast.null, contrast.smallest}))
    return _with_advice(f"the interval of {contrast.label} is too wide to tell from {told}", contrast, ALPHA)


def _with_advice(found: str, contrast: Contrast, alpha: float) -> str:
    """What was found, and what would decide it at that level, where anything would."""
    return "; ".join(filter(None, (found, contrast.advise(alpha))))


def _amount(contrast: Contrast, value: float) -> str:
    """`5 % perplexity`, `0.05 chance-corrected fidelity`, `a ratio of 1.5`, `a share of 0.1`."""
    for kind in ("ratio", "share"):
        if contrast.unit.startswith(kind):
            return f"a {kind} of {value:.3g}"
    return f"{value:.3g} {contrast.unit}"


def checked_arms(study: Study) -> dict[str, Resampled]:
    """The manipulation check of every constrained arm, on the blocks that it was trained on."""
    arms = study.evidence.arms.items()
    return {name: study.evidence.fidelity_gain(name) for name, arm in arms if arm.schedule != DISTRIBUTED}
