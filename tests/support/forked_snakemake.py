"""Snakemake, forked for each call from a process that has imported it: imports take half the time of a dry run."""

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path


def forked_snakemake(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Do what `python -m snakemake` with these arguments does in `folder`, in the present environment."""
    with tempfile.TemporaryDirectory() as place:
        said = {name: Path(place, name) for name in ("stdout", "stderr")}
        request = {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(folder),
            "environment": dict(os.environ),
            "said": [str(path) for path in said.values()],
        }
        server = _server(os.environ.get("PYTHONPATH"))
        try:
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            status = int(server.stdout.readline())
        except BaseException:  # such as the time limit of a test: the next call must not read this one's answer
            server.kill()
            _server.cache_clear()
            raise
        texts = {name: path.read_text(encoding="utf-8") for name, path in said.items()}
    return subprocess.CompletedProcess(["snakemake", *request["arguments"]], status, **texts)


@cache
def _server(path: str | None) -> subprocess.Popen[str]:
    """The process to fork from, which ends with this one; each PYTHONPATH (`path`) has its own."""
    return subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )


def _serve() -> None:
    import jsonschema  # noqa: F401  # Snakemake imports these three later
    import nbformat  # noqa: F401
    import smart_open  # noqa: F401
    from snakemake.cli import get_argument_parser, main

    get_argument_parser()  # imports all plugins
    gc.freeze()
    # Instead of this file's folder, the current one, as with `python -m`.
    sys.path[0] = ""
    while line := sys.stdin.readline():
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os.chdir(request["folder"])
            os.environ.clear()
            os.environ.update(request["environment"])
            opened = [os.open(os.devnull, os.O_RDONLY)]
            opened += [os.open(path, os.O_WRONLY | os.O_CREAT) for path in request["said"]]
            for number, one in enumerate(opened):
                os.dup2(one, number)
            sys.argv = ["snakemake", *request["arguments"]]
            main()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        _serve()
