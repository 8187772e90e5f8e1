"""Give every claim its verdict, from the evaluation files alone."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from localist.claims.claim_tables import claims_table, contrasts_table, manipulation_table
from localist.claims.claims import Study
from localist.claims.evidence import Evidence
from localist.claims.judging import checked_arms, judge
from localist.claims.tables import write_csv
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.report.latex import latex_table
from localist.report.pages import claims_page, shown_claims
from localist.study.arms import Arm

logger = logging.getLogger(__name__)


def main(
    study: Path,
    arms: Mapping[str, Mapping[str, Any]],
    seeds: Sequence[int],
    measured: Sequence[str],
    compared: Sequence[tuple[str, int, str, int]],
    constraint: Mapping[str, Any],
    claims: Mapping[str, float],
    min_sections: int,
    evaluation: Mapping[str, int],
    outputs: Mapping[str, Path],
) -> None:
    """Write claims, the contrasts behind them and the manipulation checks as tables, and claims as LaTeX and a page."""
    evidence = Evidence(
        results=study,
        arms={name: Arm(**row) for name, row in arms.items()},
        seeds=seeds,
        measured=measured,
        pairs=[tuple(pair) for pair in compared],
        min_locality=constraint["min_locality"],
        resamples=evaluation["resamples"],
        seed=evaluation["seed"],
    )
    judged_by = Study(evidence, constraint, claims)
    gains = checked_arms(judged_by)
    judged = judge(judged_by, min_sections=min_sections, gains=gains)
    table = claims_table(judged)
    write_csv(table, outputs["claims"])
    write_csv(contrasts_table(judged), outputs["contrasts"])
    checks = manipulation_table(judged_by, gains, study)
    write_csv(checks, outputs["manipulation"])
    with replacing(outputs["page"]) as temporary:
        temporary.write_text(claims_page(table, checks), encoding="utf-8")
    with replacing(outputs["latex"]) as temporary:
        shown = shown_claims(table)
        temporary.write_text(latex_table(shown.columns, shown.to_numpy(), "llrlrr"), encoding="utf-8")
    for one in judged:
        logger.info("%s: %s", one.name, one.sentence)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            study=Path(snakemake.output.claims).parent.parent,
            arms=snakemake.params.arms,
            seeds=snakemake.params.seeds,
            measured=snakemake.params.measured,
            compared=snakemake.params.compared,
            constraint=snakemake.params.constraint,
            claims=snakemake.params.claims,
            min_sections=snakemake.params.min_sections,
            evaluation=snakemake.params.evaluation,
            outputs={
                name: Path(snakemake.output[name]) for name in ("claims", "contrasts", "manipulation", "latex", "page")
            },
        )
