"""Finished runs of a study on a GPU, packed into small files as it goes, so that they survive an abrupt end."""

import io
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localist.plumbing.files import write_json

RECORD = "study.json"


@dataclass(frozen=True)
class Archives:
    """part-0.tar, part-1.tar …, each containing one .tar.xz per run, and study.json.

    folder: for the first `parts`; later: for the rest, if only so many files can be transferred at a time; part_bytes:
    the size limit of a part with several runs.
    """

    folder: Path
    later: Path
    parts: int = 4
    part_bytes: int = 15_000_000

    def add(self, results: Path, arm: str, seed: int) -> None:
        """Pack the files of a finished run that `make figures` reads."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:xz") as packed:
            for path in (f"runs/{arm}/seed{seed}", f"evaluation/{arm}/seed{seed}", f"explorer/{arm}/seed{seed}.npz"):
                if (results / path).exists():
                    packed.add(results / path, path)
        member = tarfile.TarInfo(f"{arm}-seed{seed}.tar.xz")
        member.size = content.tell()
        content.seek(0)
        with tarfile.open(self._part_with_room(member.size), "a") as part:
            part.addfile(member, content)

    def write_record(self, record: Mapping[str, Any]) -> None:
        write_json(self.folder / RECORD, record)

    def _part_with_room(self, size: int) -> Path:
        number = 0
        while self._part(number).exists() and self._part(number).stat().st_size + size > self.part_bytes:
            number += 1
        self._part(number).parent.mkdir(parents=True, exist_ok=True)
        return self._part(number)

    def _part(self, number: int) -> Path:
        return (self.folder if number < self.parts else self.later) / f"part-{number}.tar"


def unpack_archives(folder: Path, results: Path) -> int:
    """Unpack the parts in `folder` into a study's results, and return the number of runs."""
    runs = 0
    for part in sorted(folder.glob("part-*.tar")):
        with tarfile.open(part) as packed:
            for member in packed:
                content = packed.extractfile(member)
                if content is not None:
                    with tarfile.open(fileobj=io.BytesIO(content.read())) as run:
                        run.extractall(results, filter="data")
                    runs += 1
    return runs


def finished_part(config: Mapping[str, Any], done: Collection[tuple[str, int]]) -> dict[str, Any]:
    """The config of what can be drawn: seeds with all runs done or, before that, the first seed's finished arms."""
    whole = [seed for seed in config["seeds"] if all((arm, seed) in done for arm in config["arms"])]
    seeds = whole or config["seeds"][:1]
    arms = {arm: row for arm, row in config["arms"].items() if all((arm, seed) in done for seed in seeds)}
    return {**config, "seeds": seeds, "arms": arms}
