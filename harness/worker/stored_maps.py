"""Maps from the store: those of a job's own rows, and those that explainers inside its explainer and metrics ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.planning.jobs import Job
from harness.planning.variants import ORACLE
from harness.store.map_files import SampleKey
from harness.store.store import Store
from harness.worker.bound_components import BoundExplainer
from harness.worker.contracts import ContractError, rows_with_finite_maps
from harness.worker.samples import SampleBatch


def load_maps(store: Store, key: str, wanted: Sequence[SampleKey], device: torch.device) -> Attribution | None:
    """Stored maps of exactly these samples, in their order; None unless all are there."""
    stored = store.maps(key, wanted)
    if stored is None or len(stored.samples) < len(set(wanted)):
        return None
    place = {sample: i for i, sample in enumerate(stored.samples)}
    ordered = stored.take([place[sample] for sample in wanted])
    return Attribution(
        torch.from_numpy(ordered.map).float().to(device),
        {name: torch.from_numpy(part).float().to(device) for name, part in ordered.parts.items()},
        coarse=True,
        expected=None if ordered.expected is None else torch.from_numpy(ordered.expected).float().to(device),
    )


def round_as_stored(attribution: Attribution, dtype: str) -> Attribution:
    """The maps as they read from the store, so that numbers are the same whether maps come from there or not."""
    if dtype == "float32":
        return attribution
    kind = getattr(torch, dtype)
    whole = attribution.map.to(kind).float()
    parts = {name: part.to(kind).float() for name, part in attribution.parts.items()}
    if not torch.equal(rows_with_finite_maps(Attribution(whole, parts)), rows_with_finite_maps(attribution)):
        raise ContractError(f"the map does not fit into {dtype}; store float32")
    return Attribution(whole, parts, attribution.coarse, attribution.expected)


@dataclass
class StoredMapLookup:
    """Source of the maps of explainers inside a job's components: the stored ones of their own rows of the run, else computed.

    Attributes:
        job, store, model, samples, targets: the job's.
        used: the columns that maps came from.
    """

    job: Job
    store: Store
    model: Classifier
    samples: SampleBatch
    targets: Tensor
    used: set[str] = field(default_factory=set)

    def __call__(self, explainer: BoundExplainer, model: Classifier, images: Tensor, targets: Tensor, ctx: Context) -> Attribution:
        """The maps of one call, at the resolution that the explainer works at."""
        stored = self._recalled(explainer, model, images, targets, ctx)
        if stored is not None:
            return stored
        computed = explainer.computed(model, images, targets, ctx)
        return computed if explainer.recipe == ORACLE else round_as_stored(computed, self.job.dtype)

    def _recalled(self, explainer: BoundExplainer, model: Classifier, images: Tensor, targets: Tensor, ctx: Context) -> Attribution | None:
        """The stored maps, if the call is for samples of the job as they are, for their targets, on the job's model."""
        place = {sample: i for i, sample in enumerate(self.samples.ids)}
        rows = [place.get(sample, -1) for sample in ctx.ids]
        key = self.job.subject.stored.get(explainer.recipe.digest)
        if key is None or model is not self.model or ctx.seed != self.job.subject.seed or -1 in rows:
            return None
        if not torch.equal(images, self.samples.images[rows]) or not torch.equal(targets, self.targets[rows]):
            return None
        stored = load_maps(self.store, key, [self.job.keys[i] for i in rows], self.samples.images.device)
        if stored is not None:
            self.used.add(key)
        return stored
