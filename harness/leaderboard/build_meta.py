"""What is known of metrics → document."""

from __future__ import annotations

import math

import numpy as np

from harness.analysis.bootstrap import nan_mean
from harness.meta.analysis import Consistency, MetaAnalysis, Separation
from harness.results.data_model import Floats, MetaConditionKind, Results
from harness.results.document import ConsistencyEntry, MetaEntry, MetaMetric, Scales, SeparationEntry


def build_meta_entry(found: MetaAnalysis, results: Results) -> MetaEntry:
    """The metrics of one group."""
    group = found.group
    shadows = [
        other.shadow for other in results.shadows if other.shadow is not None and _same_group(other.dataset, other.shadow.model, found)
    ]
    scales: dict[MetaConditionKind, dict[str, float]] = {"inputs": {}, "weights": {}, "oracle": {}}
    for shadow in shadows:
        if shadow.strength is not None:
            scales[shadow.kind][shadow.strength] = shadow.scale
    return MetaEntry(
        dataset=group.dataset,
        model=group.model,
        samples=found.selected,
        repeats=max((shadow.repeat for shadow in shadows), default=0),
        inputs=Scales(**scales["inputs"]),
        weights=Scales(**scales["weights"]),
        explainers=found.explainers,
        metrics=[_metric(found, m, label) for m, label in enumerate(group.metric_labels)],
    )


def _same_group(dataset: str, model: str, found: MetaAnalysis) -> bool:
    return (dataset, model) == (found.group.dataset, found.group.model)


def _metric(found: MetaAnalysis, place: int, label: str) -> MetaMetric:
    kinds = found.consistency[label]
    separation = found.separation.get(label)
    means = nan_mean(np.asarray([one.mc for one in kinds.values()], dtype=np.float64))
    return MetaMetric(
        label=label,
        mc=_finite(float(means)),
        inputs=_consistency(kinds.get("inputs")),
        weights=_consistency(kinds.get("weights")),
        separation=None if separation is None else _separation(separation),
        over_explainers=_named(found, found.over_explainers[place]),
        over_samples=_named(found, found.over_samples[place]),
    )


def _consistency(one: Consistency | None) -> ConsistencyEntry | None:
    if one is None:
        return None
    return ConsistencyEntry(
        iac_nr=_finite(one.iac_nr),
        iec_nr=_finite(one.iec_nr),
        iac_ar=_finite(one.iac_ar),
        iec_ar=_finite(one.iec_ar),
        nr=_finite(one.nr),
        ar=_finite(one.ar),
        mc=_finite(one.mc),
        mc_std=_finite(one.spread),
        minor_samples=_finite(one.minor),
        disruptive_samples=_finite(one.disruptive),
    )


def _separation(one: Separation) -> SeparationEntry:
    return SeparationEntry(
        null=one.null,
        oracle=_finite(one.oracle),
        best=_finite(one.best),
        wins=_finite(one.wins),
        p_holm=_finite(one.p_holm),
        separates=one.separates,
    )


def _named(found: MetaAnalysis, correlations: Floats) -> dict[str, float | None]:
    return {label: _finite(float(value)) for label, value in zip(found.group.metric_labels, correlations, strict=True)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
