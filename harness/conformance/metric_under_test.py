"""A metric while it is tested, and the material that it scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from harness.api.case import Case
from harness.api.classifiers import Classifier
from harness.api.context import Context
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
    masks: Tensor | None
    boxes: Sequence[Tensor] | None
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
            None if self.masks is None else self.masks[rows].clone(),
            None if self.boxes is None else [self.boxes[i].clone() for i in rows],
            self.labels[rows].clone(),
            self.part[rows].clone(),
        )

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
            masks=self.masks,
            boxes=self.boxes,
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


def make_explained_samples(count: int = 4, shape: networks.Shape = networks.SHAPE) -> ExplainedSamples:
    """``count`` samples with signed maps, square masks and their boxes; sample k is the same whatever ``count`` is."""
    height, width = shape[1:]
    maps, masks, boxes = [], [], []
    for index in range(count):
        generator = torch.Generator().manual_seed(500 + index)
        coarse = torch.randn(1, 1, 5, 5, generator=generator)
        smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")[0, 0]
        maps.append(smooth + 0.1 * torch.randn(height, width, generator=generator))
        top, left, side = 4 + index % 3, 5 + 2 * (index % 4), 8 + index % 5
        mask = torch.zeros(height, width, dtype=torch.bool)
        mask[top : top + side, left : left + side] = True
        masks.append(mask)
        boxes.append(torch.tensor([[left, top, left + side, top + side]], dtype=torch.float32))
    targets, stacked = networks.make_targets(count), torch.stack(maps)
    ids = [f"image-{i}" for i in range(count)]
    return ExplainedSamples(
        ids, networks.make_images(count, shape), targets, stacked, torch.stack(masks), boxes, targets.clone(), stacked / 2
    )


@dataclass
class MetricUnderTest(ComponentUnderTest):
    """A metric, called whole batch by whole batch."""

    def model(self, shape: networks.Shape = networks.SHAPE) -> Classifier:
        """A fresh copy of the small convolutional network."""
        return networks.make_network(networks.CONVOLUTIONAL, shape)

    def scores(self, given: ExplainedSamples, model: Classifier | None = None, *, seed: int = 0, explainer: bool = True) -> Tensor:
        """Checked scores ``(B,)`` of one call."""
        asked = model or self.model((given.images.shape[1], given.images.shape[2], given.images.shape[3]))
        case = given.case(asked, self.card.name, seed, make_gradient_explainer() if explainer else None)
        return checked_scores(self.workbench().metric(self.recipe)(case), len(given.ids))
