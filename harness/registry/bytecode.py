"""Code objects as JSON: what they do, whatever file or line they are from."""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from importlib.util import find_spec, resolve_name
from itertools import takewhile
from types import CodeType
from typing import Any

from harness.registry.dependencies import find_dependencies
from harness.registry.file_ownership import is_versioned
from harness.registry.file_states import content_digest_of, file_state_of
from harness.registry.import_tracing import IMPORT_TRACE, file_of_module, real_path
from harness.registry.signature import unwrap_partial

Describe = Callable[[Any], Any]
AttributePath = tuple[str, ...]


def library_of(module: str | None) -> list[str | None] | None:
    """The top-level name and version that stand for a module's code; None if it is somebody's own."""
    if module is None or module == "__main__":
        return None
    there = sys.modules.get(module)
    file = file_of_module(there)
    if there is None or (file is not None and not is_versioned(file)) or (file is None and not _is_builtin(there)):
        return None
    top = module.partition(".")[0]
    return [top, _library_version(top)]


def _is_builtin(module: Any) -> bool:
    """Whether a module without a file is the interpreter's; a notebook's own have no loader."""
    spec = getattr(module, "__spec__", None)
    return spec is not None and (spec.origin in ("built-in", "frozen") or spec.loader is not None or bool(spec.submodule_search_locations))


def _library_version(top: str) -> str | None:
    found = getattr(sys.modules.get(top), "__version__", None)
    if isinstance(found, str):
        return found
    try:
        return metadata.version(top)
    except (metadata.PackageNotFoundError, ValueError):
        return None


def _nested_code(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested_code(constant)


def find_global_accesses(code: CodeType) -> dict[str, frozenset[AttributePath]]:
    """By name of a global the attributes that code, and functions made in it, take of it one after another: () if itself is used."""
    found: dict[str, set[AttributePath]] = {}
    for one in _nested_code(code):
        steps = list(dis.get_instructions(one))
        for i, step in enumerate(steps):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
                path = takewhile(lambda following: following.opname in ("LOAD_ATTR", "LOAD_METHOD"), steps[i + 1 :])
                found.setdefault(step.argval, set()).add(tuple(following.argval for following in path))
    return {name: frozenset(paths) for name, paths in found.items()}


def find_reflection(code: CodeType) -> set[str]:
    """The functions of the interpreter that code calls which may reach anything by a text."""
    return {"eval", "exec", "globals"} & find_global_accesses(code).keys()


def describe_instructions(code: CodeType, doc: str | None, describe: Describe) -> list[Any]:
    """Description of what code does: its instructions, constants and names, without its docstring, places and lines."""
    constants = [
        describe_instructions(item, None, describe) if isinstance(item, CodeType) else None if i == 0 and item == doc else describe(item)
        for i, item in enumerate(code.co_consts)
    ]
    counts = [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags]
    variables = [list(part) for part in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)]
    return [code.co_code.hex(), getattr(code, "co_exceptiontable", b"").hex(), constants, variables, counts]


def describe_imported_files(function: Any, describe: Describe) -> list[list[Any]]:
    """Digests of the files that stand for modules of one's own which a function imports when it is called.

    If one has changed since it was imported, the modules made of it are described in its place: they are what the function gets.
    """
    package = str(function.__globals__.get("__package__") or "")
    found: set[str] = set()
    for one in _nested_code(function.__code__):
        steps = list(dis.get_instructions(one))
        for i, step in enumerate(steps):
            if step.opname == "IMPORT_NAME":
                level = steps[i - 2].argval if i >= 2 and isinstance(steps[i - 2].argval, int) else 0
                found.update(_find_module_file(str(step.argval), level, package))
    files = find_dependencies(found)
    changed = sorted(file for file in files.code if _modules_of_changed_file(file))
    there = sorted([content_digest_of(file), ""] for file in (files.code | files.data) - set(changed))
    return [*there, *(["imported before", describe(module)] for file in changed for module in _modules_of_changed_file(file))]


def _modules_of_changed_file(file: str) -> list[Any]:
    """The modules that were made of a file before it changed."""
    if IMPORT_TRACE.loaded.get(file, found := file_state_of(file)) == found:
        return []
    return [module for module in list(sys.modules.values()) if file_of_module(module) == file]


def _find_module_file(name: str, level: int, package: str) -> Iterator[str]:
    try:
        name = resolve_name("." * level + name, package) if level else name
        there = sys.modules.get(name)
        file = file_of_module(there) if there is not None else getattr(find_spec(name), "origin", None)
    except (ImportError, ValueError, AttributeError):
        return
    if isinstance(file, str) and not is_versioned(file):
        yield file


def source_files_of(component: Any) -> Iterator[str]:
    """The file of code that a function, a class, or an object's class comes from, if there is one."""
    component = unwrap_partial(component)
    function = inspect.unwrap(component) if inspect.isroutine(component) else None
    place = getattr(getattr(function, "__code__", None), "co_filename", None)
    if place is None:
        kind = component if inspect.isclass(component) else type(component)
        place = file_of_module(sys.modules.get(kind.__module__))
    if place is not None:
        yield real_path(place)
