"""The numbers that a page's scripts sort, filter and rank by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.leaderboard.number_format import printable
from harness.report.category_boards import StandingsByRow
from harness.report.script_json import shorten
from harness.results.document import CellEntry, GroupEntry, Row, Skill, Standing

PairsOfGroup = dict[str, list[list[Any] | None]]


def group_data(
    group: GroupEntry, families: Mapping[str, str], categories: Mapping[str, StandingsByRow], pairs: PairsOfGroup, reference: str | None
) -> dict[str, Any]:
    """One group as JSON: rows and metrics in the document's order, standings by category, differences of pairs."""
    labels = [row.label for row in group.rows]
    return {
        "dataset": printable(group.dataset),
        "model": printable(group.model),
        "reference": labels.index(reference) if reference in labels else None,
        "metrics": [
            {
                "label": printable(metric.label),
                "category": metric.category,
                "direction": metric.direction,
                "weight": metric.weights.get("category", 0.0),
                "role": metric.role,
            }
            for metric in group.metrics
        ],
        "rows": [_row_data(row, group, families[row.label]) for row in group.rows],
        "categories": {
            name: [_standing_data(standings.get(row.label, Standing())) for row in group.rows] for name, standings in categories.items()
        },
        "pairs": pairs,
    }


def _row_data(row: Row, group: GroupEntry, family: str) -> dict[str, Any]:
    costs = row.costs
    return {
        "label": printable(row.label),
        "words": f"{printable(row.label)} {printable(row.explainer)} {printable(row.plugin)} {family}".lower(),
        "family": family,
        "null": row.null,
        "standing": _standing_data(row.standings["category"]),
        "first": shorten(row.first_share),
        "beats": row.beats_null / row.against_null if row.against_null else None,
        "kinds": {kind: shorten(skill.value) for kind, skill in row.categories.items()},
        "costs": {
            "time": shorten(costs.seconds_per_sample),
            "passes": shorten(costs.passes_per_sample),
            "memory": shorten(costs.peak_memory),
        },
        "cells": [_cell_data(row.cells.get(metric.label)) for metric in group.metrics],
    }


def _cell_data(cell: CellEntry | None) -> list[float | None] | None:
    """Mean score, then the skill under the metric with the ends of its interval."""
    return None if cell is None else [shorten(cell.mean), *_skill_data(cell.skill)]


def _skill_data(skill: Skill) -> list[float | None]:
    return [shorten(skill.value, 12), shorten(skill.low), shorten(skill.high)]


def _standing_data(standing: Standing) -> dict[str, Any]:
    """Skill with its interval, the letters of rows that cannot be told apart, the place and the places that are open."""
    return {"skill": _skill_data(standing.skill), "alike": standing.alike, "place": standing.place, "places": standing.places}
