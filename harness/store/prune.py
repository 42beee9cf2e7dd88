"""Listing of what a store holds, and removal of it by age, size or component. Links inside a store are neither followed nor counted."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.store.atomic import is_temporary
from harness.store.byte_sizes import parse_size
from harness.store.errors import StoreError, describe_os_error, wrap_read_errors, wrap_write_errors
from harness.store.folder import FileEntry, Folder
from harness.store.input_files import INPUTS_FOLDER
from harness.store.segments import DAMAGED_FOLDER, group_path
from harness.store.store import Store
from harness.store.weight_groups import CHECKPOINTS_KIND, WEIGHTS_KIND

SEGMENT_KINDS = ("rows", "maps", "shared", WEIGHTS_KIND, CHECKPOINTS_KIND)
ABANDONED_AFTER = 86400  # seconds after which a temporary file has no writer any more
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class GroupFiles:
    """All files of one explanation (its rows, its scores and its maps), of what explainers share, or of one training."""

    key: str
    component: str
    label: str
    files: int
    bytes: int
    written: float
    folders: tuple[str, ...]


@dataclass(frozen=True)
class StoreListing:
    """Everything that a store holds."""

    shown: str
    groups: list[GroupFiles]
    inputs: list[FileEntry]
    facts: int
    damaged: int

    @property
    def bytes(self) -> int:
        """Of all groups and inputs."""
        return sum(group.bytes for group in self.groups) + self.input_bytes

    @property
    def input_bytes(self) -> int:
        """Of the inputs."""
        return sum(file.size for file in self.inputs)


@dataclass(frozen=True)
class PruneResult:
    """Everything that was removed: whole groups, inputs, and columns of scores out of other groups."""

    groups: list[GroupFiles]
    inputs: list[FileEntry]
    scores: int = 0

    @property
    def bytes(self) -> int:
        """Of the groups and the inputs."""
        return sum(group.bytes for group in self.groups) + sum(file.size for file in self.inputs)


def list_store(store: Store) -> StoreListing:
    """List a store, the largest groups first; raises `StoreError` if it cannot be read."""
    with wrap_read_errors(store.shown):
        files: dict[str, dict[str, list[FileEntry]]] = {}
        for kind in SEGMENT_KINDS:
            for file in store.folder.walk_files(kind):
                folder, _, _ = file.path.rpartition("/")
                if folder.count("/") == 2:
                    files.setdefault(folder.rpartition("/")[2], {}).setdefault(folder, []).append(file)
        groups = sorted((_group_files(store, key, folders) for key, folders in files.items()), key=lambda entry: (-entry.bytes, entry.key))
        facts = sum(file.name.endswith(".json") for file in store.folder.walk_files("facts"))
        inputs = [file for file in store.folder.walk_files(INPUTS_FOLDER) if not is_temporary(file.name)]
        damaged = {file.path.split("/")[1] for file in store.folder.walk_files(DAMAGED_FOLDER)}
        return StoreListing(store.shown, groups, inputs, facts, len(damaged))


def list_components(store: Store) -> list[str]:
    """Names of all explainers and metrics that made something in the store."""
    groups = list_store(store).groups
    scored = (name for group in groups for name in store.described(group.key).get("scores", {}).values())
    return list(dict.fromkeys([*(group.component for group in groups), *scored]))


def prune(
    store: Store,
    *,
    older: str | None = None,
    size: str | None = None,
    component: str | None = None,
    inputs: bool = False,
    dry: bool = False,
) -> PruneResult:
    """Remove the groups not written to for ``older`` (``30d``), the oldest beyond a ``size`` (``20G``), those of a component.

    Conditions add up: a group goes if any names it. A ``component`` that is a metric takes its scores out of all groups.
    Inputs go that were not used for ``older``, the longest unused beyond a ``size`` before any group, or all if ``inputs``.
    Whatever the condition, temporary files that killed writers left more than a day ago go as well.

    Raises:
        StoreError: a span or a size that is none, or something cannot be removed; all else is removed first.
    """
    listing = list_store(store)
    groups, chosen = listing.groups, set[str]()
    unwanted = list(listing.inputs) if inputs else []
    if older is not None:
        limit = time.time() - _parse_span(older)
        chosen |= {group.key for group in groups if group.written < limit}
        unwanted += [file for file in listing.inputs if file.written < limit and not inputs]
    if component is not None:
        chosen |= {group.key for group in groups if fnmatchcase(group.component, component)}
    if size is not None:
        most = _parse_limit(size)
        results = sum(group.bytes for group in groups if group.key not in chosen)
        unwanted += _longest_unused(listing.inputs, unwanted, most - results)
        chosen |= set(_oldest_beyond(groups, most, chosen))
    gone = [group for group in groups if group.key in chosen]
    rest = [group for group in groups if component is not None and group.key not in chosen]
    scores = {group.key: _scores_of(store, group, component) for group in rest}
    if dry:
        return PruneResult(gone, unwanted, sum(map(len, scores.values())))
    failed = [[wrong for folder in group.folders if (wrong := _remove_folder(store.folder, folder)) is not None] for group in gone]
    if any(failed):
        raise StoreError(f"removed {failed.count([])} of {len(gone)} explanations: {next(filter(None, failed))[0]}")
    dropped = sum(store.drop_columns(key, columns) for key, columns in scores.items() if columns)
    with wrap_write_errors(store.shown):
        for path in (*(file.path for file in unwanted), *_leftovers(store)):
            store.folder.remove(path)
    return PruneResult(gone, unwanted, dropped)


def _remove_folder(folder: Folder, path: str) -> str | None:
    """Remove a folder with all that is in it; returns what is in the way, with its path."""
    try:
        folder.clear(path)
    except OSError as error:
        return f"{folder.shown(path)} cannot be removed: {describe_os_error(error)}"
    return None


def _leftovers(store: Store) -> list[str]:
    """Temporary files whose writers are long dead."""
    limit = time.time() - ABANDONED_AFTER
    with wrap_read_errors(store.shown):
        files = [
            *store.folder.files(),
            *(file for kind in (*SEGMENT_KINDS, "facts", INPUTS_FOLDER) for file in store.folder.walk_files(kind)),
        ]
    return [file.path for file in files if is_temporary(file.name) and file.written < limit]


def _scores_of(store: Store, group: GroupFiles, metric: str | None) -> set[str]:
    """The columns of a group that a metric (a name or a glob) scored and that are there."""
    if metric is None or group_path("rows", group.key) not in group.folders:
        return set()
    named = {key for key, name in store.described(group.key).get("scores", {}).items() if fnmatchcase(name, metric)}
    return named & store.columns(group.key) if named else set()


def _oldest_beyond(groups: list[GroupFiles], size: float, already: set[str]) -> Iterator[str]:
    left = [group for group in groups if group.key not in already]
    total = sum(group.bytes for group in left)
    for group in sorted(left, key=lambda entry: entry.written):
        if total <= size:
            return
        total -= group.bytes
        yield group.key


def _longest_unused(files: Sequence[FileEntry], already: Sequence[FileEntry], size: int) -> list[FileEntry]:
    """The inputs that go beside those that go already, for the others to take no more than ``size`` bytes."""
    going = {file.path for file in already}
    left = sorted((file for file in files if file.path not in going), key=lambda file: file.written)
    total, found = sum(file.size for file in left), []
    for file in left:
        if total <= size:
            break
        total -= file.size
        found.append(file)
    return found


def _group_files(store: Store, key: str, folders: Mapping[str, Sequence[FileEntry]]) -> GroupFiles:
    files = [file for found in folders.values() for file in found]
    described = store.described(key)
    return GroupFiles(
        key,
        described.get("component", "?"),
        described.get("label", "?"),
        len(files),
        sum(file.size for file in files),
        max(file.written for file in files),
        tuple(folders),
    )


def _parse_limit(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise StoreError(str(error)) from error


def _parse_span(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z])", text.strip())
    unit = _SPANS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise StoreError(f"{text!r} is not a span such as 30d or 12h")
    return float(match[1]) * unit
