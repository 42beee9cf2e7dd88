"""Errors that a person can mend, each said in a line or a few; all others are the harness's own and keep their traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.text_format import format_reason


class UserError(ValueError):
    """Something in the spec, on the command line or in a folder is not as it must be; derived classes say what."""


def user_error_message(error: Exception) -> str | None:
    """The message for a person who can mend what is wrong; None for any other error."""
    return str(error) if isinstance(error, UserError | OSError) else None


@contextmanager
def as_user_error(name: str) -> Iterator[None]:
    """Make a `UserError` that begins with ``name`` of whatever a component raises; ``UserError`` and Ctrl-C stay as they are."""
    try:
        yield
    except BaseException as error:  # a component may raise SystemExit, or an interrupt of its own making
        if type(error) in (UserError, KeyboardInterrupt):
            raise
        raise UserError(f"{name}: {format_reason(error)}") from error
