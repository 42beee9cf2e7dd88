"""Rows of a table put where their samples are: arrays in place of one object per row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from harness.store.arrow_arrays import numbers_to_numpy
from harness.store.map_files import SampleKey

Bools = NDArray[np.bool_]


class EncodedTexts(NamedTuple):
    """A text column: ``(rows,)`` codes into ``names``, in which no text occurs twice."""

    codes: NDArray[np.int32]
    names: list[str]


class MaskedColumn(NamedTuple):
    """Known values of N samples: ``values`` (N,), NaN where ``there`` (N,) is false."""

    values: NDArray[np.float64]
    there: Bools

    @classmethod
    def all_missing(cls, size: int) -> MaskedColumn:
        """Of no sample."""
        return cls(np.full(size, np.nan), np.zeros(size, dtype=bool))


def encode_text_column(column: pa.ChunkedArray) -> EncodedTexts:
    """A text column as codes and the texts they stand for; raises ``ValueError`` if it has gaps."""
    if column.null_count:
        raise ValueError("a text column has gaps")
    column = (column if pa.types.is_dictionary(column.type) else column.dictionary_encode()).unify_dictionaries()
    if not column.num_chunks:
        return EncodedTexts(np.empty(0, dtype=np.int32), [])
    names = column.chunk(0).dictionary.to_pylist()
    if None in names:
        raise ValueError("a text column has gaps")
    codes = np.concatenate([numbers_to_numpy(chunk.indices) for chunk in column.chunks])
    if len(set(names)) == len(names):
        return EncodedTexts(codes, names)
    first = {text: code for code, text in reversed(list(enumerate(names)))}
    return EncodedTexts(np.asarray([first[text] for text in names], dtype=np.int32)[codes], names)


class SamplePositions:
    """Places of samples: the position of each by its id and the digest of its content, which some columns know by other digests."""

    def __init__(self, keys: Sequence[SampleKey], of_column: Mapping[str, SamplePositions] | None = None) -> None:
        self._of_column = of_column or {}
        self._places = {sample: place for place, (sample, _) in enumerate(keys)}
        self._digests = [digest for _, digest in keys]

    def __len__(self) -> int:
        return len(self._digests)

    def in_column(self, column: str) -> SamplePositions:
        """The same samples, by the digests that a column knows them by."""
        return self._of_column.get(column, self)

    @property
    def ids(self) -> Iterable[str]:
        """The samples' ids."""
        return self._places.keys()

    def positions(self, samples: EncodedTexts, digests: EncodedTexts) -> NDArray[np.intp]:
        """``(rows,)`` the position of each row's sample; -1 for one that is not among these, or has other content."""
        place = np.asarray([self._places.get(name, -1) for name in samples.names], dtype=np.intp)
        code = {digest: number for number, digest in enumerate(digests.names)}
        wanted = np.asarray([code.get(digest, -1) for digest in self._digests], dtype=np.intp)
        if not len(wanted) or not len(samples.codes):
            return np.full(len(samples.codes), -1, dtype=np.intp)
        found = place[samples.codes]
        return np.where((found >= 0) & (wanted[found] == digests.codes), found, -1)


def iter_constant_slices(*codes: NDArray[np.int32]) -> Iterator[slice]:
    """Slices of rows in which none of the codes changes."""
    if not len(codes[0]):
        return
    changes = np.zeros(len(codes[0]) - 1, dtype=bool)
    for code in codes:
        changes |= code[1:] != code[:-1]
    bounds = [0, *(np.flatnonzero(changes) + 1).tolist(), len(codes[0])]
    yield from (slice(start, stop) for start, stop in pairwise(bounds))


def align_tables(tables: Sequence[pa.Table], samples: SamplePositions) -> dict[str, dict[str, MaskedColumn]]:
    """The values of tables of `harness.store.row_files.SCHEMA`: column → field → what is known of the samples.

    Of rows written twice (two runs at once) the first stands.
    """
    found: dict[str, dict[str, MaskedColumn]] = {}
    for table in tables:
        columns, fields = encode_text_column(table["column"]), encode_text_column(table["field"])
        ids, digests = encode_text_column(table["sample"]), encode_text_column(table["digest"])
        positions: dict[SamplePositions, NDArray[np.intp]] = {}
        values = numbers_to_numpy(table["value"])
        for part in iter_constant_slices(columns.codes, fields.codes):
            column = columns.names[columns.codes[part.start]]
            asked = samples.in_column(column)
            if asked not in positions:
                positions[asked] = asked.positions(ids, digests)
            places = positions[asked][part]
            known = found.setdefault(column, {})
            name = fields.names[fields.codes[part.start]]
            if name not in known:
                known[name] = MaskedColumn.all_missing(len(samples))
            fresh = places >= 0
            fresh[fresh] = ~known[name].there[places[fresh]]
            # the first of several stands: it is written last
            known[name].values[places[fresh][::-1]] = values[part][fresh][::-1]
            known[name].there[places[fresh]] = True
    return found


def rows_with_any_value(known: Mapping[str, MaskedColumn], size: int) -> Bools:
    """``(N,)`` of which samples any field is known: a column's samples that are finished."""
    there = np.zeros(size, dtype=bool)
    for field in known.values():
        there |= field.there
    return there
