"""The Python face: the objects of a spec without a spec, for notebooks and scripts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import Tensor

    from harness.api.case import Case
    from harness.api.classifiers import Classifier
    from harness.api.context import Context
    from harness.api.declarations import Kind
    from harness.api.explainers import Explainer
    from harness.api.sample import Dataset
    from harness.execution.bound import BoundExplainer
    from harness.execution.workbench import Workbench
    from harness.registry.recipe import Recipe
    from harness.registry.registry import Registry
    from harness.runs.result import RunResult
    from harness.spec.loaded import LoadedSpec


@dataclass(frozen=True)
class BoundMetric:
    """A metric with its parameters bound: a callable from a `harness.api.Case` to scores ``(B,)``."""

    recipe: Recipe
    call: Callable[[Case], Tensor]

    @property
    def name(self) -> str:
        """The component's name."""
        return self.recipe.name

    def __call__(self, case: Case) -> Tensor:
        """The scores of a case."""
        return self.call(case)


def model(use: str | Callable[..., Any], /, **params: Any) -> Classifier:
    """A model by its component's name, on the CPU; raises ``ValueError`` for an unknown name or parameter."""
    recipe = _recipe("models", use, params)
    return _bench(recipe).model(recipe)


def dataset(use: str | Callable[..., Any], /, **params: Any) -> Dataset:
    """A dataset by its component's name; items are `harness.api.Sample`."""
    recipe = _recipe("datasets", use, params)
    return _bench(recipe).dataset(recipe)


def explainer(use: str | Callable[..., Any], /, **params: Any) -> BoundExplainer:
    """An explainer by its component's name, or from a plain function; parameters that take explainers take names or references."""
    recipe = _recipe("explainers", use, params)
    return _bench(recipe).explainer(recipe)


def metric(use: str | Callable[..., Any], /, **params: Any) -> BoundMetric:
    """A metric by its component's name, or from a plain function."""
    recipe = _recipe("metrics", use, params)
    return BoundMetric(recipe, _bench(recipe).metric(recipe))


def attribute(
    explainer: Explainer | str,
    model: Classifier,
    images: Tensor,
    targets: Tensor | None = None,
    *,
    seed: int = 0,
    ids: Sequence[str] | None = None,
    training: Dataset | None = None,
) -> Tensor:
    """Attribution maps ``(B, H, W)`` of ``images`` (B, C, H, W), given as the model takes them.

    Args:
        explainer: from `explainer`, or its name.
        model: from `model` or `classifier`.
        images: model inputs.
        targets: ``(B,)`` the classes to explain; the predicted ones where not given.
        seed: of the random streams.
        ids: of the samples, which the streams belong to; a digest of each image where not given.
        training: what explainers that need training data draw their background from.
    """
    from harness.execution.checked import check_finite
    from harness.execution.guard import unchanged

    _require_evaluable(model)
    bound = _explainer(explainer)
    check_finite("the images are", images, _names(ids, len(images)))
    targets = _predicted(model, images) if targets is None else targets
    context = _context(model, images, seed, ids, training)
    with unchanged(model.module, [("the images", images), ("the targets", targets)]):
        there = model.device
        return bound(model, images.to(there), targets.to(there), ctx=context.on(there)).map.to(images.device)


def score(
    metric: BoundMetric | str,
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    maps: Tensor,
    *,
    masks: Tensor | None = None,
    boxes: Sequence[Tensor] | None = None,
    explainer: Explainer | str | None = None,
    seed: int = 0,
    ids: Sequence[str] | None = None,
    training: Dataset | None = None,
) -> Tensor:
    """Scores ``(B,)`` of ``maps`` (B, H, W), float64 on the CPU; NaN where a score is undefined.

    Args:
        metric: from `metric`, or its name.
        model: from `model` or `classifier`.
        images: model inputs ``(B, C, H, W)``; ``model.preprocess`` makes one of a dataset's image.
        targets: ``(B,)`` the classes that were explained.
        maps: ``(B, H, W)`` at the size of the images.
        masks: ``(B, H, W)`` bool, and
        boxes: ``(N, 4)`` of each sample, for metrics that know where the evidence is.
        explainer: what made the maps, for metrics that explain again.
        seed: of the random streams.
        ids: of the samples, which the streams belong to; a digest of each image where not given.
        training: a dataset, for metrics (and explainers) that need training data.

    Raises ``ValueError`` where the shapes do not belong together. Metrics of an explanation's parts are undefined here: maps have none.
    """
    from harness.api.case import Case
    from harness.execution.accelerators import scoring_device
    from harness.execution.checked import check_finite, checked_scores
    from harness.execution.guard import unchanged

    _require_evaluable(model)
    _check_shapes(images, targets, maps, masks)
    check_finite("the images are", images, _names(ids, len(images)))
    check_finite("the maps are", maps, _names(ids, len(images)))
    there = scoring_device(images.device)
    images, targets, maps = images.to(there), targets.to(there), maps.to(there)
    masks, boxes = None if masks is None else masks.to(there), None if boxes is None else [some.to(there) for some in boxes]
    scorer = _metric(metric)
    context = _context(model, images, seed, ids, training)
    again = None if explainer is None else _explainer(explainer)
    case = Case(
        model=model,
        images=images,
        targets=targets,
        attributions=maps,
        ctx=context.fresh(f"score/{scorer.name}"),
        masks=masks,
        boxes=boxes,
        explainer=again,
        explaining=None if again is None else context.fresh(f"explain/{again.name}"),
    )
    with unchanged(model.module, [("the images", images), ("the targets", targets), ("the maps", maps)]):
        return checked_scores(scorer(case), len(images))


