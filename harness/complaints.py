"""Which exceptions are a person's to mend, and how they are said; all others are the harness's own and keep their traceback."""

from __future__ import annotations


class UserError(ValueError):
    """Something on the command line cannot be done as asked."""


def complaint(error: Exception) -> str | None:
    """The message for an exception that names something wrong with the spec, the command line or a folder; None for any other."""
    from harness.execution.devices import DeviceError
    from harness.execution.executor import ExecutorError
    from harness.leaderboard.export import ExportError
    from harness.leaderboard.folder import FolderError
    from harness.leaderboard.merge import MergeError
    from harness.leaderboard.render import UnknownFormat
    from harness.leaderboard.selecting import SelectionError
    from harness.planning.classes import ClassMismatch
    from harness.planning.inspector import Unavailable
    from harness.registry.errors import ParameterError, RegistryError
    from harness.spec.problems import SpecError

    of_specs = (SpecError, RegistryError, ParameterError, ClassMismatch)
    of_runs = (DeviceError, Unavailable, ExecutorError, FolderError, MergeError, ExportError, SelectionError, UnknownFormat)
    return str(error) if isinstance(error, (*of_specs, *of_runs, UserError, OSError)) else None
