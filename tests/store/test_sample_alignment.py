"""Rows put where their samples are, against one dictionary entry per row."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from harness.store.row_files import StoredValue, decode_rows, encode_rows
from harness.store.sample_alignment import SamplePositions, align_tables, encode_text_column, rows_with_any_value


def rows(generator: random.Random, count: int) -> list[StoredValue]:
    """Rows in no order, of samples that change their content, some of them twice."""
    return [
        StoredValue(
            f"column {generator.randrange(3)}",
            f"s{generator.randrange(12)}",
            f"d{generator.randrange(2)}",
            generator.choice(["value", "seconds"]),
            generator.random(),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_first_row_of_each_sample_stands_where_its_sample_is(seed: int) -> None:
    generator = random.Random(seed)
    written = [rows(generator, 60) for _ in range(3)]
    keys = [(f"s{i}", f"d{generator.randrange(2)}") for i in range(4, 14)]
    first: dict[tuple[str, str, str, str], float] = {}
    for row in (row for segment in written for row in segment):
        first.setdefault((row.column, row.field, row.sample, row.digest), row.value)

    found = align_tables([decode_rows(encode_rows(segment)) for segment in written], SamplePositions(keys))

    for column in ("column 0", "column 1", "column 2"):
        for field in ("value", "seconds"):
            wanted = [first.get((column, field, *key), np.nan) for key in keys]
            assert found[column][field].values == pytest.approx(wanted, nan_ok=True)
            assert found[column][field].there.tolist() == [not np.isnan(value) for value in wanted]
        either = [any((column, field, *key) in first for field in ("value", "seconds")) for key in keys]
        assert rows_with_any_value(found[column], len(keys)).tolist() == either


def test_an_undefined_value_is_there() -> None:
    table = decode_rows(encode_rows([StoredValue("c", "s", "d", "value", float("nan"))]))
    known = align_tables([table], SamplePositions([("s", "d"), ("t", "d")]))["c"]["value"]
    assert known.there.tolist() == [True, False]


def test_no_rows_and_no_samples_are_no_error() -> None:
    table = decode_rows(encode_rows([StoredValue("c", "s", "d", "value", 1.0)]))
    assert align_tables([], SamplePositions([("s", "d")])) == {}
    assert len(align_tables([table], SamplePositions([]))["c"]["value"].values) == 0


def test_equal_texts_have_equal_codes_however_they_are_encoded() -> None:
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.array(["a", "b", "a"]))
    codes, names = encode_text_column(pa.chunked_array([twice]))
    assert [names[code] for code in codes] == ["a", "b", "a"] and codes[0] == codes[2]
    with pytest.raises(ValueError, match="gaps"):
        encode_text_column(pa.chunked_array([pa.array(["a", None])]))
