"""A metric while it is tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor

from harness.api.case import Case
from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.declarations import NEEDS_BESIDE_EVIDENCE
from harness.api.evidence import kind_needed
from harness.api.unexplained import Sharing, Unexplained
from harness.conformance import networks
from harness.conformance.batch_under_test import (
    EVERYWHERE,
    OTHER_TRAINING,
    TRAINING,
    BatchUnderTest,
    ExplainedSamples,
    make_context,
    make_explained_samples,
    make_training_source,
)
from harness.conformance.measuring import score_difference
from harness.registry.recipe import Recipe
from harness.worker.bound_components import BoundExplainer
from harness.worker.contracts import checked_scores

GRADIENT_NAME = "conformance-gradient"
Again = Literal["usual", "other"]
"""Explainers that a case can be explained by again, the other one with other training data."""


@dataclass
class MetricUnderTest(BatchUnderTest):
    """A metric, called whole batch by whole batch."""

    noun: ClassVar[str] = "score"
    relative: ClassVar[str] = ""
    difference = staticmethod(score_difference)

    def network(self, shape: networks.Shape = networks.SHAPE) -> Classifier:
        """A fresh copy of the small convolutional network."""
        return networks.make_network(networks.CONVOLUTIONAL, shape)

    def samples(self, count: int = 4, shape: networks.Shape = networks.SHAPE) -> ExplainedSamples:
        """Samples with all evidence that the metric needs, and with masks and boxes."""
        kinds = [kind_needed(need).name for need in sorted(self.needs - NEEDS_BESIDE_EVIDENCE)]
        return make_explained_samples(count, shape, [kind for kind in kinds if kind not in EVERYWHERE])

    def sure_scores(self) -> Tensor:
        """Scores ``(12,)`` for the classes that a network is sure of, which some metrics ask for; of some images one, of some another."""
        model, given = self.network(), self.samples(12)
        weights, biases = list(model.module.parameters())[-2:]
        with torch.no_grad():
            biases.sub_(model(given.images).mean(dim=0))
            for parameter in (weights, biases):
                parameter.mul_(300)
            targets = model(given.images).argmax(dim=1)
        return self.make_function()(model, replace(given, targets=targets))

    def make_function(
        self, seed: int = 0, *, explainer: Again | None = "usual", sharing: Sharing | None = None
    ) -> Callable[[Classifier, ExplainedSamples], Tensor]:
        """Function that makes scores ``(B,)``, of cases with the usual explainer and training data, others, or no explainer."""
        again = None if explainer is None else BoundExplainer(_RECIPE, _EXPLAINERS[explainer], takes_ctx=False)

        def score(model: Classifier, given: ExplainedSamples) -> Tensor:
            ctx = make_context(model, given.ids, f"score/{self.card.name}", seed, OTHER_TRAINING if explainer == "other" else TRAINING)
            case = _make_case(given, model, ctx, again, sharing)
            return checked_scores(self.workbench().metric(self.recipe)(case), len(given.ids))

        return score

    @cached_property
    def shared(self) -> Mapping[tuple[str, str], Tensor]:
        """The values of ordinary samples that the metric would share with all explainers, by key and sample."""
        return self.shared_values(self.network(), self.samples())

    def shared_values(self, model: Classifier, given: ExplainedSamples, *, explainer: Again = "usual") -> Mapping[tuple[str, str], Tensor]:
        """The values that it would share of these samples."""
        found: dict[tuple[str, str], Tensor] = {}

        def sharing(key: str, asked: Unexplained, compute: Callable[[Unexplained], Tensor]) -> Tensor:
            values = compute(asked).detach().clone()
            found.update({(key, sample): value for sample, value in zip(asked.ctx.ids, values, strict=True)})
            return values.clone()

        self.make_function(explainer=explainer, sharing=sharing)(model, given)
        return found


def _make_case(given: ExplainedSamples, model: Classifier, ctx: Context, explainer: BoundExplainer | None, sharing: Sharing | None) -> Case:
    return Case(
        model=model,
        images=given.images,
        targets=given.targets,
        attributions=given.maps,
        ctx=ctx,
        parts={"part": given.part, "mirrored": given.part.flip(-1)},
        evidence=given.evidence,
        labels=given.labels,
        explainer=explainer,
        explaining=Context(ctx.seed, given.ids, f"explain/{GRADIENT_NAME}", training=make_training_source(model)),
        sharing=sharing,
    )


def _input_times_gradient(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    with torch.enable_grad():
        inputs = images.detach().requires_grad_()
        chosen = model(inputs).gather(1, targets[:, None]).sum()
        return (torch.autograd.grad(chosen, inputs)[0] * images).sum(dim=1)


def _mirrored(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    return _input_times_gradient(model, images, targets).flip(-1).square()


_RECIPE = Recipe("explainers", GRADIENT_NAME, "xai-harness", "")
_EXPLAINERS: Mapping[Again, Callable[[Classifier, Tensor, Tensor], Tensor]] = {"usual": _input_times_gradient, "other": _mirrored}
