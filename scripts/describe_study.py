"""Record the study's provenance: settings, data origin, blocks, versions and machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from localist.plumbing.files import read_json, replacing, write_json
from localist.plumbing.provenance import code_version, content_hash
from localist.plumbing.rule_log import rule_log
from localist.report.pages import text_pairs
from localist.report.templates import render

RESOURCES = ("model", "encoder", "corpus")


def main(
    version: str,
    config: Mapping[str, Any],
    same_arms: Mapping[str, str],
    records: Sequence[Path],
    own_files: Mapping[str, Sequence[Path]],
    tokens: Path,
    blocks: Sequence[Path],
    settings: Sequence[Path],
    templates: Sequence[Path],
    page: Path,
    record: Path,
) -> None:
    """Write the record as JSON and as a page.

    version: of this project; records: of the fetched resources; own_files: files or folders of resources provided by
    the user.
    """
    runs = [read_json(path) for path in settings]
    described = ("name", "license", "origin", "source")
    study = {
        "scale": scale(config, read_json(tokens)),
        "resources": {what: {key: config[what][key] for key in described} for what in RESOURCES},
        "files": {path.stem: read_json(path)["sha256"] for path in records}
        | {what: content_hash(paths) for what, paths in own_files.items()},
        "text": read_json(tokens),
        "blocks": {path.parent.name: read_json(path) for path in blocks},
        "training": {key: runs[0][key] for key in ("precision", "threads", "device", "processor", "steps")},
        "same_arms": dict(same_arms),
        "code": {"runs": sorted({run["code"] for run in runs}), "tables": code_version()},
        "versions": {"progressive-localisation": version} | runs[0]["versions"],
        "config": dict(config),
    }
    write_json(record, study)
    parts = {part: text_pairs(content) for part, content in study.items()}
    with replacing(page) as temporary:
        text = render(templates, name=config["study"], scale=study["scale"], parts=parts)
        temporary.write_text(text, encoding="utf-8")


def scale(config: Mapping[str, Any], tokens: Mapping[str, Any]) -> dict[str, int]:
    """The size of the study. tokens: the summary of the tokenised corpus."""
    return {
        "seeds": len(config["seeds"]),
        "token_budget": config["training"]["token_budget"],
        "train_tokens": tokens["splits"]["train"]["tokens"],
        "test_sections": tokens["splits"]["test"]["sections"],
        "min_test_sections": config["splits"]["min_test_sections"],
    }


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        own = list(zip(snakemake.params.own, map(Path, snakemake.input.own), strict=True))
        main(
            version=snakemake.params.version,
            config=snakemake.params.config,
            same_arms=snakemake.params.same_arms,
            records=[Path(path) for path in snakemake.input.records],
            own_files={what: [path for other, path in own if other == what] for what in dict(own)},
            tokens=Path(snakemake.input.tokens),
            blocks=[Path(path) for path in snakemake.input.blocks],
            settings=[Path(path) for path in snakemake.input.settings],
            templates=[Path(path) for path in snakemake.input.templates],
            page=Path(snakemake.output.page),
            record=Path(snakemake.output.record),
        )
