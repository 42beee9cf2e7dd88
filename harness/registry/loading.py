"""Importing a component from its target: ``package.module:attribute``, or a file.

A notebook, or a server, edits its plugins while it runs: modules whose files have changed since are forgotten before that.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import cache_from_source, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.api.declarations import DECLARATION_ATTRIBUTE, Kind
from harness.registry import plugin_folders
from harness.registry.dependencies import find_imported_files
from harness.registry.file_states import file_state_of
from harness.registry.import_tracing import IMPORT_TRACE, file_of_module
from harness.registry.naming import kebab


def load_target(target: str) -> Any:
    """The object that an entry point's value names; raises what its import raises."""
    module, _, attribute = target.partition("[")[0].strip().partition(":")
    found: Any = import_module(module.strip())
    for part in filter(None, attribute.strip().split(".")):
        found = getattr(found, part)
    return found


def load_file(path: Path, version: str = "") -> ModuleType:
    """The module of a plugin file, imported once per process under a name made of its path, its content and its ``version``.

    It can import what lies beside it (see `harness.registry.plugin_folders`).
    """
    path = path.resolve()
    content = str(path).encode() + path.read_bytes() + version.encode()
    name = f"harness_plugin_{hashlib.sha256(content).hexdigest()[:12]}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path, loader=plugin_folders.UncachedSourceLoader(name, str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    plugin_folders.add_plugin_folder(str(path.parent))
    try:
        with plugin_folders.importing_from(str(path.parent)):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def find_declared_components(module: ModuleType) -> list[tuple[Kind, str, str]]:
    """Kind, component name and attribute of everything declared (with a decorator) in a module itself, in its order.

    Raises ``ValueError`` if two make the same name.
    """
    found: dict[tuple[Kind, str], str] = {}
    for attribute, value in vars(module).items():
        declaration = vars(value).get(DECLARATION_ATTRIBUTE) if hasattr(value, "__dict__") else None
        if declaration is None or getattr(value, "__module__", None) != module.__name__ or getattr(value, "__name__", "") != attribute:
            continue
        key = (declaration.kind, kebab(attribute))
        if key in found:
            raise ValueError(f'`{found[key]}` and `{attribute}` both make the {key[0].removesuffix("s")} name "{key[1]}": rename one')
        found[key] = attribute
    return [(kind, name, attribute) for (kind, name), attribute in found.items()]


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
