"""The child process that imports components and says what cards need to know of them.

``python -m harness.registry.extract`` reads one JSON object from standard input, ``{"path": [sys.path…],
"entries": [{"id", "kind", "target"}…], "files": [path…]}``, and writes one JSON object per line: ``{"begin": id}`` before each import
and ``{"end": id, …}`` after it, so that whoever reads knows what killed a child. What plugins print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from harness.registry import tracing
from harness.registry.closure import closure, shown
from harness.registry.opening import watch
from harness.registry.processes import adopt
from harness.registry.states import content_of, states_of
from harness.registry.tracing import TRACE, file_of

TAIL = 3


def main() -> None:
    """Serve one request."""
    request = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    adopt(request["path"])
    tracing.install()
    watch()
    for entry in request["entries"]:
        _answer(out, entry["id"], partial(_described, entry))
    for file in request["files"]:
        _answer(out, file, partial(_file, file))
    out.flush()
    os._exit(0)


def _answer(out: TextIO, identifier: str, work: Callable[[], Mapping[str, Any]]) -> None:
    print(json.dumps({"begin": identifier}), file=out, flush=True)
    try:
        answer = dict(work())
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        answer = {"error": told(error)}
    print(json.dumps({"end": identifier, **answer}), file=out, flush=True)


def _described(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    from harness.registry.describe import described
    from harness.registry.loading import load_target

    with TRACE.listening() as heard:
        try:
            component = load_target(entry["target"])
            facts = described(entry["kind"], component)
        except Exception as error:
            return {"error": told(error), **_sources(heard.files)}
    return {**facts, **_sources(_roots(entry["target"].partition(":")[0].strip(), component))}


def _file(path: str) -> Mapping[str, Any]:
    from harness.registry.describe import described
    from harness.registry.loading import declared_in, load_file

    module = load_file(Path(path))
    components = []
    for kind, name, attribute in declared_in(module):
        try:
            facts = described(kind, getattr(module, attribute))
        except Exception as error:
            facts = {"error": told(error)}
        components.append({"kind": kind, "name": name, "attribute": attribute, **facts})
    return {"components": components, **_sources({os.path.realpath(path)})}


def _roots(module: str, component: object) -> set[str]:
    """The files that importing the component began with: those of its module, the packages that lies in, and where it was made."""
    parts = module.split(".")
    names = [".".join(parts[: i + 1]) for i in range(len(parts))]
    while isinstance(component, partial):
        component = component.func
    files = [file_of(sys.modules.get(name)) for name in (*names, getattr(component, "__module__", None) or "")]
    return {file for file in files if file is not None}


def _sources(roots: set[str]) -> dict[str, Any]:
    """What the component depends on, as `harness.registry.discovery` takes it."""
    found = closure(roots)
    files = {path: [shown(path), content_of(path)] for path in sorted(found.code | found.data)}
    return {"sources": files, "states": states_of(files), "uses": dict(sorted(found.uses.items()))}


def told(error: BaseException) -> str:
    """An exception on one line, and the last places of its traceback that lie outside this package."""
    first = " ".join(f"{type(error).__name__}: {error}".split())
    here = str(Path(__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith((here, "<frozen"))]
    places = [f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}" for frame in frames[-TAIL:]]
    return "\n".join([first, *places])


if __name__ == "__main__":
    main()
