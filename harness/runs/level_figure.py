"""Levels of what was swept as a picture of box plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from harness.leaderboard.number_format import printable
from harness.results.levels_document import LevelScores, LevelsEntry
from harness.text_format import ARROWS, format_count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from harness.figures.box_plots import Box, BoxBlock


def _png(figure: Figure) -> bytes:
    from harness.figures.figure_file import to_png

    return to_png(figure)


def _pdf(figure: Figure) -> bytes:
    from harness.figures.figure_file import to_pdf

    return to_pdf(figure)


PICTURE_FORMATS: Mapping[str, Callable[[Figure], bytes]] = {"png": _png, "pdf": _pdf}


def draw_levels(entries: Sequence[LevelsEntry], format: str) -> bytes:
    """Every data set's box plots in one picture, of a format of `PICTURE_FORMATS`."""
    from harness.figures.box_plots import draw_box_plots

    levels = {printable(level.name): level.values for entry in entries for level in entry.levels}
    figure = draw_box_plots([_block(entry) for entry in entries], ", ".join(map(printable, entries[0].by)), levels)
    return PICTURE_FORMATS[format](figure)


def _block(entry: LevelsEntry) -> BoxBlock:
    from harness.figures.box_plots import BoxBlock, BoxPanel

    rows = list({printable(row.explainer): row.null for metric in entry.metrics for row in metric.rows}.items())
    panels = [
        BoxPanel(
            f"{printable(metric.label)} {ARROWS[metric.direction]}",
            {printable(row.explainer): {printable(name): _box(scores) for name, scores in row.scores.items()} for row in metric.rows},
        )
        for metric in entry.metrics
    ]
    title = f"{printable(entry.dataset) if entry.dataset else 'across data sets'} · {format_count(entry.samples, 'sample')}"
    return BoxBlock(title, [name for name, _ in rows], frozenset(name for name, null in rows if null), panels)


def _box(scores: LevelScores) -> Box:
    from harness.figures.box_plots import Box

    return Box(**{field.name: getattr(scores, field.name) for field in fields(Box)})
