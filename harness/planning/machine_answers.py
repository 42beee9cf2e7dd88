"""Answers of workers that this machine remembers for its user, whatever the store: a new store does not have all data read again.

One file per question lies in the user's cache folder, beside the cards. An answer counts where the same would be asked again, in the same
surroundings, and while all files that were read for it are as they were. ``HARNESS_ANSWERS=off`` has nothing remembered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.planning.fact_questions import Question
from harness.registry.canonical_json import json_digest
from harness.registry.card_cache import cache_folder
from harness.registry.file_states import files_unchanged
from harness.registry.surroundings import surroundings_digest
from harness.store.atomic import temporary_name

SWITCH, OFF = "HARNESS_ANSWERS", "off"
MAX_BYTES = 2**28  # of all answers; those that were given longest ago go first


class MachineAnswers:
    """The answers that one process is given, and those that others of its user were."""

    def __init__(self) -> None:
        self.folder = cache_folder().parent / "answers"
        self._pruned = False

    def get(self, question: Question[Any]) -> Mapping[str, Any] | None:
        """An answer that still counts; None for one that is not there, out of date or damaged."""
        try:
            found = json.loads(self._file(question).read_bytes())
            answer = found["answer"]
            return answer if found["checksum"] == json_digest(answer) and files_unchanged(answer["read"]) else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def put(self, question: Question[Any], answer: Mapping[str, Any]) -> None:
        """Remember an answer; nothing is where the folder cannot be written, or what is said has no digest (NaN)."""
        file = self._file(question)
        temporary = file.with_name(temporary_name(file.name))
        try:
            content = json.dumps({"checksum": json_digest(answer), "answer": answer})
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(content, "utf-8")
            temporary.replace(file)
            if not self._pruned:
                self._pruned = True
                self._prune()
        except (OSError, ValueError):
            with suppress(OSError):
                temporary.unlink()

    def _file(self, question: Question[Any]) -> Path:
        return self.folder / f"{json_digest([question.key, question.request, self._surroundings])}.json"

    @cached_property
    def _surroundings(self) -> str:
        return surroundings_digest()

    def _prune(self) -> None:
        """Remove the oldest answers while there are too many."""
        found = [(entry.path, entry.stat()) for entry in os.scandir(self.folder)]
        total = 0
        for path, state in sorted(found, key=lambda entry: entry[1].st_mtime_ns, reverse=True):
            total += state.st_size
            if total > MAX_BYTES:
                Path(path).unlink(missing_ok=True)


def machine_answers() -> MachineAnswers | None:
    """Those of this machine, unless none are wanted."""
    return None if os.environ.get(SWITCH) == OFF else MachineAnswers()
