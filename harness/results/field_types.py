"""Types of the fields of what a run found: how they are written as JSON, and checked in files that other people made.

NaN and null are the same: a scalar that is not finite is None, an array's NaN is a null in its list.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def finite_or_none(value: object) -> object:
    """A number as it is, and None for one that is not finite."""
    if not isinstance(value, float):
        return value
    return float(value) if math.isfinite(value) else None


Number = Annotated[float | None, BeforeValidator(finite_or_none)]
"""A number, or None (null) if it is undefined: analysis may fill in NaN."""


def _visible(text: str) -> str:
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        raise ValueError("names must not contain control characters")
    return text


MAX_NAME_LENGTH = 500
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_visible)]
"""A text that can be shown on one line."""


@dataclass(frozen=True)
class _ArrayOf:
    """Marks an array ``(N,)`` that is a list in JSON."""

    item: Any
    dtype: type[np.generic]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def to_array(value: Any, check: core_schema.ValidatorFunctionWrapHandler) -> NDArray[Any]:
            return value if isinstance(value, np.ndarray) else np.asarray(check(value), dtype=self.dtype)

        return core_schema.no_info_wrap_validator_function(
            to_array,
            handler.generate_schema(list[self.item]),  # type: ignore[name-defined]
            serialization=core_schema.plain_serializer_function_ser_schema(lambda array: list(map(finite_or_none, array.tolist()))),
        )


FloatArray = Annotated[Floats, _ArrayOf(Number, np.float64)]
BoolArray = Annotated[Bools, _ArrayOf(bool, np.bool_)]
