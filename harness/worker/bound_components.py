"""Explainers and metrics with their parameters bound: explainers as the harness calls them, in batches, on their own streams, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.case import Case
from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.registry.recipe import Recipe
from harness.worker.batching import Batching
from harness.worker.call_arguments import as_classifier, as_ids, as_images, as_targets
from harness.worker.contracts import check_finite_maps, checked_attribution, merge_attributions
from harness.worker.mutation_guard import MutationError, equal_with_nan

T = TypeVar("T")
StoredMapRecall = Callable[["BoundExplainer", Classifier, Tensor, Tensor, Context], "Attribution | None"]


def _identity(given: T) -> T:
    return given


def _reject_rebinding(changes: Mapping[str, object]) -> BoundExplainer:
    raise ValueError("this explainer was bound without its component's schema")


def _no_refusal(model: Classifier) -> str | None:
    return None


def _recall_nothing(explainer: BoundExplainer, model: Classifier, images: Tensor, targets: Tensor, ctx: Context) -> Attribution | None:
    return None


@dataclass
class BoundExplainer:
    """One explainer ready to be called; implements `harness.api.Explainer`.

    Attributes:
        recipe: the component with its parameters. Random streams are drawn under its name, so that a nested explainer draws what its own
            row draws.
        call: the component with its parameters bound.
        takes_ctx: whether ``call`` wants ``ctx``.
        batching: how calls are split.
        recall: yields stored maps for exactly these samples, or None.
        rounded: what a map goes through that is computed where a stored one could have stood.
        stands_for: the model that is explained in the place of the one asked for.
        schema: JSON schema of each parameter.
        refusal: says why the component is not applicable to a model, as a plan does, or None.
        rebound: binds the same component with other parameters.
        strict: whether a map that is not finite is an error; else it is for the caller to see that it is of no use.
    """

    recipe: Recipe
    call: Callable[..., Any]
    takes_ctx: bool
    batching: Batching = field(default_factory=Batching)
    recall: StoredMapRecall = _recall_nothing
    round_maps: Callable[[Attribution], Attribution] = _identity
    substitute_model: Callable[[Classifier], Classifier] = _identity
    schema: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    refusal: Callable[[Classifier], str | None] = _no_refusal
    rebind: Callable[[Mapping[str, object]], BoundExplainer] = _reject_rebinding
    strict: bool = True
    _fitted: dict[int, Classifier] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The component's name."""
        return self.recipe.name

    @property
    def params(self) -> Mapping[str, object]:
        """The resolved parameters."""
        return self.recipe.params

    def with_params(self, **changes: object) -> BoundExplainer:
        """The same component with some parameters changed; raises ``ValueError`` for one that it has not or does not take."""
        unknown = sorted(set(changes) - set(self.schema))
        if unknown:
            raise ValueError(f"{self.name} has no parameter {', '.join(unknown)}; it has {', '.join(self.schema) or 'none'}")
        return replace(self.rebind(changes), substitute_model=self.substitute_model)

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context | None = None) -> Attribution:
        """The map ``(B, H, W)`` at the images' size, with parts; what the map must sum to is kept.

        Images and targets are taken as `harness.attribute` takes them. Without a context, which who calls it by hand need not make, the
        streams of an image are those of its content, under seed 0.

        Raises:
            ValueError: the model, the images or the targets are not what an explainer can be called with, or it is called by hand with a
                model that it is not applicable to.
        """
        model = as_classifier(model)
        if ctx is None:
            self.require_applicable(model)
        images = as_images(images, model)
        targets = as_targets(targets, len(images), model).to(images.device)
        ctx = Context(0, as_ids(None, images), device=images.device) if ctx is None else ctx
        if not len(images):
            return Attribution(images.new_zeros((0, *images.shape[-2:])).float())
        raw = self.raw(model, images, targets, ctx)
        size = (images.shape[-2], images.shape[-1])
        return Attribution(raw.at(size), {name: raw.part(name, size) for name in raw.parts}, expected=raw.expected)

    def require_applicable(self, model: Classifier) -> None:
        """Raise ``ValueError`` with the reason why the component is not applicable to a model, where there is one."""
        reason = self.refusal(model)
        if reason is not None:
            raise ValueError(f"{self.name} is not applicable to this model: {reason}")

    def raw(self, model: Classifier, images: Tensor, targets: Tensor, ctx: Context) -> Attribution:
        """As `__call__`, at the resolution the explainer works at."""
        model, ctx = self.substitute_model(model), ctx.fresh(f"explain/{self.name}")
        stored = self.recall(self, model, images, targets, ctx)
        return stored if stored is not None else self.round_maps(self.computed(model, images, targets, ctx))

    def computed(self, model: Classifier, images: Tensor, targets: Tensor, ctx: Context) -> Attribution:
        """Explained now, whatever is stored."""
        self._fit(model, ctx)

        def step(part: slice) -> Attribution:
            extra = {"ctx": ctx.select(range(part.start, part.stop))} if self.takes_ctx else {}
            own, classes = images[part].clone(), targets[part].clone()
            returned = self.call(model, own, classes, **extra)
            if not equal_with_nan(own.detach(), images[part]) or not equal_with_nan(classes, targets[part]):
                raise MutationError("the component wrote into its images or targets")
            attribution = checked_attribution(returned, images[part])
            if self.strict:
                check_finite_maps(attribution, ctx.ids[part])
            return attribution

        key = ("explain", self.recipe.digest, model.architecture, tuple(images.shape[1:]), str(images.device))
        return merge_attributions(list(self.batching.run(key, len(images), step, images.shape[-2] * images.shape[-1])))

    def _fit(self, model: Classifier, ctx: Context) -> None:
        """Let a component that learns from data do so, once per model."""
        fit = getattr(self.call, "fit", None)
        if callable(fit) and self._fitted.get(id(model)) is not model:
            fit(model, Context(ctx.seed, ["fit"], f"fit/{self.name}", ctx.device, ctx.training, ctx.labelled, ctx.memory))
            self._fitted.clear()  # copies that are as strict as others share it
            self._fitted[id(model)] = model


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
        """The scores of a case; raises ``ValueError`` for what is none."""
        if not isinstance(case, Case):
            how = "harness.score makes one of images and maps"
            raise ValueError(f"a metric is called with a harness.api.Case, not {type(case).__name__}: {how}")
        return self.call(case)
