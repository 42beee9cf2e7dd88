"""Explainers and metrics with their parameters bound: explainers as the harness calls them, in batches, on their own streams, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.case import Case
from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.turns import TURN
from harness.planning.variants import AS_IS, Variant
from harness.registry.recipe import Recipe
from harness.worker.applicability import inapplicability_reason
from harness.worker.batching import Batching
from harness.worker.call_arguments import as_classifier, as_ids, as_images, as_targets
from harness.worker.contracts import check_finite_maps, checked_attribution, merge_attributions
from harness.worker.inversion import QualityGap
from harness.worker.mutation_guard import MutationError, has_same_bits

if TYPE_CHECKING:
    from harness.worker.component_cache import ComponentCache


def _identity(model: Classifier) -> Classifier:
    return model


@dataclass
class BoundExplainer:
    """One explainer ready to be called; implements `harness.api.Explainer`.

    Attributes:
        recipe: the component with its parameters. Random streams are drawn under its name, so that a nested explainer draws what its own
            row draws.
        call: the component with its parameters bound.
        takes_ctx: whether ``call`` wants ``ctx``.
        batching: how calls are split.
        components: what bound it, if anything did.
        variant: of the model, that it was bound for.
        substitute_model: the model that is explained in the place of the one asked for.
        strict: whether a map that is not finite is an error; else it is for the caller to see that it is of no use.
    """

    recipe: Recipe
    call: Callable[..., Any]
    takes_ctx: bool
    batching: Batching = field(default_factory=Batching)
    components: ComponentCache | None = field(default=None, repr=False)
    variant: Variant = AS_IS
    substitute_model: Callable[[Classifier], Classifier] = _identity
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

    @property
    def schema(self) -> Mapping[str, Mapping[str, object]]:
        """JSON schema of each parameter."""
        if self.components is None:
            return {}
        card = self.components.registry.known(self.recipe.kind, self.recipe.qualified)
        return cast("Mapping[str, Mapping[str, object]]", card.parameters.get("properties", {}))

    def with_params(self, **changes: object) -> BoundExplainer:
        """The same component with some parameters changed; raises ``ValueError`` for one that it has not or does not take."""
        unknown = sorted(set(changes) - set(self.schema))
        if unknown:
            raise ValueError(f"{self.name} has no parameter {', '.join(unknown)}; it has {', '.join(self.schema) or 'none'}")
        if self.components is None:
            return self
        changed = replace(self.recipe, params={**self.recipe.params, **changes})
        return replace(self.components.explainer(changed, self.variant), substitute_model=self.substitute_model)

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
            with TURN:
                self.require_applicable(model)
                images = as_images(images, model)
                return self(model, images, targets, ctx=Context(0, as_ids(None, images), device=images.device))
        images = as_images(images, model)
        targets = as_targets(targets, len(images), model).to(images.device)
        if not len(images):
            return Attribution(images.new_zeros((0, *images.shape[-2:])).float())
        raw = self.raw(model, images, targets, ctx)
        size = (images.shape[-2], images.shape[-1])
        return Attribution(raw.at(size), {name: raw.part(name, size) for name in raw.parts}, expected=raw.expected)

    def applicable(self, model: Classifier) -> str | None:
        """Reason why the component, or one nested in it, is not applicable to a model; None where it is."""
        return None if self.components is None else inapplicability_reason(self.components, self.recipe, model)

    def require_applicable(self, model: Classifier) -> None:
        """Raise ``ValueError`` with the reason why the component is not applicable to a model, if there is one."""
        reason = self.applicable(model)
        if reason is not None:
            raise ValueError(f"{self.name} is not applicable to this model: {reason}")

    def raw(self, model: Classifier, images: Tensor, targets: Tensor, ctx: Context) -> Attribution:
        """As `__call__`, at the resolution the explainer works at: by way of ``ctx.maps`` in a job."""
        model, ctx = self.substitute_model(model), ctx.fresh(f"explain/{self.name}")
        if ctx.maps is None:
            return self.computed(model, images, targets, ctx)
        return cast(Attribution, ctx.maps(self, model, images, targets, ctx))

    def computed(self, model: Classifier, images: Tensor, targets: Tensor, ctx: Context) -> Attribution:
        """Explained now, whatever is stored."""
        self._fit(model, ctx)
        untouched: list[Tensor] = []

        def step(part: slice) -> Attribution:
            extra = {"ctx": ctx.select(range(part.start, part.stop))} if self.takes_ctx else {}
            own, classes = images[part].clone(), targets[part].clone()
            returned = self.call(model, own, classes, **extra)
            untouched.extend([has_same_bits(own, images[part]), has_same_bits(classes, targets[part])])
            return checked_attribution(returned, images[part])

        key = ("explain", self.recipe.digest, model.architecture, tuple(images.shape[1:]), str(images.device))
        attribution = merge_attributions(list(self.batching.run(key, len(images), step, images.shape[-2] * images.shape[-1])))
        if not torch.stack(untouched).all():  # after all batches, so that a device is waited for once
            raise MutationError("the component wrote into its images or targets")
        if self.strict:
            check_finite_maps(attribution, ctx.ids)
        return attribution

    def _fit(self, model: Classifier, ctx: Context) -> None:
        """Let a component that learns from data do so, once per model."""
        fit = getattr(self.call, "fit", None)
        if callable(fit) and self._fitted.get(id(model)) is not model:
            fit(model, ctx.about(["fit"]).fresh(f"fit/{self.name}"))
            self._fitted.clear()  # copies that are as strict as others share it
            self._fitted[id(model)] = model


@dataclass(frozen=True)
class BoundMetric:
    """A metric with its parameters bound: a callable from a `harness.api.Case` to scores ``(B,)``.

    Attributes:
        recipe: the component with its parameters.
        call: the component with its parameters bound.
        takes_ctx: whether ``call`` wants ``ctx``.
        sizes: whether it sees |a| alone, which counts where it is inverted.
    """

    recipe: Recipe
    call: Callable[..., Tensor]
    takes_ctx: bool
    sizes: bool = False

    @property
    def name(self) -> str:
        """The component's name."""
        return self.recipe.name

    def __call__(self, case: Case) -> Tensor:
        """The scores of a case; raises ``ValueError`` for what is none."""
        if not isinstance(case, Case):
            how = "harness.score makes one of images and maps"
            raise ValueError(f"a metric is called with a harness.api.Case, not {type(case).__name__}: {how}")
        return QualityGap(self._score, self.sizes)(case) if self.recipe.inverted else self._score(case)

    def _score(self, case: Case) -> Tensor:
        return self.call(case, ctx=case.ctx) if self.takes_ctx else self.call(case)
