"""The folder of a plugin file is on its import path, and on no other's: two files with a helper ``utils.py`` each get their own.

Nothing in such a folder shadows the standard library or an installed distribution. While code of a folder imports a name that the folder
has, modules of that name from elsewhere are set aside, and put back afterwards.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from harness.registry import import_tracing
from harness.registry.file_ownership import editable_projects, is_versioned, is_within

_folders: list[str] = []
_active_folders: list[str] = []
_modules_by_folder: dict[str, dict[str, ModuleType]] = {}
_folder_by_file: dict[str, str | None] = {}
_lock = threading.RLock()


class UncachedSourceLoader(SourceFileLoader):
    """Compiles the text as it is: compiled files are told by whole seconds and sizes, and an edit may change neither."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Nothing that a compiled file could be compared with."""
        raise OSError(f"{path} is compiled anew")


class _PluginFolderFinder:
    """Finds what lies in the folder whose code imports, before whatever nobody installed."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if path is not None or not _active_folders or not provides_module(_active_folders[-1], name):
            return None
        found = PathFinder.find_spec(name, [_active_folders[-1]])
        if found is not None and type(found.loader) is SourceFileLoader:
            found.loader = UncachedSourceLoader(found.loader.name, found.loader.path)
        return found


def add_plugin_folder(folder: str) -> None:
    """Let code in a folder import what lies in it."""
    import_tracing.install_import_tracing(_import_context)
    if folder not in _folders:
        _folders.append(folder)
        _folder_by_file.clear()
    if _PluginFolderFinder not in sys.meta_path:
        sys.meta_path.insert(0, _PluginFolderFinder)


@contextmanager
def importing_from(folder: str) -> Iterator[None]:
    """Import as code of this folder does."""
    with _lock:
        names = {name for name in _top_level_names(folder) if provides_module(folder, name)}
        aside = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in names and not _lies_in(folder, module)}
        for name in aside:
            del sys.modules[name]
        sys.modules.update({name: module for name, module in _modules_by_folder.get(folder, {}).items() if name not in sys.modules})
        _active_folders.append(folder)
        try:
            yield
        finally:
            _active_folders.pop()
            own = {
                name: module for name, module in list(sys.modules.items()) if name.partition(".")[0] in names and _lies_in(folder, module)
            }
            _modules_by_folder[folder] = own
            if aside:
                for name in own:
                    del sys.modules[name]
                sys.modules.update(aside)


def _import_context(importer: str, name: str) -> AbstractContextManager[object] | None:
    """A context for an import that code of one of the folders makes of what the folder has."""
    if not _folders or not name:
        return None
    folder = plugin_folder_of(importer)
    if folder is None or (_active_folders and _active_folders[-1] == folder) or not provides_module(folder, name.partition(".")[0]):
        return None
    return importing_from(folder)


def plugin_folder_of(file: str) -> str | None:
    """The innermost plugin folder that a file of code which nobody installed lies in."""
    if file not in _folder_by_file:
        real = os.path.realpath(file)
        holding = [] if is_versioned(real) else [folder for folder in _folders if is_within(real, folder)]
        _folder_by_file[file] = max(holding, key=len, default=None)
    return _folder_by_file[file]


def forget_modules(folder: str, files: frozenset[str] | set[str]) -> None:
    """Have the modules of these files imported again when code of the folder asks for them."""
    own = _modules_by_folder.get(folder, {})
    for name in [name for name, module in own.items() if import_tracing.file_of_module(module) in files]:
        del own[name]


def added_folders() -> Sequence[str]:
    """All that are included."""
    return tuple(_folders)


def _lies_in(folder: str, module: object) -> bool:
    """Whether a module (or a package without a file of its own) lies in a folder."""
    file = import_tracing.file_of_module(module)
    places = [file] if file is not None else [os.path.realpath(place) for place in getattr(module, "__path__", ())]
    return bool(places) and all(is_within(place, folder) for place in places)


def _top_level_names(folder: str) -> set[str]:
    """Top-level names that could be imported from a folder."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return set()
    modules = [entry for entry in entries if entry.name.endswith((".py", ".so")) or (entry.is_dir() and "." not in entry.name)]
    return {entry.name.partition(".")[0] for entry in modules}


def provides_module(folder: str, name: str) -> bool:
    """Whether a folder has a module of this name, and neither the interpreter nor an installed distribution does."""
    if name in sys.builtin_module_names or name in sys.stdlib_module_names or name == "harness":
        return False
    if PathFinder.find_spec(name, [folder]) is None:
        return False
    elsewhere = PathFinder.find_spec(name)
    if elsewhere is None or elsewhere.origin is None:
        return True
    file = os.path.realpath(elsewhere.origin)
    return not (is_versioned(file) or any(is_within(file, project) and not is_within(folder, project) for project in editable_projects()))
