"""The finished rows of a store, in one group for each explanation (or prediction) that they belong to."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from harness.store import row_files as row_files
from harness.store.arrow_arrays import texts_to_arrow
from harness.store.errors import wrap_write_errors
from harness.store.folder import Folder
from harness.store.row_files import StoredValue
from harness.store.sample_alignment import MaskedColumn, SamplePositions, align_tables
from harness.store.segment_index import IdHashes, hash_ids
from harness.store.segments import SegmentGroups

COMPACT_ABOVE = 16  # segments of one group before a run merges them
MOST_LISTINGS = 5  # of a group for one look into it
GATHER_ABOVE = 4  # segments of one group that one job wrote before it merges them
_KIND, _SUFFIX = "rows", ".parquet"


class RowGroups(SegmentGroups):
    """Rows are committed in small segments, which are merged."""

    def __init__(self, folder: Folder) -> None:
        super().__init__(folder)
        self._own: dict[str, list[str]] = {}

    def commit_rows(self, group: str, rows: Sequence[StoredValue]) -> None:
        """Make rows durable; when this returns they are finished."""
        if rows:
            content = row_files.encode_rows(rows)
            with wrap_write_errors(self.shown):
                path = self._write_segment(_KIND, group, _SUFFIX, content)
            self._own.setdefault(group, []).append(path)
            self._index.note(path, {row.sample for row in rows})

    def gather(self, group: str) -> None:
        """Merge what this object committed to a group since the last time, if it is in many segments: one per job is enough.

        As with `compact`, the small ones go only when the large one stands, and stay if they cannot be read now.
        """
        paths = self._own.pop(group, [])
        with contextlib.suppress(OSError):
            if len(paths) > GATHER_ABOVE:
                self._merge(group, dict(self._read(paths)))

    def known(self, group: str, samples: SamplePositions) -> dict[str, dict[str, MaskedColumn]]:
        """Values of samples in the finished rows of a group: column → field → `MaskedColumn`; damaged segments are set aside and named."""
        return align_tables(list(self._tables(group, hash_ids(samples.ids)).values()), samples)

    def columns(self, group: str) -> set[str]:
        """The columns of which a group has rows."""
        tables = self._tables(group).values()
        return {column for table in tables for column in table.column("column").unique().to_pylist()}

    def compact(self, group: str) -> None:
        """Merge a group's many small segments into one; the small ones go only when the large one stands.

        Where the large one cannot be written the small ones stay: nothing is lost but time, and no run fails for it.
        """
        with contextlib.suppress(OSError):
            if len(self._segments(_KIND, group, _SUFFIX)) > COMPACT_ABOVE:
                self._merge(group, self._tables(group))

    def _merge(self, group: str, small: Mapping[str, pa.Table]) -> None:
        with contextlib.suppress(OSError):
            self._write_segment(_KIND, group, _SUFFIX, row_files.encode_table(row_files.merge_tables(list(small.values()))))
            for path in small:
                self.folder.remove(path)

    def _tables(self, group: str, wanted: IdHashes | None = None) -> dict[str, pa.Table]:
        """All readable segments, but for those that are known to hold none of the ``wanted`` samples.

        They are listed until nothing is new, since a listing made while another run compacts may hold neither all of the small ones nor the
        large one; but not for ever beside one that writes.
        """
        seen: dict[str, pa.Table | None] = {}
        for _ in range(MOST_LISTINGS):
            new = [path for path in self._segments(_KIND, group, _SUFFIX) if path not in seen]
            if not new:
                break
            seen.update(dict.fromkeys(new))
            for path, table in self._read(new if wanted is None else self._index.worth_reading(new, wanted)):
                seen[path] = table
                self._index.note(path, row_files.unique_sample_ids(table))
        return {path: table for path, table in seen.items() if table is not None}

    def _read(self, paths: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
        for path, content in self._contents(paths):
            with self._setting_aside(path):
                yield path, row_files.decode_rows(content)

    def _drop_rows(self, group: str, columns: Collection[str]) -> int:
        """Remove some columns' rows; returns how many columns went."""
        old = self._tables(group)
        table = row_files.merge_tables(list(old.values()))
        names = table.column("column").cast(pa.string())
        dropped = pc.is_in(names, texts_to_arrow(columns))
        gone = names.filter(dropped).unique()
        if len(gone):
            kept = table.filter(pc.invert(dropped))
            if kept.num_rows:
                self._write_segment(_KIND, group, _SUFFIX, row_files.encode_table(kept))
            for path in old:
                self.folder.remove(path)
        return len(gone)
