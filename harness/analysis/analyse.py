"""Scores in, numbers out."""

from __future__ import annotations

from harness.analysis.groups import WEIGHTINGS, analyse_group
from harness.analysis.model_comparison import compare_models
from harness.analysis.overall import overall_statistics
from harness.analysis.ranking import ranking_order
from harness.analysis.run_statistics import RunStatistics
from harness.results.data_model import Results
from harness.results.sample_selection import selected_samples


def analyse_results(results: Results) -> RunStatistics:
    """All statistics of a run: per (dataset, model), and across them. Deterministic; depends on no order of samples or explainers."""
    groups = [analyse_group(group, results, selected_samples(group, results.groups, results.samples_rule)) for group in results.groups]
    overall = overall_statistics(groups, results) if groups else {}
    complete = {label: row.complete for label, row in overall.items()}
    order = {
        weighting: ranking_order({label: row.rank[weighting].mean for label, row in overall.items()}, complete) for weighting in WEIGHTINGS
    }
    return RunStatistics(groups, overall, order, compare_models(groups, results))
