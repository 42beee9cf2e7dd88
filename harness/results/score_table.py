"""Per-sample scores as a long table: one line per (dataset, model, explainer, metric, sample) that was computed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.results.components import ComponentInfo
from harness.results.data_model import Group, Results, SamplesRule
from harness.results.field_types import Bools
from harness.results.sample_selection import selected_samples
from harness.store.arrow_arrays import coded_texts_to_arrow, numbers_to_arrow, numbers_to_numpy
from harness.store.row_files import ENCODED_TEXT
from harness.store.sample_alignment import EncodedTexts, SamplePositions, encode_text_column, iter_constant_slices

KEY_COLUMNS = ("dataset", "model", "explainer", "metric", "sample", "digest")
RECIPE_KEY = b"harness.recipe"
GroupLabels = tuple[str, str]  # of a dataset and a model
SCORE_TABLE_SCHEMA = pa.schema([*((name, ENCODED_TEXT) for name in KEY_COLUMNS), ("value", pa.float64()), ("counts", pa.bool_())])
"""``counts``: whether the sample is one of those that the leaderboard's numbers are of (`Results.samples_rule`)."""


class ScoreTableError(ValueError):
    """A table of scores that cannot be what a run wrote."""


def recipes_json(results: Results) -> dict[str, Any]:
    """Recipes that the scores were computed with, as JSON: components, versions, parameters and digests by label, and the provenance."""
    return {
        "groups": [
            {
                "dataset": group.dataset,
                "model": group.model,
                "explained": vars(group.explained),
                "recipes": {name: _recipe_json(recipe) for name, recipe in group.recipes.items()},
                "explainers": {info.label: _recipe_json(info) for info in group.explainers},
                "metrics": {info.label: _recipe_json(info) for info in group.metrics},
            }
            for group in results.everything
        ],
        "provenance": results.provenance,
    }


def _recipe_json(recipe: ComponentInfo) -> dict[str, Any]:
    return {field.name: getattr(recipe, field.name) for field in dataclasses.fields(ComponentInfo) if field.name != "cite"}


def score_tables(results: Results, among: Sequence[Group] | None = None) -> Iterator[pa.Table]:
    """The long table in parts, one per group and explainer. ``value`` is NaN if a score is undefined.

    ``among`` are all groups of the run, by which it is decided what counts, if ``results`` are some of them.
    """
    for group in results.everything:
        counting = _counted_samples(group, results.groups if among is None else among, results.samples_rule)
        for info in group.explainers:
            part = _explainer_table(group, info.label, counting)
            if part.num_rows:
                yield part


def _counted_samples(group: Group, groups: Sequence[Group], rule: SamplesRule) -> Bools:
    """Which samples of a group count ``(N,)``; of a variant those that count for its original."""
    model = group.model if group.variant is None else group.variant.model
    own = next((other for other in groups if (other.dataset, other.model) == (group.dataset, model)), group)
    names = {own.samples[place] for place in selected_samples(own, groups, rule)}
    return np.asarray([sample in names for sample in group.samples], dtype=bool)


def _explainer_table(group: Group, label: str, counting: Bools) -> pa.Table:
    metrics = [metric for metric in group.metric_labels if (label, metric) in group.cells]
    cells = [group.cells[label, metric] for metric in metrics]
    positions = [np.flatnonzero(cell.computed) for cell in cells]
    samples = np.concatenate(positions) if positions else np.empty(0, dtype=np.intp)
    rows = len(samples)
    columns = {
        "dataset": coded_texts_to_arrow(np.zeros(rows), [group.dataset]),
        "model": coded_texts_to_arrow(np.zeros(rows), [group.model]),
        "explainer": coded_texts_to_arrow(np.zeros(rows), [label]),
        "metric": coded_texts_to_arrow(np.repeat(np.arange(len(metrics)), [len(part) for part in positions]), metrics),
        "sample": coded_texts_to_arrow(samples, group.samples),
        "digest": coded_texts_to_arrow(samples, group.digests),
        "value": numbers_to_arrow(np.concatenate([np.empty(0), *(cell.values[part] for cell, part in zip(cells, positions, strict=True))])),
        "counts": numbers_to_arrow(counting[samples]),
    }
    return pa.table(columns, schema=SCORE_TABLE_SCHEMA)


