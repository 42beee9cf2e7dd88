"""Files and folders that parameters name: by their annotation, or by any text that leads to one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harness.registry.recipe import Recipe
from harness.registry.registry import Registry

PATH_FORMATS = {"path": "file or folder", "file-path": "file", "directory-path": "folder"}
"""What a parameter names whose annotation is a path, by its format in the schema."""
LONGEST_PATH = 4096  # characters; a longer text names no file
_LIKE_A_FILE = re.compile(r"(~|\.{0,2}/|[A-Za-z]:\\).*|(?!\w+:).*\.[a-z][a-z0-9]{0,11}")


class ParameterPath(NamedTuple):
    """A text that a parameter's annotation lets be a path.

    Attributes:
        parameter: its name.
        format: one of `PATH_FORMATS`.
        text: the value, or one of its items.
        meant: whether it can be nothing else: the parameter takes no other texts than paths and words of its own, or it looks like a
            file (has an ending, or begins as paths do).
    """

    parameter: str
    format: str
    text: str
    meant: bool

    @property
    def path(self) -> Path:
        """With the home folder in it."""
        return expand_home(self.text)


def iter_annotated_paths(registry: Registry, recipe: Recipe) -> Iterator[ParameterPath]:
    """The paths in a component's own parameters, by their annotations, whether they are there or not."""
    for name, schema in registry.known(recipe.kind, recipe.qualified).parameters.get("properties", {}).items():
        value = recipe.params.get(name)
        for text, form in [(value, schema)] if isinstance(value, str) else _iter_items(value, schema):
            every = (form, *form.get("anyOf", ()))
            if any(text == one.get("const") or text in one.get("enum", ()) for one in every):
                continue  # a word of the parameter's own
            forms = [one for one in every if one.get("type") == "string" and not ("enum" in one or "const" in one)]
            formats = [str(one["format"]) for one in forms if one.get("format") in PATH_FORMATS]
            if formats:
                yield ParameterPath(name, formats[0], text, len(formats) == len(forms) or _LIKE_A_FILE.fullmatch(text) is not None)


def _iter_items(value: object, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The texts of a list, with their schema."""
    items = [form["items"] for form in (schema, *schema.get("anyOf", ())) if isinstance(form.get("items"), Mapping)]
    if isinstance(value, list) and items:
        yield from ((text, items[0]) for text in value if isinstance(text, str))


def iter_existing_paths(value: object) -> Iterator[Path]:
    """The files and folders that any string in parameters leads to, nested ones too, whatever it is meant as.

    A string counts where it exists from the working folder, or leads out of a folder that another parameter names (``../masks`` beside
    ``root``); what lies below such a folder is part of the folder's own state.
    """
    texts = [text for text in _iter_strings(value) if 0 < len(text) <= LONGEST_PATH]
    found = dict.fromkeys(filter(None, map(_existing_path, texts)))
    beside = [str(folder / text) for folder in found if folder.is_dir() for text in texts if ".." in Path(text).parts]
    yield from found | dict.fromkeys(filter(None, map(_existing_path, beside)))


def expand_home(text: str) -> Path:
    """The path that a text is."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # the home of nobody
        return Path(text)


def exists_as(kind: str, place: Path) -> bool:
    """Whether there is something of a kind of `PATH_FORMATS`."""
    try:
        return {"path": place.exists, "file-path": place.is_file, "directory-path": place.is_dir}[kind]()
    except (OSError, ValueError):  # too long, or with a null character
        return False


def _existing_path(text: str) -> Path | None:
    """The file or folder that a text names; None where there is none, or the text cannot name one."""
    place = expand_home(text)
    return place if exists_as("path", place) else None


def _iter_strings(value: object) -> Iterator[str]:
    """Every string in parameters, those of nested recipes too."""
    if isinstance(value, Recipe):
        yield from _iter_strings(value.params)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from _iter_strings(child)
    elif isinstance(value, (list, tuple)):
        for child in value:
            yield from _iter_strings(child)
