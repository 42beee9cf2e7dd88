"""Rows of columns as Parquet segments: what is known about each sample, one value per (column, sample, field)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.store.arrow_arrays import encode_texts, numbers_to_arrow

ENCODED_TEXT = pa.dictionary(pa.int32(), pa.string())
IDENTITY = ["column", "sample", "digest", "field"]
SCHEMA = pa.schema([*((name, ENCODED_TEXT) for name in IDENTITY), ("value", pa.float64())])


@dataclass(frozen=True)
class StoredValue:
    """One finished value: ``field`` of ``column`` for the sample of this id and content digest; NaN means undefined."""

    column: str
    sample: str
    digest: str
    field: str
    value: float


def encode_rows(rows: Sequence[StoredValue]) -> bytes:
    """Rows as the bytes of a Parquet file."""
    arrays = [
        *(encode_texts([getattr(row, name) for row in rows]) for name in IDENTITY),
        numbers_to_arrow(np.array([row.value for row in rows], dtype=np.float64)),
    ]
    return encode_table(pa.Table.from_arrays(arrays, schema=SCHEMA))


def encode_table(table: pa.Table) -> bytes:
    """A table of `SCHEMA` as the bytes of a Parquet file."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    return bytes(buffer.getvalue())


def decode_rows(content: bytes) -> pa.Table:
    """The table in the bytes of a Parquet file, in `SCHEMA`; raises ``ValueError`` for any other.

    Read without Arrow's threads, which gain nothing on files this small and abort a process that ends at once (apache/arrow#34314).
    """
    file = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False, read_dictionary=IDENTITY)
    table = file.read(use_threads=False).cast(SCHEMA)
    if any(column.null_count for column in table.columns):
        raise ValueError("a column has gaps")
    return table


def merge_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """One table without repetitions: of rows written twice (two runs at once) the first stands."""
    if len(tables) == 1:
        return tables[0]
    plain = pa.schema([(field.name, pa.float64() if field.name == "value" else pa.string()) for field in SCHEMA])
    whole = pa.concat_tables([pa.Table.from_batches([], plain), *(table.cast(plain) for table in tables)])
    once = whole.group_by(IDENTITY, use_threads=False).aggregate([("value", "first")])
    return once.rename_columns([*IDENTITY, "value"]).select(SCHEMA.names).cast(SCHEMA)


def unique_sample_ids(table: pa.Table) -> set[str]:
    """The ids of the samples that a table of `SCHEMA` is about."""
    return {name for chunk in table["sample"].chunks for name in chunk.dictionary.to_pylist()}
