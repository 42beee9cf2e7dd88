"""The same explainers on two models, paired over the samples that count for both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.analysis.bootstrap import nan_mean
from harness.analysis.confidence_intervals import ScoreScale
from harness.analysis.group_comparisons import compare_differences, judge_alone
from harness.analysis.group_scores import score_cube
from harness.analysis.overall import replicate_families
from harness.analysis.paired_tests import paired_differences
from harness.results.components import MetricInfo
from harness.results.data_model import Group, Results
from harness.results.document import ModelsEntry, Versus
from harness.results.field_types import Floats
from harness.results.sample_selection import selected_samples


def compare_models(results: Results) -> list[ModelsEntry]:
    """Every model of a dataset against the first that the spec names there; replicates are averaged first, and count as one."""
    sets = [[results.groups[k] for k in members] for members in replicate_families(results.groups)]
    found = []
    for dataset in dict.fromkeys(members[0].dataset for members in sets):
        first, *others = (_ModelScores(members, results) for members in sets if members[0].dataset == dataset)
        found += [_compare_pair(first, other, results) for other in others]
    return found


class _ModelScores:
    """One model, or replicates of one, with the samples that count for it."""

    def __init__(self, members: Sequence[Group], results: Results) -> None:
        self.members = members
        self.models = [group.model for group in members]
        self._chosen = [selected_samples(group, results.groups, results.samples_rule) for group in members]

    @property
    def samples(self) -> set[tuple[str, str]]:
        """Ids and digests of the samples that count for every replicate."""
        keys = [{(group.samples[k], group.digests[k]) for k in chosen} for group, chosen in zip(self.members, self._chosen, strict=True)]
        return set.intersection(*keys)

    def scores(self, samples: Sequence[tuple[str, str]], explainers: Sequence[str], metrics: Sequence[str]) -> Floats:
        """``(N, E, M)``, mean over replicates; NaN if a score is undefined."""
        cubes = []
        for group in self.members:
            places = {key: k for k, key in enumerate(zip(group.samples, group.digests, strict=True))}
            cubes.append(score_cube(group, np.asarray([places[key] for key in samples], dtype=np.intp), explainers, metrics))
        return nan_mean(np.stack(cubes))

    def labels(self) -> tuple[list[str], dict[str, MetricInfo]]:
        """Explainers and metrics that every replicate has."""
        first = self.members[0]
        explainers = [label for label in first.explainer_labels if all(label in group.explainer_labels for group in self.members)]
        metrics = {info.label: info for info in first.metrics if all(info.label in group.metric_labels for group in self.members)}
        return explainers, metrics


def _compare_pair(first: _ModelScores, second: _ModelScores, results: Results) -> ModelsEntry:
    (explainers, metrics), (others, measured) = first.labels(), second.labels()
    explainers = [label for label in explainers if label in others]
    infos = [info for label, info in metrics.items() if label in measured]
    samples = sorted(first.samples & second.samples)
    labels = [info.label for info in infos]
    before, after = (side.scores(samples, explainers, labels) for side in (first, second))
    differences = paired_differences(after, before)
    scale = ScoreScale.of_metrics(infos, np.concatenate([before, after])).of_differences()
    held = np.asarray(~np.isnan(differences).all(axis=0))
    found = compare_differences(differences, held, explainers, infos, scale, results.confidence)
    cells: dict[str, dict[str, Versus]] = {}
    for (label, metric), comparison in judge_alone(found, infos, results).items():
        cells.setdefault(label, {})[metric] = comparison
    dataset = first.members[0].dataset
    return ModelsEntry(dataset=dataset, first=first.models, second=second.models, samples=len(samples), cells=cells)
