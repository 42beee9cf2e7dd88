"""What making or calling a component, and reading its samples, reads of files and imports besides."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.planning.facts import paths_in
from harness.registry.canonical import digest
from harness.registry.closure import closure, shown
from harness.registry.code import defined_in
from harness.registry.installed import below
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.states import State, content_of, state_of
from harness.registry.tracing import TRACE, counts, downloaded

CODE = (".py", ".so")
UNSETTLED: State = ["changed while it was read"]


class Reading:
    """Remembers by recipe which files were read or executed for it, in this process."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._heard: dict[str, set[str]] = defaultdict(set)
        self._began: dict[str, int] = {}

    @contextmanager
    def of(self, recipe: Recipe) -> Iterator[None]:
        """Whatever the block reads is read for the recipe."""
        self._began.setdefault(recipe.digest, time.time_ns())
        with TRACE.listening() as heard:
            try:
                yield
            finally:
                self._heard[recipe.digest] |= heard.files

    @contextmanager
    def called(self, recipe: Recipe) -> Iterator[set[str]]:
        """The files that the component's own code, or that of those nested in it, has read when the block is left."""
        found: set[str] = set()
        with TRACE.listening(frozenset(self._code(recipe))) as heard:
            yield found
        found |= {file for file in heard.files if Path(file).is_file()}

    def _code(self, recipe: Recipe) -> Iterator[str]:
        """The files of code of a component and of those nested in it."""
        yield from (file for file in self._registry.known(recipe.kind, recipe.qualified).files if file.endswith(CODE))
        yield from defined_in(self._registry.component(recipe))
        for nested in recipe.nested:
            yield from self._code(nested)

    def files(self, *recipes: Recipe) -> set[str]:
        """What was read for these recipes and those nested in them, but for the files that their components' identities hold."""
        found: set[str] = set()
        for recipe in recipes:
            heard = self._heard.get(recipe.digest, set())
            needed = closure(file for file in heard if file.endswith(CODE))
            known = self._registry.known(recipe.kind, recipe.qualified).files
            found |= {file for file in heard | needed.code | needed.data if counts(file) and file not in known}
            found |= self.files(*recipe.nested)
        return found

    def states(self, *recipes: Recipe) -> dict[str, State]:
        """The state of each such file, but for those that parameters name, of which facts are told by their parameters."""
        paths = [path for recipe in recipes for path in paths_in(recipe)]
        named = [*(str(path.resolve()) for path in paths), *(str(path.absolute()) for path in paths)]
        began = min((self._began[recipe.digest] for recipe in recipes if recipe.digest in self._began), default=0)
        files = sorted(file for file in self.files(*recipes) if not any(below(file, place) for place in named))
        return {file: _settled(state_of(file), began) for file in files}

    def content(self, *recipes: Recipe) -> str | None:
        """Digest of these files' names and of what they hold, wherever they are; None if there are none.

        What folders list is not in it, nor is what may be fetched into a cache meanwhile.
        """
        states = {file: state_of(file) for file in self.files(*recipes) if not downloaded(file)}
        held = sorted([shown(file), content_of(file)] for file, state in states.items() if state[0] == "file")
        return digest(held) if held else None

    def forget(self, recipe: Recipe) -> None:
        """It will be made again."""
        self._heard.pop(recipe.digest, None)
        self._began.pop(recipe.digest, None)


def _settled(state: State, began: int) -> Any:
    """The state, unless the file was written since it began to be read: then what was read is not known."""
    return UNSETTLED if state[0] == "file" and state[2] >= began else state
