"""Scores an explanation with one metric."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from harness.api.attribution import Attribution, resize_maps
from harness.api.case import Case
from harness.api.classifiers import Classifier
from harness.planning.jobs import Job, MetricTask
from harness.worker.bound_components import BoundExplainer
from harness.worker.contracts import checked_scores
from harness.worker.job_explainer import JobExplainer
from harness.worker.job_inputs import column_rows
from harness.worker.mutation_guard import forbid_changes
from harness.worker.samples import SampleBatch


@dataclass
class JobScorer:
    """Scores of one job's explanation; what its metrics share is computed once.

    Every metric gets copies of what it is given, which are compared after it: one that writes into them costs only itself.
    """

    explaining: JobExplainer
    job: Job
    samples: SampleBatch
    targets: Tensor
    attribution: Attribution

    def __post_init__(self) -> None:
        self._shared: dict[Hashable, object] = {}

    def score(self, task: MetricTask) -> Callable[[], object]:
        """Score with one metric; returns what makes the scores durable."""
        bench = self.explaining.workbench
        case = self._case(task)
        given = [("the images", case.images), ("the targets", case.targets), ("the attributions", case.attributions)]
        if case.masks is not None:
            given.append(("the masks", case.masks))
        with forbid_changes([model.module for model in self._models()], given, bench.seen), self.explaining.reading(task.recipe):
            scores = checked_scores(bench.metric(task.recipe)(case), len(self.job.rows))
        rows = column_rows(task.key, self.job.rows, {"value": scores.tolist()})
        return partial(self.explaining.store.commit_rows, self.job.key, rows)

    def _case(self, task: MetricTask) -> Case:
        bench, subject, samples = self.explaining.workbench, self.job.subject, self.samples
        size = (samples.images.shape[-2], samples.images.shape[-1])
        own = partial(torch.Tensor.to, device=bench.scoring_device, copy=True)
        return Case(
            model=bench.subject(subject),
            images=own(samples.images),
            targets=own(self.targets),
            attributions=own(resize_maps(self.attribution.map, size)),
            ctx=self.explaining.context(subject, samples.ids, task.recipe),
            parts={name: own(resize_maps(part, size)) for name, part in self.attribution.parts.items()},
            masks=None if samples.masks is None else own(samples.masks),
            boxes=None if samples.boxes is None else [own(boxes) for boxes in samples.boxes],
            labels=own(samples.labels),
            explainer=self._explainer(),
            forward=bench.forward,
            explaining=self.explaining.context(subject, samples.ids, self.job.recipe),
            memory=self._shared,
        )

    def _models(self) -> list[Classifier]:
        """The model that is scored, and the one that is explained if that is another."""
        bench, subject = self.explaining.workbench, self.job.subject
        return list(dict.fromkeys([bench.subject(subject), bench.model(subject.model_recipe, self.job.variant)]))

    def _explainer(self) -> BoundExplainer:
        """The job's explainer; asked for the model that is scored it explains the one that the job explains."""
        explainer = self.explaining.explainer(self.job, self.samples)
        models = self._models()
        scored, explained = models[0], models[-1]
        if explained is scored:
            return explainer
        return replace(explainer, substitute_model=lambda asked: explained if asked is scored else asked)
