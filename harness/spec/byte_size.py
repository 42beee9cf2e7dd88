"""Numbers of bytes in a spec: ``500M``, ``2G``, or a number."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from harness.store.byte_sizes import SIZE_PATTERN, format_size, parse_size

SIZE_WORDS = "a size such as 500M or 2G, or a number of bytes"


def _to_bytes(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        try:
            value = parse_size(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**18:
        raise ValueError(f"must be {SIZE_WORDS}")
    return value


ByteSize = Annotated[
    int,
    BeforeValidator(_to_bytes),
    PlainSerializer(format_size),
    WithJsonSchema({"x-words": SIZE_WORDS, "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": SIZE_PATTERN}]}),
]
