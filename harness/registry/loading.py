"""Importing a component from its target: ``package.module:attribute``, or a file."""

from __future__ import annotations

import hashlib
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.api.declarations import DECLARATION_ATTRIBUTE, Kind
from harness.registry import plugin_folders
from harness.registry.naming import kebab
from harness.registry.source_loader import UncachedSourceLoader


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
    spec = spec_from_file_location(name, path, loader=UncachedSourceLoader(name, str(path)))
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

    Raises ``ValueError`` where two make the same name.
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
