"""Results → document."""

from __future__ import annotations

from harness.analysis.analyse import analyse_results
from harness.meta.analysis import analyse_meta
from harness.results.data_model import Results
from harness.results.document import Leaderboard


def build_leaderboard(results: Results) -> Leaderboard:
    """The leaderboard of a run: rows sorted by mean rank, nulls marked, every cell with its state, and what is known of the metrics."""
    return analyse_results(results).model_copy(update={"meta": analyse_meta(results)})
