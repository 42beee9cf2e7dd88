"""Columns of standings: skill, places, what cannot be told apart, and mean ranks."""

from __future__ import annotations

from collections.abc import Sequence

from harness.leaderboard.number_format import MISSING, interval_text, rank_text, skill_text
from harness.leaderboard.sections.section import Column, TableCell
from harness.results.document import Standing


def standing_columns(standings: Sequence[Standing]) -> list[Column]:
    """The columns that any row has something in; the first two have room for a plot of skill behind them."""
    skills = [standing.skill for standing in standings]
    columns = []
    if any(skill.value is not None for skill in skills):
        columns.append(Column("skill", [TableCell(skill_text(skill.value), tone="strong") for skill in skills]))
        columns.append(Column("interval", [TableCell(interval_text(skill.low, skill.high)) for skill in skills]))
    if any(standing.places for standing in standings):
        columns.append(Column("places", [TableCell(places_text(standing)) for standing in standings]))
    if any(standing.alike for standing in standings):
        letters = [standing.alike for standing in standings]
        columns.append(Column("alike", [TableCell(text) if text else TableCell(MISSING, tone="absent") for text in letters], align="left"))
    if any(standing.rank is not None for standing in standings):
        columns.append(Column("mean rank", [TableCell(rank_text(standing.rank)) for standing in standings]))
    return columns


def standing_positions(standings: Sequence[Standing]) -> list[str]:
    """The places of rows; nulls take none."""
    return [MISSING if standing.place is None else str(standing.place) for standing in standings]


def places_text(standing: Standing) -> str:
    """The places that are left open, a dash where none are known."""
    if standing.places is None:
        return MISSING
    low, high = standing.places
    return f"{low}–{high}" if low < high else f"{low}"
