"""Keys of columns: the digest of all that can change a result, composed from the digests of its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.planning.variants import AS_IS, Variant
from harness.registry.canonical_json import json_digest
from harness.registry.recipe import Recipe

IDENTITY_VERSION = 6  # raised when the harness itself changes what a number means, or how keys are made


def dataset_key(recipe: Recipe, selection: frozenset[str], classes: Sequence[int] | None) -> str:
    """A dataset without the parameters that only choose which samples there are: rows are told apart by their content.

    That has labels as numbers. Which of the model's classes these are (``classes``; None: the same numbers) follows from names, which may
    change alone, and from a class map, which need not change it.
    """
    return json_digest(["dataset", IDENTITY_VERSION, recipe.digest_without(selection), None if classes is None else list(classes)])


def model_key(
    recipe: Recipe, content: str, arithmetic: str, *, named: Mapping[str, str] | None = None, read: str | None = None, generation: int = 0
) -> str:
    """A model by its recipe, the digest of its weights, architecture and preprocessing, and what it computes in.

    Args:
        recipe: component, identity and parameters; of a file that a parameter names only what it holds counts.
        content: the digest.
        arithmetic: what it computes in.
        named: digests of the files that parameters name, by the parameter.
        read: digest of the files that making it opens.
        generation: how many models of this recipe and content were found to answer otherwise before.
    """
    files = dict(named or {})
    how: dict[str, object] = {"named": files, "read": read} | ({"generation": generation} if generation else {})
    return json_digest(["model", IDENTITY_VERSION, recipe.digest_without(frozenset(files)), content, arithmetic, how])


def prediction_key(dataset: str, model: str, variant: Variant = AS_IS) -> str:
    """The column of a model's predictions on a dataset, as both are or under a variant."""
    return json_digest(["prediction", dataset, model, *variant.identity])


def explanation_key(
    dataset: str,
    model: str,
    explainer: Recipe,
    *,
    variant: Variant = AS_IS,
    target: str | int,
    seed: int,
    training: str | None,
    dtype: str,
    files: str | None = None,
) -> str:
    """The column of one explainer's maps.

    ``training`` is the digest of the training split if the explainer learns from it, ``files`` that of the files its parameters name.
    """
    how: dict[str, object] = {"target": target, "seed": seed, "training": training, "dtype": dtype}
    altered = {"variant": variant.identity} if variant.altered else {}
    return json_digest(["explanation", dataset, model, explainer.digest, how | altered | _files_entry(files)])


def score_key(
    explanation: str, metric: Recipe, training: str | None, files: str | None = None, networks: Sequence[str] | None = None
) -> str:
    """The column of one metric's scores of one explanation; ``training`` and ``files`` are as an explanation's.

    ``networks`` are the keys of those that are trained for it.
    """
    trained = {} if networks is None else {"networks": list(networks)}
    return json_digest(["score", explanation, metric.digest, {"training": training} | trained | _files_entry(files)])


def _files_entry(content: str | None) -> dict[str, str]:
    """In a key only if parameters name files."""
    return {} if content is None else {"files": content}
