"""Write down what a reader needs to trust the study: settings, data origin, blocks, versions and machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from localist.corpus.corpus_files import source_paths
from localist.plumbing.files import read_json, replacing, write_json
from localist.plumbing.provenance import code_version, content_hash
from localist.plumbing.rule_log import rule_log
from localist.report.pages import html_page, html_pairs


def main(
    config: Mapping[str, Any],
    same_arms: Mapping[str, str],
    records: Sequence[Path],
    tokens: Path,
    blocks: Sequence[Path],
    settings: Sequence[Path],
    page: Path,
    record: Path,
) -> None:
    """Write the record as JSON and as a page."""
    first = read_json(settings[0])
    described = ("name", "license", "origin", "source")
    resources = {what: {key: config[what][key] for key in described} for what in ("model", "encoder", "corpus")}
    study = {
        "scale": _scale(config, read_json(tokens)),
        "resources": resources,
        "files": {path.stem: read_json(path)["sha256"] for path in records} | _own_files(config),
        "text": read_json(tokens),
        "blocks": {path.parent.name: read_json(path) for path in blocks},
        "training": {key: first[key] for key in ("precision", "threads", "device", "processor", "steps")},
        "same_arms": dict(same_arms),
        "code": {"runs": sorted({read_json(path)["code"] for path in settings}), "tables": code_version()},
        "versions": first["versions"],
        "config": dict(config),
    }
    write_json(record, study)
    headings = {
        "scale": "What this study can say",
        "resources": "Model, encoder and corpus",
        "files": "Files (sha256)",
        "text": "Text",
        "blocks": "Partitions",
        "training": "Training",
        "same_arms": "Arms that mean the same, and are reported once",
        "code": "Code",
        "versions": "Versions",
        "config": "Config",
    }
    with replacing(page) as temporary:
        parts = [(heading, html_pairs(study[key])) for key, heading in headings.items() if study[key]]
        temporary.write_text(html_page(f"Study: {config['study']}", parts), encoding="utf-8")


def _own_files(config: Mapping[str, Any]) -> dict[str, str]:
    """One hash for each resource that the user named by path."""
    paths = {what: config[what]["source"].get("path") for what in ("model", "encoder", "corpus")}
    return {what: content_hash(source_paths(path)) for what, path in paths.items() if path}


def _scale(config: Mapping[str, Any], tokens: Mapping[str, Any]) -> dict[str, str]:
    seeds = len(config["seeds"])
    sections = tokens["splits"]["test"]["sections"]
    least = config["splits"]["min_test_sections"]
    one_seed = " – the numbers speak of these runs, not of the method" if seeds == 1 else ""
    too_few = f" – fewer than {least}: too small to decide anything" if sections < least else ""
    budget, available = config["training"]["token_budget"], tokens["splits"]["train"]["tokens"]
    says = {
        "seeds": f"{seeds}{one_seed}",
        "tokens per run": f"{budget:,}; the training text has {available:,}",
        "test sections": f"{sections}{too_few}",
    }
    if seeds == 1 or budget < available:
        says["verdict"] = "a demonstration: one more seed or a larger token budget is one line of config each"
    return says


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            same_arms=snakemake.params.same_arms,
            records=[Path(path) for path in snakemake.input.records],
            tokens=Path(snakemake.input.tokens),
            blocks=[Path(path) for path in snakemake.input.blocks],
            settings=[Path(path) for path in snakemake.input.settings],
            page=Path(snakemake.output.page),
            record=Path(snakemake.output.record),
        )
