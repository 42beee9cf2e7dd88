"""Rows of a table put where their samples are: arrays in place of one object per row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from harness.store.maps import SampleKey

Bools = NDArray[np.bool_]


class Coded(NamedTuple):
    """A text column: ``(rows,)`` codes into ``names``, in which no text occurs twice."""

    codes: NDArray[np.int32]
    names: list[str]


class Known(NamedTuple):
    """What is known of N samples: ``values`` (N,), NaN where ``there`` (N,) is false."""

    values: NDArray[np.float64]
    there: Bools

    @classmethod
    def nothing(cls, size: int) -> Known:
        """Of no sample."""
        return cls(np.full(size, np.nan), np.zeros(size, dtype=bool))


def coded(column: pa.ChunkedArray) -> Coded:
    """A text column as codes and the texts they stand for; raises ``ValueError`` where it has gaps."""
    if column.null_count:
        raise ValueError("a text column has gaps")
    column = (column if pa.types.is_dictionary(column.type) else column.dictionary_encode()).unify_dictionaries()
    if not column.num_chunks:
        return Coded(np.empty(0, dtype=np.int32), [])
    names = column.chunk(0).dictionary.to_pylist()
    if None in names:
        raise ValueError("a text column has gaps")
    codes = np.concatenate([plain(chunk.indices) for chunk in column.chunks])
    if len(set(names)) == len(names):
        return Coded(codes, names)
    first = {text: code for code, text in reversed(list(enumerate(names)))}
    return Coded(np.asarray([first[text] for text in names], dtype=np.int32)[codes], names)


def plain(numbers: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Numbers without gaps ``(rows,)``, as they lie in memory: Arrow's own conversion imports pandas where that is installed."""
    if isinstance(numbers, pa.ChunkedArray):
        parts = [plain(chunk) for chunk in numbers.chunks]
        return np.concatenate(parts) if parts else np.empty(0, dtype=numbers.type.to_pandas_dtype())
    if numbers.null_count:
        raise ValueError("a column of numbers has gaps")
    return np.frombuffer(numbers.buffers()[1] or b"", dtype=numbers.type.to_pandas_dtype())[numbers.offset : numbers.offset + len(numbers)]


class Samples:
    """Where samples are: the position of each by its id and the digest of its content."""

    def __init__(self, keys: Sequence[SampleKey]) -> None:
        self._places = {sample: place for place, (sample, _) in enumerate(keys)}
        self._digests = [digest for _, digest in keys]

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def ids(self) -> Iterable[str]:
        """The samples' ids."""
        return self._places.keys()

    def positions(self, samples: Coded, digests: Coded) -> NDArray[np.intp]:
        """``(rows,)`` the position of each row's sample; -1 for one that is not among these, or has other content."""
        place = np.asarray([self._places.get(name, -1) for name in samples.names], dtype=np.intp)
        code = {digest: number for number, digest in enumerate(digests.names)}
        wanted = np.asarray([code.get(digest, -1) for digest in self._digests], dtype=np.intp)
        if not len(wanted) or not len(samples.codes):
            return np.full(len(samples.codes), -1, dtype=np.intp)
        found = place[samples.codes]
        return np.where((found >= 0) & (wanted[found] == digests.codes), found, -1)


def runs(*codes: NDArray[np.int32]) -> Iterator[slice]:
    """Slices of rows in which none of the codes changes."""
    if not len(codes[0]):
        return
    changes = np.zeros(len(codes[0]) - 1, dtype=bool)
    for code in codes:
        changes |= code[1:] != code[:-1]
    bounds = [0, *(np.flatnonzero(changes) + 1).tolist(), len(codes[0])]
    yield from (slice(start, stop) for start, stop in pairwise(bounds))


def aligned(tables: Sequence[pa.Table], samples: Samples) -> dict[str, dict[str, Known]]:
    """The values of tables of `harness.store.rows.SCHEMA`: column → field → what is known of the samples.

    Of rows written twice (two runs at once) the first stands.
    """
    found: dict[str, dict[str, Known]] = {}
    for table in tables:
        columns, fields = coded(table["column"]), coded(table["field"])
        positions = samples.positions(coded(table["sample"]), coded(table["digest"]))
        values = plain(table["value"])
        for part in runs(columns.codes, fields.codes):
            places = positions[part]
            known = found.setdefault(columns.names[columns.codes[part.start]], {})
            name = fields.names[fields.codes[part.start]]
            if name not in known:
                known[name] = Known.nothing(len(samples))
            fresh = places >= 0
            fresh[fresh] = ~known[name].there[places[fresh]]
            # the first of several stands: it is written last
            known[name].values[places[fresh][::-1]] = values[part][fresh][::-1]
            known[name].there[places[fresh]] = True
    return found


def anything(known: Mapping[str, Known], size: int) -> Bools:
    """``(N,)`` of which samples any field is known: a column's samples that are finished."""
    there = np.zeros(size, dtype=bool)
    for field in known.values():
        there |= field.there
    return there
