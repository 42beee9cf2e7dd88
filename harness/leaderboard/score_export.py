"""Per-sample scores for other programs, with the recipe they were made by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from harness.leaderboard.selection import Selection
from harness.results.data_model import Group, Results
from harness.results.score_table import KEY_COLUMNS, SCORE_TABLE_SCHEMA, recipes_json, score_tables, write_scores
from harness.store.atomic import replace_atomically, write_atomically
from harness.user_errors import UserError


class ExportError(UserError):
    """A file name that does not say which format to write."""


def export_scores(results: Results, path: str | Path, chosen: Selection | None = None) -> list[Path]:
    """Write the long table of the ``chosen`` scores to ``path``, ``.parquet`` or ``.csv``, and say which files were written.

    Columns: dataset, model, explainer, metric, sample, digest (of the sample), value (an undefined score is NaN in Parquet and empty in
    CSV) and counts (whether the leaderboard's numbers are of the sample). Parquet carries the recipe in its metadata (``harness.recipe``);
    beside a CSV it is ``NAME.recipe.json``. Raises `ExportError`.
    """
    path = Path(path)
    among, results = results.groups, results if chosen is None else chosen.of(results)
    if path.suffix == ".parquet":
        with replace_atomically(path) as temporary:
            write_scores(temporary, results, among)
        return [path]
    if path.suffix == ".csv":
        with replace_atomically(path) as temporary:
            _write_csv(temporary, results, among)
        recipe = path.with_suffix(".recipe.json")
        write_atomically(recipe, (json.dumps(recipes_json(results), indent=2, default=str) + "\n").encode())
        return [path, recipe]
    raise ExportError(f"{path}: scores are written to a .parquet or a .csv file")


def _write_csv(path: Path, results: Results, among: Sequence[Group]) -> None:
    plain = pa.schema([*((name, pa.string()) for name in KEY_COLUMNS), ("value", pa.float64()), ("counts", pa.bool_())])
    options = pacsv.WriteOptions(quoting_style="needed")
    with pacsv.CSVWriter(path, plain, write_options=options) as writer:
        writer.write_table(plain.empty_table())
        for table in score_tables(results, among):
            gaps = pc.is_nan(table["value"])
            values = pc.if_else(gaps, pa.scalar(None, pa.float64()), table["value"])
            writer.write_table(table.set_column(SCORE_TABLE_SCHEMA.get_field_index("value"), "value", values).cast(plain))
