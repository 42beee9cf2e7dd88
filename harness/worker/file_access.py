"""Files that are read, and code that is imported, when a component is made or called or its samples are read."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.registry.bytecode import source_files_of
from harness.registry.canonical_json import json_digest
from harness.registry.dependencies import find_dependencies, portable_path
from harness.registry.file_ownership import is_within
from harness.registry.file_states import FileState, content_digest_of, file_state_of
from harness.registry.import_tracing import IMPORT_TRACE, is_downloaded_weights, is_tracked_file
from harness.registry.parameter_paths import iter_existing_paths
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry

CODE_SUFFIXES = (".py", ".so")
CHANGED_WHILE_READ: FileState = ["changed while it was read"]


class FileAccessRecorder:
    """Remembers by recipe which files were read or executed for it, in this process."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._heard: dict[str, set[str]] = defaultdict(set)
        self._began: dict[str, int] = {}

    @contextmanager
    def of(self, recipe: Recipe) -> Iterator[None]:
        """Whatever the block reads is read for the recipe."""
        self._began.setdefault(recipe.digest, time.time_ns())
        with IMPORT_TRACE.recording() as heard:
            try:
                yield
            finally:
                self._heard[recipe.digest] |= heard.files

    @contextmanager
    def called(self, recipe: Recipe) -> Iterator[set[str]]:
        """The files that the component's own code, or that of those nested in it, has read when the block is left."""
        found: set[str] = set()
        with IMPORT_TRACE.recording(frozenset(self._code(recipe))) as heard:
            yield found
        found |= {file for file in heard.files if Path(file).is_file()}

    def _code(self, recipe: Recipe) -> Iterator[str]:
        """The files of code of a component and of those nested in it."""
        yield from (file for file in self._registry.known(recipe.kind, recipe.qualified).files if file.endswith(CODE_SUFFIXES))
        yield from source_files_of(self._registry.component(recipe))
        for nested in recipe.nested:
            yield from self._code(nested)

    def files(self, *recipes: Recipe) -> set[str]:
        """Files that were read for these recipes and those nested in them, but for the files that their components' identities hold."""
        found: set[str] = set()
        for recipe in recipes:
            heard = self._heard.get(recipe.digest, set())
            needed = find_dependencies(file for file in heard if file.endswith(CODE_SUFFIXES))
            known = self._registry.known(recipe.kind, recipe.qualified).files
            found |= {file for file in heard | needed.code | needed.data if is_tracked_file(file) and file not in known}
            found |= self.files(*recipe.nested)
        return found

    def states(self, *recipes: Recipe) -> dict[str, FileState]:
        """The state of each such file, but for those that parameters name, of which facts are told by their parameters."""
        paths = [path for recipe in recipes for path in iter_existing_paths(recipe)]
        named = [*(str(path.resolve()) for path in paths), *(str(path.absolute()) for path in paths)]
        began = min((self._began[recipe.digest] for recipe in recipes if recipe.digest in self._began), default=0)
        files = sorted(file for file in self.files(*recipes) if not any(is_within(file, place) for place in named))
        return {file: _state_unless_rewritten(file_state_of(file), began) for file in files}

    def content(self, *recipes: Recipe) -> str | None:
        """Digest of these files' names and of what they hold, wherever they are; None if there are none.

        What folders list is not in it, nor is what may be fetched into a cache meanwhile.
        """
        states = {file: file_state_of(file) for file in self.files(*recipes) if not is_downloaded_weights(file)}
        held = sorted([portable_path(file), content_digest_of(file)] for file, state in states.items() if state[0] == "file")
        return json_digest(held) if held else None

    def forget(self, recipe: Recipe) -> None:
        """It will be made again."""
        self._heard.pop(recipe.digest, None)
        self._began.pop(recipe.digest, None)


def _state_unless_rewritten(state: FileState, began: int) -> Any:
    """The state, unless the file was written since it began to be read: then what was read is not known."""
    return CHANGED_WHILE_READ if state[0] == "file" and state[2] >= began else state
