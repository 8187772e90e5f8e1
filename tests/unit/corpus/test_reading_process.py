"""The reading process: its time and memory limits, crashes, and the data exchanged between the two processes."""

import dataclasses
import io
import json
import os
import signal
import sys
import threading

import pytest
from sample_files import CHAPTERS, TITLE, corpus, html, text, written

from localist.corpus import readers, reading_process
from localist.corpus.documents import Document, Section
from localist.corpus.reading_process import ReadingProcess, spooled
from localist.plumbing.errors import UserError


def test_documents_arrive_complete(tmp_path):
    """Catches a field lost between the two processes, and settings that do not reach the reader."""
    path = html(tmp_path)
    with ReadingProcess() as process:
        process.read(path, corpus(drop_sections=[CHAPTERS[1].heading]), tmp_path / "spool")
    (extracted,) = spooled(tmp_path / "spool")
    assert set(extracted) == {field.name for field in dataclasses.fields(readers.Extracted)}
    assert extracted["document"]["title"] == TITLE and extracted["kind"] == "html"
    assert [one["heading"] for one in extracted["document"]["sections"]] == [CHAPTERS[0].heading]


def test_one_process_reads_several_files_and_ends_with_the_context(tmp_path):
    """Catches a new process for each file, which costs seconds, and a process left running."""
    path = text(tmp_path)
    with ReadingProcess() as process:
        assert process.pid is None
        process.read(path, corpus(), tmp_path / "spool")
        first = process.pid
        process.read(path, corpus(), tmp_path / "spool")
        assert process.pid == first
    assert process.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a_timeout_is_reported_and_a_fresh_process_reads_on(tmp_path):
    """Catches a time limit that does not stop the reader, or affects the next file."""
    path, slow = text(tmp_path), written(tmp_path / "slow.md", b"[" * 400_000)
    with ReadingProcess() as process:
        process.read(path, corpus(), tmp_path / "spool")
        first, process.seconds = process.pid, 1.0
        with pytest.raises(UserError, match=r"slow\.md: timed out after 1 s of processor time .*Leave it out"):
            process.read(slow, corpus(), tmp_path / "spool")
        process.seconds = reading_process.SECONDS
        process.read(path, corpus(), tmp_path / "spool")
        assert process.pid not in (None, first)


def test_a_busy_machine_does_not_cause_timeouts(tmp_path):
    """Catches a limit on wall-clock time, which other programs use up."""
    path = text(tmp_path)
    with ReadingProcess() as process:
        process.read(path, corpus(), tmp_path / "spool")
        process.seconds = 1.0
        os.kill(process.pid, signal.SIGSTOP)
        threading.Timer(3.0, os.kill, (process.pid, signal.SIGCONT)).start()
        process.read(path, corpus(), tmp_path / "spool")
    assert len(list(spooled(tmp_path / "spool"))) == 1


def test_a_crash_is_reported_and_a_fresh_process_reads_on(tmp_path, monkeypatch):
    """Catches a segmentation fault in a library that ends the study, or is taken for an empty book."""
    path = text(tmp_path)
    crash = [sys.executable, "-c", "import os, signal; input(); os.kill(os.getpid(), signal.SIGSEGV)"]
    popen = reading_process.subprocess.Popen
    with ReadingProcess() as process:
        monkeypatch.setattr(reading_process.subprocess, "Popen", lambda command, **options: popen(crash, **options))
        with pytest.raises(UserError, match=r"sample\.txt: its reader crashed \(exit code -11\).*Leave it out"):
            process.read(path, corpus(), tmp_path / "spool")
        monkeypatch.undo()
        process.read(path, corpus(), tmp_path / "spool")
    assert len(list(spooled(tmp_path / "spool"))) == 1


@pytest.mark.slow
def test_exceeded_memory_is_reported_and_the_next_file_is_read(tmp_path):
    """Catches a file that exhausts the machine's memory, and a process left without memory for the next files."""
    large = written(tmp_path / "large.txt", b"A word.\n\n" * 6_000_000)
    # Enough time even on a busy machine: the memory limit must be reached first.
    with ReadingProcess(100, memory_bytes=400_000_000) as process:
        with pytest.raises(UserError, match=r"bad\.pdf"):
            process.read(written(tmp_path / "bad.pdf", b"%PDF-1.4\n%%EOF"), corpus(), tmp_path / "spool")
        with pytest.raises(UserError, match=r"large\.txt: .*(0\.4 GB).*(Split it|split it)"):
            process.read(large, corpus(), tmp_path / "spool")
        process.read(text(tmp_path), corpus(), tmp_path / "spool")


