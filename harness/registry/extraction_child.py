"""The child process that imports components and says what cards need to know of them.

Its settings are ``{"entries": [{"id", "kind", "target"}…], "files": [path…]}``; it sends ``{"begin": id}`` before each import and
``{"end": id, …}`` after it, so that whoever receives them knows what killed a child.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from harness.processes.channel import Channel
from harness.registry.dependencies import find_dependencies, portable_path
from harness.registry.file_states import content_digest_of, file_states_of
from harness.registry.import_tracing import IMPORT_TRACE, file_of_module
from harness.registry.native_readers import audit_native_readers
from harness.registry.signature import unwrap_partial

TRACEBACK_TAIL = 3


def main() -> None:
    """Serve one request."""
    channel = Channel()
    audit_native_readers()
    for entry in channel.settings["entries"]:
        _answer(channel, entry["id"], partial(_entry_point_facts, entry))
    for file in channel.settings["files"]:
        _answer(channel, file, partial(_file_facts, file))
    channel.end()


def _answer(channel: Channel, identifier: str, work: Callable[[], Mapping[str, Any]]) -> None:
    channel.send({"begin": identifier})
    try:
        answer = dict(work())
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        answer = {"error": format_exception(error)}
    channel.send({"end": identifier, **answer})


def _entry_point_facts(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    from harness.registry.component_facts import describe_component
    from harness.registry.loading import load_target

    with IMPORT_TRACE.recording() as heard:
        try:
            component = load_target(entry["target"])
            facts = describe_component(entry["kind"], component)
        except Exception as error:
            return {"error": format_exception(error), **_dependency_facts(heard.files)}
    return {**facts, **_dependency_facts(_import_roots(entry["target"].partition(":")[0].strip(), component))}


def _file_facts(path: str) -> Mapping[str, Any]:
    from harness.registry.component_facts import describe_component
    from harness.registry.loading import find_declared_components, load_file

    module = load_file(Path(path))
    components = []
    for kind, name, attribute in find_declared_components(module):
        try:
            facts = describe_component(kind, getattr(module, attribute))
        except Exception as error:
            facts = {"error": format_exception(error)}
        components.append({"kind": kind, "name": name, "attribute": attribute, **facts})
    return {"components": components, **_dependency_facts({os.path.realpath(path)})}


def _import_roots(module: str, component: object) -> set[str]:
    """The files that importing the component began with: those of its module, the packages that lies in, and where it was made."""
    parts = module.split(".")
    names = [".".join(parts[: i + 1]) for i in range(len(parts))]
    component = unwrap_partial(component)
    files = [file_of_module(sys.modules.get(name)) for name in (*names, getattr(component, "__module__", None) or "")]
    return {file for file in files if file is not None}


def _dependency_facts(roots: set[str]) -> dict[str, Any]:
    """What the component depends on, as `harness.registry.discovery` takes it."""
    found = find_dependencies(roots)
    files = {path: [portable_path(path), content_digest_of(path)] for path in sorted(found.code | found.data)}
    return {"sources": files, "states": file_states_of(files), "uses": dict(sorted(found.uses.items()))}


def format_exception(error: BaseException) -> str:
    """An exception on one line, and the last places of its traceback that lie outside this package."""
    first = " ".join(f"{type(error).__name__}: {error}".split())
    here = str(Path(__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith((here, "<frozen"))]
    places = [f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}" for frame in frames[-TRACEBACK_TAIL:]]
    return "\n".join([first, *places])


if __name__ == "__main__":
    main()
