"""Asking child processes about components, so that an import that hangs or kills its process breaks that component only."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.processes.child_process import ChildProcess

IMPORT_TIMEOUT = 120.0
"""Seconds that one import may take."""


@dataclass(frozen=True)
class ExtractionRequest:
    """One import to make: ``what`` is an entry (``id``, ``kind``, ``target``) or, for a plugin file, its path."""

    id: str
    what: Mapping[str, str] | None = None

    @property
    def module(self) -> str:
        """Module that is imported."""
        return self.id if self.what is None else self.what["target"].split(":")[0]

    @property
    def source(self) -> str:
        """The distribution or the file that it is of."""
        return self.id if self.what is None else self.id.partition(":")[0]


def tell_nobody(source: str) -> None:
    """Let nobody know what is imported."""


def extract_facts(
    questions: Sequence[ExtractionRequest], limit: float = IMPORT_TIMEOUT, importing: Callable[[str], object] = tell_nobody
) -> dict[str, dict[str, Any]]:
    """The answer to each question by its id: what `harness.registry.extraction_child` says, or ``{"error": …, "killed": True}``.

    One child answers all. Where it dies, the component that it was at is asked again alone, to be sure that it is to blame; where it
    hangs, all of that module are to blame. The others go on in a new child. ``importing`` is told the source of each before its import.
    """
    answers: dict[str, dict[str, Any]] = {}
    waiting = list(questions)
    while waiting:
        found, culprit, reason = _run_child(waiting, limit, importing)
        answers.update(found)
        waiting = [question for question in waiting if question.id not in answers]
        if culprit is None:
            continue
        blamed = next(question for question in waiting if question.id == culprit)
        if len(found) > 0 and "hangs" not in reason:
            alone, again, reason_alone = _run_child([blamed], limit, importing)
            answers.update(alone)
            reason = reason_alone if again is not None else reason
        if blamed.id not in answers:
            together = [question for question in waiting if "hangs" in reason and question.module == blamed.module]
            answers.update({question.id: {"error": reason, "killed": True} for question in [blamed, *together]})
        waiting = [question for question in waiting if question.id not in answers]
    return answers


def _run_child(
    questions: Sequence[ExtractionRequest], limit: float, importing: Callable[[str], object]
) -> tuple[dict[str, dict[str, Any]], str | None, str]:
    """Answers, the id of what killed the child (or None), and how."""
    answers: dict[str, dict[str, Any]] = {}
    current: str | None = None
    sources = {question.id: question.source for question in questions}
    request = {
        "entries": [question.what for question in questions if question.what is not None],
        "files": [question.id for question in questions if question.what is None],
    }
    with tempfile.NamedTemporaryFile(prefix="harness-") as log:
        with closing(ChildProcess("harness.registry.extraction_child", request, log=Path(log.name))) as child:
            while (message := child.receive(limit)) is not None:
                if "begin" in message:
                    current = message["begin"]
                    importing(sources[current])
                else:
                    answers[message.pop("end")] = message
                    current = None
        culprit = current or next((question.id for question in questions if question.id not in answers), None)
        if culprit is None:
            return answers, None, ""
        if child.killed_for == "timeout":
            return answers, culprit, f"its import hangs: not done after {limit:g} s"
        printed = [line.rstrip() for line in child.last_words().splitlines() if line.strip()]
        return answers, culprit, "\n  ".join([f"its import ends the process ({child.describe_exit()})", *printed[-3:]])
