"""Skill across groups: datasets, models and training seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import harmonic_mean

import numpy as np

from harness.analysis.bootstrap import ResampledMeans, nan_mean
from harness.analysis.composed_intervals import replicate_interval
from harness.analysis.groups import AnalysedGroup
from harness.analysis.metric_weights import WEIGHTINGS
from harness.analysis.standings import Contest, estimate_skill, make_standings, standing_order
from harness.results.data_model import Group, Results, Weighting
from harness.results.document import OverallEntry, Skill, Standing
from harness.results.field_types import Bools, Floats


def replicate_families(groups: Sequence[Group]) -> list[list[int]]:
    """Indices of groups that are replicates of one another: the same dataset and models that differ in a training seed alone."""
    found: dict[tuple[str, str, bool], list[int]] = {}
    for k, group in enumerate(groups):
        found.setdefault((group.dataset, group.replicate_of or group.model, group.replicate_of is not None), []).append(k)
    return list(found.values())


def overall_entries(groups: Sequence[AnalysedGroup], results: Results) -> list[OverallEntry]:
    """Every explainer's skill averaged over its groups, from best to worst; replicates are averaged first, and count as one."""
    if not groups:
        return []
    infos = {info.label: info for group in results.groups for info in group.explainers}
    labels = list(dict.fromkeys(label for group in results.groups for label in group.explainer_labels))
    families = replicate_families(results.groups)
    seeds = max((len(members) for members in families if len(members) > 1), default=0)
    real = np.asarray([not results.is_null(infos[label]) for label in labels], dtype=bool)
    aligned = {weighting: _Aligned.of(groups, labels, weighting) for weighting in WEIGHTINGS}
    standings = {weighting: _standings(found, groups, families, real, results) for weighting, found in aligned.items()}
    entries = []
    for e, label in enumerate(labels):
        info, rows = infos[label], [found.rows[label] for found in groups if label in found.rows]
        entries.append(
            OverallEntry(
                explainer=info.component,
                label=label,
                plugin=info.plugin,
                null=not real[e],
                standings={weighting: found[e] for weighting, found in standings.items()},
                spread={weighting: _spread(aligned[weighting].skill[:, e]) for weighting in WEIGHTINGS},
                seeds=seeds,
                groups=sum(row.metrics_ranked > 0 for row in rows),
                groups_of=len(groups),
                complete=len(rows) == len(groups) and all(row.complete for row in rows),
                beats_null=sum(row.beats_null for row in rows),
                against_null=sum(row.against_null for row in rows),
            )
        )
    return standing_order(entries)


@dataclass(frozen=True)
class _Aligned:
    """What G groups are placed by, of the same E explainers: means (G, E) and resamples (G, R, E), NaN where a group lacks an explainer."""

    skill: Floats
    draws: Floats
    elsewhere: Floats
    draws_elsewhere: Floats
    ties: Floats
    ranks: Floats

    @classmethod
    def of(cls, groups: Sequence[AnalysedGroup], labels: Sequence[str], weighting: Weighting) -> _Aligned:
        resamples = max(len(found.contests[weighting].skill.draws) for found in groups)
        skill, elsewhere, ties, ranks = np.full((4, len(groups), len(labels)), np.nan)
        draws, draws_elsewhere = np.full((2, len(groups), resamples, len(labels)), np.nan)
        for g, found in enumerate(groups):
            own, contest = [labels.index(label) for label in found.group.explainer_labels], found.contests[weighting]
            skill[g, own], elsewhere[g, own], ties[g, own], ranks[g, own] = (
                contest.skill.means,
                contest.elsewhere.means,
                contest.ties,
                contest.ranks,
            )
            draws[g][:, own], draws_elsewhere[g][:, own] = contest.skill.draws, contest.elsewhere.draws
        return cls(skill, draws, elsewhere, draws_elsewhere, ties, ranks)

    def mean(self, groups: Sequence[int]) -> tuple[ResampledMeans, ResampledMeans]:
        """Skill averaged over some of the groups, the hardest null being looked for on the same samples and on others."""
        chosen = list(groups)
        return (
            ResampledMeans(nan_mean(self.skill[chosen]), nan_mean(self.draws[chosen])),
            ResampledMeans(nan_mean(self.elsewhere[chosen]), nan_mean(self.draws_elsewhere[chosen])),
        )