def run(
    spec: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    store: str | Path | None = None,
    limit: int | None = None,
    plugins: Sequence[str | Path] = (),
    executor: str | None = None,
    settings: Sequence[tuple[str, str]] = (),
) -> RunResult:
    """Run a spec, a file or a mapping; in a mapping functions and objects may stand for components, and then it runs in this process.
    So does what is stored in ``memory://``.

    Raises `harness.spec.SpecError` where the spec is wrong.
    """
    from harness.registry.registry import Registry
    from harness.runs.result import RunResult
    from harness.runs.run import Run, stated_store
    from harness.spec.load import load
    from harness.store.address import private

    files = [Path(plugin) for plugin in plugins]
    registry = Registry.discover(files)
    chosen = [*settings, *([("execution.executor", executor)] if executor else [])]
    loaded = load(spec, registry, chosen)
    here = _of_this_session(loaded) or private(str(store or stated_store(loaded)))
    if loaded.spec.execution.executor == "local" and here:
        loaded = load(spec, registry, [*chosen, ("execution.executor", "inline")])
    return RunResult.of(Run(loaded, registry, None if out is None else Path(out), store, limit, files).execute())


# what is shared by the functions above


_benches: list[Workbench] = []  # at most one: that of the components as they are


def _registry() -> Registry:
    """The components, looked at again where a file of theirs has changed."""
    from harness.execution.workbench import Workbench
    from harness.registry.registry import Registry

    if not _benches or not _benches[0].registry.current:
        _benches[:] = [Workbench(Registry.discover())]
    return _benches[0].registry


def _bench(recipe: Recipe) -> Workbench:
    """What is kept of what was made, but for a thing of this recipe whose files have changed."""
    _benches[0].renew(recipe)
    return _benches[0]


def _of_this_session(loaded: LoadedSpec) -> bool:
    """Whether a spec names functions or objects of this process, which no worker could be sent."""
    from harness.registry.session import DISTRIBUTION

    def of_session(recipe: Recipe) -> bool:
        return recipe.distribution == DISTRIBUTION or any(map(of_session, recipe.nested))

    recipes = loaded.recipes
    return any(map(of_session, (*recipes.datasets, *recipes.models, *recipes.rows, *recipes.metrics)))


def _recipe(kind: Kind, use: str | Callable[..., Any], params: Mapping[str, Any]) -> Recipe:
    from harness.registry.naming import kebab
    from harness.registry.resolve import resolve

    name, registry = use, _registry()
    if not isinstance(use, str):
        name = kebab(getattr(use, "__name__", type(use).__name__))
        registry.add(kind, name, use)
        name = f"session/{name}"
    return resolve(registry, kind, {"use": name, "params": dict(params)})


def _explainer(given: Explainer | str) -> Explainer:
    return explainer(given) if isinstance(given, str) or not hasattr(given, "params") else given


def _metric(given: BoundMetric | str) -> BoundMetric:
    return metric(given) if not isinstance(given, BoundMetric) else given


def _check_shapes(images: Tensor, targets: Tensor, maps: Tensor, masks: Tensor | None) -> None:
    """Raise ``ValueError`` unless these are a batch."""
    import torch

    if images.ndim != 4:
        raise ValueError(f"images must be (B, C, H, W), not {tuple(images.shape)}")
    shape = (len(images), *images.shape[-2:])
    if tuple(targets.shape) != shape[:1]:
        raise ValueError(f"targets must be {shape[:1]}, one class per image, not {tuple(targets.shape)}")
    if tuple(maps.shape) != shape:
        raise ValueError(f"maps must be {shape}, at the size of the images, not {tuple(maps.shape)}")
    if masks is not None and (tuple(masks.shape) != shape or masks.dtype != torch.bool):
        raise ValueError(f"masks must be bool {shape}, at the size of the images, not {masks.dtype} {tuple(masks.shape)}")


def _require_evaluable(model: Classifier) -> None:
    """Raise ``ValueError`` for a model whose logits for an image are not the image's alone."""
    if model.refused is not None:
        raise ValueError(f"the model cannot be evaluated: {model.refused}")


def _predicted(model: Classifier, images: Tensor) -> Tensor:
    from harness.api.case import forward_in_batches

    return forward_in_batches(model, images).argmax(dim=1)


def _context(model: Classifier, images: Tensor, seed: int, ids: Sequence[str] | None, training: Dataset | None) -> Context:
    from harness.api.context import Context

    names = [_content(image) for image in images] if ids is None else list(ids)
    if len(names) != len(images):
        raise ValueError(f"{len(names)} ids for {len(images)} images")
    if training is None:
        return Context(seed, names, device=images.device)
    return Context(seed, names, "call", images.device, _background(model, training, seed), _labelled(model, training, seed))


def _background(model: Classifier, training: Dataset, seed: int) -> Callable[[int], Tensor]:
    from harness.execution.training import background_images

    return lambda n: background_images(model, training, seed, n)


def _labelled(model: Classifier, training: Dataset, seed: int) -> Callable[[int], tuple[Tensor, Tensor]]:
    from harness.execution.training import labelled_images
    from harness.planning.classes import match_classes

    names = getattr(training, "class_names", None)
    return lambda n: labelled_images(model, training, match_classes(names, model.class_names, model.num_classes), seed, n)


def _names(ids: Sequence[str] | None, count: int) -> Sequence[str]:
    """What samples are called where one of them is to blame."""
    return [f"number {place}" for place in range(count)] if ids is None or len(ids) != count else ids


def _content(image: Tensor) -> str:
    import torch

    return hashlib.sha256(cast(Any, image.detach().cpu().contiguous()).view(torch.uint8).numpy().tobytes()).hexdigest()
