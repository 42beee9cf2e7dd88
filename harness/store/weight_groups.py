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

    def weights_file(self, group: str) -> str | None:
        """The name of that file, which has the checksum of its content in it."""
        return next((file.name for file in reversed(self._files(WEIGHTS_KIND, group))), None)

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
        """Whether a training is finished: the file of its weights is as long as it says. That it is whole is found out when it is read."""
        return any(0 < self._stated_size(file.path) == file.size for file in self._files(WEIGHTS_KIND, group))

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
        try:
            return read_record(self._head_of(path))
        except MALFORMED_JSON_ERRORS:
            return {}

    def _stated_size(self, path: str) -> int:
        """Bytes that a file has by its header; 0 where that cannot be read."""
        try:
            head = self._head_of(path)
            tensors = [entry for name, entry in _header(head).items() if name != "__metadata__"]
            return _header_size(head) + max((entry["data_offsets"][1] for entry in tensors), default=0)
        except MALFORMED_JSON_ERRORS:
            return 0

    def _head_of(self, path: str) -> bytes:
        """A file as far as its header goes, or less where it cannot be read."""
        found = b""
        for size in (USUAL_HEADER, None):
            with wrap_read_errors(self.shown):
                _, start = next(iter(self.folder.read_heads([path], _header_size(found) if size is None else size)))
            found = start if isinstance(start, bytes) else b""
            if not found or _header_size(found) <= len(found):
                break
        return found


def record_metadata(record: dict[str, Any]) -> dict[str, str]:
    """The metadata of a safetensors file that has a record."""
    return {_RECORD: json.dumps(record)}


def read_record(content: bytes) -> dict[str, Any]:
    """The record in the metadata of a safetensors file; raises ``ValueError`` or ``LookupError`` where there is none."""
    record: dict[str, Any] = json.loads(_header(content)["__metadata__"][_RECORD])
    return record


def _header(content: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(content[8 : _header_size(content)])
    return header


def _header_size(content: bytes) -> int:
    """Bytes before the tensors."""
    return 8 + int.from_bytes(content[:8], "little")
