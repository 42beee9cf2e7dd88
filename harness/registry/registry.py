"""The components that can be had: of installed distributions, of plugin files, and of this session."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from harness.api.declarations import DEFAULT_DECLARATIONS, Kind, resolve_declared_fields
from harness.api.version import API_VERSION
from harness.registry import file_ownership, native_readers
from harness.registry.card import COMPONENT_KINDS, Card, singular
from harness.registry.core_cards import core_cards
from harness.registry.discovery import environment_digest, file_cards, installed_cards
from harness.registry.distributions import find_plugin_distributions
from harness.registry.errors import AmbiguousComponent, BrokenComponent, IncompatibleComponent, RegistryError, UnknownComponent
from harness.registry.extraction import IMPORT_TIMEOUT, tell_nobody
from harness.registry.file_states import files_unchanged
from harness.registry.loading import forget_changed_modules, load_file, load_target
from harness.registry.naming import did_you_mean, format_installed_names, with_article
from harness.registry.session_components import SESSION_DISTRIBUTION as SESSION
from harness.registry.session_components import as_callable, session_card, session_name

if TYPE_CHECKING:
    from harness.registry.recipe import Recipe


class Registry:
    """Cards by kind and name, and the way from a card to its component.

    Attributes:
        plugins: the plugin files, as given to `discover`.
        problems: distributions whose metadata cannot be read.
    """

    def __init__(self, cards: Iterable[Card] = (), plugins: Sequence[Path] = (), problems: Sequence[str] = ()) -> None:
        self.plugins = tuple(plugins)
        self.problems = list(problems)
        self._objects: dict[tuple[str, str], Any] = {}
        self._imported: set[tuple[str, str]] = set()
        self._environment = environment_digest()
        self._cards: dict[str, dict[str, list[Card]]] = {kind: {} for kind in COMPONENT_KINDS}
        for card in (*core_cards(), *cards):
            self._cards[card.kind].setdefault(card.name, []).append(card)

    @classmethod
    def discover(
        cls, plugins: Sequence[Path | str] = (), *, limit: float = IMPORT_TIMEOUT, importing: Callable[[str], object] = tell_nobody
    ) -> Registry:
        """Everything installed, and in the plugin files.

        Imports no plugin here: what is not in the cache of cards is imported by a child process, each import within ``limit`` seconds.
        ``importing`` is told of which distribution or file, before each import.

        Raises:
            RegistryError: a plugin file is missing, does not import or declares nothing.
        """
        importlib.invalidate_caches()
        file_ownership.forget_installed()
        found, problems = find_plugin_distributions()
        files = [Path(file) for file in plugins]
        return cls([*installed_cards(found, limit, importing), *file_cards(files, limit, importing)], files, problems)

    def cards(self, kind: Kind | None = None) -> list[Card]:
        """All cards (of one kind), sorted by kind, name and distribution."""
        kinds = COMPONENT_KINDS if kind is None else (kind,)
        found = [card for one in kinds for same in self._cards[one].values() for card in same]
        return sorted(found, key=lambda card: (COMPONENT_KINDS.index(card.kind), card.name, card.distribution))

    def named(self, kind: Kind, name: str) -> list[Card]:
        """Cards that a bare name or ``distribution/name`` may mean, broken ones too."""
        distribution, _, bare = name.rpartition("/")
        same = self._cards[kind].get(bare, [])
        return [card for card in same if not distribution or canonicalize_name(card.distribution) == canonicalize_name(distribution)]

    def card(self, kind: Kind, name: str) -> Card:
        """The card of a component that works, by its bare name or ``distribution/name``.

        Raises:
            UnknownComponent, AmbiguousComponent, BrokenComponent, IncompatibleComponent
        """
        card = self.known(kind, name)
        if card.error is not None:
            raise BrokenComponent(_format_broken(card))
        return card

    def known(self, kind: Kind, name: str) -> Card:
        """As `card`, but also of a component that does not import: a spec may name it, and it costs its own cells.

        Raises:
            UnknownComponent, AmbiguousComponent, IncompatibleComponent
        """
        found, noun = self.named(kind, name), singular(kind)
        if not found:
            raise UnknownComponent(_format_unknown(self, kind, name))
        if len(found) > 1:
            claims = " and ".join(f"{card.distribution} {card.version}" for card in found)
            ways = " or ".join(f'"{card.qualified}"' for card in found)
            raise AmbiguousComponent(f'ambiguous {noun} "{name}": {claims} both have one; write {ways}')
        card = found[0]
        if card.error is not None and card.api not in (None, API_VERSION.split(".")[0]):
            raise IncompatibleComponent(_format_broken(card))
        return card

    def declaration(self, kind: Kind, name: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Declaration of a component for these parameters; its kind's defaults if it does not import and nothing is known of it."""
        default = DEFAULT_DECLARATIONS.get(kind)
        declared = {**(default.to_json() if default is not None else {}), **self.known(kind, name).declaration}
        return resolve_declared_fields(declared, params or {})

    def is_ambiguous(self, kind: Kind, name: str) -> bool:
        """Whether several distributions claim a bare name."""
        return len(self._cards[kind].get(name, ())) > 1

    def add(self, kind: Kind, name: str, component: Any) -> Card:
        """Register a function, class or object of this process under the distribution ``session``; replaces one of that name.

        Raises:
            TypeError: it has not the form of its kind.
        """
        card = session_card(kind, name, component)
        others = [other for other in self._cards[kind].get(name, []) if other.distribution != SESSION]
        self._cards[kind][name] = [*others, card]
        self._objects[kind, name] = component
        return card

    def register(self, kind: Kind, component: Any) -> Card:
        """`add` under a name of its own: made of the object's name, and numbered if another object has that."""
        for (other, name), known in self._objects.items():
            if other == kind and known is component:
                return next(card for card in self._cards[kind][name] if card.distribution == SESSION)
        taken = {name for other, name in self._objects if other == kind}
        return self.add(kind, session_name(component, taken), component)

    def load(self, card: Card) -> Any:
        """Import the component; for workers, and for the inline executor.

        Raises:
            BrokenComponent: its import fails.
        """
        if card.distribution == SESSION and (card.kind, card.name) in self._objects:
            return as_callable(card.kind, self._objects[card.kind, card.name])
        if card.distribution == file_ownership.CORE_DISTRIBUTION:  # what it imports and reads need not be heard of
            return load_target(card.target)
        file = next((file for file in self.plugins if file.name == card.distribution), None)
        native_readers.audit_native_readers()
        forget_changed_modules(file for known in self.cards() for file in known.files)
        try:
            if file is None:
                return load_target(card.target)
            return getattr(load_file(file, card.identity), card.target.rpartition(":")[2])
        except Exception as error:
            message = f'{singular(card.kind)} "{card.name}" of {card.distribution} does not import: {type(error).__name__}: {error}'
            raise BrokenComponent(message) from error

    def component(self, recipe: Recipe) -> Any:
        """The component of a recipe, imported.

        Raises:
            RegistryError: it is not installed, broken, or has changed since the recipe was made, or while it was imported.
        """
        card = self.card(recipe.kind, recipe.qualified)
        component = self.load(card) if card.identity == recipe.identity else None
        place = (card.kind, card.qualified)
        if component is None or (place not in self._imported and not files_unchanged(card.files)):
            raise RegistryError(f'{singular(card.kind)} "{card.qualified}" has changed since this run was planned: run it again')
        self._imported.add(place)
        return component

    @property
    def current(self) -> bool:
        """Whether all files that the cards were made of are as they were, and the same is installed."""
        files = {path: state for card in self.cards() for path, state in card.files.items()}
        return files_unchanged(files) and environment_digest() == self._environment


def _format_broken(card: Card) -> str:
    first, *rest = str(card.error).splitlines()
    place = f" ({rest[-1].strip()})" if rest else ""
    return f'{singular(card.kind)} "{card.name}" of {card.distribution} {card.version} is broken: {first}{place}'


def _format_unknown(registry: Registry, kind: Kind, name: str) -> str:
    names = [card.name for card in registry.cards(kind)]
    others = [other for other in COMPONENT_KINDS if other != kind and registry.named(other, name)]
    elsewhere = f"; it is {with_article(singular(others[0]))}" if others else ""
    hint = elsewhere or did_you_mean(name, [*names, *(card.qualified for card in registry.cards(kind))])
    return f'unknown {singular(kind)} "{name}"{hint} {format_installed_names(name, names, kind)}'