def test_a_malformed_answer_is_reported_as_a_crash(tmp_path, monkeypatch):
    """Catches a study that fails on the answer of a reading process hijacked by its file."""
    babble = [sys.executable, "-c", "input(); print('not JSON', flush=True); input()"]
    popen = reading_process.subprocess.Popen
    monkeypatch.setattr(reading_process.subprocess, "Popen", lambda command, **options: popen(babble, **options))
    with ReadingProcess() as process, pytest.raises(UserError, match=r"sample\.txt: its reader crashed"):
        process.read(text(tmp_path), corpus(), tmp_path / "spool")


def test_the_callers_python_path_is_kept(tmp_path, monkeypatch):
    """Catches libraries found by the caller's process, but not by the reading process."""
    library = tmp_path / "library"
    library.mkdir()
    written(library / "sitecustomize.py", f"open({str(tmp_path / 'seen')!r}, 'w').close()".encode())
    monkeypatch.setenv("PYTHONPATH", str(library))
    with ReadingProcess() as process:
        process.read(text(tmp_path), corpus(), tmp_path / "spool")
    assert (tmp_path / "seen").exists()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("lxml", r"html: not read: a library cannot be loaded \(broken on purpose\)\. The file may be fine"),
        ("dataclasses", "html: not read: the process that reads files failed to start. The file may be fine"),
    ],
)
def test_a_broken_library_is_not_taken_for_a_damaged_file(tmp_path, monkeypatch, module, message):
    """Catches an intact book reported as damaged because a library of the environment cannot be imported."""
    path = html(tmp_path)
    (tmp_path / "library").mkdir()
    written(tmp_path / "library" / f"{module}.py", b"raise ImportError('broken on purpose')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "library"))
    with ReadingProcess() as process, pytest.raises(UserError, match=message):
        process.read(path, corpus(), tmp_path / "spool")


def asked(monkeypatch, tmp_path, extract_file):
    """The error that the reading process returns if `extract_file` reads the file."""
    monkeypatch.setattr(readers, "extract_file", extract_file)
    path, settings = written(tmp_path / "a.txt", "x"), dataclasses.asdict(corpus())
    return reading_process._answer({"path": str(path), "settings": settings, "spool": str(tmp_path / "spool")})


def raising(error):
    def extract_file(path, settings):
        raise error
        yield

    return extract_file


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UserError("a.txt: is odd. Mend it."), "a.txt: is odd. Mend it."),
        (PermissionError(13, "Permission denied"), "cannot be read (Permission denied). Check"),
        (RecursionError(), "nested too deeply"),
        (KeyError("oops"), "cannot be read: KeyError: 'oops'. Get or save it again."),
    ],
)
def test_every_reader_error_becomes_a_message(tmp_path, monkeypatch, error, message):
    """Catches a library bug that ends the process, and messages without the file or a remedy."""
    said = asked(monkeypatch, tmp_path, raising(error))
    assert message in said and "a.txt" in said


def test_lone_surrogates_do_not_break_the_spool(tmp_path, monkeypatch):
    """Catches a whole file lost because of a lone surrogate, which UTF-8 cannot encode."""
    document = Document("title", (Section("", "half \ud800 of one"),))
    extracted = readers.Extracted(document, "text", "", None, 0, {}, {}, (), ())
    assert asked(monkeypatch, tmp_path, lambda path, settings: iter([extracted])) == ""
    (one,) = spooled(tmp_path / "spool")
    assert one["document"]["sections"][0]["text"] == "half ? of one"


def test_library_output_is_not_taken_for_an_answer(tmp_path, monkeypatch, capfd):
    """Catches output that a library prints to standard output taken for the answer to a request."""

    def chatty(path, settings):
        os.write(1, b'{"error": "", "memory_spent": false}\n')
        raise UserError("the real answer")
        yield

    monkeypatch.setattr(readers, "extract_file", chatty)
    monkeypatch.setattr(reading_process.sys, "setrecursionlimit", lambda limit: None)
    request = {"path": "a.txt", "settings": dataclasses.asdict(corpus()), "spool": str(tmp_path / "spool")}
    request["seconds"] = 1e6  # of processor time of this process
    monkeypatch.setattr(reading_process.sys, "stdin", io.StringIO(json.dumps(request) + "\n"))
    before = os.dup(1)
    try:
        reading_process._serve(-1)  # no limit on the memory of this process
    finally:
        os.dup2(before, 1)
        os.close(before)
    lines = capfd.readouterr().out.splitlines()
    assert [json.loads(line)["error"] for line in lines] == ["the real answer"]
