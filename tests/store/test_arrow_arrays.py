"""Arrays are what Arrow's own conversions make of the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from harness.store.arrow_arrays import coded_texts_to_arrow, encode_texts, numbers_to_arrow, numbers_to_numpy, texts_to_arrow

TEXTS = [[], [""], ["a"], ["b", "a", "b", "", "äöü", "😀", "a"], ["x" * 1000, "y"]]


@pytest.mark.parametrize(
    "numbers",
    [
        np.array([1.5, np.nan, -np.inf]),
        np.arange(17, dtype=np.int32),
        np.arange(12).reshape(3, 4)[:, 1],
        np.empty(0),
        np.empty(0, dtype=bool),
        np.arange(19) % 3 == 0,
        (np.arange(40) % 3 == 0)[::2],
    ],
    ids=str,
)
def test_numbers(numbers: np.ndarray) -> None:
    made = numbers_to_arrow(numbers)
    made.validate(full=True)
    assert made.type == pa.array(numbers).type and made.null_count == 0
    assert made.slice(1).equals(pa.array(numbers).slice(1)) or np.isnan(numbers).any()
    np.testing.assert_array_equal(made.to_numpy(zero_copy_only=False), numbers)
    if numbers.dtype != bool:
        np.testing.assert_array_equal(numbers_to_numpy(made.slice(1)), numbers[1:])


@pytest.mark.parametrize("texts", TEXTS)
def test_texts(texts: Sequence[str]) -> None:
    plain, encoded = texts_to_arrow(texts), encode_texts(texts)
    for made in (plain, encoded):
        made.validate(full=True)
        assert made.to_pylist() == texts
    assert plain.equals(pa.array(texts, pa.string()))
    assert encoded.equals(pa.array(texts, pa.string()).dictionary_encode())


def test_codes_stand_for_names() -> None:
    assert coded_texts_to_arrow(np.array([1.0, 0.0, 1.0]), ["no", "yes"]).to_pylist() == ["yes", "no", "yes"]


def test_what_no_array_can_hold_is_refused() -> None:
    class Long(str):
        def encode(self, *options: str) -> range:  # type: ignore[override]
            return range(2**31)

    with pytest.raises(OverflowError):
        texts_to_arrow([Long("a")])
    for convert in (texts_to_arrow, lambda texts: pa.array(texts, pa.string())):
        with pytest.raises(UnicodeEncodeError):
            convert(["\udcff"])
