"""How well a book was read, compared with the text it was made from."""

import re
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from book_makers import TITLE, Chapter, headings, known_text
from rapidfuzz.distance import Levenshtein
from sample_files import corpus

from localist.corpus.reading_process import ReadingProcess, spooled

PART = re.compile(r", part \d+$")
NUMBER = re.compile(r"\b\d{1,3}\b")
PAGE_NUMBER = re.compile(r"^(?:\d{1,4}|[ivxlc]{1,6})\s+|\s*\b(?:\d{1,4}(?:/\d{1,4})?|[ivxlc]{1,6})$")
# A browser prints date and title above, address and page below.
DATE = re.compile(r"\d{1,2}/\d{1,2}/\d{2},")
CORPUS = corpus()
# Error rates above this are not computed exactly.
WORST_ERROR = 0.1


@dataclass(frozen=True)
class Reading:
    """Sections (heading, text) of a book, and the cost of reading it."""

    sections: list[tuple[str, str]]
    pages: int | None
    seconds: float
    peak_memory_mb: float


def read_book(path: Path) -> Reading:
    """Read a book in its own reading process, whose largest resident set is the peak memory."""
    with TemporaryDirectory() as scratch, ReadingProcess() as process:
        spool = Path(scratch) / "spool"
        started = perf_counter()
        process.read(path, CORPUS, spool)
        seconds = perf_counter() - started
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        (extracted,) = spooled(spool)
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
    sections = [(one["heading"], one["text"]) for one in extracted["document"]["sections"]]
    return Reading(sections, extracted["pages"], seconds, peak)


def measured(path: Path, chapters: Sequence[Chapter]) -> dict[str, Any]:
    """One row of the benchmark.

    The character error rate is the edit distance, with white space squeezed, divided by the length of the known text; a
    heading counts as found if a section has it.
    """
    reading = read_book(path)
    got, known = (
        " ".join(text.split()) for text in (" ".join(text for _, text in reading.sections), known_text(chapters))
    )
    limit = int(WORST_ERROR * len(known))
    wanted = headings(chapters)
    found = {PART.sub("", heading).rpartition(" / ")[2] for heading, _ in reading.sections}
    return {
        "character_error_rate": Levenshtein.distance(got, known, score_cutoff=limit) / len(known),
        "headings_found": sum(heading in found for heading in wanted) / len(wanted),
        "furniture_removed": furniture_removed(path, got, known, wanted) if path.suffix == ".pdf" else None,
        "pages": reading.pages,
        "seconds": reading.seconds,
        "peak_memory_mb": reading.peak_memory_mb,
    }


def furniture_removed(path: Path, got: str, known: str, titles: Sequence[str]) -> float | None:
    """The share of running heads and page numbers that were removed; those in excess of the known text were not.

    Their total is counted in the output of pdftotext (poppler), not by the measured reader; None if it shows none.
    """
    heads = {TITLE, *titles}
    # Heads of one or two letters occur in any text.
    surplus = sum(max(0, _count(head, got) - _count(head, known)) for head in heads if len(head) > 2)
    numbers = max(0, len(NUMBER.findall(got)) - len(NUMBER.findall(known)))
    shown = len(furniture(path, heads))
    return 1 - (surplus + numbers) / shown if shown else None


def furniture(path: Path, heads: Collection[str]) -> list[str]:
    """The lines at the top and bottom of each page of a PDF that are a head, a page number, or both."""
    done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    found = []
    for page in done.stdout.decode("utf-8").split("\f"):
        lines = [" ".join(line.split()) for line in page.splitlines() if line.strip()]
        edges = lines[:1] + lines[max(1, len(lines) - 1) :]
        found.extend(line for line in edges if _is_furniture(line, heads))
    return found


def _is_furniture(line: str, heads: Collection[str]) -> bool:
    rest = PAGE_NUMBER.sub("", line).strip()
    return (
        not rest or rest in heads or rest.startswith("file:") or (rest.endswith(TITLE) and DATE.match(rest) is not None)
    )


def _count(words: str, text: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(words)}(?!\w)", text))
