"""An explainer while it is tested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, cast

from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.classifiers import Classifier
from harness.conformance import networks
from harness.conformance.batch_under_test import BatchUnderTest, ExplainedSamples, make_context
from harness.conformance.measuring import map_difference
from harness.conformance.results import CheckSkipped
from harness.worker.applicability import inapplicability_reason
from harness.worker.bound_components import BoundExplainer
from harness.worker.contracts import check_finite_maps, checked_attribution


@dataclass
class ExplainerUnderTest(BatchUnderTest):
    """An explainer, called whole batch by whole batch, so that what it does with a batch is seen."""

    noun: ClassVar[str] = "map"
    relative: ClassVar[str] = " of its magnitude"
    difference = staticmethod(map_difference)

    def bound(self) -> BoundExplainer:
        """The explainer afresh: nothing fitted, nothing remembered."""
        return self.workbench().explainer(self.recipe)

    def why_not_applicable(self, model: Classifier) -> str | None:
        """Reason why it does not apply to the model, as it says before it is called."""
        return inapplicability_reason(self.workbench(), self.recipe, model)

    @cached_property
    def network_name(self) -> str:
        """The first of the networks that it applies to; skips the check if there is none."""
        reasons = []
        for name in networks.NAMES:
            reason = self.why_not_applicable(networks.make_network(name))
            if reason is None:
                return name
            reasons.append(f"{name}: {reason}")
        raise CheckSkipped(f"it applies to none of the networks it could be tried on ({'; '.join(reasons)})")

    def network(self, shape: networks.Shape = networks.SHAPE) -> Classifier:
        """A fresh copy of that network."""
        return networks.make_network(self.network_name, shape)

    def make_explain_function(self, seed: int = 0) -> Callable[..., Attribution]:
        """``explain(model, images, targets, ids=None)`` → the checked result of one call on the whole batch, fitted if it learns."""
        bound, fitted = self.bound(), list[Classifier]()

        def explain(model: Classifier, images: Tensor, targets: Tensor, ids: Sequence[str] | None = None) -> Attribution:
            names = [f"image-{i}" for i in range(len(images))] if ids is None else ids
            ctx = make_context(model, names, f"explain/{bound.name}", seed)
            fit = getattr(bound.call, "fit", None)
            if callable(fit) and model not in fitted:
                fit(model, ctx.fresh(f"fit/{bound.name}"))
                fitted[:] = [model]
            extra = {"ctx": ctx} if bound.takes_ctx else {}
            attribution = checked_attribution(bound.call(model, images, targets, **extra), images)
            check_finite_maps(attribution, ctx.ids)
            return attribution

        return explain

    def make_function(self, seed: int = 0) -> Callable[[Classifier, ExplainedSamples], Tensor]:
        """Function that makes maps ``(B, H, W)`` at the images' size."""
        call = self.make_call(seed)
        return lambda model, given: self.results_of(call(model, given), given)

    def make_call(self, seed: int = 0) -> Callable[[Classifier, ExplainedSamples], Attribution]:
        """Function that returns checked attributions."""
        explain = self.make_explain_function(seed)
        return lambda model, given: explain(model, given.images, given.targets, given.ids)

    def results_of(self, returned: Any, given: ExplainedSamples) -> Tensor:
        """Maps ``(B, H, W)`` at the images' size in an attribution."""
        return cast(Attribution, returned).at(given.shape[1:])

    def maps(self, model: Classifier, images: Tensor, targets: Tensor, ids: Sequence[str] | None = None, seed: int = 0) -> Tensor:
        """Maps ``(B, H, W)`` at the images' size by an explainer made for this call."""
        return self.make_explain_function(seed)(model, images, targets, ids).at(cast("tuple[int, int]", tuple(images.shape[-2:])))
