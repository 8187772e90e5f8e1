"""Reading strangers' files in a process of its own, with bounds on time and memory: what breaks there breaks nothing
here.

`python -m localist.corpus.reading_process` answers one line of JSON on standard output for each on standard input.
"""

import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from localist.corpus.settings import CorpusSettings
from localist.plumbing.errors import UserError

# For a file of up to a megabyte, and for each further one.
SECONDS = 25
SECONDS_PER_MEGABYTE = 30
MEMORY_BYTES = 1_800_000_000
# Three calls for each element of a page that lies in another.
RECURSION = 7000


class ReadingProcess:
    """Context: a process that reads one file after the other, started when it is needed, and again after a failure."""

    def __init__(self, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        self.seconds, self.memory_bytes = seconds, memory_bytes
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "ReadingProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def pid(self) -> int | None:
        """The number of the running process, if there is one."""
        return self._process.pid if self._process else None

    def read(self, path: Path, settings: CorpusSettings, spool: Path) -> None:
        """Write the documents of `path` to `spool`, one line of JSON each (localist.readers.Extracted).

        Raises UserError, naming the file, for all that can be wrong with it, for taking longer than its size allows,
        and for needing more memory than there may be.
        """
        process = self._process = self._process or self._start()
        seconds = self.seconds + SECONDS_PER_MEGABYTE * max(0.0, _megabytes(path) - 1)
        timed_out = threading.Event()
        timer = threading.Timer(seconds, lambda: (timed_out.set(), process.kill()))
        timer.start()
        try:
            answer = self._ask(
                process, {"path": str(path), "settings": dataclasses.asdict(settings), "spool": str(spool)}
            )
        finally:
            timer.cancel()
        if answer is None or answer["spent"] or timed_out.is_set():
            self._stop()
        if answer is None:
            if timed_out.is_set():
                raise UserError(
                    f"{path}: was not read in {seconds:.0f} s, so it is damaged or made to be slow. Leave it out."
                )
            raise UserError(
                f"{path}: its reader broke down (exit code {process.returncode}), so it is damaged or needs more than "
                f"{self.memory_bytes / 1e9:.1f} GB. Leave it out, or split it."
            )
        if answer["error"]:
            raise UserError(answer["error"])

    def _start(self) -> subprocess.Popen[str]:
        source = str(Path(__file__).parents[2])
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "localist.corpus.reading_process", str(self.memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what libraries say of a damaged file; the answer tells what matters
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": source, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )

    def _ask(self, process: subprocess.Popen[str], request: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (BrokenPipeError, ValueError):
            return None
        return json.loads(line) if line else None

    def _stop(self) -> None:
        if self._process is None:
            return
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._process = None


def spooled(path: Path) -> Iterator[dict[str, Any]]:
    """The documents that a reading process wrote, one after the other."""
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def _megabytes(path: Path) -> float:
    try:
        return path.stat().st_size / 1e6
    except OSError:
        return 0.0


def _answer(request: Mapping[str, Any]) -> str:
    """Read a file into its spool; the message of what went wrong, or nothing."""
    from localist.corpus.readers import extract_file

    path = Path(request["path"])
    try:
        with Path(request["spool"]).open("wb") as stream:
            for extracted in extract_file(path, CorpusSettings(**request["settings"])):
                line = json.dumps(dataclasses.asdict(extracted), ensure_ascii=False) + "\n"
                stream.write(line.encode("utf-8", "replace"))  # halves of characters cannot be written
    except UserError as error:
        return str(error)
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror or error}). Check the path and its permissions."
    except RecursionError:
        return f"{path}: is nested too deeply to be a book. Leave it out."
    except MemoryError:
        raise
    except Exception as error:  # a library's own mistake on a damaged file, whose kind nobody can list beforehand
        return f"{path}: cannot be read: {type(error).__name__}: {error}. Get or save it again."
    return ""


def _serve(memory_bytes: int) -> None:
    with suppress(ImportError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.setrecursionlimit(RECURSION)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"error": "", "spent": False}
        try:
            answer["error"] = _answer(request)
        except MemoryError:  # what was taken is not given back
            size = f"{memory_bytes / 1e9:.1f} GB"
            answer = {
                "error": f"{request['path']}: needs more than the {size} that it may take. Split it.",
                "spent": True,
            }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
