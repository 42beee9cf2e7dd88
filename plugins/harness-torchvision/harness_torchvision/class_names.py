"""Names of classes: given, read from a file, or those of published weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def read_class_names(given: Sequence[str] | Path | str) -> list[str]:
    """Names as they are given, or from a file: one name per line, or JSON: a list, or a mapping of names to indices or the other way round.

    Raises ``ValueError`` where there is no such file, or it holds something else, or a name is used twice.
    """
    names = _from_file(Path(given).expanduser()) if isinstance(given, str | Path) else list(given)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"class_names: {repeated[0]!r} is there {names.count(repeated[0])} times")
    return names


def _from_file(path: Path) -> list[str]:
    if not path.is_file():
        raise ValueError(f"class_names: there is no file {path}")
    try:
        text = path.read_text(encoding="utf-8-sig")
        names = json.loads(text) if path.suffix == ".json" else [line.strip() for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise ValueError(f"class_names: {path} cannot be read: {error}") from error
    if isinstance(names, dict):
        names = _in_order(names)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"class_names: {path} is no list of names")
    return names


def _in_order(mapping: dict[str, object]) -> list[object] | None:
    """The names of ``{"cat": 0}`` or ``{"0": "cat"}`` by their indices; None where these are not all from 0 on."""
    pairs = [(value, name) for name, value in mapping.items()]
    if all(name.isdecimal() for name in mapping):
        pairs = [(int(name), value) for name, value in mapping.items()]
    by_index: dict[object, object] = dict(pairs) if all(isinstance(index, int) for index, _ in pairs) else {}
    return [by_index[index] for index in range(len(pairs))] if set(by_index) == set(range(len(pairs))) else None
