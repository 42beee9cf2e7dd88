"""Components as words on the command line: ``NAME`` or ``NAME,param=value,…``."""

from __future__ import annotations

import re
from typing import Any

from harness.user_errors import UserError

MAX_VALUE_LENGTH = 1000
PARAM_SEPARATOR = re.compile(r",(?![^\[\]{}]*[\]}])")  # commas outside brackets
MAX_DIGITS = 9


def parse_component(text: str) -> dict[str, Any]:
    """``grad-cam,layer=features.28`` → ``{use: grad-cam, params: {layer: features.28}}``; values are read as in a spec.

    Raises:
        UserError: it has not this form, or a value is not one, too long (1000 characters) or too deep.
    """
    name, *pairs = PARAM_SEPARATOR.split(text)
    params = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UserError(f"{quote_shortened(text)}: write NAME,param=value,… and not {quote_shortened(pair)}")
        params[key.strip()] = _parse_value(value)
    return {"use": name.strip(), "params": params}


def parse_natural(text: str) -> int | None:
    """A natural number of at most nine digits, or None if the text is no such."""
    return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else None


def _parse_value(text: str) -> Any:
    from harness.spec.problems import SpecError
    from harness.spec.yaml_document import parse_yaml

    if not text.strip():
        return None
    if len(text) > MAX_VALUE_LENGTH:
        raise UserError(f"{quote_shortened(text)} is too long for a value ({len(text)} characters, at most {MAX_VALUE_LENGTH})")
    if text.lstrip().startswith("!"):
        raise UserError(f"{quote_shortened(text)} is not a value: tags are not allowed")
    try:
        return parse_yaml(text, "").data
    except SpecError as error:
        raise UserError(f"{quote_shortened(text)} is not a value: {'; '.join(problem.message for problem in error.problems)}") from error


def quote_shortened(text: str) -> str:
    """The text in quotes, its end left out if it is long."""
    return repr(text if len(text) <= 80 else text[:80] + "…")
