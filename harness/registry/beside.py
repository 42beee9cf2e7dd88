"""The folder of a plugin file is on its import path, and on no other's: two files with a helper ``utils.py`` each get their own.

Nothing in such a folder shadows the standard library or an installed distribution. While code of a folder imports a name that the folder
has, modules of that name from elsewhere are set aside, and put back afterwards.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

from harness.registry import tracing
from harness.registry.installed import below, editable_projects, versioned
from harness.registry.uncached import Uncached

_folders: list[str] = []
_active: list[str] = []
_owned: dict[str, dict[str, ModuleType]] = {}
_memo: dict[str, str | None] = {}
_lock = threading.RLock()


class _Finder:
    """Finds what lies in the folder whose code imports, before whatever nobody installed."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if path is not None or not _active or not offers(_active[-1], name):
            return None
        found = PathFinder.find_spec(name, [_active[-1]])
        if found is not None and type(found.loader) is SourceFileLoader:
            found.loader = Uncached(found.loader.name, found.loader.path)
        return found


def include(folder: str) -> None:
    """Let code in a folder import what lies in it."""
    tracing.install(_around)
    if folder not in _folders:
        _folders.append(folder)
        _memo.clear()
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


@contextmanager
def importing(folder: str) -> Iterator[None]:
    """Import as code of this folder does."""
    with _lock:
        names = {name for name in _names(folder) if offers(folder, name)}
        aside = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in names and not _of(folder, module)}
        for name in aside:
            del sys.modules[name]
        sys.modules.update({name: module for name, module in _owned.get(folder, {}).items() if name not in sys.modules})
        _active.append(folder)
        try:
            yield
        finally:
            _active.pop()
            own = {name: module for name, module in list(sys.modules.items()) if name.partition(".")[0] in names and _of(folder, module)}
            _owned[folder] = own
            if aside:
                for name in own:
                    del sys.modules[name]
                sys.modules.update(aside)


def _around(importer: str, name: str) -> AbstractContextManager[object] | None:
    """A context for an import that code of one of the folders makes of what the folder has."""
    if not _folders or not name:
        return None
    folder = folder_of(importer)
    if folder is None or (_active and _active[-1] == folder) or not offers(folder, name.partition(".")[0]):
        return None
    return importing(folder)


def folder_of(file: str) -> str | None:
    """The innermost plugin folder that a file of code which nobody installed lies in."""
    if file not in _memo:
        real = os.path.realpath(file)
        holding = [] if versioned(real) else [folder for folder in _folders if below(real, folder)]
        _memo[file] = max(holding, key=len, default=None)
    return _memo[file]


def forget(folder: str, files: frozenset[str] | set[str]) -> None:
    """Have the modules of these files imported again when code of the folder asks for them."""
    own = _owned.get(folder, {})
    for name in [name for name, module in own.items() if tracing.file_of(module) in files]:
        del own[name]


def folders() -> Sequence[str]:
    """All that are included."""
    return tuple(_folders)


def _of(folder: str, module: object) -> bool:
    """Whether a module (or a package without a file of its own) lies in a folder."""
    file = tracing.file_of(module)
    places = [file] if file is not None else [os.path.realpath(place) for place in getattr(module, "__path__", ())]
    return bool(places) and all(below(place, folder) for place in places)


def _names(folder: str) -> set[str]:
    """Top-level names that could be imported from a folder."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return set()
    modules = [entry for entry in entries if entry.name.endswith((".py", ".so")) or (entry.is_dir() and "." not in entry.name)]
    return {entry.name.partition(".")[0] for entry in modules}


def offers(folder: str, name: str) -> bool:
    """Whether a folder has a module of this name, and neither the interpreter nor an installed distribution does."""
    if name in sys.builtin_module_names or name in sys.stdlib_module_names or name == "harness":
        return False
    if PathFinder.find_spec(name, [folder]) is None:
        return False
    elsewhere = PathFinder.find_spec(name)
    if elsewhere is None or elsewhere.origin is None:
        return True
    file = os.path.realpath(elsewhere.origin)
    return not (versioned(file) or any(below(file, project) and not below(folder, project) for project in editable_projects()))
