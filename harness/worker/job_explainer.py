"""Explains the rows of a job: from the store where they are there, else computed, checked and committed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.precision import to_float64
from harness.planning.file_digests import remember_call_time_files
from harness.planning.jobs import Job, Subject
from harness.planning.stored_costs import cost_fields, mean_without_nan
from harness.planning.stored_costs import costs_from_fields as stored_costs
from harness.planning.variants import ORACLE
from harness.registry.recipe import Recipe
from harness.store.map_files import SampleKey, StoredMaps
from harness.store.sample_alignment import Bools, rows_with_any_value
from harness.store.sample_alignment import SamplePositions as Places
from harness.store.store import Store
from harness.worker.bound_components import BoundExplainer
from harness.worker.component_cache import ComponentCache
from harness.worker.contracts import ContractError, rows_with_finite_maps
from harness.worker.cost_measurement import MeasuredCost, describe_hardware, measure_cost
from harness.worker.job_inputs import column_rows
from harness.worker.mutation_guard import forbid_changes
from harness.worker.samples import SampleBatch
from harness.worker.timing import span
from harness.worker.variants import oracle_explainer


@dataclass
class JobExplainer:
    """Explanations of one worker."""

    workbench: ComponentCache
    store: Store

    def context(self, subject: Subject, ids: Sequence[str], recipe: Recipe) -> Context:
        """A component's context of these samples, with the training split behind it where the component declares that it uses it."""
        training = labelled = None
        if subject.training_recipe is not None and recipe != ORACLE:
            needs = self.workbench.uses(recipe)
            if "training-data" in needs:
                training = self.workbench.background(subject)
            if "training-labels" in needs:
                labelled = self.workbench.labelled(subject, recipe)
        purpose = {"explainers": "explain", "metrics": "score"}[recipe.kind]
        device = {"explainers": self.workbench.device, "metrics": self.workbench.scoring_device}[recipe.kind]
        return Context(subject.seed, ids, f"{purpose}/{recipe.name}", device, training, labelled, self.workbench.memory(subject))

    @contextmanager
    def reading(self, recipe: Recipe) -> Iterator[None]:
        """Remembers which files the component's code reads in the block."""
        if recipe == ORACLE:
            yield
            return
        with self.workbench.reading.called(recipe) as files:
            yield
        remember_call_time_files(self.store, recipe, files)

    def explainer(self, job: Job, samples: SampleBatch) -> BoundExplainer:
        """The explainer of a job, or the oracle of its samples."""
        if job.variant.kind == "oracle":
            return oracle_explainer(samples, self.workbench.batching)
        return self.workbench.explainer(job.recipe)

    def of(self, job: Job, model: Classifier, samples: SampleBatch, targets: Tensor) -> tuple[Attribution, Callable[[], object]]:
        """The explanation of the job's rows, at the resolution it is stored in, and what makes it durable.

        Stored maps count only where their rows are finished: a run that ended between the two explains again.
        """
        recalled = self.workbench.recall = StoredMapLookup(self, job, model, samples, targets)
        self.workbench.rounding = partial(round_as_stored, dtype=job.dtype)
        keys = [(row.sample, row.digest) for row in job.rows]
        with span("store", "read"):
            finished = rows_with_any_value(self.store.known(job.key, Places(keys)).get(job.key, {}), len(keys))
            stored = self.stored(job.key, keys) if finished.all() else None
        if stored is not None:
            return stored, lambda: None
        explainer = self.explainer(job, samples)
        explained = self.workbench.model(job.subject.model_recipe, job.variant)
        context = self.context(job.subject, samples.ids, job.recipe)
        explainer = replace(explainer, strict=False)  # a sample without a map costs no other its map
        with (
            forbid_changes(explained.module, seen=self.workbench.seen),
            self.reading(job.recipe),
            measure_cost(self.workbench.device) as cost,
        ):
            attribution = explainer.computed(explained, samples.images, targets, context)
        attribution = round_as_stored(attribution, job.dtype)
        for part in recalled.used:
            cost.add(self._stored_cost(part, keys))
        return attribution, self._commit(job, keys, attribution, cost, finished)

    def _stored_cost(self, key: str, samples: Sequence[SampleKey]) -> MeasuredCost:
        """What the stored explanation of a part cost when it was made, which is part of what the whole costs."""
        fields = self.store.known(key, Places(samples)).get(key, {})
        here, count = describe_hardware(self.workbench.device), len(samples)
        costs = stored_costs(fields, count, here)
        passes = count * (mean_without_nan(costs.passes) or 0.0)
        if costs.hardware != here:  # what it takes here nobody knows
            return MeasuredCost(math.nan, passes, math.nan)
        return MeasuredCost(count * (mean_without_nan(costs.seconds) or 0.0), passes, float(np.fmax.reduce(costs.memory, initial=math.nan)))

    def _commit(
        self, job: Job, keys: Sequence[SampleKey], attribution: Attribution, cost: MeasuredCost, finished: Bools
    ) -> Callable[[], object]:
        """What writes maps first, then rows: of these, and of maps to keep, only those that are not in the store."""
        with span("store", "read"):
            known = self.store.maps(job.key, keys)
        there = set() if known is None else set(known.samples)
        kept = [i for i, row in enumerate(job.rows) if job.keeps(row) and keys[i] not in there]
        dtype = np.dtype(job.dtype)
        whole = StoredMaps(
            keys,
            attribution.map.cpu().numpy().astype(dtype),
            {name: part.cpu().numpy().astype(dtype) for name, part in attribution.parts.items()},
            None if attribution.expected is None else attribution.expected.cpu().numpy(),
        )
        count = len(job.rows)
        each = cost_fields(describe_hardware(self.workbench.device), cost.seconds / count, cost.passes / count, cost.memory)
        fields: dict[str, list[float]] = {name: [value] * count for name, value in each}
        zero = (attribution.map == 0).flatten(1).all(dim=1).float()
        fields["zero"] = zero.where(rows_with_finite_maps(attribution), math.nan).tolist()
        if attribution.expected is not None:
            fields["incompleteness"] = incompleteness(attribution).tolist()
        rows = column_rows(job.key, job.rows, fields)
        done = {key for key, there in zip(keys, finished, strict=True) if there}

        def write() -> None:
            self.store.commit_maps(job.key, whole.take(kept))
            self.store.commit_rows(job.key, [row for row in rows if (row.sample, row.digest) not in done])

        return write

    def stored(self, key: str, wanted: Sequence[SampleKey]) -> Attribution | None:
        """Stored maps of exactly these samples, in their order; None unless all are there."""
        stored = self.store.maps(key, wanted)
        if stored is None or len(stored.samples) < len(set(wanted)):
            return None
        place = {sample: i for i, sample in enumerate(stored.samples)}
        ordered = stored.take([place[sample] for sample in wanted])
        device = self.workbench.device
        return Attribution(
            torch.from_numpy(ordered.map).float().to(device),
            {name: torch.from_numpy(part).float().to(device) for name, part in ordered.parts.items()},
            coarse=True,
            expected=None if ordered.expected is None else torch.from_numpy(ordered.expected).float().to(device),
        )


