"""Levels that a reader asks for on the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.text_format import to_printable_line
from harness.user_errors import UserError

AUTOMATIC = "auto"


def read_levels(by: str | None, equal_accuracy: str | None, nearest: int | None) -> Mapping[str, Any] | None:
    """The arguments of `with_levels`; None if no levels are asked for. Raises `UserError` for options that say nothing without others."""
    if by is None:
        if equal_accuracy is not None or nearest is not None:
            raise UserError("--equal-accuracy and --nearest are about the models of levels: say which, by --by FACTORS")
        return None
    if nearest is not None and equal_accuracy is None:
        raise UserError("--nearest says how many models --equal-accuracy keeps of each level: give both")
    accuracy = None if equal_accuracy in (None, AUTOMATIC) else _read_accuracy(equal_accuracy or "")
    return {"by": by.split(","), "equal_accuracy": equal_accuracy is not None, "accuracy": accuracy, "count": nearest}


def _read_accuracy(text: str) -> float:
    percent = text.strip().endswith("%")
    try:
        value = float(text.strip().removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        shown = to_printable_line(text)
        raise UserError(f"--equal-accuracy {shown}: it is {AUTOMATIC}, or an accuracy from 0 to 1 (0.92), or in percent (92%)")
    return value
