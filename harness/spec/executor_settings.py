"""Settings that an executor's plugin adds to ``execution``: its parameters stand among the harness's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.spec.run_spec import DEFAULT_EXECUTOR


def extend_execution_schema(form: Mapping[str, Any], settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """The schema of a spec with an executor's settings in ``execution``; with None anything may stand there."""
    execution = form["properties"]["execution"]
    extended = {**execution, "additionalProperties": settings is None}
    if settings is not None:
        extended["properties"] = {**settings["properties"], **execution["properties"]}
        extended.update({key: settings[key] for key in ("required", "allOf") if key in settings})
    return {**form, "properties": {**form["properties"], "execution": extended}}


def merge_executor_schemas(named: Mapping[str, tuple[list[str], Mapping[str, Any]]]) -> dict[str, Any]:
    """Schema of ``execution`` beside its own keys, by executor: ``properties`` and ``allOf``; ``named`` has names and settings of each."""
    every = {name for _, settings in named.values() for name in settings["properties"]}
    found = []
    for names, settings in named.values():
        chosen: dict[str, Any] = {"properties": {"executor": {"enum": names}}}
        if DEFAULT_EXECUTOR not in names:
            chosen["required"] = ["executor"]
        then = {"properties": {**dict.fromkeys(sorted(every), False), **settings["properties"]}}
        found.append({"if": chosen, "then": {**then, **{key: settings[key] for key in ("required", "allOf") if key in settings}}})
    return {"properties": dict.fromkeys(sorted(every), True), "allOf": found} if every else {"properties": {}}
