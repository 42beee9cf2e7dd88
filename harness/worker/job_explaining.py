"""Explains the rows of a job: from the store if they are there, else computed, checked and committed.

A row whose logits, map or parts of the map are not finite is undefined: it is committed as NaN, and costs the others nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.precision import to_float64
from harness.planning.stored_costs import cost_fields, costs_from_fields, mean_without_nan
from harness.store.map_files import StoredMaps
from harness.store.row_files import StoredValue
from harness.store.sample_alignment import Bools, SamplePositions, rows_with_any_value
from harness.worker.contracts import rows_with_finite_maps, select_attribution_rows
from harness.worker.cost_measurement import MeasuredCost, describe_hardware, measure_cost
from harness.worker.job_context import JobContext
from harness.worker.job_inputs import NO_TARGET
from harness.worker.stored_maps import load_maps, round_as_stored
from harness.worker.timing import span


def explain(work: JobContext) -> tuple[JobContext, Attribution | None, Callable[[], object]]:
    """The explanation of a job at the resolution it is stored in, the job with the rows that it is defined for, and what makes it durable.

    There is no explanation if it is defined for none. Stored maps count only if their rows are finished: a run that ended between the two
    explains again.
    """
    job = work.job
    work = work.only(work.targets != NO_TARGET, f"the logits of {job.subject.model} are")
    undefined = work.undefined_values(job.key, "zero")
    if not work.job.rows:
        return work, None, lambda: work.store.commit_rows(job.key, undefined)
    with span("store", "read"):
        finished = rows_with_any_value(work.store.known(job.key, SamplePositions(work.keys)).get(job.key, {}), len(work.keys))
        attribution = load_maps(work.store, job.key, work.keys, work.components.device) if finished.all() else None
    if attribution is not None:
        maps, rows = None, undefined
    else:
        attribution, cost = _computed(work)
        maps, rows = _maps_to_store(work, attribution), [*_rows_to_store(work, attribution, cost, finished), *undefined]

    def write() -> None:
        if maps is not None:
            work.store.commit_maps(job.key, maps)
        if maps is not None or rows:
            work.store.commit_rows(job.key, rows)

    defined = rows_with_finite_maps(attribution)
    if not defined.all():
        attribution = select_attribution_rows(attribution, defined.nonzero()[:, 0])
    return work.only(defined, f"the maps of {job.explainer} are"), attribution, write


def _computed(work: JobContext) -> tuple[Attribution, MeasuredCost]:
    """The explanation and what it cost, with what the stored maps of its parts cost when they were made."""
    explained, context = work.explained, work.context(work.job.recipe)
    explainer = replace(work.explainer(), strict=False)  # a sample without a map costs no other its map
    with work.calling(work.job.recipe, [explained]), measure_cost(work.components.device) as cost:
        attribution = explainer.computed(explained, work.samples.images, work.targets, context)
    attribution = round_as_stored(attribution, work.job.dtype)
    for part in work.maps.used:
        cost.add(_stored_cost(work, part))
    return attribution, cost


def _stored_cost(work: JobContext, key: str) -> MeasuredCost:
    here, count = describe_hardware(work.components.device), len(work.keys)
    costs = costs_from_fields(work.store.known(key, SamplePositions(work.keys)).get(key, {}), count, here)
    passes = count * (mean_without_nan(costs.passes) or 0.0)
    if costs.hardware != here:  # what it takes here nobody knows
        return MeasuredCost(math.nan, passes, math.nan)
    return MeasuredCost(count * (mean_without_nan(costs.seconds) or 0.0), passes, float(np.fmax.reduce(costs.memory, initial=math.nan)))


def _maps_to_store(work: JobContext, attribution: Attribution) -> StoredMaps:
    """The maps that are to be kept and are not in the store."""
    with span("store", "read"):
        known = work.store.maps(work.job.key, work.keys)
    there = set() if known is None else set(known.samples)
    kept = [i for i, row in enumerate(work.job.rows) if work.job.keeps(row) and work.keys[i] not in there]
    dtype = np.dtype(work.job.dtype)
    return StoredMaps(
        work.keys,
        attribution.map.cpu().numpy().astype(dtype),
        {name: part.cpu().numpy().astype(dtype) for name, part in attribution.parts.items()},
        None if attribution.expected is None else attribution.expected.cpu().numpy(),
    ).take(kept)


def _rows_to_store(work: JobContext, attribution: Attribution, cost: MeasuredCost, finished: Bools) -> list[StoredValue]:
    """What is said of each row that is not in the store: its cost, whether its map is 0, and how incomplete it is."""
    count = len(work.keys)
    costs = cost_fields(describe_hardware(work.components.device), cost.seconds / count, cost.passes / count, cost.memory)
    fields = {name: [value] * count for name, value in costs}
    zero = (attribution.map == 0).flatten(1).all(dim=1).float()
    fields["zero"] = zero.where(rows_with_finite_maps(attribution), math.nan).tolist()
    if attribution.expected is not None:
        fields["incompleteness"] = incompleteness(attribution.map, attribution.expected).tolist()
    missing = [i for i, there in enumerate(finished) if not there]
    chosen = {name: [values[i] for i in missing] for name, values in fields.items()}
    return work.column_rows(work.job.key, [work.job.rows[i] for i in missing], chosen)


def incompleteness(maps: Tensor, expected: Tensor) -> Tensor:
    """``(B,)`` |sum of the map − what it must sum to| / |what it must sum to|; NaN if the latter is 0."""
    total, expected = to_float64(maps).flatten(1).sum(dim=1), to_float64(expected)
    return (total - expected).abs().div(expected.abs()).where(expected != 0, math.nan)
