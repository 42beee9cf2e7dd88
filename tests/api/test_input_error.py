"""What a person can mend is told by its message; what is a component's own fault, with its type and place."""

from __future__ import annotations

from harness.api import InputError
from harness.text_format import format_reason


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_it_is_told_without_type_and_place() -> None:
    error = raised(InputError("root: there is no folder x\nexpected:\n  y"))
    error.add_note("its weights were changed")
    assert format_reason(error) == "root: there is no folder x expected: y; its weights were changed"
    assert isinstance(error, ValueError)


def test_any_other_error_is_told_with_both() -> None:
    assert (
        format_reason(raised(ValueError("odd"))) == f"ValueError: odd (test_input_error.py:{raised.__code__.co_firstlineno + 2} in raised)"
    )
