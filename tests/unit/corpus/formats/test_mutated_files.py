"""Files of every format with bytes changed at random: reading must end quickly, in limited memory, with success or an
error message.

LOCALIST_FUZZ_EXAMPLES (default 50) is the number of files per format; 300 take half a minute.
"""

import bz2
import gzip
import io
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_files import SAMPLES, corpus, written, zipped

from localist.corpus.reading_process import ReadingProcess
from localist.plumbing.errors import UserError

EXAMPLES = int(os.environ.get("LOCALIST_FUZZ_EXAMPLES", "50"))
SECONDS = 30
MEMORY_BYTES = 2_000_000_000
MOST_MUTATIONS = 4
LONGEST_INSERT = 40
UNPACKED = {".bz2": bz2, ".gz": gzip}

Draw = Callable[..., object]


def flip(draw: Draw, content: bytes) -> bytes:
    place = draw(st.integers(0, len(content) - 1))
    return content[:place] + bytes([content[place] ^ draw(st.integers(1, 255))]) + content[place + 1 :]


def delete(draw: Draw, content: bytes) -> bytes:
    first, last = place_and_end(draw, content)
    return content[:first] + content[last:]


def duplicate(draw: Draw, content: bytes) -> bytes:
    first, last = place_and_end(draw, content)
    return content[:last] + content[first:last] * draw(st.integers(1, 20)) + content[last:]


def swap(draw: Draw, content: bytes) -> bytes:
    first, middle, last = sorted(draw(st.integers(0, len(content))) for _ in range(3))
    return content[:first] + content[middle:last] + content[first:middle] + content[last:]


def truncate(draw: Draw, content: bytes) -> bytes:
    return content[: draw(st.integers(0, len(content)))]


def insert(draw: Draw, content: bytes) -> bytes:
    place = draw(st.integers(0, len(content)))
    return content[:place] + draw(st.binary(min_size=1, max_size=LONGEST_INSERT)) + content[place:]


def change_number(draw: Draw, content: bytes) -> bytes:
    """Replace a number, which is a length, offset or count in most formats."""
    numbers = list(re.finditer(rb"\d+", content))
    if not numbers:
        return content
    number = draw(st.sampled_from(numbers))
    new = draw(st.sampled_from([b"0", b"-1", b"1e30", b"65536", b"4294967295", b"99999999999999999999"]))
    return content[: number.start()] + new + content[number.end() :]


MUTATIONS = (flip, delete, duplicate, swap, truncate, insert, change_number)


def place_and_end(draw: Draw, content: bytes) -> tuple[int, int]:
    first, last = sorted(draw(st.integers(0, len(content))) for _ in range(2))
    return first, last


def mutated(draw: Draw, content: bytes, other: bytes) -> bytes:
    """`content` after some changes; its end may finally be replaced by that of `other`."""
    for _ in range(draw(st.integers(1, MOST_MUTATIONS))):
        if content:
            content = draw(st.sampled_from(MUTATIONS))(draw, content)
    if draw(st.integers(0, 7)) == 0:
        content = truncate(draw, content) + other[draw(st.integers(0, len(other))) :]
    return content


def mutated_file(draw: Draw, sample: Path, other: bytes, path: Path) -> Path:
    """A changed copy of `sample`; if compressed, it is changed before or after compression."""
    content = sample.read_bytes()
    inside = draw(st.booleans())
    if inside and sample.suffix in UNPACKED:
        packer = UNPACKED[sample.suffix]
        return written(path, packer.compress(mutated(draw, packer.decompress(content), other)))
    if inside and zipfile.is_zipfile(sample):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = draw(st.sampled_from(sorted(members)))
        return zipped(path, members | {name: mutated(draw, members[name], other)})
    return written(path, mutated(draw, content, other))


@pytest.fixture(scope="module")
def process() -> Iterator[ReadingProcess]:
    with ReadingProcess() as process:
        yield process


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("samples")
    return {name: make(folder) for name, make in SAMPLES.items()}


def peak_memory(process: ReadingProcess) -> int:
    """Bytes; 0 after the process has ended."""
    if process.pid is None:
        return 0
    status = Path("/proc", str(process.pid), "status").read_text(encoding="utf-8")
    return 1024 * int(re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)[1])


@pytest.mark.parametrize("name", SAMPLES)
def test_mutated_files_are_read_or_refused(name, samples, process, tmp_path_factory):
    """Catches damage that hangs a reader, exhausts memory, or raises anything but an error that names the file."""
    folder = tmp_path_factory.mktemp("mutated")
    path = folder / f"mutated{''.join(samples[name].suffixes)}"

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
    @given(st.data())
    def property_holds(data):
        other = samples[data.draw(st.sampled_from(sorted(samples)))].read_bytes()
        mutated_file(data.draw, samples[name], other, path)
        stated = data.draw(st.sampled_from(["auto", name.split()[0]]))
        start = time.monotonic()
        try:
            process.read(path, corpus(format=stated), folder / "documents.jsonl")
        except UserError as error:
            assert str(path) in str(error)
            assert "Traceback" not in str(error)
        assert time.monotonic() - start < SECONDS
        assert peak_memory(process) < MEMORY_BYTES

    property_holds()
