"""Leaderboards as pandas data frames, if pandas is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.leaderboard.sections.group_legend import nemenyi_letters
from harness.results.document import GroupEntry, Leaderboard, Row

if TYPE_CHECKING:
    import pandas as pd


def to_data_frame(columns: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    """A data frame of these columns; raises ``ImportError`` that says what to install."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("a table is a pandas data frame, and pandas is not installed here: pip install pandas") from error
    return pd.DataFrame(dict(columns))


def ranks_frame(document: Leaderboard) -> pd.DataFrame:
    """One line per data set, model and explainer, from best to worst: rank, what it rests on, costs, and the mean under each metric."""
    metrics = list(dict.fromkeys(metric.label for group in document.groups for metric in group.metrics))
    lines = [_frame_row(group, row, metrics) for group in document.groups for row in group.rows]
    names = list(_column_names(metrics))
    return to_data_frame({name: [line[name] for line in lines] for name in names})


def _column_names(metrics: Sequence[str]) -> Sequence[str]:
    first = ("dataset", "model", "explainer", "null", "rank", "rank_low", "rank_high", "alike", "beats_null", "against_null")
    costs = ("seconds_per_sample", "passes_per_sample", "peak_memory")
    return [*first, *costs, *(metric for metric in metrics if metric not in (*first, *costs))]


def _frame_row(group: GroupEntry, row: Row, metrics: Sequence[str]) -> dict[str, object]:
    means = {label: row.cells[label].mean if label in row.cells else None for label in metrics}
    return means | {
        "dataset": group.dataset,
        "model": group.model,
        "explainer": row.label,
        "null": row.null,
        "rank": row.rank.mean,
        "rank_low": row.rank.low,
        "rank_high": row.rank.high,
        "alike": nemenyi_letters(group, "category").get(row.label),
        "beats_null": row.beats_null,
        "against_null": row.against_null,
        "seconds_per_sample": row.costs.seconds_per_sample,
        "passes_per_sample": row.costs.passes_per_sample,
        "peak_memory": row.costs.peak_memory,
    }


def cells_frame(document: Leaderboard) -> pd.DataFrame:
    """One line per cell, with the columns of ``leaderboard.csv``."""
    from harness.leaderboard.formats.csv_table import CSV_COLUMNS, cell_lines

    lines = list(cell_lines(document))
    return to_data_frame({name: [line[k] for line in lines] for k, name in enumerate(CSV_COLUMNS)})
