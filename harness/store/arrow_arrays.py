"""Arrays between NumPy and Arrow, as they lie in memory: Arrow's own conversions import pandas if that is installed, for half a second."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers_to_arrow(numbers: NDArray[Any]) -> pa.Array:
    """Numbers or bools ``(rows,)`` of NumPy as an Arrow array without gaps; of NumPy's memory, if they are numbers that lie in a row."""
    bits = np.packbits(numbers, bitorder="little") if numbers.dtype == bool else np.ascontiguousarray(numbers)
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [None, pa.py_buffer(bits)])


def texts_to_arrow(texts: Collection[str]) -> pa.StringArray:
    """Texts as an Arrow array; raises ``OverflowError`` for 2 GiB or more."""
    parts = [text.encode() for text in texts]
    ends = array("i", accumulate(map(len, parts), initial=0))
    return pa.StringArray.from_buffers(len(parts), pa.py_buffer(ends), pa.py_buffer(b"".join(parts)))


def coded_texts_to_arrow(codes: NDArray[Any], names: Collection[str]) -> pa.DictionaryArray:
    """Texts ``(rows,)`` as codes and the names that they stand for."""
    return pa.DictionaryArray.from_arrays(numbers_to_arrow(codes.astype(np.int32)), texts_to_arrow(names))


def encode_texts(texts: Sequence[str]) -> pa.DictionaryArray:
    """Texts ``(rows,)`` as codes and names, which are in the order in which they come first."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return coded_texts_to_arrow(np.array([places[text] for text in texts], dtype=np.int32), places)


def numbers_to_numpy(numbers: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Numbers without gaps ``(rows,)``."""
    if isinstance(numbers, pa.ChunkedArray):
        parts = [numbers_to_numpy(chunk) for chunk in numbers.chunks]
        return np.concatenate(parts) if parts else np.empty(0, dtype=numbers.type.to_pandas_dtype())
    if numbers.null_count:
        raise ValueError("a column of numbers has gaps")
    return np.frombuffer(numbers.buffers()[1] or b"", dtype=numbers.type.to_pandas_dtype())[numbers.offset : numbers.offset + len(numbers)]
