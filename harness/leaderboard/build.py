"""Results → document."""

from __future__ import annotations

from harness.analysis.groups import analyse_group
from harness.analysis.model_comparison import compare_models
from harness.analysis.overall import overall_entries
from harness.analysis.pair_comparison import compare_pair
from harness.meta.analysis import analyse_meta
from harness.results.data_model import Results
from harness.results.document import Leaderboard, Settings


def build_leaderboard(results: Results) -> Leaderboard:
    """The leaderboard of a run: per (dataset, model), across them, and what is known of the metrics.

    Rows are sorted by mean rank, nulls marked, every cell has its state. Deterministic; depends on no order of samples or explainers.
    """
    groups = [analyse_group(group, results) for group in results.groups]
    return Leaderboard(
        run=results.provenance,
        settings=Settings(**{**vars(results), "samples": results.samples_rule}),
        groups=[found.entry for found in groups],
        overall=overall_entries(groups, results),
        models=compare_models(results),
        meta=analyse_meta(results),
    )


def with_pair(document: Leaderboard, results: Results, first: str, second: str) -> Leaderboard:
    """The leaderboard of these results with two of their explainers held against each other; raises `PairError`."""
    return document.model_copy(update={"pairs": compare_pair(results, first, second)})
