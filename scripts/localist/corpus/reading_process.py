"""Reads untrusted files in a separate process with time and memory limits, so that a crash is contained.

Run as a module, it answers each line of JSON on standard input with a line on standard output.
Answers are JSON, never pickles: a malicious file that takes over the reading process must not reach the parent.
"""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from localist.corpus.settings import CorpusSettings
from localist.plumbing.errors import UserError

# Limits of processor time, which does not depend on the machine's load: for files up to a megabyte, and per further
# megabyte.
SECONDS = 25
SECONDS_PER_MEGABYTE = 30
MEMORY_BYTES = 1_800_000_000
# Python's recursion limit; the HTML reader needs three calls per level of nesting.
RECURSION = 7000
# Python's exit code after an uncaught exception.
PYTHON_ERROR = 1
ENVIRONMENT = "The file may be fine: rebuild the environment (make env), and check what PYTHONPATH adds to it."


class ReadingProcess:
    """Context manager of a process that reads files one after another; it is started on demand and after a crash."""

    def __init__(self, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        self.seconds, self.memory_bytes = seconds, memory_bytes
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "ReadingProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def pid(self) -> int | None:
        """Process id, or None if no process is running."""
        return self._process.pid if self._process else None

    def read(self, path: Path, settings: CorpusSettings, spool: Path) -> None:
        """Write the documents of `path` to `spool`, one line of JSON each (the fields of readers.Extracted).

        Raises UserError, naming the file, if it cannot be read, takes longer than its size allows, needs too much
        memory or crashes its reader.
        """
        seconds = self.seconds + SECONDS_PER_MEGABYTE * max(0.0, _megabytes(path) - 1)
        settings_read = dataclasses.asdict(settings)
        request = {"path": str(path), "settings": settings_read, "spool": str(spool), "seconds": seconds}
        process = self._process = self._process or self._start()
        answer = self._ask(process, request)
        if answer is None or answer["memory_spent"]:
            self._stop()
        if answer is None:
            if process.returncode == -signal.SIGXCPU:
                raise UserError(
                    f"{path}: timed out after {seconds:.0f} s of processor time (damaged or malicious file). "
                    "Leave it out."
                )
            if process.returncode == PYTHON_ERROR:
                raise UserError(f"{path}: not read: the process that reads files failed to start. {ENVIRONMENT}")
            raise UserError(
                f"{path}: its reader crashed (exit code {process.returncode}): the file is damaged or needs more than "
                f"{self.memory_bytes / 1e9:.1f} GB. Leave it out, or split it."
            )
        if answer["error"]:
            raise UserError(answer["error"])

    def _start(self) -> subprocess.Popen[str]:
        places = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "localist.corpus.reading_process", str(self.memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # library warnings; errors are returned as answers
            text=True,
            encoding="utf-8",
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, places)),
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
            },
        )

    def _ask(self, process: subprocess.Popen[str], request: Mapping[str, Any]) -> dict[str, Any] | None:
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())
        except (BrokenPipeError, ValueError):  # no line, or not JSON
            return None

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(BrokenPipeError), process:  # closes the pipes and waits
                process.kill()


def spooled(path: Path) -> Iterator[dict[str, Any]]:
    """The documents that ReadingProcess.read wrote, one by one."""
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def _megabytes(path: Path) -> float:
    try:
        return path.stat().st_size / 1e6
    except OSError:
        return 0.0


def _answer(request: Mapping[str, Any]) -> str:
    """Read a file into its spool. Returns an error message, or an empty string on success."""
    path = Path(request["path"])
    try:
        from localist.corpus.readers import extract_file

        with Path(request["spool"]).open("wb") as stream:
            for extracted in extract_file(path, CorpusSettings(**request["settings"])):
                line = json.dumps(dataclasses.asdict(extracted), ensure_ascii=False) + "\n"
                stream.write(line.encode("utf-8", "replace"))  # lone surrogates cannot be encoded
    except UserError as error:
        return str(error)
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror or error}). Check the path and its permissions."
    except ImportError as error:
        return f"{path}: not read: a library cannot be loaded ({error}). {ENVIRONMENT}"
    except RecursionError:
        return f"{path}: is nested too deeply to be a book. Leave it out."
    except MemoryError:
        raise
    except Exception as error:  # library bugs triggered by damaged files
        return f"{path}: cannot be read: {type(error).__name__}: {error}. Get or save it again."
    return ""


def _limit(memory_bytes: int) -> None:
    with suppress(ImportError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: float) -> None:
    """End this process with SIGXCPU after `seconds` more seconds of processor time."""
    with suppress(ImportError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime + seconds), most))


def _serve(memory_bytes: int) -> None:
    _limit(memory_bytes)
    # Answers go to a copy of standard output; anything that libraries print goes to standard error.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.setrecursionlimit(RECURSION)
    for line in sys.stdin:
        request = json.loads(line)
        _limit_time(request["seconds"])
        answer = {"error": "", "memory_spent": False}
        try:
            answer["error"] = _answer(request)
        except MemoryError:  # the allocator does not return its memory: the next file needs a fresh process
            message = f"{request['path']}: needs more than {memory_bytes / 1e9:.1f} GB of memory. Split it."
            answer = {"error": message, "memory_spent": True}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
