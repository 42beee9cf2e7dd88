"""Samples and a model before anything is explained, and what is computed of them once for all explainers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.transfer import sent


class Forward(Protocol):
    """Runs any number of inputs through a model in batches of its own choosing."""

    def __call__(self, model: Classifier, inputs: Tensor) -> Tensor:
        """Logits ``(N, K)``."""
        ...


def forward_in_batches(model: Classifier, inputs: Tensor) -> Tensor:
    """Logits ``(N, K)`` of any number of inputs, without gradients."""
    with torch.no_grad():
        return torch.cat([model(part) for part in torch.split(inputs, 16)])


class Sharing(Protocol):
    """Keeps what does not depend on explanations."""

    def __call__(self, key: str, asked: Unexplained, compute: Callable[[Unexplained], Tensor]) -> Tensor:
        """``compute(asked)`` of `Unexplained.for_all_explainers`, or what is kept of it under the key, for the caller alone to change."""
        ...


class WithinCase:
    """A `Sharing` that keeps values as long as a case, for the very samples that they were computed of."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Unexplained, Tensor]] = {}

    def __call__(self, key: str, asked: Unexplained, compute: Callable[[Unexplained], Tensor]) -> Tensor:
        """As of `Sharing`."""
        if key not in self._kept or not asked.is_same(self._kept[key][0]):
            self._kept[key] = (asked, compute(asked).detach().clone())
        return self._kept[key][1].clone()


@dataclass
class Unexplained:
    """B samples and a model, of which nothing is known that depends on an explanation.

    Attributes:
        model: the classifier.
        images: ``(B, C, H, W)`` as the model takes them.
        targets: ``(B,)`` the class that is explained.
        ctx: random streams, the same for every explainer.
        forward: runs any number of inputs through a model.
        sharing: keeps what `for_all_explainers` has computed.
    """

    model: Classifier
    images: Tensor
    targets: Tensor
    ctx: Context
    forward: Forward = field(default=forward_in_batches, kw_only=True)
    sharing: Sharing = field(default_factory=WithinCase, kw_only=True, repr=False)

    def predict(self, inputs: Tensor, model: Classifier | None = None) -> Tensor:
        """Logits ``(N, K)`` of any number of inputs ``(N, C, H, W)``, without gradients, batched for throughput."""
        return self.forward(model or self.model, inputs)

    def for_all_explainers(self, key: Sequence[object], compute: Callable[[Unexplained], Tensor]) -> Tensor:
        """``compute(samples)``, once per sample for all explainers and metrics of a run: ``(B, …)``.

        For what costs passes or time and depends on model, image and target alone, such as the outputs for random perturbations. It is kept
        within the worker, and if it is small (`harness.worker.shared_values`) in the store, so that an explainer that is added later does
        not pay for it either.

        Args:
            key: a name and all that ``compute`` depends on besides the samples, of texts, numbers, booleans, None and sequences of them.
                Metrics of one version of a plugin that ask under equal keys share; a notebook's function shares with itself alone.
            compute: makes the value of the samples that it is given, some or all of this case's, in their order. All that it reads is to
                come from there: nothing of the explanation (`Case.attributions`, `Case.parts`, `Case.explain`), of the evidence, of
                labels or of training data may go in. A sample's value depends on no other sample, its shape and type on none.
                Random numbers come from the streams of ``samples.ctx``.

        Returns:
            A copy, without gradients, that the caller may write into.

        Raises ``TypeError`` for a key of other values, ``ValueError`` for a value that is not one per sample.
        """
        name = json.dumps(list(key), allow_nan=False)

        def checked(samples: Unexplained) -> Tensor:
            value = compute(samples)
            if not isinstance(value, Tensor) or value.shape[:1] != samples.images.shape[:1]:
                raise ValueError(f"what all explainers share under {name} is not one value per sample")
            return value

        ctx = Context(self.ctx.seed, self.ctx.ids, f"shared/{name}", self.ctx.device)
        return self.sharing(
            name, Unexplained(self.model, self.images, self.targets, ctx, forward=self.forward, sharing=self.sharing), checked
        )

    def take(self, rows: Sequence[int], sharing: Sharing) -> Unexplained:
        """Some of the samples, with what they share."""
        index = sent(torch.tensor(rows, dtype=torch.long), self.images.device)
        return Unexplained(
            self.model, self.images[index], self.targets[index], self.ctx.select(rows), forward=self.forward, sharing=sharing
        )

    def is_same(self, other: Unexplained) -> bool:
        """Whether these are the very same samples, model and streams."""
        same = self.model is other.model and self.images is other.images and self.targets is other.targets
        streams = (self.ctx.seed, list(self.ctx.ids)) == (other.ctx.seed, list(other.ctx.ids))
        return same and streams and self.forward == other.forward
