"""Explaining and scoring of images in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.case import Case
from harness.api.classifiers import Classifier
from harness.api.explainers import Explainer
from harness.api.sample import Dataset
from harness.api.turns import TURN
from harness.api.unexplained import forward_in_batches
from harness.python_api import arguments
from harness.python_api.components import current_registry, to_explainer, to_metric
from harness.registry.declared_needs import declared_needs
from harness.worker.accelerators import scoring_device
from harness.worker.bound_components import BoundExplainer, BoundMetric
from harness.worker.call_arguments import as_classifier, as_targets
from harness.worker.contracts import check_finite, checked_scores
from harness.worker.mutation_guard import forbid_changes

P = ParamSpec("P")
T = TypeVar("T")


def _outside_inference_mode(function: Callable[P, T]) -> Callable[P, T]:
    """The function as it is outside of ``torch.inference_mode``, in which nothing has gradients; threads call it in turn."""

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        with TURN, torch.inference_mode(False):
            return function(*args, **kwargs)

    return called


@_outside_inference_mode
def attribute(
    explainer: Explainer | Callable[..., Any] | str,
    model: Classifier,
    images: ArrayLike,
    targets: ArrayLike | Sequence[str] | None = None,
    *,
    seed: int = 0,
    ids: Sequence[object] | None = None,
    training: Dataset | None = None,
) -> Tensor:
    """Attribution maps ``(B, H, W)`` float32 of ``images`` (B, C, H, W), given as the model takes them.

    Tensors, arrays and lists are taken, on any device; maps are where the images were. One image ``(C, H, W)`` is a batch of one: its map
    is ``(1, H, W)``. No images have no maps: ``(0, H, W)``.

    Args:
        explainer: from `explainer`, or its name, or a function.
        model: from `model` or `classifier`.
        images: model inputs, floats; ``model.preprocess`` makes one of an image in [0, 1]. What it would never make is warned of.
        targets: the classes to explain: ``(B,)`` whole numbers, names of classes, or one-hot ``(B, K)``; a single class is that of every
            image; the predicted ones if not given.
        seed: of the random streams.
        ids: of the samples, which the streams belong to; a digest of each image if not given.
        training: what explainers that need training data draw their background from.

    Raises:
        ValueError: an argument is not what is said above, or the explainer is not applicable to the model, as a run says it.
    """
    bound, model = to_explainer(explainer), as_classifier(model)
    inputs = arguments.as_model_inputs(images, model, ids)
    _check_applicable(bound, model)
    chosen = _predict_classes(model, inputs) if targets is None else as_targets(targets, len(inputs), model)
    if not len(inputs):
        return inputs.new_zeros((0, *inputs.shape[-2:])).float()
    context, there = arguments.make_context(model, inputs, seed, ids, training), model.device
    with (
        forbid_changes(model.module, [("the images", inputs), ("the targets", chosen)]),
        arguments.no_training_data_as_value_error(bound.name),
    ):
        return bound(model, inputs.to(there), chosen.to(there), ctx=context.on(there)).map.to(inputs.device)


@_outside_inference_mode
def score(
    metric: BoundMetric | Callable[..., Any] | str,
    model: Classifier,
    images: ArrayLike,
    targets: ArrayLike | Sequence[str],
    maps: ArrayLike | Attribution,
    *,
    masks: ArrayLike | None = None,
    boxes: ArrayLike | Sequence[ArrayLike] | None = None,
    evidence: Mapping[str, ArrayLike | Sequence[ArrayLike]] | None = None,
    explainer: Explainer | Callable[..., Any] | str | None = None,
    seed: int = 0,
    ids: Sequence[object] | None = None,
    training: Dataset | None = None,
) -> Tensor:
    """Scores ``(B,)`` of ``maps`` (B, H, W), float64 on the CPU; NaN if a score is undefined.

    Tensors, arrays and lists are taken. One image ``(C, H, W)`` with its map and mask ``(H, W)`` is a batch of one.

    Args:
        metric: from `metric`, or its name, or a function.
        model: from `model` or `classifier`.
        images: model inputs ``(B, C, H, W)``; ``model.preprocess`` makes one of a dataset's image.
        targets: ``(B,)`` the classes that were explained, as `attribute` takes them.
        maps: ``(B, H, W)`` at the size of the images, or what an explainer returned when it was called, with its parts.
        masks: ``(B, H, W)`` bool, or of 0 and 1 or 0 and 255; and
        boxes: ``(N, 4)`` of each image (x0, y0, x1, y1), for metrics that know where the evidence is; by default those round the masks.
        evidence: of any other kind, by name: ``(B, H, W)``, or ``(K, H, W)`` of each image.
        explainer: what made the maps, for metrics that explain again.
        seed: of the random streams.
        ids: of the samples, which the streams belong to; a digest of each image if not given.
        training: a dataset, for metrics (and explainers) that need training data.

    Raises:
        ValueError: the arguments do not belong together, or the metric needs what is not given. Metrics of an explanation's parts are
            undefined if maps have none.
    """
    scorer, model = to_metric(metric), as_classifier(model)
    inputs = arguments.as_model_inputs(images, model, ids)
    inputs = inputs.to(scoring_device(inputs.device))
    chosen = as_targets(targets, len(inputs), model).to(inputs.device)
    attributions, parts = arguments.as_maps(maps, inputs)
    check_finite("the maps are", attributions, arguments.sample_names(ids, inputs))
    known = arguments.as_evidence(masks, boxes, evidence, inputs)
    again = None if explainer is None else to_explainer(explainer)
    if again is not None:
        _check_applicable(again, model)
    if not len(inputs):
        return attributions.new_zeros(0).double().cpu()
    arguments.require_needed(scorer.name, declared_needs(current_registry(), scorer.recipe), known, explainer=again is not None)
    context = arguments.make_context(model, inputs, seed, ids, training)
    case = Case(
        model=model,
        images=inputs,
        targets=chosen,
        attributions=attributions,
        ctx=context.fresh(f"score/{scorer.name}"),
        parts=parts,
        evidence=known,
        explainer=again,
        explaining=None if again is None else context.fresh(f"explain/{again.name}"),
    )
    own = [("the images", inputs), ("the targets", chosen), ("the maps", attributions)]
    with forbid_changes(model.module, own), arguments.no_training_data_as_value_error(scorer.name):
        return checked_scores(scorer(case), len(inputs))


def _check_applicable(explainer: Explainer, model: Classifier) -> None:
    if isinstance(explainer, BoundExplainer):  # of others nothing is known
        explainer.require_applicable(model)


def _predict_classes(model: Classifier, images: Tensor) -> Tensor:
    return forward_in_batches(model, images).argmax(dim=1) if len(images) else images.new_zeros(0).long()
