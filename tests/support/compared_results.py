"""Compare the results of two runs of a study byte by byte."""

from collections.abc import Collection
from pathlib import Path


def result_files(results: Path) -> set[str]:
    """The files of a study that must not differ between runs."""
    names = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    # The forecast depends on what was left to train.
    apart = ("logs/", "benchmarks/", "runs/forecast.json")
    return {name for name in names if not name.startswith(apart) and not name.endswith(".snakemake_timestamp")}


def differences(results: Path, reference: Path, may_be_missing: Collection[str] = ()) -> list[str]:
    """The differences from a reference study, file by file."""
    ours, theirs = result_files(results), result_files(reference)
    return [
        *(f"{name} is missing" for name in sorted(theirs - ours - set(may_be_missing))),
        *(f"{name} is left over" for name in sorted(ours - theirs)),
        *(
            f"{name} has other bytes"
            for name in sorted(ours & theirs)
            if (results / name).read_bytes() != (reference / name).read_bytes()
        ),
    ]
