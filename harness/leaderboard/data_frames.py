"""Leaderboards as pandas data frames, if pandas is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

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


RANK_COLUMNS: dict[str, Callable[[GroupEntry, Row], object]] = {
    "dataset": lambda group, row: group.dataset,
    "model": lambda group, row: group.model,
    "explainer": lambda group, row: row.label,
    "null": lambda group, row: row.null,
    "place": lambda group, row: row.standings["category"].place,
    "place_low": lambda group, row: (row.standings["category"].places or (None, None))[0],
    "place_high": lambda group, row: (row.standings["category"].places or (None, None))[1],
    "skill": lambda group, row: row.standings["category"].skill.value,
    "skill_low": lambda group, row: row.standings["category"].skill.low,
    "skill_high": lambda group, row: row.standings["category"].skill.high,
    "alike": lambda group, row: row.standings["category"].alike or None,
    "first_share": lambda group, row: row.first_share,
    "mean_rank": lambda group, row: row.standings["category"].rank,
    "beats_null": lambda group, row: row.beats_null,
    "against_null": lambda group, row: row.against_null,
    "seconds_per_sample": lambda group, row: row.costs.seconds_per_sample,
    "passes_per_sample": lambda group, row: row.costs.passes_per_sample,
    "peak_memory": lambda group, row: row.costs.peak_memory,
}


def ranks_frame(document: Leaderboard) -> pd.DataFrame:
    """One line per data set, model and explainer, from best to worst: place, skill, costs, and the mean under each metric."""
    lines = [(group, row) for group in document.groups for row in group.rows]
    columns = {name: [read(group, row) for group, row in lines] for name, read in RANK_COLUMNS.items()}
    for label in dict.fromkeys(metric.label for group in document.groups for metric in group.metrics):
        columns.setdefault(label, [row.cells[label].mean if label in row.cells else None for _, row in lines])
    return to_data_frame(columns)


def cells_frame(document: Leaderboard) -> pd.DataFrame:
    """One line per cell, with the columns of ``leaderboard.csv``."""
    from harness.leaderboard.formats.csv_table import CSV_COLUMNS, cell_lines

    lines = list(cell_lines(document))
    return to_data_frame({name: [line[k] for line in lines] for k, name in enumerate(CSV_COLUMNS)})


def pairs_frame(document: Leaderboard) -> pd.DataFrame:
    """One line per pair and metric, with the columns of ``harness leaderboard --compare A B --format csv``."""
    from harness.leaderboard.formats.csv_table import PAIR_COLUMNS, pair_lines

    lines = list(pair_lines(document))
    return to_data_frame({name: [line[k] for line in lines] for k, name in enumerate(PAIR_COLUMNS)})