def _standings(
    aligned: _Aligned, groups: Sequence[AnalysedGroup], families: Sequence[Sequence[int]], real: Bools, results: Results
) -> list[Standing]:
    """Standings by the means over families, places with confidence sets unless models are replicates."""
    ties, ranks = np.nan_to_num(_family_mean(aligned.ties, families)), _family_mean(aligned.ranks, families)
    alone = [members[0] for members in families if len(members) == 1]
    if len(alone) == len(families):
        size = _independent_samples(groups, aligned.skill)
        return make_standings(Contest(*aligned.mean(alone), size, ties, ranks, real), results.confidence)
    mean = _family_mean(aligned.skill, families)
    unknown = ResampledMeans(mean, np.full((1, len(mean)), np.nan))
    size = _independent_samples([groups[k] for k in alone], aligned.skill[alone])
    skill = _seed_intervals(aligned, families, alone, mean, size, results.confidence)
    return make_standings(Contest(unknown, unknown, size, ties, ranks, real), results.confidence, skill)


def _seed_intervals(
    aligned: _Aligned, families: Sequence[Sequence[int]], alone: Sequence[int], mean: Floats, size: Floats, confidence: float
) -> list[Skill]:
    """Skill ``mean`` (E,) over families with intervals of training seeds where models are replicates, and of samples where they are not.

    The halves of intervals of independent parts add up as squares do (MOVER: Zou and Donner 2008). Two seeds say next to nothing: none.
    """
    shares, below, above = [], [], []
    if alone:
        parts = estimate_skill(*aligned.mean(alone), size, confidence)
        shares.append(len(alone) / len(families))
        below.append([np.nan if one.low is None or one.value is None else one.value - one.low for one in parts])
        above.append([np.nan if one.high is None or one.value is None else one.high - one.value for one in parts])
    for members in families:
        if len(members) > 1:
            own = aligned.skill[list(members)]
            low, high = replicate_interval(own, confidence)
            shares.append(1 / len(families))
            below.append(list(nan_mean(own) - low))
            above.append(list(high - nan_mean(own)))
    scale = np.asarray(shares)[:, None]
    low, high = (np.sqrt(((scale * np.asarray(halves)) ** 2).sum(axis=0)) for halves in (below, above))
    ends = zip(mean, np.maximum(mean - low, 0.0), np.minimum(mean + high, 1.0), strict=True)
    return [Skill(value=value, low=least, high=greatest) for value, least, greatest in ends]


def _independent_samples(groups: Sequence[AnalysedGroup], skill: Floats) -> Floats:
    """Samples ``(E,)`` that a mean over the groups in which an explainer has ``skill`` (G, E) rests on; 0 without any.

    Models of a dataset share its samples, and those of several datasets add up, by harmonic means, as variances do: a dataset of few
    samples is not made good by one of many.
    """
    found = np.zeros(skill.shape[1])
    for e, own in enumerate(~np.isnan(skill.T)):
        sizes: dict[str, list[int]] = {}
        for k in np.flatnonzero(own):
            sizes.setdefault(groups[k].group.dataset, []).append(groups[k].entry.samples)
        if sizes:
            found[e] = len(sizes) * harmonic_mean([harmonic_mean(counts) for counts in sizes.values()])
    return found


def _family_mean(values: Floats, families: Sequence[Sequence[int]]) -> Floats:
    """Mean ``(E,)`` over families of the mean within each of ``values`` (G, E)."""
    return nan_mean(np.stack([nan_mean(values[list(members)]) for members in families]))


def _spread(skill: Floats) -> float:
    defined = skill[~np.isnan(skill)]
    return float(defined.std(ddof=1)) if len(defined) > 1 else float("nan")
