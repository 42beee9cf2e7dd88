"""Forgets modules whose files have changed since this process imported them: a notebook, or a server, edits its plugins while it runs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable
from importlib.util import cache_from_source
from pathlib import Path

from harness.registry import beside
from harness.registry.closure import imported_by
from harness.registry.tracing import TRACE, file_of, state


def renew(files: Iterable[str]) -> None:
    """Have modules that come from any of these files, and are not as these are now, imported again; those too that import such.

    ``files`` are all that components depend on; no module of other files is touched.
    """
    there = [file for file in set(files) if file in TRACE.loaded]
    stale = {file for file in there if state(file) != TRACE.loaded[file]}
    if not stale:
        return
    growing = True
    while growing:
        depending = {file for file in there if not stale.isdisjoint({*TRACE.imports.get(file, ()), *imported_by(file)})}
        growing = not depending <= stale
        stale |= depending
    for name, module in list(sys.modules.items()):
        if file_of(module) in stale and name != "__main__":
            _drop(name)
    for folder in beside.folders():
        beside.forget(folder, stale)
    for file in stale:
        TRACE.loaded.pop(file, None)
        TRACE.imports.pop(file, None)
        TRACE.reads.pop(file, None)
        with contextlib.suppress(OSError, NotImplementedError, ValueError):
            Path(cache_from_source(file)).unlink(missing_ok=True)


def _drop(name: str) -> None:
    """Forget a module, as its package's attribute too."""
    module = sys.modules.pop(name)
    package, _, last = name.rpartition(".")
    parent = sys.modules.get(package)
    if parent is not None and getattr(parent, last, None) is module:
        delattr(parent, last)
