"""Scores the explanation of a job with one metric."""

from __future__ import annotations

from collections.abc import Callable, Hashable, MutableMapping
from functools import partial

import torch

from harness.api.attribution import Attribution, resize_maps
from harness.api.case import Case
from harness.api.evidence import evidence_kind, mapped
from harness.api.unexplained import Sharing
from harness.planning.jobs import MetricTask
from harness.registry.parameter_paths import iter_existing_paths
from harness.worker.contracts import require_scores
from harness.worker.job_context import JobContext


def score_explanation(
    work: JobContext, attribution: Attribution | None, task: MetricTask, shared: MutableMapping[Hashable, object]
) -> Callable[[], object]:
    """Score with one metric, NaN for rows that are undefined; returns what makes the scores durable.

    What the job's metrics have in common is ``shared``; what those of all explainers have is shared once the metric has left all as it
    was. A metric is given the evidence that it declares to need, and no other: its scores are known by that. Every metric gets copies of
    what it is given, which are compared after it: one that writes into them costs only itself.
    """
    rows, share = work.undefined_values(task.key, "value"), _nothing
    if attribution is not None and work.job.rows:
        sharing = work.sharing(task.recipe)
        case = _make_case(work, attribution, task, shared, sharing)
        sharing.share(case)
        given = [("the images", case.images), ("the targets", case.targets), ("the attributions", case.attributions)]
        for name, value in case.evidence.items():
            given += [(f"the {evidence_kind(name).need}", tensor) for tensor in ([value] if isinstance(value, torch.Tensor) else value)]
        with work.calling(task.recipe, [work.model, work.explained], given) as files:
            scores = require_scores(work.components.metric(task.recipe)(case), len(work.job.rows))
        values = scores.to("cpu", torch.float64).tolist()  # a device that checks were fetched from has these too by now
        rows = [*work.column_rows(task.key, work.job.rows, {"value": values}), *rows]
        if not files:  # else whoever found a value would not read what it was made of, and its rows would not know of that
            share = sharing.settle(task.recipe.name, storable=not any(iter_existing_paths(task.recipe.params)))

    def write() -> None:
        work.store.commit_rows(work.job.key, rows)
        share()

    return write


def _nothing() -> None:
    pass


def _make_case(
    work: JobContext, attribution: Attribution, task: MetricTask, shared: MutableMapping[Hashable, object], sharing: Sharing
) -> Case:
    samples = work.samples
    size = (samples.images.shape[-2], samples.images.shape[-1])
    own = partial(torch.Tensor.to, device=work.components.scoring_device, copy=True)
    return Case(
        model=work.model,
        images=own(samples.images),
        targets=own(work.targets),
        attributions=own(resize_maps(attribution.map, size)),
        ctx=work.context(task.recipe),
        parts={name: own(resize_maps(part, size)) for name, part in attribution.parts.items()},
        evidence=mapped({kind: samples.evidence[kind] for kind in task.evidence if kind in samples.evidence}, own),
        labels=own(samples.labels),
        explainer=work.explainer(),
        forward=work.components.models.forward,
        explaining=work.context(work.job.recipe),
        memory=shared,
        sharing=sharing,
    )
