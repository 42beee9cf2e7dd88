"""Forgets modules whose files have changed since this process imported them: a notebook, or a server, edits its plugins while it runs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable
from importlib.util import cache_from_source
from pathlib import Path

from harness.registry import plugin_folders
from harness.registry.dependencies import find_imported_files
from harness.registry.file_states import file_state_of
from harness.registry.import_tracing import IMPORT_TRACE, file_of_module


def forget_changed_modules(files: Iterable[str]) -> None:
    """Have modules that come from any of these files, and are not as these are now, imported again; those too that import such.

    ``files`` are all that components depend on; no module of other files is touched.
    """
    there = [file for file in set(files) if file in IMPORT_TRACE.loaded]
    stale = {file for file in there if file_state_of(file) != IMPORT_TRACE.loaded[file]}
    if not stale:
        return
    growing = True
    while growing:
        depending = {file for file in there if not stale.isdisjoint({*IMPORT_TRACE.imports.get(file, ()), *find_imported_files(file)})}
        growing = not depending <= stale
        stale |= depending
    for name, module in list(sys.modules.items()):
        if file_of_module(module) in stale and name != "__main__":
            _forget_module(name)
    for folder in plugin_folders.added_folders():
        plugin_folders.forget_modules(folder, stale)
    for file in stale:
        IMPORT_TRACE.loaded.pop(file, None)
        IMPORT_TRACE.imports.pop(file, None)
        IMPORT_TRACE.reads.pop(file, None)
        with contextlib.suppress(OSError, NotImplementedError, ValueError):
            Path(cache_from_source(file)).unlink(missing_ok=True)


def _forget_module(name: str) -> None:
    """Forget a module, as its package's attribute too."""
    module = sys.modules.pop(name)
    package, _, last = name.rpartition(".")
    parent = sys.modules.get(package)
    if parent is not None and getattr(parent, last, None) is module:
        delattr(parent, last)
