"""How well real PDFs are read, compared with pdftotext (poppler) as an independent reader.

Run it with `PYTHONPATH=scripts .venv/bin/python tests/bench/bench_real_pdfs.py FOLDER`; it prints a table row for each
PDF in the folder. The measure is the share of pdftotext's adjacent word pairs that also occur in our text, counted with
multiplicity. Page furniture is kept, as pdftotext keeps it; words hyphenated at line ends are joined on both sides.
"""

import argparse
import re
import subprocess
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

from localist.corpus.cleaning import clean
from localist.corpus.formats.pdf import read_pdf
from localist.plumbing.errors import UserError

CUT_WORD = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]\s*\n\s*(?=[^\W\d_])")


def main() -> None:
    """Print a row for each PDF, and the median and lowest share."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    shares = []
    print("| document | made by | pages | word pairs shared | seconds | pdftotext's | warnings |")
    print("|---|---|---|---|---|---|---|")
    for path in sorted(parser.parse_args().folder.glob("*.pdf")):
        started = perf_counter()
        try:
            text, pages, warnings = our_text(path)
        except UserError as error:
            print(f"| {path.stem} | {producer(path)} | | | | | refused: {error} |")
            continue
        seconds = perf_counter() - started
        started = perf_counter()
        theirs = pdftotext(path)
        their_seconds = perf_counter() - started
        shares.append(pairs_shared(theirs, text))
        cells = (f"{shares[-1]:.3f}", f"{seconds:.1f}", f"{their_seconds:.1f}", "; ".join(warnings))
        print(f"| {path.stem} | {producer(path)} | {pages} | {' | '.join(cells)} |", flush=True)
    if shares:
        print(f"\nMedian of {len(shares)}: {median(shares):.3f}; least: {min(shares):.3f}.")


def our_text(path: Path) -> tuple[str, int | None, tuple[str, ...]]:
    """Text of a PDF (page furniture included), number of pages, and warnings."""
    (book,) = read_pdf(path, frozenset())
    kept, _ = clean(book.paragraphs, {"unicode", "hyphenation"})
    return "\n".join(one.text for one in kept), book.pages, book.warnings


def pdftotext(path: Path) -> str:
    """The text that poppler extracts, in its reading order."""
    return subprocess.run(["pdftotext", "-q", path, "-"], capture_output=True, check=True).stdout.decode("utf-8")


def pairs_shared(reference: str, text: str) -> float:
    """The share of the reference's adjacent word pairs that occur in the text."""
    wanted, got = (Counter(pairwise(words(one))) for one in (reference, text))
    return (wanted & got).total() / max(1, wanted.total())


def words(text: str) -> list[str]:
    """Words without case or punctuation; those hyphenated at line ends are joined."""
    return re.findall(r"\w+", CUT_WORD.sub("", unicodedata.normalize("NFKC", text)).casefold())


def producer(path: Path) -> str:
    """The program that wrote a PDF, according to its metadata."""
    done = subprocess.run(["pdfinfo", path], capture_output=True, check=False).stdout.decode("utf-8", "replace")
    said = dict(line.split(":", 1) for line in done.splitlines() if ":" in line)
    return " / ".join(said[key].strip() for key in ("Creator", "Producer") if said.get(key, "").strip())


if __name__ == "__main__":
    main()
