"""Scores in, numbers out."""

from __future__ import annotations

from harness.analysis.across import across_groups
from harness.analysis.groups import WEIGHTINGS, analyse_group
from harness.analysis.models import compare_models
from harness.analysis.numbers import Numbers
from harness.analysis.ranking import ranking_order
from harness.analysis.results import Results
from harness.analysis.selection import selected_samples


def analyse(results: Results) -> Numbers:
    """All statistics of a run: per (dataset, model), and across them. Deterministic; depends on no order of samples or explainers."""
    groups = [analyse_group(group, results, selected_samples(group, results.groups, results.samples_rule)) for group in results.groups]
    overall = across_groups(groups, results) if groups else {}
    complete = {label: row.complete for label, row in overall.items()}
    order = {
        weighting: ranking_order({label: row.rank[weighting].mean for label, row in overall.items()}, complete) for weighting in WEIGHTINGS
    }
    return Numbers(groups, overall, order, compare_models(groups, results))
