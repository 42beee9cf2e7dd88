"""A folder in a place that fsspec knows: an object store, or another machine's files."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from harness.store.address import protocol_of, redact_credentials
from harness.store.atomic import temporary_name
from harness.store.bounded_cache import BoundedCache
from harness.store.errors import UnreachableError
from harness.store.folder import FileEntry, ReadResults
from harness.store.fsspec_drivers import open_filesystem, to_unreachable_error
from harness.store.segments import is_intact

WHOLE_AT_ONCE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "tos", "memory"}
"""Protocols whose objects appear under their name when they are whole; elsewhere a file is moved there."""
CONCURRENT_FETCHES = 16  # files that are fetched at the same time, if the driver can
MAX_CACHED_BYTES = 2**27  # bytes of segments that one process keeps in memory
MODIFIED_KEYS = ("LastModified", "last_modified", "mtime", "updated", "modified", "modify", "created")  # what drivers call it


class RemotePlace:
    """A place of files as its driver has it, asked for one thing at a time if the driver is not made for several."""

    def __init__(self, url: str) -> None:
        self.address = url
        self._fs, root = open_filesystem(url)
        self._root = root.rstrip("/")
        self._whole_at_once = protocol_of(url) in WHOLE_AT_ONCE
        self._turn: Any = contextlib.nullcontext() if self._fs.async_impl else threading.RLock()

    def _write_beside(self, path: str, content: bytes) -> None:
        folder, _, name = path.rpartition("/")
        temporary = f"{folder}/{temporary_name(name)}" if folder else temporary_name(name)
        self._fs.makedirs(self._at(folder), exist_ok=True)
        try:
            with self._fs.open(self._at(temporary), "wb") as stream:
                stream.write(content)
                _sync_stream(stream)
            self._replace(temporary, path)
        except BaseException:
            with contextlib.suppress(Exception):
                self._fs.rm_file(self._at(temporary))
            raise

    def _replace(self, path: str, to: str) -> None:
        """Move a file; if a place refuses to replace what is there, that goes first."""
        try:
            self._fs.mv(self._at(path), self._at(to))
        except Exception:
            if not self._fs.exists(self._at(to)):
                raise
            self._fs.rm_file(self._at(to))
            self._fs.mv(self._at(path), self._at(to))

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """One call at a time if a driver is not made for several; what it raises becomes an ``OSError`` of one line."""
        try:
            with self._turn:
                yield
        except FileNotFoundError:
            raise
        except (MemoryError, UnreachableError):
            raise
        except Exception as error:
            raise to_unreachable_error(error, self.address) from error


class RemoteFolder(RemotePlace):
    """Implements `harness.store.folder.Folder`.

    Nothing that others may change is remembered, listings neither; segments, which nobody changes, are kept in memory up to a bound, but
    for those that have come damaged: what is put in their place is read.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._shown = redact_credentials(url).rstrip("/")
        self._recent: BoundedCache[bytes] = BoundedCache(MAX_CACHED_BYTES)

    def shown(self, path: str = "") -> str:
        """The URL without its password."""
        return f"{self._shown}/{path}" if path else self._shown

    # reading

    def read(self, path: str) -> bytes:
        """The content of a file."""
        kept = self._recent.get(path)
        if kept is not None:
            return kept
        with self._asking():
            content = bytes(self._fs.cat_file(self._at(path)))
        self._keep(path, content)
        return content

    def read_many(self, paths: Sequence[str]) -> ReadResults:
        """Several at the same time, but for those that are kept."""
        return self._read_batches(paths, CONCURRENT_FETCHES, None)

    def _fetched(self, paths: list[str], size: int | None) -> ReadResults:
        if not paths:
            return
        with self._asking():
            contents = self._fs.cat_ranges([self._at(path) for path in paths], None if size is None else 0, size, on_error="return")
        for path, content in zip(paths, contents, strict=True):
            if isinstance(content, FileNotFoundError):
                yield path, content
            elif isinstance(content, BaseException):
                yield path, to_unreachable_error(content, self.address)
            else:
                self._keep(path, content)
                yield path, bytes(content)

    def read_heads(self, paths: Sequence[str], size: int) -> ReadResults:
        """Several at the same time, but for those that are kept."""
        for path, start in self._read_batches(paths, 4 * CONCURRENT_FETCHES, size):
            # out of reach, says a place of a range in an empty file, too
            yield path, self.read(path) if isinstance(start, UnreachableError) else start

    def _read_batches(self, paths: Sequence[str], most: int, size: int | None) -> ReadResults:
        """Whole files, or their first ``size`` bytes, so many at the same time."""
        for some in (paths[start : start + most] for start in range(0, len(paths), most)):
            found: dict[str, bytes | OSError] = {path: kept[:size] for path in some if (kept := self._recent.get(path)) is not None}
            found.update(self._fetched([path for path in some if path not in found], size))
            yield from ((path, found[path]) for path in some)

    def _keep(self, path: str, content: bytes) -> None:
        if len(content) <= MAX_CACHED_BYTES // 4 and is_intact(_base_name(path), content):
            self._recent.put(path, content)

    # writing

    def write(self, path: str, content: bytes) -> None:
        """At once if an object appears whole, else under a temporary name and moved."""
        try:
            with self._asking():
                if self._whole_at_once:
                    self._fs.pipe_file(self._at(path), content)
                else:
                    self._write_beside(path, content)
        except FileNotFoundError as error:
            raise to_unreachable_error(error, self.address) from error
        self._keep(path, content)

    # folders

    def names(self, path: str) -> list[str]:
        """Of files; a prefix that nothing has is an empty folder."""
        return [_base_name(info["name"]) for info in self._listed(path) if info["type"] == "file"]

    def files(self, path: str = "") -> list[FileEntry]:
        """Files that the place lists."""
        return [self._entry(info) for info in self._listed(path) if info["type"] == "file"]

    def _listed(self, path: str) -> list[dict[str, Any]]:
        with self._asking():
            self._fs.invalidate_cache()
            try:
                found = self._fs.ls(self._at(path), detail=True)
            except FileNotFoundError:
                return []
        inside = self._at(path) + "/"
        return [info for info in found if self._fs._strip_protocol(info["name"]).startswith(inside)]

    def walk_files(self, path: str) -> Iterator[FileEntry]:
        """Files that the place lists."""
        with self._asking():
            self._fs.invalidate_cache()
            found = self._fs.find(self._at(path), detail=True)
        yield from (self._entry(info) for info in found.values() if info["type"] == "file")

    def _entry(self, info: dict[str, Any]) -> FileEntry:
        inside = self._fs._strip_protocol(info["name"]).removeprefix(self._root).strip("/")
        return FileEntry(inside, int(info.get("size") or 0), _modified_seconds(info.get(name) for name in MODIFIED_KEYS))

    def move(self, path: str, to: str) -> None:
        """A file."""
        with self._asking():
            if not self._whole_at_once:
                self._fs.makedirs(self._at(to.rpartition("/")[0]), exist_ok=True)
            self._replace(path, to)
        self._recent.drop(path)

    def remove(self, path: str) -> bool:
        """An object store does not say whether there was an object."""
        self._recent.drop(path)
        try:
            with self._asking():
                self._fs.rm_file(self._at(path))
        except FileNotFoundError:
            return False
        return True

    def clear(self, path: str) -> None:
        """Again and again while another run compacts it."""
        while first := next(iter(self.walk_files(path)), None):
            with contextlib.suppress(FileNotFoundError), self._asking():
                self._fs.rm(self._at(path), recursive=True)
            self._recent.drop(first.path)


def _base_name(path: str) -> str:
    return path.rpartition("/")[2]


def _sync_stream(stream: Any) -> None:
    """Have a file of this machine synced, if that is what it is."""
    stream.flush()
    with contextlib.suppress(AttributeError, io.UnsupportedOperation):
        os.fsync(stream.fileno())


def _modified_seconds(stated: Iterable[Any]) -> float:
    """Seconds since the epoch; now if a place does not say, so that nothing is taken for old."""
    for value in stated:
        with contextlib.suppress(ValueError):
            if isinstance(value, str):
                value = datetime.fromisoformat(value)
            if isinstance(value, datetime):
                return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
            if isinstance(value, (int, float)):
                return float(value)
    return datetime.now(UTC).timestamp()
