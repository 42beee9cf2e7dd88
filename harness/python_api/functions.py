"""The Python face: the objects of a spec without a spec, for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor

    from harness.api.attribution import Attribution
    from harness.api.classifiers import Classifier
    from harness.api.declarations import Kind
    from harness.api.explainers import Explainer
    from harness.api.sample import Dataset
    from harness.python_api.run_result import RunResult
    from harness.registry.recipe import Recipe
    from harness.registry.registry import Registry
    from harness.spec.loaded_spec import LoadedSpec
    from harness.worker.bound_components import BoundExplainer, BoundMetric
    from harness.worker.component_cache import ComponentCache

P = ParamSpec("P")
T = TypeVar("T")


def model(use: str | Callable[..., Any], /, **params: Any) -> Classifier:
    """A model by its component's name, on the CPU; raises ``ValueError`` for an unknown name or parameter."""
    recipe = _resolve_recipe("models", use, params)
    return _cache_for(recipe).model(recipe)


def dataset(use: str | Callable[..., Any], /, **params: Any) -> Dataset:
    """A dataset by its component's name; items are `harness.api.Sample`. Raises as `model` does."""
    recipe = _resolve_recipe("datasets", use, params)
    return _cache_for(recipe).dataset(recipe)


def explainer(use: str | Callable[..., Any], /, **params: Any) -> BoundExplainer:
    """An explainer by its component's name, or from a plain function.

    Parameters that take explainers take names, references, functions and what this returns. Raises as `model` does.
    """
    recipe = _resolve_recipe("explainers", use, params)
    return _cache_for(recipe).explainer(recipe)


def metric(use: str | Callable[..., Any], /, **params: Any) -> BoundMetric:
    """A metric by its component's name, or from a plain function. Raises as `model` does."""
    from harness.worker.bound_components import BoundMetric

    recipe = _resolve_recipe("metrics", use, params)
    return BoundMetric(recipe, _cache_for(recipe).metric(recipe))


