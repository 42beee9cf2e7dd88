"""Files of code, and what these read when they are imported, that a component depends on and that no version stands for.

What was imported is known by `harness.registry.import_tracing`. What code imports only when it is called is found in its text; code that
imports by a name which it makes may import any module of its package, or any file beside it.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from harness.registry import plugin_folders
from harness.registry.file_ownership import distribution_of, is_core_file, is_versioned
from harness.registry.import_tracing import IMPORT_TRACE, is_tracked_file

IMPORTERS_BY_NAME = ("import_module", "__import__", "find_spec")
IMPORTERS = (*IMPORTERS_BY_NAME, "spec_from_file_location", "run_path", "run_module")
"""Functions that import what their first argument names, of which some take a module's name."""


@dataclass
class Dependencies:
    """Files and distributions that somebody's code depends on.

    Attributes:
        code: files of code that no version stands for.
        data: files and folders that they read while they were imported.
        uses: public versions of the distributions that they import, by name.
    """

    code: set[str] = field(default_factory=set)
    data: set[str] = field(default_factory=set)
    uses: dict[str, str] = field(default_factory=dict)


def find_dependencies(roots: Iterable[str]) -> Dependencies:
    """Everything that files of code lead to; through installed distributions too, which may import what is not."""
    found, seen, waiting = Dependencies(), set(), [os.path.realpath(root) for root in roots]
    while waiting:
        file = waiting.pop()
        if file in seen or is_core_file(file):
            continue
        seen.add(file)
        following = set(IMPORT_TRACE.imports.get(file, ()))
        if not is_versioned(file):
            found.code.add(file)
            found.data.update(path for path in IMPORT_TRACE.reads.get(file, ()) if is_tracked_file(path))
            following |= set(find_imported_files(file)) | set(_package_files(file))
            for name, version in filter(None, map(distribution_of, following)):
                found.uses[name] = version
        waiting.extend(following - seen)
    found.data -= found.code
    return found


def portable_path(path: str) -> str:
    """A path as it is the same on other machines and from other folders: from the outermost package that a file lies in, or its name."""
    *_, top = ["", *_package_files(path)]
    return os.path.relpath(path, Path(top).parent.parent) if top else os.path.basename(path)


def _package_files(file: str) -> Iterator[str]:
    """The files of the packages that a module lies in, which are imported before it."""
    folder = Path(file).parent
    while (folder / "__init__.py").is_file():
        yield str(folder / "__init__.py")
        folder = folder.parent


def find_imported_files(file: str) -> tuple[str, ...]:
    """The files that the imports in a file's text name, whenever they are made; of those that are there."""
    try:
        state = os.stat(file)
    except OSError:
        return ()
    return _parse_imported_files(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4096)
def _parse_imported_files(file: str, time: int, size: int) -> tuple[str, ...]:
    if not file.endswith(".py"):
        return ()
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ()
    found: set[str] = set()
    for node in _runtime_nodes(tree):
        found.update(_files_of_import(file, node))
    return tuple(sorted(found))


def _runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if (
            isinstance(node, ast.Call) and _last_name_part(node.func) in IMPORTERS_BY_NAME and node.args
        ):  # what is called so is said by the call
            waiting.extend([*node.args, *node.keywords])
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not isinstance(node.test, ast.UnaryOp):
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _files_of_import(file: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _resolve_absolute(file, alias.name)
    elif isinstance(node, ast.ImportFrom):
        names = ["", *(alias.name for alias in node.names)]
        if any(alias.name in IMPORTERS and alias.asname not in (None, alias.name) for alias in node.names):
            yield from _all_nearby_files(file)
        for name in names:
            whole = ".".join(filter(None, [node.module, name]))
            yield from _resolve_absolute(file, whole) if node.level == 0 else _resolve_relative(file, node.level, whole)
    elif isinstance(node, ast.Call) and _last_name_part(node.func) in IMPORTERS_BY_NAME and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            level = len(first.value) - len(first.value.lstrip("."))
            name = first.value[level:]
            yield from _resolve_absolute(file, name) if not level else _resolve_relative(file, level, name)
        else:
            yield from _all_nearby_files(file)
    elif _last_name_part(node) in IMPORTERS:
        yield from _all_nearby_files(file)


def _last_name_part(node: ast.AST) -> str:
    """The last part of a name, or "" of what is none."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _all_nearby_files(file: str) -> Iterator[str]:
    """Every module of the package that a file is in, or every file of code beside one that is in none."""
    *_, top = ["", *_package_files(file)]
    if top:
        yield from (str(path) for path in sorted(Path(top).parent.rglob("*.py")))
    else:
        yield from (str(path) for path in sorted(Path(file).parent.glob("*.py")))


def _resolve_relative(file: str, level: int, name: str) -> Iterator[str]:
    yield from _resolve_in_folders([str(Path(file).parents[level - 1])] if level <= len(Path(file).parents) else [], name.split("."))


def _resolve_absolute(file: str, name: str) -> Iterator[str]:
    top, *rest = name.split(".")
    folder = plugin_folders.plugin_folder_of(file)
    if folder is not None and plugin_folders.provides_module(folder, top):
        yield from _resolve_in_folders([folder], [top, *rest])
        return
    spec = _find_top_level_spec(top)
    if spec is None:
        return
    if spec.origin is not None and spec.has_location:
        origin = os.path.realpath(spec.origin)
        yield origin
        if is_versioned(origin):
            return
    if rest:
        yield from _resolve_in_folders(list(spec.submodule_search_locations or ()), rest)


def _resolve_in_folders(folders: list[str], names: list[str]) -> Iterator[str]:
    """Files of the modules that names lead through, from folders on; a last name that is no module is something in one."""
    for name in filter(None, names):
        places = [place for folder in folders for place in (os.path.join(folder, name), os.path.join(folder, f"{name}.py"))]
        for file in (os.path.join(places[i], "__init__.py") if i % 2 == 0 else places[i] for i in range(len(places))):
            if os.path.isfile(file):
                yield os.path.realpath(file)
        folders = [place for place in places[::2] if os.path.isdir(place)]
        if not folders:
            return


@lru_cache(maxsize=4096)
def _find_top_level_spec(top: str) -> ModuleSpec | None:
    """The place of a top-level module; nothing is imported for it."""
    if top in sys.builtin_module_names or top in sys.stdlib_module_names:
        return None
    try:
        return find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
