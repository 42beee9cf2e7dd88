"""An explainer while it is tested."""

from __future__ import annotations

from collections.abc import Callable, Hashable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.conformance import networks
from harness.conformance.component_under_test import ComponentUnderTest
from harness.conformance.results import CheckSkipped
from harness.worker.applicability import inapplicability_reason
from harness.worker.bound_components import BoundExplainer
from harness.worker.contracts import check_finite_maps, checked_attribution

_memories: WeakKeyDictionary[Classifier, dict[int, dict[Hashable, object]]] = WeakKeyDictionary()


@dataclass
class ExplainerUnderTest(ComponentUnderTest):
    """An explainer, called whole batch by whole batch, so that what it does with a batch is seen."""

    def bound(self) -> BoundExplainer:
        """The explainer afresh: nothing fitted, nothing remembered."""
        return self.workbench().explainer(self.recipe)

    def why_not_applicable(self, model: Classifier) -> str | None:
        """Why it does not apply to the model, as it says before it is called."""
        return inapplicability_reason(self.workbench(), self.recipe, model)

    def network_name(self) -> str:
        """The first of the networks that it applies to; skips the check where there is none."""
        reasons = []
        for name in networks.NAMES:
            reason = self.why_not_applicable(networks.make_network(name))
            if reason is None:
                return name
            reasons.append(f"{name}: {reason}")
        raise CheckSkipped(f"it applies to none of the networks it could be tried on ({'; '.join(reasons)})")

    def network(self, shape: networks.Shape = networks.SHAPE) -> Classifier:
        """A fresh copy of that network."""
        return networks.make_network(self.network_name(), shape)

    def make_explain_function(self, seed: int = 0) -> Callable[..., Attribution]:
        """``explain(model, images, targets, ids=None)`` → the checked result of one call on the whole batch, fitted where it learns."""
        bound, fitted = self.bound(), list[Classifier]()

        def explain(model: Classifier, images: Tensor, targets: Tensor, ids: Sequence[str] | None = None) -> Attribution:
            names = [f"image-{i}" for i in range(len(images))] if ids is None else ids
            ctx = Context(
                seed,
                names,
                f"explain/{bound.name}",
                "cpu",
                make_training_source(model),
                make_labelled_source(model),
                get_memory(model, seed),
            )
            fit = getattr(bound.call, "fit", None)
            if callable(fit) and model not in fitted:
                fit(model, ctx.fresh(f"fit/{bound.name}"))
                fitted[:] = [model]
            extra = {"ctx": ctx} if bound.takes_ctx else {}
            attribution = checked_attribution(bound.call(model, images, targets, **extra), images)
            check_finite_maps(attribution, ctx.ids)
            return attribution

        return explain

    def maps(self, model: Classifier, images: Tensor, targets: Tensor, ids: Sequence[str] | None = None, seed: int = 0) -> Tensor:
        """Maps ``(B, H, W)`` at the images' size by an explainer made for this call."""
        return self.make_explain_function(seed)(model, images, targets, ids).at(cast("tuple[int, int]", tuple(images.shape[-2:])))


def make_training_source(model: Classifier) -> Callable[[int], Tensor]:
    """Training images for a network of `harness.conformance.networks`."""
    return lambda n: networks.make_images(n, model.input_shape, seed=99)


def make_labelled_source(model: Classifier) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Training images with labels, each class in turn, for a network of `harness.conformance.networks`; no more than 64."""

    def samples(n: int) -> tuple[Tensor, Tensor]:
        count = min(n, 64)
        return networks.make_images(count, model.input_shape, seed=99), torch.arange(count) % model.num_classes

    return samples


def get_memory(model: Classifier, seed: int) -> MutableMapping[Hashable, object]:
    """What components keep from one call to the next for a network, as a worker would."""
    return _memories.setdefault(model, {}).setdefault(seed, {})
