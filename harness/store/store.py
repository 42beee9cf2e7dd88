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
from harness.store.atomic import DamagedFile, checksum, read_segment, segments, write_atomically, write_segment
from harness.store.errors import ELSEWHERE, reading, reason, writing
from harness.store.errors import StoreError as StoreError
from harness.store.maps import SampleKey, StoredMaps
from harness.store.rows import Row

LAYOUT_VERSION = 1
COMPACT_ABOVE = 16  # segments of one group before a run merges them
GATHER_ABOVE = 4  # segments of one group that one job wrote before it merges them
DESCRIPTION = "recipe.json"
_ROWS, _MAPS = ".parquet", ".safetensors"
_MISSHAPEN = (ValueError, LookupError, TypeError, AttributeError, RecursionError)  # what reading JSON of any shape may raise


class Store:
    """A store folder. Rows are grouped by the explanation (or prediction) that they belong to; see DESIGN's *Columns, keys, store*.

    Several processes may read and write one store at once: every file has a name of its own, and appears whole.

    Attributes:
        path: the folder.
        damaged: names of the files that were found damaged and set aside, with the reason.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.damaged: list[str] = []
        self._own: dict[str, list[Path]] = {}
        self._check_layout()

    def _check_layout(self) -> None:
        marker = self.path / "layout.json"
        try:
            if marker.exists():
                version = json.loads(marker.read_text())["version"]
                if version != LAYOUT_VERSION:
                    raise StoreError(
                        f"{self.path} holds a store of layout {version}, and this harness reads {LAYOUT_VERSION}: use another --store"
                    )
            else:
                write_atomically(marker, json.dumps({"version": LAYOUT_VERSION}).encode())
        except _MISSHAPEN as error:
            raise StoreError(f"{marker} is not a store's marker: {error}") from error
        except OSError as error:
            raise error if isinstance(error, StoreError) else StoreError(f"cannot use {self.path} as a store: {reason(error)}") from error

    # rows

    def commit_rows(self, group: str, rows: Sequence[Row]) -> None:
        """Make rows durable; when this returns they are finished."""
        if rows:
            content = row_files.encode(rows)
            with writing(self.path):
                path = write_segment(self._folder("rows", group), _ROWS, content)
            self._own.setdefault(group, []).append(path)

    def gather(self, group: str) -> None:
        """Merge what this object committed to a group since the last time, where it is in many segments: one per job is enough.

        As with `compact`, the small ones go only when the large one stands.
        """
        paths = self._own.pop(group, [])
        if len(paths) > GATHER_ABOVE:
            self._merge(group, {path: table for path in paths if (table := self._read(path)) is not None})

    def known(self, group: str, samples: Samples) -> dict[str, dict[str, Known]]:
        """What the finished rows of a group say of samples: column → field → `Known`; damaged segments are set aside and named."""
        return aligned(list(self._tables(self._folder("rows", group)).values()), samples)

    def columns(self, group: str) -> set[str]:
        """The columns of which a group has rows."""
        tables = self._tables(self._folder("rows", group)).values()
        return {column for table in tables for column in table.column("column").unique().to_pylist()}

    def compact(self, group: str) -> None:
        """Merge a group's many small segments into one; the small ones go only when the large one stands.

        Where the large one cannot be written the small ones stay: nothing is lost but time, and no run fails for it.
        """
        folder = self._folder("rows", group)
        with contextlib.suppress(OSError):
            if len(self._segments(folder, _ROWS)) > COMPACT_ABOVE:
                self._merge(group, self._tables(folder))

    def _merge(self, group: str, small: Mapping[Path, pa.Table]) -> None:
        with contextlib.suppress(OSError):
            write_segment(self._folder("rows", group), _ROWS, row_files.encode_table(row_files.merged(list(small.values()))))
            for path in small:
                path.unlink(missing_ok=True)

    def _tables(self, folder: Path) -> dict[Path, pa.Table]:
        """All readable segments; listed until nothing is new, since a listing made while another run compacts may hold neither all of the
        small ones nor the large one."""
        seen: dict[Path, pa.Table | None] = {}
        while new := [path for path in self._segments(folder, _ROWS) if path not in seen]:
            seen.update((path, self._read(path)) for path in new)
        return {path: table for path, table in seen.items() if table is not None}

    def _read(self, path: Path) -> pa.Table | None:
        content = self._verified(path)
        if content is None:
            return None
        with self._setting_aside(path):
            return row_files.decode(content)
        return None

    # maps

    def commit_maps(self, group: str, maps: StoredMaps) -> None:
        """Make maps durable."""
        if maps.samples:
            content = map_files.encode(maps)
            with writing(self.path):
                write_segment(self._folder("maps", group), _MAPS, content)

    def maps(self, group: str, wanted: Collection[SampleKey]) -> StoredMaps | None:
        """The maps of the wanted samples that are stored, in no particular order; None where there is none."""
        pieces: list[StoredMaps] = []
        missing = set(wanted)
        for path in self._segments(self._folder("maps", group), _MAPS):
            if not missing:
                break
            content = self._verified(path)
            if content is None:
                continue
            with self._setting_aside(path):
                stored = map_files.decode(content)
                if pieces and map_files.form(stored) != map_files.form(pieces[0]):
                    raise ValueError("its maps are of another form than those beside it")
                chosen = [i for i, sample in enumerate(stored.samples) if sample in missing]
                if chosen:
                    missing.difference_update(stored.samples[i] for i in chosen)
                    pieces.append(stored.take(chosen))
        return map_files.joined(pieces) if pieces else None

    def mapped(self, group: str) -> set[SampleKey]:
        """The samples whose maps are stored, as the files' headers say."""
        paths = self._segments(self._folder("maps", group), _MAPS)
        return {sample for path in paths for sample in map_files.samples_in(path)}

    # facts and recipes

    def fact(self, key: str) -> Any | None:
        """A remembered JSON value, or None."""
        path = self.path / "facts" / key[:2] / f"{key}.json"
        try:
            envelope = json.loads(path.read_bytes())
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
        with writing(self.path):
            write_atomically(self.path / "facts" / key[:2] / f"{key}.json", content.encode())

    def describe(self, group: str, described: Mapping[str, Any]) -> None:
        """Keep beside a group's rows what they are of: ``component``, ``label``, ``scores`` (metrics by key)."""
        known = self.described(group)
        whole = {**described, "scores": {**known.get("scores", {}), **described["scores"]}}
        if whole != known:
            with writing(self.path):
                write_atomically(self._folder("rows", group) / DESCRIPTION, json.dumps(whole, indent=1).encode())

    def described(self, group: str) -> dict[str, Any]:
        """What of `describe`'s is there and well formed: ``component`` and ``label`` are texts, ``scores`` maps texts to texts."""
        try:
            found = json.loads((self._folder("rows", group) / DESCRIPTION).read_bytes())
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
        folder = self._folder("rows", group)
        old = self._tables(folder)
        table = row_files.merged(list(old.values()))
        names = table.column("column").cast(pa.string())
        dropped = pc.is_in(names, pa.array(list(columns), pa.string()))
        gone = names.filter(dropped).unique()
        known = self.described(group)
        left = {key: name for key, name in known.get("scores", {}).items() if key not in columns}
        with writing(self.path):
            if len(gone):
                kept = table.filter(pc.invert(dropped))
                if kept.num_rows:
                    write_segment(folder, _ROWS, row_files.encode_table(kept))
                for path in old:
                    path.unlink(missing_ok=True)
            if left != known.get("scores", {}):
                write_atomically(folder / DESCRIPTION, json.dumps({**known, "scores": left}, indent=1).encode())
        return len(gone)

    # files

    def _folder(self, kind: str, group: str) -> Path:
        return self.path / kind / group[:2] / group

    def _segments(self, folder: Path, suffix: str) -> list[Path]:
        with reading(self.path):
            return segments(folder, suffix)

    def _verified(self, path: Path) -> bytes | None:
        try:
            return read_segment(path)
        except FileNotFoundError:  # another run has just compacted it
            return None
        except DamagedFile as error:
            self._set_aside(path, str(error))
            return None
        except OSError as error:
            self._unreadable(path, error)
            return None

    @contextlib.contextmanager
    def _setting_aside(self, path: Path) -> Iterator[None]:
        """A file that cannot be decoded is set aside, as one whose checksum is wrong."""
        try:
            yield
        except (*_MISSHAPEN, pa.ArrowException, SafetensorError) as error:
            self._set_aside(path, f"{path.name} cannot be read: {error}")

    def _unreadable(self, path: Path, error: OSError) -> None:
        """Set aside what the disk does not give; raises `StoreError` where the file itself may be whole, and would be computed again."""
        if error.errno in ELSEWHERE:
            raise StoreError(f"{path} cannot be read: {reason(error)}") from error
        self._set_aside(path, f"cannot be read: {reason(error)}")

    def _set_aside(self, path: Path, why: str) -> None:
        """Report a file, and move it to ``damaged/``; where it cannot be moved it stays where it is."""
        folder = self.path / "damaged"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            path.replace(folder / path.name)
        told = f"{path.parent.name[:12]}/{path.name}: {why}"
        if told not in self.damaged:
            self.damaged.append(told)


def _is_text(value: Any) -> bool:
    """A text that can be shown: JSON also has halves of surrogate pairs."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)
