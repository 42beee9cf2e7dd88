"""Weights of networks that were trained, with the record of their training, and checkpoints of trainings that are not finished."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from harness.store.errors import wrap_read_errors, wrap_write_errors
from harness.store.folder import FileEntry
from harness.store.map_files import USUAL_HEADER
from harness.store.segments import MALFORMED_JSON_ERRORS, SegmentGroups, group_path

WEIGHTS_KIND, CHECKPOINTS_KIND = "weights", "checkpoints"
_SUFFIX = ".safetensors"
_RECORD = "record"  # what a file's metadata has the record under, as JSON
_NO_RECORD: dict[str, Any] = {}


@dataclass(frozen=True)
class TrainedWeights:
    """One training that a store has something of.

    Attributes:
        key: its group.
        finished: whether these are its weights, or only a checkpoint.
        record: what is known of it.
        bytes: of the file; written: when (seconds since the epoch).
    """

    key: str
    finished: bool
    record: dict[str, Any]
    bytes: int
    written: float


class WeightGroups(SegmentGroups):
    """Of each training one file of weights, which stays, or one checkpoint, which the next one replaces.

    Files are safetensors, whose metadata has the record as JSON (`record_metadata`).
    """

    def commit_weights(self, group: str, content: bytes) -> None:
        """Make the weights of a training durable; its checkpoints go."""
        with wrap_write_errors(self.shown):
            self._write_segment(WEIGHTS_KIND, group, _SUFFIX, content)
            self.folder.clear(group_path(CHECKPOINTS_KIND, group))

    def weights(self, group: str) -> bytes | None:
        """The file of a training's weights; of several, which trained beside one another, the one that was there first."""
        return self._newest_whole([file.path for file in reversed(self._files(WEIGHTS_KIND, group))])

    def keep_checkpoint(self, group: str, content: bytes) -> None:
        """Make a checkpoint durable, and remove those before it."""
        with wrap_write_errors(self.shown):
            before = self._segments(CHECKPOINTS_KIND, group, _SUFFIX)
            self._write_segment(CHECKPOINTS_KIND, group, _SUFFIX, content)
            for path in before:
                self.folder.remove(path)

    def checkpoint(self, group: str) -> bytes | None:
        """The last checkpoint of a training that is whole."""
        return self._newest_whole([file.path for file in self._files(CHECKPOINTS_KIND, group)])

    def has_weights(self, group: str) -> bool:
        """Whether a training is finished."""
        return bool(self._segments(WEIGHTS_KIND, group, _SUFFIX))

    def trainings(self) -> list[TrainedWeights]:
        """All trainings that there is something of, in the order in which it was written."""
        found: dict[str, TrainedWeights] = {}
        with wrap_read_errors(self.shown):
            for kind in (CHECKPOINTS_KIND, WEIGHTS_KIND):
                for file in self.folder.walk_files(kind):
                    if file.name.endswith(_SUFFIX) and not file.name.startswith("."):
                        key = file.path.split("/")[-2]
                        record = self._record_of(file.path)
                        found[key] = TrainedWeights(key, kind == WEIGHTS_KIND, record, file.size, file.written)
        return sorted(found.values(), key=lambda training: (training.written, training.key))

    def _files(self, kind: str, group: str) -> list[FileEntry]:
        """The files of a group, the last written first."""
        with wrap_read_errors(self.shown):
            files = self.folder.files(group_path(kind, group))
        named = [file for file in files if file.name.endswith(_SUFFIX) and not file.name.startswith(".")]
        return sorted(named, key=lambda file: (file.written, file.name), reverse=True)

    def _newest_whole(self, paths: list[str]) -> bytes | None:
        """The first of these that is whole and has a record."""
        for path, content in self._contents(paths):
            with self._setting_aside(path):
                read_record(content)
                return content
        return None

    def _record_of(self, path: str) -> dict[str, Any]:
        """The record in a file's header; empty where it cannot be read."""
        for _, start in self.folder.read_heads([path], USUAL_HEADER):
            try:
                size = 8 + int.from_bytes(start[:8], "little") if isinstance(start, bytes) else 0
                if size > USUAL_HEADER:
                    _, start = next(iter(self.folder.read_heads([path], size)))
                return _NO_RECORD if isinstance(start, OSError) else read_record(start)
            except MALFORMED_JSON_ERRORS:
                return _NO_RECORD
        return _NO_RECORD


def record_metadata(record: dict[str, Any]) -> dict[str, str]:
    """The metadata of a safetensors file that has a record."""
    return {_RECORD: json.dumps(record)}


def read_record(content: bytes) -> dict[str, Any]:
    """The record in the metadata of a safetensors file; raises ``ValueError`` or ``LookupError`` where there is none."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    record: dict[str, Any] = json.loads(header["__metadata__"][_RECORD])
    return record
