"""The key of a training: the digest of all that can change what is learnt."""

from __future__ import annotations

from typing import Any

from harness.planning.facts import DatasetFacts
from harness.planning.file_digests import digest_files_by_parameter
from harness.planning.keys import IDENTITY_VERSION
from harness.planning.remembered_facts import RememberedFacts
from harness.registry.canonical_json import json_digest
from harness.registry.declared_needs import is_trained
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.store.store import Store


def training_key(registry: Registry, store: Store, facts: RememberedFacts, recipe: Recipe) -> str:
    """The key of a model that is trained: its recipe, the samples that it learns from, and the models that it begins with.

    No device is in it, though another kind of device makes other weights of the same recipe: those that were there first stay.
    Raises `harness.planning.facts.Unavailable` where a dataset or a model in the recipe cannot be had.
    """
    files = digest_files_by_parameter(registry, store, recipe)
    nested = [_content(registry, store, facts, part) for part in recipe.nested]
    return json_digest(["training", IDENTITY_VERSION, recipe.digest_without(frozenset(files)), {"named": files}, nested])


def _content(registry: Registry, store: Store, facts: RememberedFacts, recipe: Recipe) -> Any:
    """The content of a component in a recipe."""
    if is_trained(registry, recipe):
        return training_key(registry, store, facts, recipe)
    if recipe.kind == "datasets":
        return _samples(facts.dataset(recipe))
    if recipe.kind == "models":
        known = facts.model(recipe)
        return [known.digest, known.files, known.generation]
    return recipe.digest


def _samples(facts: DatasetFacts) -> str:
    """Digest of a dataset's images and labels, in their order."""
    return json_digest([facts.digests, facts.labels, facts.class_names])
