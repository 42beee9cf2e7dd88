"""Asking child processes about components, so that an import that hangs or kills its process breaks that component only."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from harness.processes.launch import child_environment, current_search_path, module_command

IMPORT_TIMEOUT = 120.0
"""Seconds that one import may take."""


@dataclass(frozen=True)
class ExtractionRequest:
    """One import to make: ``what`` is an entry (``id``, ``kind``, ``target``) or, for a plugin file, its path."""

    id: str
    what: Mapping[str, str] | None = None

    @property
    def module(self) -> str:
        """What is imported."""
        return self.id if self.what is None else self.what["target"].split(":")[0]


def extract_facts(questions: Sequence[ExtractionRequest], limit: float = IMPORT_TIMEOUT) -> dict[str, dict[str, Any]]:
    """The answer to each question by its id: what `harness.registry.extraction_child` says, or ``{"error": …, "killed": True}``.

    One child answers all. Where it dies, the component that it was at is asked again alone, to be sure that it is to blame; where it
    hangs, all of that module are to blame. The others go on in a new child.
    """
    answers: dict[str, dict[str, Any]] = {}
    waiting = list(questions)
    while waiting:
        found, culprit, reason = _run_child(waiting, limit)
        answers.update(found)
        waiting = [question for question in waiting if question.id not in answers]
        if culprit is None:
            continue
        blamed = next(question for question in waiting if question.id == culprit)
        if len(found) > 0 and "hangs" not in reason:
            alone, again, reason_alone = _run_child([blamed], limit)
            answers.update(alone)
            reason = reason_alone if again is not None else reason
        if blamed.id not in answers:
            together = [question for question in waiting if "hangs" in reason and question.module == blamed.module]
            answers.update({question.id: {"error": reason, "killed": True} for question in [blamed, *together]})
        waiting = [question for question in waiting if question.id not in answers]
    return answers


def _run_child(questions: Sequence[ExtractionRequest], limit: float) -> tuple[dict[str, dict[str, Any]], str | None, str]:
    """Answers, the id of what killed the child (or None), and how."""
    answers: dict[str, dict[str, Any]] = {}
    current: str | None = None
    with tempfile.TemporaryFile() as errors:
        process = _start_child(questions, errors)
        try:
            for line in _read_lines(process, limit):
                if "begin" in line:
                    current = line["begin"]
                else:
                    answers[line.pop("end")] = line
                    current = None
        except TimeoutError:
            return answers, current or _first_unanswered(questions, answers), f"its import hangs: not done after {limit:g} s"
        else:
            status = _exit_status(process)
        finally:
            _kill_process_group(process)
        missing = _first_unanswered(questions, answers)
        if missing is None:
            return answers, None, ""
        return answers, current or missing, f"its import {_format_exit(status)}{_stderr_tail(errors)}"


def _first_unanswered(questions: Sequence[ExtractionRequest], answers: Mapping[str, Any]) -> str | None:
    return next((question.id for question in questions if question.id not in answers), None)


def _start_child(questions: Sequence[ExtractionRequest], errors: IO[bytes]) -> subprocess.Popen[str]:
    request = {
        "path": current_search_path(),
        "entries": [question.what for question in questions if question.what is not None],
        "files": [question.id for question in questions if question.what is None],
    }
    process = subprocess.Popen(
        module_command("harness.registry.extraction_child"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        env=child_environment(),
        start_new_session=True,
    )
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(request))
        process.stdin.close()
    except BrokenPipeError:
        process.wait()
    return process


def _read_lines(process: subprocess.Popen[str], limit: float) -> Iterator[dict[str, Any]]:
    """The child's JSON lines; raises ``TimeoutError`` where the next takes longer than ``limit`` seconds."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=limit)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            return
        try:
            answer = json.loads(line)
        except json.JSONDecodeError:
            return
        yield answer


def _kill_process_group(process: subprocess.Popen[str]) -> None:
    """End the child and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def _exit_status(process: subprocess.Popen[str]) -> int:
    """The exit status of a child that has closed its output."""
    try:
        return process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        return 0


def _format_exit(status: int) -> str:
    if status < 0:
        return f"kills the process ({signal.Signals(-status).name})"
    return f"ends the process (exit status {status})"


def _stderr_tail(errors: IO[bytes]) -> str:
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - 4000))
    lines = [line.rstrip() for line in errors.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return "".join(f"\n  {line}" for line in lines[-3:])
