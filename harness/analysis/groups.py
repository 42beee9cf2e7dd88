"""The analysis of one dataset with one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.analysis.acceptability import acceptability, first_without
from harness.analysis.bootstrap import nan_mean
from harness.analysis.cells import analyse_cells
from harness.analysis.friedman import critical_difference
from harness.analysis.group_scores import GroupScores, measure_group
from harness.analysis.headline import mean_metric_ranks
from harness.analysis.metric_weights import WEIGHTINGS
from harness.analysis.standings import Contest, estimate_skill, make_standings, standing_order
from harness.results.components import ROLES
from harness.results.data_model import CostsEntry, ExplainerNotes, Group, Results, Weighting
from harness.results.document import Critical, GroupEntry, MetricEntry, NotesEntry, Row, Skill, Standing
from harness.results.field_types import Floats
from harness.results.meta_document import SeparationEntry


@dataclass(frozen=True)
class AnalysedGroup:
    """A group, its entry in the document, and what its explainers are placed by, in the spec's order."""

    group: Group
    entry: GroupEntry
    contests: dict[Weighting, Contest]

    @cached_property
    def rows(self) -> dict[str, Row]:
        """Rows by label."""
        return {row.label: row for row in self.entry.rows}


def analyse_group(group: Group, results: Results, separations: Mapping[str, SeparationEntry] | None = None) -> AnalysedGroup:
    """All numbers of one group over the samples that count; ``separations`` of an oracle from the nulls by metric label, if measured."""
    found = measure_group(group, results, separations or {})
    by_category = {name: (found.wins.weigh(own), found.elsewhere.weigh(own)) for name, own in found.skill.weights.categories.items()}
    means = {name: wins.means for name, (wins, _) in by_category.items()}
    contests = {weighting: _contest(found, weighting, means) for weighting in WEIGHTINGS}
    standings = {weighting: make_standings(contest, results.confidence) for weighting, contest in contests.items()}
    categories = {name: estimate_skill(*both, found.size, results.confidence) for name, both in by_category.items()}
    firsts, without = _weigh_differently(found, means)
    entry = GroupEntry(
        dataset=group.dataset,
        model=group.model,
        samples=found.size,
        samples_total=len(group.samples),
        factors=group_factors(group),
        accuracy=group.accuracy,
        metrics=_metric_entries(found),
        rows=standing_order(_rows(found, results, standings, categories, firsts)),
        first_without=without,
        critical_difference_by_metric=_critical_by_metric(found, results.confidence),
        notes=group.group_notes,
    )
    return AnalysedGroup(group, entry, contests)


def group_factors(group: Group) -> dict[str, str]:
    """In what a group's model and dataset differ from others; of one name the model's, and the dataset's as ``dataset NAME``."""
    model, dataset = (group.recipes[what].factors if what in group.recipes else {} for what in ("model", "dataset"))
    return {**model, **{f"dataset {name}" if name in model else name: value for name, value in dataset.items()}}


def _contest(found: GroupScores, weighting: Weighting, categories: Mapping[str, Floats]) -> Contest:
    skill, weights = found.skill, found.skill.weights
    headline = weights.headline[weighting]
    shown = np.asarray(~np.isnan(found.scores[:, :, headline > 0]).all(axis=(0, 2)))  # a row without a single score takes no place
    manners = [skill for name, skill in categories.items() if ROLES.get(name) == "manners"]
    return Contest(
        skill=found.wins.weigh(headline).where(shown),
        elsewhere=found.elsewhere.weigh(headline).where(shown),
        size=found.size,
        ties=nan_mean(np.stack(manners)) if manners else np.zeros(len(skill.real)),
        ranks=mean_metric_ranks(found.ranks, weights.ranking[weighting], skill.real),
        real=skill.real,
    )


def _weigh_differently(found: GroupScores, categories: Mapping[str, Floats]) -> tuple[dict[str, float], dict[str, list[str]]]:
    """By label the share of all weightings of categories under which an explainer is first; and who is if each category is left out."""
    table = np.stack(list(categories.values()), axis=1) if categories else np.empty((len(found.skill.real), 0))
    counted = [why is None for why in found.skill.weights.discounted]
    scored = ~np.isnan(found.scores[:, :, counted]).all(axis=(0, 2))  # a row without a single score is first under no weighting
    rows = np.flatnonzero(found.skill.real & scored)
    labels = [found.group.explainer_labels[e] for e in rows]
    shares = dict(zip(labels, acceptability(table[rows]).tolist(), strict=True))
    without = zip(categories, first_without(table[rows]), strict=True)
    return shares, {name: [labels[k] for k in places] for name, places in without if places}


def _metric_entries(found: GroupScores) -> list[MetricEntry]:
    weights = found.skill.weights
    return [
        MetricEntry(
            name=info.component,
            **vars(info),
            role=info.role,
            weights={weighting: float(weights.headline[weighting][m]) for weighting in WEIGHTINGS},
            discounted=weights.discounted[m],
            alike=weights.alike[m],
        )
        for m, info in enumerate(found.group.metrics)
    ]


def _rows(
    found: GroupScores,
    results: Results,
    standings: Mapping[Weighting, list[Standing]],
    categories: Mapping[str, list[Skill]],
    firsts: Mapping[str, float],
) -> list[Row]:
    """The explainers in the spec's order."""
    group, cells = found.group, analyse_cells(found, results)
    ranked_anybody = int(found.whole.any(axis=0).sum())
    rows = []
    for e, info in enumerate(group.explainers):
        own = {metric: cells[info.label, metric] for metric in group.metric_labels if (info.label, metric) in cells}
        held = [cell.beats_null for cell in own.values() if cell.beats_null is not None]
        notes = group.notes.get(info.label, ExplainerNotes())
        rows.append(
            Row(
                explainer=info.component,
                label=info.label,
                plugin=info.plugin,
                version=info.version,
                factors=info.factors,
                null=results.is_null(info),
                twin_of=info.twin_of,
                standings={weighting: one[e] for weighting, one in standings.items()},
                categories={name: one[e] for name, one in categories.items()},
                first_share=firsts.get(info.label),
                complete=0 < ranked_anybody == int(found.whole[e].sum()),
                metrics_ranked=int(found.whole[e].sum()),
                metrics_of=ranked_anybody,
                beats_null=sum(held),
                against_null=len(held),
                costs=group.costs.get(info.label, CostsEntry()),
                notes=NotesEntry(**{**vars(notes), "completeness_error": notes.median_error}),
                cells=own,
            )
        )
    return rows


def _critical_by_metric(found: GroupScores, confidence: float) -> dict[str, Critical | None]:
    """Critical differences of the explainers with whole cells, nulls among them."""
    critical = {}
    for m, metric in enumerate(found.group.metrics):
        kept = np.flatnonzero(found.whole[:, m])
        labels = [found.group.explainer_labels[e] for e in kept]
        critical[metric.label] = critical_difference(found.scores[:, kept, m], labels, sign=metric.sign, confidence=confidence)
    return critical
