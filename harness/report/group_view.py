"""All that the page shows of one group."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from harness.leaderboard.number_format import printable, probability_text
from harness.registry.registry import Registry
from harness.report.articles import HEADINGS, Article, group_articles
from harness.report.at_a_glance import Answer, answer_questions, describe_basis
from harness.report.board_view import BoardView, board_view
from harness.report.component_cards import explainer_family
from harness.report.critical_diagram import draw_critical_diagram
from harness.report.method_view import Fact, settings_facts
from harness.results.data_model import Group, Results
from harness.results.document import Leaderboard


@dataclass(frozen=True)
class CriticalFigure:
    """The critical-difference diagram of a metric; ``text`` says what it is of."""

    metric: str
    diagram: Markup
    text: str


@dataclass(frozen=True)
class GroupView:
    """One data set with one model; ``number`` counts from 0, ``families`` are of explainers by label."""

    number: int
    dataset: str
    model: str
    basis: str
    notes: list[str]
    answers: list[Answer]
    board: BoardView
    articles: list[Article]
    figures: list[CriticalFigure]
    facts: list[Fact]
    families: dict[str, str]

    @property
    def articles_by_kind(self) -> dict[str, list[Article]]:
        """The articles under their headings."""
        return {kind: [one for one in self.articles if one.kind == kind] for kind in dict.fromkeys(HEADINGS.values())}


def group_view(number: int, document: Leaderboard, results: Results, registry: Registry) -> GroupView:
    """The view of the group of this number in the document."""
    entry = document.groups[number]
    group: Group = next(one for one in results.groups if (one.dataset, one.model) == (entry.dataset, entry.model))
    meta = next((one for one in document.meta if (one.dataset, one.model) == (entry.dataset, entry.model)), None)
    families = {info.label: explainer_family(info, registry) for info in group.explainers}
    families |= {row.label: "nulls" for row in entry.rows if row.null}
    nulls = {row.label for row in entry.rows if row.null}
    trials = {one.label: one.separation.separates for one in meta.metrics if one.separation is not None} if meta else {}
    figures = [
        CriticalFigure(
            printable(label),
            draw_critical_diagram(found, nulls),
            f"{found.samples} samples; Friedman p = {probability_text(found.p_friedman)}; bars join rows whose mean ranks are less than "
            f"{found.difference:.2f} apart (Nemenyi); nulls in italics",
        )
        for label, found in entry.critical_difference_by_metric.items()
        if found is not None
    ]
    return GroupView(
        number,
        printable(entry.dataset),
        printable(entry.model),
        describe_basis(entry, document.settings),
        [printable(note, 300) for note in entry.notes],
        answer_questions(entry, document.settings),
        board_view(entry, families, trials),
        list(group_articles(number, entry, group, meta, registry)),
        figures,
        list(settings_facts(document, group)),
        families,
    )
