"""JSON inside a page: data that no parser of HTML takes for markup."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def to_script_json(value: Any) -> Markup:
    """JSON for the inside of a ``<script type="application/json">``; raises ``ValueError`` for a number that JSON does not have."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char, escape in _ESCAPES.items():
        text = text.replace(char, escape)
    return Markup(text.encode("utf-8", "replace").decode())


def shorten(number: float | None, digits: int = 5) -> float | None:
    """A number to so many digits, which is all that a reader is shown of it."""
    return None if number is None else float(f"{number:.{digits}g}")
