"""A metric while it is tested, and the material that it scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from harness.api.case import Case
from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.declarations import NEEDS_BESIDE_EVIDENCE
from harness.api.evidence import KINDS, EvidenceBatch, batched, kind_needed, mapped, selected
from harness.conformance import networks
from harness.conformance.component_under_test import ComponentUnderTest
from harness.conformance.explainer_under_test import get_memory, make_labelled_source, make_training_source
from harness.registry.recipe import Recipe
from harness.worker.bound_components import BoundExplainer
from harness.worker.contracts import checked_scores


@dataclass(frozen=True)
class ExplainedSamples:
    """Explained samples, as a case has them."""

    ids: Sequence[str]
    images: Tensor
    targets: Tensor
    maps: Tensor
    evidence: EvidenceBatch
    labels: Tensor
    part: Tensor

    def rows(self, index: Sequence[int]) -> ExplainedSamples:
        """These rows of it, copied."""
        rows = list(index)
        return ExplainedSamples(
            [self.ids[i] for i in rows],
            self.images[rows].clone(),
            self.targets[rows].clone(),
            self.maps[rows].clone(),
            mapped(selected(self.evidence, rows), Tensor.clone),
            self.labels[rows].clone(),
            self.part[rows].clone(),
        )

    @property
    def masks(self) -> Tensor:
        """``(B, H, W)`` bool."""
        return cast(Tensor, self.evidence["mask"])

    def with_maps(self, maps: Tensor) -> ExplainedSamples:
        """The same samples with other maps."""
        return replace(self, maps=maps)

    def case(self, model: Classifier, name: str, seed: int = 0, explainer: BoundExplainer | None = None) -> Case:
        """A case of it."""
        training = make_training_source(model)
        return Case(
            model=model,
            images=self.images,
            targets=self.targets,
            attributions=self.maps,
            ctx=Context(
                seed, self.ids, f"score/{name}", training=training, labelled=make_labelled_source(model), memory=get_memory(model, seed)
            ),
            parts={"part": self.part, "mirrored": self.part.flip(-1)},
            evidence=self.evidence,
            labels=self.labels,
            explainer=explainer,
            explaining=Context(seed, self.ids, f"explain/{GRADIENT_NAME}", training=training),
        )


GRADIENT_NAME = "conformance-gradient"


def _input_times_gradient(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    with torch.enable_grad():
        inputs = images.detach().requires_grad_()
        chosen = model(inputs).gather(1, targets[:, None]).sum()
        return (torch.autograd.grad(chosen, inputs)[0] * images).sum(dim=1)


def make_gradient_explainer() -> BoundExplainer:
    """Input times gradient, for metrics that explain again."""
    return BoundExplainer(Recipe("explainers", GRADIENT_NAME, "xai-harness", ""), _input_times_gradient, takes_ctx=False)


def make_explained_samples(count: int = 4, shape: networks.Shape = networks.SHAPE, kinds: Sequence[str] = ()) -> ExplainedSamples:
    """``count`` samples with signed maps, square masks and their boxes; sample k is the same whatever ``count`` is.

    Of evidence of any other of ``kinds`` each has a square elsewhere.
    """
    height, width = shape[1:]
    maps, evidence = [], []
    for index in range(count):
        generator = torch.Generator().manual_seed(500 + index)
        coarse = torch.randn(1, 1, 5, 5, generator=generator)
        smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")[0, 0]
        maps.append(smooth + 0.1 * torch.randn(height, width, generator=generator))
        top, left, side = 4 + index % 3, 5 + 2 * (index % 4), 8 + index % 5
        mask = torch.zeros(height, width, dtype=torch.bool)
        mask[top : top + side, left : left + side] = True
        boxes = torch.tensor([[left, top, left + side, top + side]], dtype=torch.float32)
        others = {kind: mask.roll((7, 11 + place), (0, 1)) for place, kind in enumerate(kinds)}
        evidence.append({**others, "mask": mask, "boxes": boxes})
    targets, stacked = networks.make_targets(count), torch.stack(maps)
    ids = [f"image-{i}" for i in range(count)]
    batch = batched(evidence, (height, width), {})
    return ExplainedSamples(ids, networks.make_images(count, shape), targets, stacked, batch, targets.clone(), stacked / 2)


@dataclass
class MetricUnderTest(ComponentUnderTest):
    """A metric, called whole batch by whole batch."""

    def model(self, shape: networks.Shape = networks.SHAPE) -> Classifier:
        """A fresh copy of the small convolutional network."""
        return networks.make_network(networks.CONVOLUTIONAL, shape)

    def explained(self, count: int = 4, shape: networks.Shape = networks.SHAPE) -> ExplainedSamples:
        """Samples with all evidence that the metric needs, and with masks and boxes."""
        kinds = [kind_needed(need).name for need in sorted(self.needs - NEEDS_BESIDE_EVIDENCE)]
        return make_explained_samples(count, shape, [kind for kind in kinds if kind not in KINDS])

    def scores(self, given: ExplainedSamples, model: Classifier | None = None, *, seed: int = 0, explainer: bool = True) -> Tensor:
        """Checked scores ``(B,)`` of one call."""
        asked = model or self.model((given.images.shape[1], given.images.shape[2], given.images.shape[3]))
        case = given.case(asked, self.card.name, seed, make_gradient_explainer() if explainer else None)
        return checked_scores(self.workbench().metric(self.recipe)(case), len(given.ids))
