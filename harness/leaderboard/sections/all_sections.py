"""The sections of a whole leaderboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.leaderboard.sections.across_groups import models_section, overall_section
from harness.leaderboard.sections.classification import classification_section, shown_classification
from harness.leaderboard.sections.group import group_section
from harness.leaderboard.sections.levels import levels_section
from harness.leaderboard.sections.meta_evaluation import meta_section
from harness.leaderboard.sections.pair import pair_section
from harness.leaderboard.sections.published import published_section
from harness.leaderboard.sections.section import Section
from harness.results.data_model import Weighting
from harness.results.document import Leaderboard


@dataclass(frozen=True)
class View:
    """A view of a leaderboard.

    Attributes:
        group: whether ranks are averaged over categories (and metrics shown by category) or over all metrics alike.
        meta: what is known of the metrics, in the place of the ranks.
        pairs: the pairs of explainers that were asked for, in the place of the ranks.
        published: nothing but what stands beside published tables.
        models: how well the models classify, in the place of the ranks.
        levels: the levels of what was swept that were asked for, in the place of the ranks.
        width, color, ascii_only: cells a line, ANSI styles, and nothing but ASCII; a terminal's.
    """

    group: Weighting = "category"
    meta: bool = False
    pairs: bool = False
    published: bool = False
    models: bool = False
    levels: bool = False
    width: int = 100
    color: bool = False
    ascii_only: bool = False


def leaderboard_sections(document: Leaderboard, view: View) -> Iterator[Section]:
    """Every group, what is across them and beside published tables, and the models as classifiers; or only what the view asks for."""
    if view.pairs:
        yield from (pair_section(document, entry, number) for number, entry in enumerate(document.pairs, start=1))
        return
    if view.levels:
        yield from (levels_section(document, entry, number) for number, entry in enumerate(document.levels, start=1))
        return
    if view.meta:
        yield from (meta_section(document, entry, number) for number, entry in enumerate(document.meta, start=1))
        return
    if view.models:
        yield from (classification_section(document, entry, number) for number, entry in enumerate(document.classification, start=1))
        return
    if not view.published:
        yield from _own_sections(document, view)
    yield from (published_section(document, entry, number) for number, entry in enumerate(document.published, start=1))


def _own_sections(document: Leaderboard, view: View) -> Iterator[Section]:
    yield from (group_section(document, group, view.group, number) for number, group in enumerate(document.groups, start=1))
    if len(document.groups) > 1:
        yield overall_section(document, view.group)
    yield from (models_section(document, entry, number) for number, entry in enumerate(document.models, start=1))
    yield from (classification_section(document, entry, number) for number, entry in enumerate(shown_classification(document), start=1))
