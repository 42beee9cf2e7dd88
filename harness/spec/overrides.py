"""Overrides: parameters for some columns only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from harness.api.declarations import Kind
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.spec.run_spec import Override

SELECTOR_KINDS: Mapping[str, Kind] = {"dataset": "datasets", "model": "models", "explainer": "explainers", "metric": "metrics"}


def selectors(override: Override) -> dict[str, str]:
    """The globs of an override by what they choose, in the order dataset, model, explainer, metric."""
    return {name: glob for name in SELECTOR_KINDS if (glob := getattr(override, name)) is not None}


def overridden_kind(override: Override) -> Kind | None:
    """The kind of component whose parameters an override replaces: the last that it names."""
    chosen = selectors(override)
    return SELECTOR_KINDS[list(chosen)[-1]] if chosen else None


def override_matches(override: Override, labels: Mapping[str, str | None]) -> bool:
    """Whether every glob matches its label; one that is not given (None) matches nothing."""
    return all((label := labels.get(name)) is not None and fnmatchcase(label, glob) for name, glob in selectors(override).items())


def find_unmatched(override: Override, labels: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    """The selectors whose glob matches none of the labels of their list."""
    for name, glob in selectors(override).items():
        if not any(fnmatchcase(label, glob) for label in labels[name]):
            yield name, glob


def apply_override(registry: Registry, recipe: Recipe, override: Override, at: tuple[str | int, ...] = ()) -> Recipe:
    """The recipe with an override's parameters in place of its own; raises `ReferenceProblems`."""
    reference = recipe.reference()
    merged = {**reference, "params": {**reference["params"], **override.params}, "label": recipe.label}
    return resolve(registry, recipe.kind, merged, at)
