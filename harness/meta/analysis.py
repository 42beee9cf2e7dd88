"""Checks of the metrics: their consistency under disturbances, whether they tell the truth from a null, and which of them say the same.

Consistency is that of Hedström, Bommer, Wickstrøm, Samek, Lapuschkin and Höhne (2023), "The Meta-Evaluation Problem in Explainable AI:
Identifying Reliable Estimators with MetaQuantus", TMLR, arXiv 2302.07265: a metric should give the same scores and ranks under a minor
disturbance (noise resilience, NR) and worse ones under a disruptive disturbance (reactivity to adversity, AR).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.analysis.bootstrap import nan_mean
from harness.analysis.group_scores import score_cube
from harness.analysis.multiplicity import holm
from harness.analysis.paired_tests import drop_nan, paired_differences
from harness.analysis.rank_correlation import metric_correlations
from harness.analysis.ranking import rank_scores
from harness.analysis.signed_rank import signed_ranks
from harness.results.data_model import Group, Results
from harness.results.field_types import Floats
from harness.results.meta_document import ConsistencyEntry, MetaEntry, MetaMetric, Scales, SeparationEntry
from harness.results.sample_selection import selected_samples
from harness.results.variant_info import MetaVariantKind, VariantInfo

DISTURBANCE_KINDS: tuple[MetaVariantKind, ...] = ("inputs", "weights")


def analyse_meta(results: Results) -> list[MetaEntry]:
    """The metrics of every group that has variants."""
    found = []
    for group in results.groups:
        variants = [other for other in results.variants if other.variant is not None and _is_variant_of(other, group)]
        if variants:
            found.append(_analyse_group(group, variants, results))
    return found


def intra_consistency(scores: Floats, disturbed: Floats, disruptive: bool) -> float:
    """Intra-consistency (IAC) of one explainer's scores ``(N,)``: p of a two-sided Wilcoxon signed-rank test (zeros split).

    If ``disruptive``, it is 1 - p. Samples without both scores are left out; NaN if none is left.
    """
    differences = drop_nan(paired_differences(scores, disturbed))
    if len(differences) == 0:
        return float("nan")
    p = float(signed_ranks(differences[:, None], zeros="split").p[0])
    return 1 - p if disruptive else p


def inter_consistency(scores: Floats, disturbed: Floats, sign: float, disruptive: bool) -> float:
    """Inter-consistency (IEC) of scores ``(N, E)``: the share of (sample, explainer) pairs that do as they should.

    Under a minor disturbance an explainer should keep its rank for the sample (ties share one). This is asked of at least two explainers
    that have scores at all, on samples that have scores of all these. Under a disruptive one its score should be worse. NaN if no pair
    is left.
    """
    if disruptive:
        differences = drop_nan(sign * paired_differences(scores, disturbed))
        return float((differences > 0).mean()) if len(differences) else float("nan")
    missing = np.isnan(scores) | np.isnan(disturbed)
    rows = ~missing.all(axis=0)
    whole = ~missing[:, rows].any(axis=1)
    if rows.sum() < 2 or not whole.any():
        return float("nan")
    return float((rank_scores(scores[np.ix_(whole, rows)]) == rank_scores(disturbed[np.ix_(whole, rows)])).mean())


def measure_separation(oracle: Floats, nulls: dict[str, Floats], sign: float) -> SeparationEntry | None:
    """The oracle's scores ``(N,)`` against those of the null with the best mean; p is not adjusted yet. None without scores of both."""
    means = {label: sign * float(np.nanmean(values)) for label, values in nulls.items() if not np.isnan(values).all()}
    if not means or np.isnan(oracle).all():
        return None
    best = max(means, key=lambda label: means[label])
    differences = drop_nan(sign * paired_differences(oracle, nulls[best]))
    wins = float((np.sign(differences) / 2 + 0.5).mean()) if len(differences) else float("nan")
    p = float(signed_ranks(differences[:, None]).p_greater[0])
    mean = float(np.nanmean(oracle))
    return SeparationEntry(null=best, oracle=mean, best=sign * means[best], wins=wins, p_holm=p, separates=False)


def _is_variant_of(other: Group, group: Group) -> bool:
    assert other.variant is not None
    return (other.dataset, other.variant.model) == (group.dataset, group.model) and other.samples == group.samples


