"""Whose fault it is: what a component raises ends a command with one line in the component's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.user_errors import UserError


@contextmanager
def as_user_error(name: str) -> Iterator[None]:
    """Whatever the block raises becomes a `UserError` that begins with ``name``; ``UserError`` and Ctrl-C go through as they are."""
    from harness.text_format import format_reason

    try:
        yield
    except BaseException as error:  # a component may raise SystemExit, or an interrupt of its own making
        if type(error) in (UserError, KeyboardInterrupt):
            raise
        raise UserError(f"{name}: {format_reason(error)}") from error
