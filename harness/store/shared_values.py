"""Values of samples that do not depend on explanations, in one group for each thing that is computed of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.store.errors import wrap_write_errors
from harness.store.map_files import SampleKey
from harness.store.segment_index import hash_ids
from harness.store.segments import SegmentGroups

_KIND, _SUFFIX = "shared", ".parquet"
_FORM, _GROUP = b"form", b"group"  # what a file says of its values: their type and shape, and of which group they are
_SCHEMA = pa.schema([("sample", pa.string()), ("digest", pa.string()), ("value", pa.binary())])


@dataclass(frozen=True)
class StoredArray:
    """Values of one type and shape.

    Attributes:
        samples: (id, digest) of each row.
        values: ``(N, …)`` of booleans, integers or floats.
    """

    samples: Sequence[SampleKey]
    values: NDArray[Any]


class SharedValueGroups(SegmentGroups):
    """Values are written once, and never merged; they are no results, and lost ones are computed again."""

    def commit_shared(self, group: str, stored: StoredArray, limit: int) -> bool:
        """Make values durable, unless they take more than ``limit`` bytes a sample; whether they are."""
        content = encode_array(stored, group)
        if len(content) > limit * len(stored.samples):
            return False
        with wrap_write_errors(self.shown):
            path = self._write_segment(_KIND, group, _SUFFIX, content)
        self._index.note(path, {sample for sample, _ in stored.samples})
        return True

    def shared(self, group: str, wanted: Collection[SampleKey]) -> list[StoredArray]:
        """The values of the wanted samples that are stored, each sample's once."""
        missing, found = set(wanted), []
        with contextlib.suppress(FileNotFoundError):
            paths = self._segments(_KIND, group, _SUFFIX)
            for path, content in self._contents(self._index.worth_reading(paths, hash_ids(sample for sample, _ in missing))):
                with self._setting_aside(path):
                    stored = decode_array(content, group)
                    self._index.note(path, {sample for sample, _ in stored.samples})
                    rows = [i for i, sample in enumerate(stored.samples) if sample in missing]
                    if rows:
                        missing.difference_update(stored.samples[i] for i in rows)
                        found.append(StoredArray([stored.samples[i] for i in rows], stored.values[rows]))
        return found


def encode_array(stored: StoredArray, group: str) -> bytes:
    """Values of a group as the bytes of a Parquet file, compressed."""
    form = json.dumps([stored.values.dtype.str, stored.values.shape[1:]]).encode()
    samples, digests = ([key[place] for key in stored.samples] for place in (0, 1))
    columns = [
        pa.array(samples, pa.string()),
        pa.array(digests, pa.string()),
        pa.array([row.tobytes() for row in stored.values], pa.binary()),
    ]
    buffer = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_arrays(columns, schema=_SCHEMA.with_metadata({_FORM: form, _GROUP: group.encode()})), buffer, compression="zstd"
    )
    return bytes(buffer.getvalue())


def decode_array(content: bytes, group: str) -> StoredArray:
    """The values in a group's Parquet file; raises ``ValueError`` for any other (see `row_files.decode_rows` about threads)."""
    table = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False).read(use_threads=False)
    if table.schema.metadata is None or not table.schema.equals(_SCHEMA) or any(column.null_count for column in table.columns):
        raise ValueError("it holds no values of samples")
    if table.schema.metadata.get(_GROUP) != group.encode():
        raise ValueError("it holds what was computed of something else")
    dtype, shape = json.loads(table.schema.metadata[_FORM])
    values = np.frombuffer(b"".join(table["value"].to_pylist()), np.dtype(dtype)).reshape(table.num_rows, *shape)
    return StoredArray(list(zip(table["sample"].to_pylist(), table["digest"].to_pylist(), strict=True)), values)
