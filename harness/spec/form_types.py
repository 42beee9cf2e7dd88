"""Types that the forms of specs are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

LABEL_WORDS = "a string (on one line, not blank, at most 200 characters)"
ONE_LINE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*[^\s\x00-\x1f\x7f-\x9f\u2028\u2029][^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
Label = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=ONE_LINE_PATTERN), Field(json_schema_extra={"x-words": LABEL_WORDS})
]
WHOLE = BeforeValidator(lambda value: int(value) if isinstance(value, float) and value.is_integer() else value)
"""Stands last in the annotation of an integer: ``1.0`` is one."""


class StrictModel(BaseModel):
    """Unknown keys are errors, and no value is coerced into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
