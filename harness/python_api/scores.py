"""Per-sample scores as a table that can be narrowed down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.leaderboard.display import Showable
from harness.leaderboard.selection import matches_any_pattern
from harness.store.arrow_arrays import texts_to_arrow
from harness.text_format import format_count, format_some

if TYPE_CHECKING:
    import pandas as pd

LABEL_FIELDS = ("dataset", "model", "explainer", "metric", "sample")
MAX_SHOWN = 10


class Scores(Showable):
    """One line per data set, model, explainer, metric and sample that was scored; ``value`` is NaN if a score is undefined,
    and ``counts`` says whether the leaderboard's numbers are of the sample too (``explain: {samples: …}``).

    All that a pyarrow table can do, this can: ``scores["value"]``, ``scores.to_pylist()``, ``scores.num_rows``.

    Attributes:
        arrow: the table.
    """

    def __init__(self, arrow: pa.Table) -> None:
        self.arrow = arrow

    def where(
        self,
        *,
        dataset: str | Sequence[str] | None = None,
        model: str | Sequence[str] | None = None,
        explainer: str | Sequence[str] | None = None,
        metric: str | Sequence[str] | None = None,
        sample: str | Sequence[str] | None = None,
        counts: bool | None = None,
    ) -> Scores:
        """The lines of these labels (one or several, wildcards allowed); raises ``ValueError`` for one that no line has.

        ``counts``: only those of samples that count, or that do not; by default both.
        """
        arrow = self.arrow
        given = dict(zip(LABEL_FIELDS, (dataset, model, explainer, metric, sample), strict=True))
        for field, names in given.items():
            if names is not None:
                arrow = arrow.filter(pc.is_in(arrow[field].cast(pa.string()), self._matching(field, names)))
        return Scores(arrow if counts is None else arrow.filter(pc.equal(arrow["counts"], counts)))

    def _matching(self, field: str, names: str | Sequence[str]) -> pa.Array:
        """The labels under ``field`` that these names mean."""
        several = not isinstance(names, str) and isinstance(names, Iterable)
        wanted, labels = list(map(str, names if several else [names])), self.labels(field)
        for name in wanted:
            if not any(matches_any_pattern([name], label) for label in labels):
                raise ValueError(f"no scores of {field} {name!r}: there are those of {format_some(labels, MAX_SHOWN)}")
        return texts_to_arrow([label for label in labels if wanted and matches_any_pattern(wanted, label)])

    def labels(self, field: str) -> list[str]:
        """The labels under ``field`` (``"explainer"``, ``"metric"`` …), in their order."""
        return [str(name) for name in pc.unique(self.arrow[field].cast(pa.string())).to_pylist()]

    @property
    def values(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """``(N,)`` float64."""
        return np.asarray(self.arrow["value"], dtype=np.float64)

    def table(self) -> pd.DataFrame:
        """A pandas data frame; raises ``ImportError`` if pandas is not installed."""
        from harness.leaderboard.data_frames import to_data_frame

        return to_data_frame({name: self.arrow[name].to_pylist() for name in self.arrow.column_names})

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def __getitem__(self, key: Any) -> Any:
        return self.arrow[key]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "arrow":
            raise AttributeError(name)
        return getattr(self.arrow, name)

    def _lines(self) -> list[list[str]]:
        columns = [*LABEL_FIELDS, "value"]
        rows = zip(*(self.arrow[name][:MAX_SHOWN].to_pylist() for name in columns), strict=True)
        return [columns, *([*map(str, labels), f"{value:.4g}"] for *labels, value in rows)]

    def __repr__(self) -> str:
        lines = self._lines()
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        drawn = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([*drawn, self._more()])

    def _repr_html_(self) -> str:
        head, *body = self._lines()
        rows = ["".join(f"<td>{escape(text)}</td>" for text in line) for line in body]
        heads = "".join(f"<th>{escape(name)}</th>" for name in head)
        table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"
        return f"{table}<p>{escape(self._more())}</p>"

    def _more(self) -> str:
        return format_count(len(self), "score") + (f", the first {MAX_SHOWN} of them" if len(self) > MAX_SHOWN else "")
