"""Durations as people write them: ``90s``, ``10m``, ``2h``, or seconds."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

SECONDS_PER_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION_PATTERN = r"^\s*[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)\s*$"
DURATION_WORDS = "a duration such as 90s, 10m or 2h, or a number of seconds from 0.001 on"


def parse_duration(value: Any) -> float:
    """``"10m"`` → 600.0; raises ``ValueError`` on anything that is no positive, finite duration."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"must be {DURATION_WORDS}")
    if isinstance(value, str):
        if not re.match(DURATION_PATTERN, value, re.ASCII):
            raise ValueError(f"must be {DURATION_WORDS}")
        unit = re.sub(r"[0-9.\s]", "", value)
        value = float(value.strip().removesuffix(unit)) * SECONDS_PER_UNIT[unit]
    if not 0.001 <= value < 1e9:
        raise ValueError(f"must be {DURATION_WORDS}")
    return float(value)


def format_duration(value: float) -> str:
    """``600.0`` → ``"10m"``: the largest unit of which it is a whole number."""
    for unit in ("h", "m", "s"):
        if (value / SECONDS_PER_UNIT[unit]).is_integer():
            return f"{int(value / SECONDS_PER_UNIT[unit])}{unit}"
    return f"{value!r}s"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    WithJsonSchema(
        {"x-words": DURATION_WORDS, "anyOf": [{"type": "number", "minimum": 0.001}, {"type": "string", "pattern": DURATION_PATTERN}]}
    ),
]
