"""The index of exported maps: which file is of what, and what the model said of the sample."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.store.atomic import write_atomically
from harness.store.map_files import SampleKey
from harness.store.sample_alignment import MaskedColumn, SamplePositions
from harness.store.store import Store

INDEX_COLUMNS = (
    "map", "picture", "dataset", "model", "explainer", "part", "sample", "position", "label", "label_name", "prediction", "prediction_name",
    "correct",
)  # fmt: skip
"""Files below the folder; labels; the part of an explanation that it is, if not the whole; the sample's id and its position in the
data set; what is true and what is predicted by the model's number and name, None if that is not known."""
IndexLine = dict[str, Any]  # by INDEX_COLUMNS


def stored_classes(store: Store, key: str | None, samples: Sequence[SampleKey], names: Sequence[str] | None) -> Iterator[IndexLine]:
    """The last columns of the index for each sample, of what stands in the store."""
    found = {} if key is None else store.known(key, SamplePositions(samples)).get(key, {})
    labels, predictions = (found.get(name) or MaskedColumn.all_missing(len(samples)) for name in ("label", "predicted"))
    for row in range(len(samples)):
        label, prediction = (int(known.values[row]) if known.there[row] else None for known in (labels, predictions))
        label_name, prediction_name = (
            None if number is None or names is None or not 0 <= number < len(names) else names[number] for number in (label, prediction)
        )
        correct = None if label is None or prediction is None else label == prediction
        values = (label, label_name, prediction, prediction_name, correct)
        yield dict(zip(INDEX_COLUMNS[-5:], values, strict=True))


def write_index(folder: Path, lines: Sequence[IndexLine]) -> None:
    """Write ``index.csv`` and ``index.json``; an unknown class is empty in the one and null in the other."""
    out = io.StringIO()
    writer = csv.DictWriter(out, INDEX_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: str(value).lower() if isinstance(value, bool) else value for name, value in line.items()} for line in lines)
    write_atomically(folder / "index.csv", out.getvalue().encode())
    write_atomically(folder / "index.json", (json.dumps(lines, indent=1, ensure_ascii=False) + "\n").encode())