@dataclass
class StoredMapLookup:
    """How explainers nested in a job's explainer find the stored maps of their own rows of the run; ``used`` are the columns found so."""

    explaining: JobExplainer
    job: Job
    model: Classifier
    samples: SampleBatch
    targets: Tensor
    used: set[str] = field(default_factory=set)

    def __call__(self, explainer: BoundExplainer, model: Classifier, images: Tensor, targets: Tensor, ctx: Context) -> Attribution | None:
        """The stored maps, where the call is for samples of the job as they are, for their targets, on the job's model."""
        place = {sample: i for i, sample in enumerate(self.samples.ids)}
        rows = [place.get(sample, -1) for sample in ctx.ids]
        key = self.job.subject.stored.get(explainer.recipe.digest)
        if key is None or model is not self.model or ctx.seed != self.job.subject.seed or -1 in rows:
            return None
        if not torch.equal(images, self.samples.images[rows]) or not torch.equal(targets, self.targets[rows]):
            return None
        stored = self.explaining.stored(key, [(self.job.rows[i].sample, self.job.rows[i].digest) for i in rows])
        if stored is not None:
            self.used.add(key)
        return stored


def incompleteness(attribution: Attribution) -> Tensor:
    """``(B,)`` |sum of the map − what it must sum to| / |what it must sum to|; NaN where the latter is 0 or nothing is promised."""
    if attribution.expected is None:
        return torch.full((len(attribution.map),), math.nan)
    total, expected = to_float64(attribution.map).flatten(1).sum(dim=1), to_float64(attribution.expected)
    return torch.where(expected == 0, math.nan, (total - expected).abs() / expected.abs())


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
