"""``--set path=value``: single values of a spec, replaced before it is checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.registry.errors import KeyPath
from harness.registry.json_schema import format_value
from harness.spec.problems import SpecError, SpecProblem
from harness.spec.run_spec import KIND_BY_KEY
from harness.spec.yaml_document import MAX_DEPTH, SpecDocument, parse_yaml

SetOption = tuple[str, Any]


def apply_set_options(document: SpecDocument, settings: Iterable[SetOption]) -> list[SpecProblem]:
    """Replace values in ``document``; a text is read as YAML, anything else is taken as it is.

    ``explainers.0.params.layer`` goes through mappings by key and through lists by index; mappings that are not there are made, and a bare
    name becomes ``use``. Returns what is wrong with the settings themselves.
    """
    problems: list[SpecProblem] = []
    for path, value in settings:
        origin = f"--set {path}={value if isinstance(value, str) else format_value(value)}"
        try:
            plain = parse_yaml(value, origin).data if isinstance(value, str) and value.strip() else value
            at = _set_value(document, path, plain)
        except SpecError as error:
            problems.extend(SpecProblem(origin, None, None, problem.message) for problem in error.problems)
        except ValueError as error:
            problems.append(SpecProblem(origin, None, None, str(error)))
        else:
            document.origins[at] = origin
    return problems


def _set_value(document: SpecDocument, path: str, value: Any) -> KeyPath:
    parts = path.split(".")
    if not all(part.strip() for part in parts):
        raise ValueError(f'"{path}" is no path such as seed or explainers.0.params.layer')
    if len(parts) > MAX_DEPTH:
        raise ValueError(f"the path has {len(parts)} parts, at most {MAX_DEPTH}")
    at: KeyPath = ()
    holder = document.data
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if isinstance(holder, list):
            index = _list_index(holder, part, at)
            at = (*at, index)
            if last:
                holder[index] = value
            elif isinstance(holder[index], str) and len(at) == 2 and at[0] in KIND_BY_KEY:
                holder[index] = {"use": holder[index]}
            holder = holder[index]
        elif isinstance(holder, dict):
            at = (*at, part)
            if last:
                holder[part] = value
            elif holder.get(part) is None:
                holder[part] = {}
            holder = holder[part]
        else:
            raise ValueError(f"{_join_path(at)} is {format_value(holder)}, which holds no {part}")
    return at


def _list_index(holder: list[Any], part: str, at: KeyPath) -> int:
    if not (part.isascii() and part.isdigit()) or len(part) > 9 or int(part) >= len(holder):
        numbers = f"0 to {len(holder) - 1}" if holder else "none: it is empty"
        raise ValueError(f"{_join_path(at)} is a list: {part} must be one of its indices ({numbers})")
    return int(part)


def _join_path(at: KeyPath) -> str:
    return ".".join(map(str, at)) or "the spec"
