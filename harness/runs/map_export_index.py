"""The index of exported maps: which file is of what, and what the model said of the sample."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypedDict

from harness.store.atomic import write_atomically
from harness.store.map_files import SampleKey
from harness.store.sample_alignment import MaskedColumn, SamplePositions
from harness.store.store import Store

INDEX_COLUMNS = (
    "map", "picture", "dataset", "model", "explainer", "part", "sample", "position", "label", "label_name", "prediction", "prediction_name",
    "correct",
)  # fmt: skip


class SampleClasses(TypedDict):
    """A sample's classes; None where they are not known."""

    label: int | None
    label_name: str | None
    prediction: int | None
    prediction_name: str | None


@dataclass(frozen=True)
class IndexLine:
    """One map.

    Attributes:
        stem: its path below the folder, without the ending: the array is ``.npy``, its picture ``.png``.
        dataset, model, explainer: labels.
        part: the name of the part of the explanation that it is; None for the whole.
        sample: its id; ``position``: in the data set.
        label, prediction: classes of the model, by number and (``_name``) by name; None where they are not known.
    """

    stem: PurePosixPath
    dataset: str
    model: str
    explainer: str
    part: str | None
    sample: str
    position: int
    label: int | None = None
    label_name: str | None = None
    prediction: int | None = None
    prediction_name: str | None = None

    def row(self) -> dict[str, Any]:
        """The line by `INDEX_COLUMNS`."""
        known = dataclasses.asdict(self)
        correct = None if self.label is None or self.prediction is None else self.label == self.prediction
        known |= {"map": f"{self.stem}.npy", "picture": f"{self.stem}.png", "correct": correct}
        return {name: known[name] for name in INDEX_COLUMNS}


class StoredClasses:
    """Labels and predictions of samples, as they stand in the store."""

    def __init__(self, store: Store, key: str | None, samples: Sequence[SampleKey], names: Sequence[str] | None) -> None:
        found = {} if key is None else store.known(key, SamplePositions(samples)).get(key, {})
        self._label, self._predicted = (found.get(name) or MaskedColumn.all_missing(len(samples)) for name in ("label", "predicted"))
        self._names = names

    def of(self, row: int) -> SampleClasses:
        """Those of one sample."""
        label, prediction = (int(known.values[row]) if known.there[row] else None for known in (self._label, self._predicted))
        return SampleClasses(label=label, label_name=self._name(label), prediction=prediction, prediction_name=self._name(prediction))

    def _name(self, number: int | None) -> str | None:
        return None if number is None or self._names is None or not 0 <= number < len(self._names) else self._names[number]


def write_index(folder: Path, lines: Sequence[IndexLine]) -> None:
    """Write ``index.csv`` and ``index.json``; an unknown class is empty in the one and null in the other."""
    rows = [line.row() for line in lines]
    out = io.StringIO()
    writer = csv.DictWriter(out, INDEX_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: str(value).lower() if isinstance(value, bool) else value for name, value in row.items()} for row in rows)
    write_atomically(folder / "index.csv", out.getvalue().encode())
    write_atomically(folder / "index.json", (json.dumps(rows, indent=1, ensure_ascii=False) + "\n").encode())
