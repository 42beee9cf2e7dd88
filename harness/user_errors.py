"""Exceptions that are a person's to mend, as messages; all others are the harness's own and keep their traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.text_format import format_reason


class UserError(ValueError):
    """Something on the command line cannot be done as asked."""


def user_error_message(error: Exception) -> str | None:
    """The message for an exception that names something wrong with the spec, the command line or a folder; None for any other."""
    from harness.dispatch.devices import DeviceError
    from harness.dispatch.executor import ExecutorError
    from harness.leaderboard.merge import MergeError
    from harness.leaderboard.render import UnknownFormat
    from harness.leaderboard.score_export import ExportError
    from harness.leaderboard.selection import SelectionError
    from harness.planning.class_matching import ClassMismatch
    from harness.planning.inspector import Unavailable
    from harness.registry.errors import ParameterError, RegistryError
    from harness.results.run_folder import RunFolderError
    from harness.spec.problems import SpecError

    of_specs = (SpecError, RegistryError, ParameterError, ClassMismatch)
    of_runs = (DeviceError, Unavailable, ExecutorError, RunFolderError, MergeError, ExportError, SelectionError, UnknownFormat)
    return str(error) if isinstance(error, (*of_specs, *of_runs, UserError, OSError)) else None


@contextmanager
def as_user_error(name: str) -> Iterator[None]:
    """Make a `UserError` that begins with ``name`` of whatever a component raises; ``UserError`` and Ctrl-C stay as they are."""
    try:
        yield
    except BaseException as error:  # a component may raise SystemExit, or an interrupt of its own making
        if type(error) in (UserError, KeyboardInterrupt):
            raise
        raise UserError(f"{name}: {format_reason(error)}") from error
