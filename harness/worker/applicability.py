"""What a component is not applicable for: by what it declares and says itself, by what those nested in it do, by what it is not given."""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.api.classifiers import Classifier
from harness.api.context import NoTrainingData
from harness.api.network_features import detect_features
from harness.registry.binding import inapplicable_reason
from harness.registry.declared_needs import declared_needs
from harness.registry.recipe import Recipe
from harness.registry.unmet_needs import lacking_evidence, lacking_features

if TYPE_CHECKING:
    from harness.worker.component_cache import ComponentCache


def inapplicability_reason(bench: ComponentCache, recipe: Recipe, model: Classifier) -> str | None:
    """Why an explainer is not applicable to a model, or None: for the features it lacks, else as `refusal_reason` says."""
    lacking = lacking_features(declared_needs(bench.registry, recipe), detect_features(model))
    return lacking if lacking is not None else refusal_reason(bench, recipe, model)


def refusal_reason(bench: ComponentCache, recipe: Recipe, model: Classifier) -> str | None:
    """What an explainer's ``applicable``, or that of the first nested in it which refuses, says of a model; None if none does."""
    reason = inapplicable_reason(bench.component(recipe), bench.explainer(recipe).call, model)
    if reason is not None:
        return reason
    found = ((nested.name, refusal_reason(bench, nested, model)) for nested in recipe.nested)
    return next((f"{name}: {inner}" for name, inner in found if inner is not None), None)


def missing_evidence_reason(needs: Set[str], *, masks: bool, boxes: bool, explainer: bool) -> str | None:
    """Why a metric of these needs cannot score what it is given by hand, or None."""
    if "explainer" in needs and not explainer:
        return "needs the explainer that made the maps, and none is given (explainer=)"
    return lacking_evidence(needs, masks=masks, boxes=boxes, of="none are given (masks=, boxes=)")


@contextmanager
def no_training_data_as_value_error(name: str) -> Iterator[None]:
    """Say that there is no training data as what it is to who calls a component by hand, an argument that is missing: a ``ValueError``."""
    try:
        yield
    except NoTrainingData as error:
        raise ValueError(f"{name} is not applicable: needs training data, and none is given (training=, a dataset)") from error
