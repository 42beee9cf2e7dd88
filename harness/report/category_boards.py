"""Standings under the metrics of one category alone, for readers who look at one."""

from __future__ import annotations

from dataclasses import replace

from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import Results
from harness.results.document import Leaderboard, Standing

StandingsByRow = dict[str, Standing]  # by explainer label


def category_standings(results: Results, document: Leaderboard) -> list[dict[str, StandingsByRow]]:
    """For each group of ``document`` by category the standings if that category alone counts, all others weighing nothing.

    Only categories that have a skill are there, and none where a group has but one.
    """
    categories = list(dict.fromkeys(metric.category for group in document.groups for metric in group.metrics if metric.role != "agreement"))
    found: list[dict[str, StandingsByRow]] = [{} for _ in document.groups]
    for category in categories if len(categories) > 1 else []:
        weights = {name: float(name == category) for name in categories}
        of_metrics = {name: weight for name, weight in results.weights.items() if name not in categories}
        board = build_leaderboard(replace(results, weights={**of_metrics, **weights}, variants=[]))
        for group, own in zip(board.groups, found, strict=True):
            standings = {row.label: row.standings["category"] for row in group.rows}
            if any(standing.skill.value is not None for standing in standings.values()):
                own[category] = standings
    return found
