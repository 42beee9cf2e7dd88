"""How other processes that import components are started: from the same places, and from no folder before the standard library."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import harness


def module_command(module: str) -> list[str]:
    """What runs a module of the harness; the working folder does not come first on its path, where it would shadow what is installed."""
    return [sys.executable, "-P", "-m", module]


def child_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's, in which the harness can be imported."""
    home = str(Path(next(iter(harness.__path__))).parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")])), **(more or {})}


def current_search_path() -> list[str]:
    """Where this process looks for modules."""
    return [part or str(Path.cwd()) for part in sys.path]


def adopt_search_path(path: Sequence[str] | None) -> None:
    """Look for modules there, and at last in the working folder."""
    if path:
        sys.path[:] = path
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