def _outside_inference_mode(function: Callable[P, T]) -> Callable[P, T]:
    """The function as it is outside of ``torch.inference_mode``, in which nothing has gradients."""

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        import torch

        with torch.inference_mode(False):
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
            image; the predicted ones where not given.
        seed: of the random streams.
        ids: of the samples, which the streams belong to; a digest of each image where not given.
        training: what explainers that need training data draw their background from.

    Raises:
        ValueError: an argument is not what is said above, or the explainer is not applicable to the model, as a run says it.
    """
    from harness.python_api import arguments
    from harness.worker.call_arguments import as_classifier, as_images, as_targets
    from harness.worker.contracts import check_finite
    from harness.worker.mutation_guard import forbid_changes

    bound, model = _to_explainer(explainer), as_classifier(model)
    inputs = as_images(images, model)
    check_finite("the images are", inputs, arguments.sample_names(ids, inputs))
    arguments.check_pixel_range(inputs, model)
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
    """Scores ``(B,)`` of ``maps`` (B, H, W), float64 on the CPU; NaN where a score is undefined.

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
        ids: of the samples, which the streams belong to; a digest of each image where not given.
        training: a dataset, for metrics (and explainers) that need training data.

    Raises:
        ValueError: the arguments do not belong together, or the metric needs what is not given. Metrics of an explanation's parts are
            undefined where maps have none.
    """
    from harness.api.case import Case
    from harness.python_api import arguments
    from harness.registry.declared_needs import declared_needs
    from harness.worker.accelerators import scoring_device
    from harness.worker.call_arguments import as_classifier, as_images, as_targets
    from harness.worker.contracts import check_finite, checked_scores
    from harness.worker.mutation_guard import forbid_changes

    scorer, model = _to_metric(metric), as_classifier(model)
    inputs = as_images(images, model)
    check_finite("the images are", inputs, arguments.sample_names(ids, inputs))
    arguments.check_pixel_range(inputs, model)
    inputs = inputs.to(scoring_device(inputs.device))
    chosen = as_targets(targets, len(inputs), model).to(inputs.device)
    attributions, parts = arguments.as_maps(maps, inputs)
    check_finite("the maps are", attributions, arguments.sample_names(ids, inputs))
    known = arguments.as_evidence(masks, boxes, evidence, inputs)
    again = None if explainer is None else _to_explainer(explainer)
    if again is not None:
        _check_applicable(again, model)
    needs = declared_needs(_current_registry(), scorer.recipe)
    lacking = arguments.missing_evidence_reason(needs, known, explainer=again is not None)
    if lacking is not None:
        raise ValueError(f"{scorer.name} is not applicable: {lacking}")
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
    if not len(inputs):
        return attributions.new_zeros(0).double().cpu()
    own = [("the images", inputs), ("the targets", chosen), ("the maps", attributions)]
    with forbid_changes(model.module, own), arguments.no_training_data_as_value_error(scorer.name):
        return checked_scores(scorer(case), len(inputs))


def run(
    spec: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    store: str | Path | None = None,
    limit: int | None = None,
    plugins: str | Path | Sequence[str | Path] = (),
    executor: str | None = None,
    settings: Mapping[str, Any] | Sequence[tuple[str, Any]] = (),
) -> RunResult:
    """Run a spec, a file or a mapping; in a mapping functions and objects may stand for components, and then it runs in this process.
    So does what is stored in ``memory://``.

    Args:
        spec: a YAML file, or what would stand in one. Wherever it names a component, a function, an object, or what `explainer` and
            `metric` return may stand, alone or as ``use``, beside ``params``.
        out: the run folder; ``runs/<name>`` where not given.
        store: the store's folder or URL; the spec's, else ``HARNESS_STORE``, else ``.harness`` where not given.
        limit: only the first samples of each dataset.
        plugins: Python files with components.
        executor: the spec's ``execution.executor``.
        settings: single values of the spec by their paths, such as ``{"explain.target": "label"}``; texts are read as YAML.

    Raises:
        SpecError: the spec is wrong (`harness.SpecError`); all that is wrong at once, with its place.
        ValueError: a limit below 1, or a plugin file that is not there.
    """
    from harness.python_api.run_result import RunResult
    from harness.registry.registry import Registry
    from harness.runs.run import Run, default_store_address
    from harness.spec.load import load_spec
    from harness.store.address import is_private

    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ValueError(f"limit must be a whole number of at least 1, not {limit!r}")
    files = [Path(plugin) for plugin in ([plugins] if isinstance(plugins, str | Path) else plugins)]
    registry = Registry.discover(files)
    chosen = [*(settings.items() if isinstance(settings, Mapping) else settings), *([("execution.executor", executor)] if executor else [])]
    loaded = load_spec(spec, registry, chosen)
    here = _names_session_objects(loaded) or is_private(str(store or default_store_address(loaded)))
    if loaded.spec.execution.executor == "local" and here:
        loaded = load_spec(spec, registry, [*chosen, ("execution.executor", "inline")])
    return RunResult.of(Run(loaded, registry, None if out is None else Path(out), store, limit, files).execute())


# what is shared by the functions above


_caches: list[ComponentCache] = []  # at most one: that of the components as they are


def _current_registry() -> Registry:
    """The components, looked at again where a file of theirs has changed."""
    from harness.registry.registry import Registry
    from harness.worker.component_cache import ComponentCache

    if not _caches or not _caches[0].registry.current:
        _caches[:] = [ComponentCache(Registry.discover())]
    return _caches[0].registry


def _cache_for(recipe: Recipe) -> ComponentCache:
    """What is kept of what was made, but for a thing of this recipe whose files have changed."""
    _caches[0].remake_if_changed(recipe)
    return _caches[0]


def _names_session_objects(loaded: LoadedSpec) -> bool:
    """Whether a spec names functions or objects of this process, which no worker could be sent."""
    from harness.registry.session_components import SESSION_DISTRIBUTION

    def of_session(recipe: Recipe) -> bool:
        return recipe.distribution == SESSION_DISTRIBUTION or any(map(of_session, recipe.nested))

    recipes = loaded.recipes
    return any(map(of_session, (*recipes.datasets, *recipes.models, *recipes.rows, *recipes.metrics)))


def _resolve_recipe(kind: Kind, use: Any, params: Mapping[str, Any]) -> Recipe:
    from harness.registry.errors import Problem, ReferenceProblems
    from harness.registry.resolve import resolve
    from harness.spec.python_objects import make_reference

    registry = _current_registry()
    try:
        return resolve(registry, kind, make_reference(registry, kind, use, params))
    except ReferenceProblems as error:  # where in a reference is of no use to who wrote a call
        raise ReferenceProblems([Problem(() if len(each.at) < 3 else each.at, each.message) for each in error.problems]) from None


def _to_explainer(given: Any) -> Explainer:
    from harness.api.classifiers import Classifier
    from harness.api.explainers import Explainer
    from harness.worker.bound_components import BoundMetric

    if isinstance(given, BoundMetric | Classifier):
        raise ValueError(f"explainer must be an explainer, not a {type(given).__name__}")
    return given if isinstance(given, Explainer) and not isinstance(given, type) else explainer(given)


def _check_applicable(explainer: Explainer, model: Classifier) -> None:
    from harness.worker.bound_components import BoundExplainer

    if isinstance(explainer, BoundExplainer):  # of others nothing is known
        explainer.require_applicable(model)


def _to_metric(given: Any) -> BoundMetric:
    from harness.api.classifiers import Classifier
    from harness.api.explainers import Explainer
    from harness.worker.bound_components import BoundMetric

    if isinstance(given, Explainer | Classifier) and not isinstance(given, type):
        raise ValueError(f"metric must be a metric, not a {type(given).__name__}")
    return given if isinstance(given, BoundMetric) else metric(given)


def _predict_classes(model: Classifier, images: Tensor) -> Tensor:
    from harness.api.case import forward_in_batches

    return forward_in_batches(model, images).argmax(dim=1) if len(images) else images.new_zeros(0).long()
