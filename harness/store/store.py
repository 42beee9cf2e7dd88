"""The folder that runs share: finished rows, maps and remembered facts. Finished means committed here."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from safetensors import SafetensorError

from harness.store import maps as map_files
from harness.store import rows as row_files
from harness.store.aligned import Known, Samples, aligned
from harness.store.errors import NoStore, advised, reading, reason, says_nothing, writing
from harness.store.errors import StoreError as StoreError
from harness.store.index import Index, Marks, marks
from harness.store.maps import SampleKey, StoredMaps
from harness.store.opening import folder_at
from harness.store.rows import Row
from harness.store.segments import DamagedFile, checksum, segment_name, verified

LAYOUT_VERSION = 1
MARKER = "layout.json"
COMPACT_ABOVE = 16  # segments of one group before a run merges them
GATHER_ABOVE = 4  # segments of one group that one job wrote before it merges them
DESCRIPTION, DAMAGED = "recipe.json", "damaged"
_ROWS, _MAPS = ".parquet", ".safetensors"
_MISSHAPEN = (ValueError, LookupError, TypeError, AttributeError, RecursionError)  # what reading JSON of any shape may raise


class Store:
    """A store. Rows are grouped by the explanation (or prediction) that they belong to; see DESIGN's *Columns, keys, store*.

    Several processes may read and write one store at once: every file has a name of its own, and appears whole.

    Attributes:
        folder: where its files are.
        damaged: names of the files that were found damaged and set aside, with the reason.
    """

    def __init__(self, address: Path | str, *, new: bool = True) -> None:
        """Open the store at a path or URL; one is begun there where there is none, or with ``new=False`` `NoStore` is raised."""
        self.folder = folder_at(address)
        self.damaged: list[str] = []
        self._own: dict[str, list[str]] = {}
        self._index = Index()
        self._check_layout(new)

    @property
    def address(self) -> str:
        """What another process opens it by; it may carry credentials."""
        return self.folder.address

    @property
    def shown(self) -> str:
        """Where it is, for a person to read."""
        return self.folder.shown()

    def _check_layout(self, new: bool) -> None:
        try:
            version = json.loads(self.folder.read(MARKER))["version"]
            if version != LAYOUT_VERSION:
                raise StoreError(
                    f"{self.shown} holds a store of layout {version}, and this harness reads {LAYOUT_VERSION}: use another --store"
                )
        except FileNotFoundError:
            if not new:
                raise NoStore(f"{self.shown} is not a store") from None
            with self._usable():
                self.folder.write(MARKER, json.dumps({"version": LAYOUT_VERSION}).encode())
        except _MISSHAPEN as error:
            raise StoreError(f"{self.folder.shown(MARKER)} is not a store's marker: {error}") from error
        except OSError as error:
            with self._usable():
                raise error

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(f"cannot use {self.shown} as a store: {advised(error)}") from error

    # rows

    def commit_rows(self, group: str, rows: Sequence[Row]) -> None:
        """Make rows durable; when this returns they are finished."""
        if rows:
            content = row_files.encode(rows)
            with writing(self.shown):
                path = self._write_segment("rows", group, _ROWS, content)
            self._own.setdefault(group, []).append(path)
            self._index.note(path, {row.sample for row in rows})

    def gather(self, group: str) -> None:
        """Merge what this object committed to a group since the last time, where it is in many segments: one per job is enough.

        As with `compact`, the small ones go only when the large one stands, and stay where they cannot be read now.
        """
        paths = self._own.pop(group, [])
        with contextlib.suppress(OSError):
            if len(paths) > GATHER_ABOVE:
                self._merge(group, dict(self._read(paths)))

    def known(self, group: str, samples: Samples) -> dict[str, dict[str, Known]]:
        """What the finished rows of a group say of samples: column → field → `Known`; damaged segments are set aside and named."""
        return aligned(list(self._tables(group, marks(samples.ids)).values()), samples)

    def columns(self, group: str) -> set[str]:
        """The columns of which a group has rows."""
        tables = self._tables(group).values()
        return {column for table in tables for column in table.column("column").unique().to_pylist()}

    def compact(self, group: str) -> None:
        """Merge a group's many small segments into one; the small ones go only when the large one stands.

        Where the large one cannot be written the small ones stay: nothing is lost but time, and no run fails for it.
        """
        with contextlib.suppress(OSError):
            if len(self._segments("rows", group, _ROWS)) > COMPACT_ABOVE:
                self._merge(group, self._tables(group))

    def _merge(self, group: str, small: Mapping[str, pa.Table]) -> None:
        with contextlib.suppress(OSError):
            self._write_segment("rows", group, _ROWS, row_files.encode_table(row_files.merged(list(small.values()))))
            for path in small:
                self.folder.remove(path)

    def _tables(self, group: str, wanted: Marks | None = None) -> dict[str, pa.Table]:
        """All readable segments, but for those that are known to hold none of the ``wanted`` samples.

        They are listed until nothing is new, since a listing made while another run compacts may hold neither all of the small ones nor the
        large one.
        """
        seen: dict[str, pa.Table | None] = {}
        while new := [path for path in self._segments("rows", group, _ROWS) if path not in seen]:
            seen.update(dict.fromkeys(new))
            for path, table in self._read(new if wanted is None else self._index.worth_reading(new, wanted)):
                seen[path] = table
                self._index.note(path, row_files.samples_in(table))
        return {path: table for path, table in seen.items() if table is not None}

    def _read(self, paths: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
        for path, content in self._contents(paths):
            with self._setting_aside(path):
                yield path, row_files.decode(content)

    # maps

    def commit_maps(self, group: str, maps: StoredMaps) -> None:
        """Make maps durable."""
        if maps.samples:
            content = map_files.encode(maps)
            with writing(self.shown):
                self._write_segment("maps", group, _MAPS, content)

    def maps(self, group: str, wanted: Collection[SampleKey]) -> StoredMaps | None:
        """The maps of the wanted samples that are stored, in no particular order; None where there is none."""
        pieces: list[StoredMaps] = []
        missing = set(wanted)
        with reading(self.shown):
            paths = self._index.worth_reading(self._segments("maps", group, _MAPS), marks(sample for sample, _ in missing))
            stated = dict(map_files.samples_in(self.folder, paths))
            chosen = [path for path, samples in stated.items() if samples is None or not missing.isdisjoint(samples)]
            for path, samples in stated.items():
                if samples is not None:
                    self._index.note(path, {sample for sample, _ in samples})
        for path, content in self._contents(chosen):
            with self._setting_aside(path):
                stored = map_files.decode(content)
                if pieces and map_files.form(stored) != map_files.form(pieces[0]):
                    raise ValueError("its maps are of another form than those beside it")
                rows = [i for i, sample in enumerate(stored.samples) if sample in missing]
                if rows:
                    missing.difference_update(stored.samples[i] for i in rows)
                    pieces.append(stored.take(rows))
        return map_files.joined(pieces) if pieces else None

    def mapped(self, group: str) -> set[SampleKey]:
        """The samples whose maps are stored, as the files' headers say."""
        with reading(self.shown):
            stated = map_files.samples_in(self.folder, self._segments("maps", group, _MAPS))
            return {sample for _, samples in stated for sample in samples or ()}

    # facts and recipes

    def fact(self, key: str) -> Any | None:
        """A remembered JSON value, or None."""
        path = _fact_path(key)
        try:
            envelope = json.loads(self.folder.read(path))
            if envelope["checksum"] == checksum(json.dumps(envelope["value"], sort_keys=True).encode()):
                return envelope["value"]
            self._set_aside(path, "its content does not match its checksum")
        except FileNotFoundError:
            return None
        except OSError as error:
            self._unreadable(path, error)
        except _MISSHAPEN as error:
            self._set_aside(path, f"is no remembered fact: {error}")
        return None

    def remember(self, key: str, value: Any) -> None:
        """Remember a JSON value under a key."""
        content = json.dumps({"checksum": checksum(json.dumps(value, sort_keys=True).encode()), "value": value})
        with writing(self.shown):
            self.folder.write(_fact_path(key), content.encode())

    def describe(self, group: str, described: Mapping[str, Any]) -> None:
        """Keep beside a group's rows what they are of: ``component``, ``label``, ``scores`` (metrics by key)."""
        known = self.described(group)
        whole = {**described, "scores": {**known.get("scores", {}), **described["scores"]}}
        if whole != known:
            with writing(self.shown):
                self.folder.write(f"{group_path('rows', group)}/{DESCRIPTION}", json.dumps(whole, indent=1).encode())

    def described(self, group: str) -> dict[str, Any]:
        """What of `describe`'s is there and well formed: ``component`` and ``label`` are texts, ``scores`` maps texts to texts."""
        try:
            found = json.loads(self.folder.read(f"{group_path('rows', group)}/{DESCRIPTION}"))
        except (OSError, *_MISSHAPEN):
            return {}
        if not isinstance(found, dict):
            return {}
        kept: dict[str, Any] = {name: found[name] for name in ("component", "label") if _is_text(found.get(name))}
        scores = found.get("scores")
        if isinstance(scores, dict):
            kept["scores"] = {key: name for key, name in scores.items() if _is_text(key) and _is_text(name)}
        return kept

    def drop_columns(self, group: str, columns: Collection[str]) -> int:
        """Remove some columns' rows from a group, and their names from its description; returns how many columns went."""
        old = self._tables(group)
        table = row_files.merged(list(old.values()))
        names = table.column("column").cast(pa.string())
        dropped = pc.is_in(names, pa.array(list(columns), pa.string()))
        gone = names.filter(dropped).unique()
        known = self.described(group)
        left = {key: name for key, name in known.get("scores", {}).items() if key not in columns}
        with writing(self.shown):
            if len(gone):
                kept = table.filter(pc.invert(dropped))
                if kept.num_rows:
                    self._write_segment("rows", group, _ROWS, row_files.encode_table(kept))
                for path in old:
                    self.folder.remove(path)
            if left != known.get("scores", {}):
                described = json.dumps({**known, "scores": left}, indent=1).encode()
                self.folder.write(f"{group_path('rows', group)}/{DESCRIPTION}", described)
        return len(gone)

    # files

    def _segments(self, kind: str, group: str, suffix: str) -> list[str]:
        """In a fixed order; temporary files of writers that died are not among them."""
        folder = group_path(kind, group)
        with reading(self.shown):
            names = self.folder.names(folder)
        return [f"{folder}/{name}" for name in sorted(names) if name.endswith(suffix) and not name.startswith(".")]

    def _write_segment(self, kind: str, group: str, suffix: str, content: bytes) -> str:
        path = f"{group_path(kind, group)}/{segment_name(suffix, content)}"
        self.folder.write(path, content)
        return path

    def _contents(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """The segments that are whole: what is damaged is set aside, and what another run has just compacted is left out."""
        with reading(self.shown):
            for path, found in self.folder.read_many(paths):
                if isinstance(found, FileNotFoundError):
                    continue
                if isinstance(found, OSError):
                    self._unreadable(path, found)
                    continue
                try:
                    content = verified(path.rpartition("/")[2], found)
                except DamagedFile as error:
                    self._set_aside(path, str(error))
                    continue
                yield path, content

    @contextlib.contextmanager
    def _setting_aside(self, path: str) -> Iterator[None]:
        """A file that cannot be decoded is set aside, as one whose checksum is wrong."""
        try:
            yield
        except (*_MISSHAPEN, pa.ArrowException, SafetensorError) as error:
            self._set_aside(path, f"{path.rpartition('/')[2]} cannot be read: {error}")

    def _unreadable(self, path: str, error: OSError) -> None:
        """Set aside what the disk does not give; raises `StoreError` where the file itself may be whole, and would be computed again."""
        if says_nothing(error):
            raise StoreError(f"{self.folder.shown(path)} cannot be read: {advised(error)}") from error
        self._set_aside(path, f"cannot be read: {reason(error)}")

    def _set_aside(self, path: str, why: str) -> None:
        """Report a file, and move it to ``damaged/``; where it cannot be moved it stays where it is."""
        _, group, name = path.rsplit("/", 2)
        with contextlib.suppress(OSError):
            self.folder.move(path, f"{DAMAGED}/{name}")
        told = f"{group[:12]}/{name}: {why}"
        if told not in self.damaged:
            self.damaged.append(told)


def group_path(kind: str, group: str) -> str:
    """The folder of a group's files of one kind, in a store."""
    return f"{kind}/{group[:2]}/{group}"


def _fact_path(key: str) -> str:
    return f"facts/{key[:2]}/{key}.json"


def _is_text(value: Any) -> bool:
    """A text that can be shown: JSON also has halves of surrogate pairs."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)
