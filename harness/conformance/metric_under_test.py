"""A metric while it is tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from harness.api.case import Case
from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.declarations import NEEDS_BESIDE_EVIDENCE
from harness.api.evidence import EVIDENCE_KINDS, kind_needed
from harness.conformance import networks
from harness.conformance.batch_under_test import (
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
        return make_explained_samples(count, shape, [kind for kind in kinds if kind not in EVIDENCE_KINDS])

    def make_function(self, seed: int = 0, *, explainer: bool = True) -> Callable[[Classifier, ExplainedSamples], Tensor]:
        """Function that makes scores ``(B,)``, of cases with an explainer unless they are to have none."""
        again = BoundExplainer(Recipe("explainers", GRADIENT_NAME, "xai-harness", ""), _input_times_gradient, takes_ctx=False)

        def score(model: Classifier, given: ExplainedSamples) -> Tensor:
            case = _make_case(given, model, self.card.name, seed, again if explainer else None)
            return checked_scores(self.workbench().metric(self.recipe)(case), len(given.ids))

        return score


def _make_case(given: ExplainedSamples, model: Classifier, name: str, seed: int, explainer: BoundExplainer | None) -> Case:
    return Case(
        model=model,
        images=given.images,
        targets=given.targets,
        attributions=given.maps,
        ctx=make_context(model, given.ids, f"score/{name}", seed),
        parts={"part": given.part, "mirrored": given.part.flip(-1)},
        evidence=given.evidence,
        labels=given.labels,
        explainer=explainer,
        explaining=Context(seed, given.ids, f"explain/{GRADIENT_NAME}", training=make_training_source(model)),
    )


def _input_times_gradient(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    with torch.enable_grad():
        inputs = images.detach().requires_grad_()
        chosen = model(inputs).gather(1, targets[:, None]).sum()
        return (torch.autograd.grad(chosen, inputs)[0] * images).sum(dim=1)
