"""A metric's case: one batch of explained samples, and the means to ask the model and the explainer again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.evidence import UNCHANGED, EvidenceBatch, with_known_kinds
from harness.api.explainers import Explainer
from harness.api.transfer import sent
from harness.api.unexplained import Forward, Sharing, Unexplained, WithinCase, forward_in_batches

T = TypeVar("T")


class NeedsExplainer(LookupError):
    """A metric explains again, but the case has no explainer (its maps came from elsewhere)."""


@dataclass(init=False)
class Case(Unexplained):
    """A batch of B explained samples.

    All tensors are on one device, which has float64; it is the model's, unless that has none. `predict`, `explain` and the model itself
    take them as they are, and answer where they are.

    Attributes:
        model: the classifier.
        images: ``(B, C, H, W)`` as the model takes them.
        targets: ``(B,)`` the class that was explained.
        attributions: ``(B, H, W)`` at the images' size.
        parts: the explanation's parts by name, each ``(B, H, W)``.
        evidence: what is known of where the evidence is, by kind (`harness.api.evidence`), in model coordinates: in a run those
            that the metric declares to need. Of rasters ``(H, W)`` a tensor ``(B, H, W)``, 0 for a sample without one; else a sequence of
            one tensor per sample, ``(K, H, W)`` or ``(N, 4)``, empty for a sample without one. The score of such a sample is NaN.
            ``masks=`` and ``boxes=`` stand for two of them if one is made.
        labels: ``(B,)`` the true classes, or None.
        ctx: random streams of this metric.
        explainer: what made the maps; None if they came from elsewhere.
        forward: runs any number of inputs through a model.
        sharing: keeps what `for_all_explainers` has computed.
        explaining: random streams of explaining again; ``ctx`` if not given.
        memory: what `shared` has computed.
    """

    attributions: Tensor
    parts: Mapping[str, Tensor]
    labels: Tensor | None
    explainer: Explainer | None
    explaining: Context | None
    memory: MutableMapping[Hashable, object] = field(repr=False)
    evidence: EvidenceBatch

    def __init__(
        self,
        model: Classifier,
        images: Tensor,
        targets: Tensor,
        attributions: Tensor,
        ctx: Context,
        parts: Mapping[str, Tensor] | None = None,
        masks: Tensor | None = UNCHANGED,
        boxes: Sequence[Tensor] | None = UNCHANGED,
        labels: Tensor | None = None,
        explainer: Explainer | None = None,
        forward: Forward = forward_in_batches,
        explaining: Context | None = None,
        memory: MutableMapping[Hashable, object] | None = None,
        evidence: EvidenceBatch | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        super().__init__(model, images, targets, ctx, forward=forward, sharing=WithinCase() if sharing is None else sharing)
        self.attributions, self.parts = attributions, {} if parts is None else parts
        self.labels, self.explainer, self.explaining = labels, explainer, explaining
        self.memory = {} if memory is None else memory
        self.evidence = with_known_kinds(evidence, mask=masks, boxes=boxes)

    @property
    def masks(self) -> Tensor | None:
        """``(B, H, W)`` bool, all false for a sample without one (its score is NaN); None if the dataset has none."""
        return cast("Tensor | None", self.evidence.get("mask"))

    @property
    def boxes(self) -> Sequence[Tensor] | None:
        """One ``(N, 4)`` tensor per sample in model coordinates, or None."""
        return cast("Sequence[Tensor] | None", self.evidence.get("boxes"))

    def explain(
        self,
        images: Tensor | None = None,
        targets: Tensor | None = None,
        model: Classifier | None = None,
        index: Tensor | None = None,
        explainer: Explainer | None = None,
    ) -> Tensor:
        """Maps ``(N, H, W)`` of the case's own explainer (or of ``explainer``) for changed images, targets or model.

        ``index`` (N,) says which sample of the case each row belongs to (default: row k is sample k), so that its random stream is
        drawn: the same at every call. Raises `NeedsExplainer` if the case has none.
        """
        explainer = explainer or self.explainer
        if explainer is None:
            raise NeedsExplainer("this metric explains again, but no explainer was given")
        images = self.images if images is None else images
        rows = torch.arange(len(self.images)) if index is None else index.cpu()
        if len(rows) != len(images):
            raise ValueError(f"{len(images)} images but an index of {len(rows)}")
        targets = self.targets[sent(rows, self.targets.device)] if targets is None else targets
        model = model or self.model
        there, ctx = model.device, (self.explaining or self.ctx).select(rows)
        return explainer(model, images.to(there), targets.to(there), ctx=ctx.on(there)).map.to(images.device)

    def shared(self, key: Hashable, compute: Callable[[], T]) -> T:
        """``compute()``, once for all metrics that score this case under the same key; it may depend on the explanation."""
        if key not in self.memory:
            self.memory[key] = compute()
        return cast(T, self.memory[key])
