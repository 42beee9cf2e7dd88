"""The part of ``leaderboard.json`` in which a run's numbers stand beside published ones."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.results.document_part import DocumentPart
from harness.results.field_types import Number
from harness.results.published_tables import RowKind

PublishedVerdict = Literal["pass", "fail", "open"]


class PublishedCell(DocumentPart):
    """Ours beside theirs.

    ``ours`` is the mean over ``means`` means (of groups or explainers), with their standard ``deviation`` where these are several, and with
    the interval of the only one from ``low`` to ``high``. ``verdict``: whether it passes the column's threshold; ``open`` where the
    interval holds that. ``published``, with ``published_deviation``, or ``published_words`` are theirs.
    """

    ours: Number = None
    low: Number = None
    high: Number = None
    deviation: Number = None
    means: int = 0
    verdict: PublishedVerdict | None = None
    published: Number = None
    published_deviation: Number = None
    published_words: str | None = None


class PublishedColumnEntry(DocumentPart):
    """A column: ``measured`` is a metric's label or a measure, ``passes`` the threshold in words.

    ``agreeing`` of ``judged`` verdicts are as published, where both sides say pass or fail. ``rank_correlation`` (Spearman) is that of our
    numbers with theirs over the ``numbers`` rows that have both; null below three.
    """

    name: str
    measured: str
    passes: str | None = None
    judged: int = 0
    agreeing: int = 0
    numbers: int = 0
    rank_correlation: Number = None


class PublishedEntry(DocumentPart):
    """A published table beside ours; ``cells`` are by row and column."""

    title: str
    source: str
    about: str | None = None
    kind: RowKind
    columns: list[PublishedColumnEntry]
    cells: dict[str, dict[str, PublishedCell]] = Field(default_factory=dict)
