"""Scores in, numbers out."""

from __future__ import annotations

from harness.analysis.groups import analyse_group
from harness.analysis.model_comparison import compare_models
from harness.analysis.overall import overall_entries
from harness.results.data_model import Results
from harness.results.document import Leaderboard, Settings


def analyse_results(results: Results) -> Leaderboard:
    """All statistics of a run: per (dataset, model), and across them; without what is known of the metrics (`harness.meta.analysis`).

    Deterministic; depends on no order of samples or explainers.
    """
    groups = [analyse_group(group, results) for group in results.groups]
    return Leaderboard(
        run=results.provenance,
        settings=Settings(**{**vars(results), "samples": results.samples_rule}),
        groups=[found.entry for found in groups],
        overall=overall_entries(groups, results),
        models=compare_models(results),
    )