def _analyse_group(group: Group, variants: Sequence[Group], results: Results) -> MetaEntry:
    selected = selected_samples(group, results.groups, results.samples_rule)
    scores = score_cube(group, selected)
    rows = [e for e, info in enumerate(group.explainers) if not results.is_null(info)]
    signs = np.asarray([info.sign for info in group.metrics])
    over_explainers, over_samples = metric_correlations(signs * scores[:, rows])
    consistency = {kind: _measure_consistency(group, variants, kind, selected, scores, rows) for kind in DISTURBANCE_KINDS}
    separation = _measure_separations(group, variants, selected, scores, results)
    metrics = []
    for m, label in enumerate(group.metric_labels):
        kinds = {kind: found[label] for kind, found in consistency.items() if label in found}
        metrics.append(
            MetaMetric(
                label=label,
                mc=float(nan_mean(np.asarray([one.mc for one in kinds.values()], dtype=np.float64))),
                inputs=kinds.get("inputs"),
                weights=kinds.get("weights"),
                separation=separation.get(label),
                over_explainers=dict(zip(group.metric_labels, over_explainers[m], strict=True)),
                over_samples=dict(zip(group.metric_labels, over_samples[m], strict=True)),
            )
        )
    infos = [other.variant for other in variants if other.variant is not None]
    return MetaEntry(
        dataset=group.dataset,
        model=group.model,
        samples=len(selected),
        repeats=max(info.repeat for info in infos),
        inputs=_scales(infos, "inputs"),
        weights=_scales(infos, "weights"),
        explainers=[group.explainer_labels[e] for e in rows],
        metrics=metrics,
    )


def _scales(infos: Sequence[VariantInfo], kind: MetaVariantKind) -> Scales:
    return Scales(**{one.strength: one.scale for one in infos if one.kind == kind and one.strength is not None})


def _measure_consistency(
    group: Group, variants: Sequence[Group], kind: MetaVariantKind, selected: NDArray[np.intp], scores: Floats, rows: list[int]
) -> dict[str, ConsistencyEntry]:
    """By metric label, under disturbances of one kind; of none if there were no such disturbances."""
    members = [other for other in variants if other.variant is not None and other.variant.kind == kind]
    cubes = [(other, score_cube(other, selected, [group.explainer_labels[e] for e in rows], group.metric_labels)) for other in members]
    found = {}
    for m, metric in enumerate(group.metrics if cubes else ()):
        parts = [_consistency_parts(other, selected, scores[:, rows, m], cube[:, :, m], metric.sign) for other, cube in cubes]
        found[metric.label] = _average_repeats(members, parts)
    return found


def _consistency_parts(
    other: Group, selected: NDArray[np.intp], scores: Floats, disturbed: Floats, sign: float
) -> tuple[float, float, int]:
    """IAC, IEC and the number of samples used, of one metric ``(N, E)`` under one draw of a disturbance."""
    assert other.variant is not None
    disruptive = other.variant.strength == "disruptive"
    kept, known = other.variant.kept[selected], other.variant.known[selected]
    used = known & (~kept if disruptive else kept)
    before, after = scores[used], disturbed[used]
    intra = np.asarray([intra_consistency(before[:, e], after[:, e], disruptive) for e in range(before.shape[1])])
    return float(nan_mean(intra)), inter_consistency(before, after, sign, disruptive), int(used.sum())


def _average_repeats(variants: Sequence[Group], parts: Sequence[tuple[float, float, int]]) -> ConsistencyEntry:
    table = {
        (strength, repeat): np.asarray(part)
        for other, part in zip(variants, parts, strict=True)
        if other.variant is not None
        for strength, repeat in [(other.variant.strength, other.variant.repeat)]
    }
    repeats = sorted({repeat for _, repeat in table})
    missing = np.full(3, np.nan)
    minor, disruptive = (np.stack([table.get((strength, repeat), missing) for repeat in repeats]) for strength in ("minor", "disruptive"))
    by_repeat = np.concatenate([minor[:, :2], disruptive[:, :2]], axis=1).mean(axis=1)
    spread = float(np.std(drop_nan(by_repeat))) if len(drop_nan(by_repeat)) > 1 else float("nan")
    (iac_nr, iec_nr, used_minor), (iac_ar, iec_ar, used_disruptive) = nan_mean(minor).tolist(), nan_mean(disruptive).tolist()
    nr, ar = (iac_nr + iec_nr) / 2, (iac_ar + iec_ar) / 2
    return ConsistencyEntry(
        iac_nr=iac_nr,
        iec_nr=iec_nr,
        iac_ar=iac_ar,
        iec_ar=iec_ar,
        nr=nr,
        ar=ar,
        mc=(nr + ar) / 2,
        mc_std=spread,
        minor_samples=used_minor,
        disruptive_samples=used_disruptive,
    )


def _measure_separations(
    group: Group, variants: Sequence[Group], selected: NDArray[np.intp], scores: Floats, results: Results
) -> dict[str, SeparationEntry]:
    oracle = next((other for other in variants if other.variant is not None and other.variant.kind == "oracle"), None)
    if oracle is None:
        return {}
    truth = score_cube(oracle, selected, oracle.explainer_labels[:1], group.metric_labels)[:, 0]
    nulls = {k: info.label for k, info in enumerate(group.explainers) if results.is_null(info) and info.twin_of is None}
    found: dict[str, SeparationEntry] = {}
    for m, metric in enumerate(group.metrics):
        one = measure_separation(truth[:, m], {label: scores[:, k, m] for k, label in nulls.items()}, metric.sign)
        if one is not None:
            found[metric.label] = one
    adjusted = holm([one.p_holm for one in found.values()])
    return {
        label: SeparationEntry(**{**vars(one), "p_holm": p, "separates": bool(p < 1 - results.confidence)})
        for (label, one), p in zip(found.items(), adjusted, strict=True)
    }
