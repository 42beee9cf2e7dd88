"""Imports a file of code from its text, whatever compiled file lies beside it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from typing import Any


class UncachedSourceLoader(SourceFileLoader):
    """Compiles the text as it is: compiled files are told by whole seconds and sizes, and an edit may change neither."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Nothing that a compiled file could be compared with."""
        raise OSError(f"{path} is compiled anew")
