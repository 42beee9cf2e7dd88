"""All files of code, and all that these read when they are imported, that a component depends on and that no version stands for.

What was imported is known by `harness.registry.tracing`. What code imports only when it is called is found in its text; code that imports
by a name which it makes may import any module of its package, or any file beside it.
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

from harness.registry import beside
from harness.registry.installed import distribution_of, of_core, versioned
from harness.registry.tracing import TRACE, counts

BY_NAME = ("import_module", "__import__", "find_spec")
IMPORTERS = (*BY_NAME, "spec_from_file_location", "run_path", "run_module")
"""Functions that import what their first argument names, of which some take a module's name."""


@dataclass
class Closure:
    """What somebody's code depends on.

    Attributes:
        code: files of code that no version stands for.
        data: files and folders that they read while they were imported.
        uses: public versions of the distributions that they import, by name.
    """

    code: set[str] = field(default_factory=set)
    data: set[str] = field(default_factory=set)
    uses: dict[str, str] = field(default_factory=dict)


def closure(roots: Iterable[str]) -> Closure:
    """Everything that files of code lead to; through installed distributions too, which may import what is not."""
    found, seen, waiting = Closure(), set(), [os.path.realpath(root) for root in roots]
    while waiting:
        file = waiting.pop()
        if file in seen or of_core(file):
            continue
        seen.add(file)
        following = set(TRACE.imports.get(file, ()))
        if not versioned(file):
            found.code.add(file)
            found.data.update(path for path in TRACE.reads.get(file, ()) if counts(path))
            following |= set(imported_by(file)) | set(_packages(file))
            for name, version in filter(None, map(distribution_of, following)):
                found.uses[name] = version
        waiting.extend(following - seen)
    found.data -= found.code
    return found


def shown(path: str) -> str:
    """A path as it is the same on other machines and from other folders: from the outermost package that a file lies in, or its name."""
    *_, top = ["", *_packages(path)]
    return os.path.relpath(path, Path(top).parent.parent) if top else os.path.basename(path)


def _packages(file: str) -> Iterator[str]:
    """The files of the packages that a module lies in, which are imported before it."""
    folder = Path(file).parent
    while (folder / "__init__.py").is_file():
        yield str(folder / "__init__.py")
        folder = folder.parent


def imported_by(file: str) -> tuple[str, ...]:
    """The files that the imports in a file's text name, whenever they are made; of those that are there."""
    try:
        state = os.stat(file)
    except OSError:
        return ()
    return _imported_by(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4096)
def _imported_by(file: str, time: int, size: int) -> tuple[str, ...]:
    if not file.endswith(".py"):
        return ()
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ()
    found: set[str] = set()
    for node in _nodes(tree):
        found.update(_files(file, node))
    return tuple(sorted(found))


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.Call) and _name(node.func) in BY_NAME and node.args:  # what is called so is said by the call
            waiting.extend([*node.args, *node.keywords])
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not isinstance(node.test, ast.UnaryOp):
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _files(file: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _absolute(file, alias.name)
    elif isinstance(node, ast.ImportFrom):
        names = ["", *(alias.name for alias in node.names)]
        if any(alias.name in IMPORTERS and alias.asname not in (None, alias.name) for alias in node.names):
            yield from _anything_near(file)
        for name in names:
            whole = ".".join(filter(None, [node.module, name]))
            yield from _absolute(file, whole) if node.level == 0 else _relative(file, node.level, whole)
    elif isinstance(node, ast.Call) and _name(node.func) in BY_NAME and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            level = len(first.value) - len(first.value.lstrip("."))
            name = first.value[level:]
            yield from _absolute(file, name) if not level else _relative(file, level, name)
        else:
            yield from _anything_near(file)
    elif _name(node) in IMPORTERS:
        yield from _anything_near(file)


def _name(node: ast.AST) -> str:
    """The last part of a name, or "" of what is none."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _anything_near(file: str) -> Iterator[str]:
    """Every module of the package that a file is in, or every file of code beside one that is in none."""
    *_, top = ["", *_packages(file)]
    if top:
        yield from (str(path) for path in sorted(Path(top).parent.rglob("*.py")))
    else:
        yield from (str(path) for path in sorted(Path(file).parent.glob("*.py")))


def _relative(file: str, level: int, name: str) -> Iterator[str]:
    yield from _below([str(Path(file).parents[level - 1])] if level <= len(Path(file).parents) else [], name.split("."))


def _absolute(file: str, name: str) -> Iterator[str]:
    top, *rest = name.split(".")
    folder = beside.folder_of(file)
    if folder is not None and beside.offers(folder, top):
        yield from _below([folder], [top, *rest])
        return
    spec = _spec(top)
    if spec is None:
        return
    if spec.origin is not None and spec.has_location:
        origin = os.path.realpath(spec.origin)
        yield origin
        if versioned(origin):
            return
    if rest:
        yield from _below(list(spec.submodule_search_locations or ()), rest)


def _below(folders: list[str], names: list[str]) -> Iterator[str]:
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
def _spec(top: str) -> ModuleSpec | None:
    """Where a top-level module is; nothing is imported for it."""
    if top in sys.builtin_module_names or top in sys.stdlib_module_names:
        return None
    try:
        return find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
