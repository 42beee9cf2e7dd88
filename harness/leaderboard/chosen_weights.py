"""Weights of categories and metrics that a reader chooses for a leaderboard of runs that are done."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.leaderboard.number_format import printable
from harness.results.data_model import Results
from harness.text_format import format_some
from harness.user_errors import UserError


def read_weights(given: Sequence[str], results: Results) -> dict[str, float]:
    """Weights by name out of ``NAME=W`` texts; raises `UserError` for a name that no category or metric has, and for what is no weight."""
    metrics = [info for group in results.groups for info in group.metrics]
    known = list(dict.fromkeys([*(info.category for info in metrics), *(info.label for info in metrics)]))
    found = {}
    for text in given:
        name, _, number = text.rpartition("=")
        if name not in known:
            there_are = format_some(list(map(printable, known)), len(known))
            raise UserError(f'no category and no metric is called "{printable(name or text)}" here: there are {there_are}')
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not 0 <= weight < math.inf:
            raise UserError(f"{text}: a weight is a number from 0 on")
        found[name] = weight
    return found