def write_scores(path: Path, results: Results, among: Sequence[Group] | None = None) -> None:
    """Write the long table (see `score_tables`) as Parquet, the recipe as JSON in its metadata under ``harness.recipe``."""
    schema = SCORE_TABLE_SCHEMA.with_metadata({RECIPE_KEY: json.dumps(recipes_json(results), default=str).encode()})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in score_tables(results, among):
            writer.write_table(table.replace_schema_metadata(schema.metadata))


def read_scores(path: Path, results: Results) -> Results:
    """Put the scores in ``path`` into ``results``, whose cells are empty; raises `ScoreTableError` if the two do not belong together.

    The table is read row group by row group: beside the scores themselves, one of them is in memory at once.
    """
    groups = {(group.dataset, group.model): group for group in results.everything}
    places = {key: SamplePositions(list(zip(group.samples, group.digests, strict=True))) for key, group in groups.items()}
    with _open_table(path) as file:
        _check_schema(file, sum(len(group.samples) * len(group.cells) for group in groups.values()))
        for number in range(file.num_row_groups):
            _fill_in(groups, places, file.read_row_group(number, columns=[*KEY_COLUMNS, "value"]))
    return results


def _open_table(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, read_dictionary=list(KEY_COLUMNS), pre_buffer=False)
    except KeyError as error:
        raise ScoreTableError(f"no column {error.args[0].decode()!r}") from None


def _fill_in(groups: dict[GroupLabels, Group], places: dict[GroupLabels, SamplePositions], table: pa.Table) -> None:
    """Put the scores of one part of the table into the cells."""
    table.validate(full=True)
    columns = {name: _coded(table, name) for name in KEY_COLUMNS}
    if table["value"].null_count:
        raise ScoreTableError("a score is null")
    values = numbers_to_numpy(table["value"])
    positions: dict[GroupLabels, NDArray[np.intp]] = {}
    for rows in iter_constant_slices(*(columns[name].codes for name in KEY_COLUMNS[:4])):
        dataset, model, explainer, metric = (columns[name].names[columns[name].codes[rows.start]] for name in KEY_COLUMNS[:4])
        group = groups.get((dataset, model))
        cell = None if group is None else group.cells.get((explainer, metric))
        if cell is None:
            raise ScoreTableError(f"scores of {' / '.join((dataset, model, explainer, metric))}, which results.json does not have")
        if (dataset, model) not in positions:
            positions[dataset, model] = places[dataset, model].positions(columns["sample"], columns["digest"])
        found = positions[dataset, model][rows]
        if (found < 0).any():
            sample = columns["sample"].names[columns["sample"].codes[rows][np.argmin(found)]]
            raise ScoreTableError(f"a score of sample {sample!r}, which results.json has not, or with other content")
        if cell.computed[found].any() or len(np.unique(found)) < len(found):
            raise ScoreTableError("two scores of one sample under one metric")
        cell.values[found], cell.computed[found] = values[rows], True


def _coded(table: pa.Table, name: str) -> EncodedTexts:
    try:
        return encode_text_column(table[name])
    except ValueError as error:
        raise ScoreTableError(f"column {name!r}: {error}") from None


def _check_schema(file: pq.ParquetFile, expected: int) -> None:
    schema = file.schema_arrow
    for name in (*KEY_COLUMNS, "value"):
        if schema.names.count(name) != 1:
            raise ScoreTableError(f"no column {name!r}")
        kind = schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if kind != (pa.float64() if name == "value" else pa.string()):
            raise ScoreTableError(f"column {name!r} is of type {kind}")
    if file.metadata.num_rows > expected:
        raise ScoreTableError(f"{file.metadata.num_rows} scores, and results.json has room for {expected}")
