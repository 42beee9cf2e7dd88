"""Section of two explainers side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from harness.leaderboard.number_format import MISSING, half_width, number_formatter, printable, probability_text
from harness.leaderboard.sections.sample_counts import sample_count_text
from harness.leaderboard.sections.section import UNDEFINED, Column, LegendItem, Section, Table, TableCell
from harness.leaderboard.sections.verdicts import VERDICT_MARKS, explain_fewer_pairs, explain_test, explain_verdicts
from harness.results.document import Leaderboard, MetricEntry, PairEntry, Versus
from harness.text_format import ARROWS

P_VALUES = (("p_ttest", "t", "t-test"), ("p_wilcoxon", "Wilcoxon", "Wilcoxon"), ("p_wilcoxon_adjusted", "adjusted", "adjusted"))
"""Fields of p-values, what stands over them, and where nothing says that they are p-values."""


def pair_section(document: Leaderboard, entry: PairEntry, number: int) -> Section:
    """The differences under every metric that both have scores of, with their tests."""
    group = next(group for group in document.groups if (group.dataset, group.model) == (entry.dataset, entry.model))
    lines = [(metric, entry.cells[metric.label]) for metric in group.metrics if metric.label in entry.cells]
    title = f"{printable(entry.dataset)} · {printable(entry.model)}: {printable(entry.first)} minus {printable(entry.second)}"
    facts = _facts(document, entry)
    if not lines:
        return Section(title, f"pair-{number}", facts, cause="no metric has scores of both")
    columns = [
        Column("metric", [TableCell(f"{printable(metric.label)} {ARROWS[metric.direction]}") for metric, _ in lines], align="left"),
        Column("difference", [_difference_cell(versus, entry.samples) for _, versus in lines], align="left"),
        Column("interval", [TableCell(_interval(versus)) for _, versus in lines]),
        Column("effect", [TableCell(MISSING if versus.effect is None else f"{versus.effect:+.2f}") for _, versus in lines]),
        *(
            Column(name, [TableCell(probability_text(getattr(versus, field))) for _, versus in lines], section="p", alone=f"p ({alone})")
            for field, name, alone in P_VALUES
        ),
        Column("verdict", [TableCell(versus.verdict or MISSING) for _, versus in lines], align="left"),
    ]
    table = Table(columns, [False] * len(lines), caption=f"{title}. {'; '.join(facts)}", bold="")
    return Section(title, f"pair-{number}", facts, tables=[table], legend=partial(_legend, document, entry, lines))


def _facts(document: Leaderboard, entry: PairEntry) -> list[str]:
    """What the numbers rest on."""
    return [
        sample_count_text(entry.samples, document.settings.samples),
        f"mean differences with {100 * document.settings.confidence:g} % intervals",
    ]


def _difference_cell(versus: Versus, samples: int) -> TableCell:
    if versus.difference is None:
        return TableCell(MISSING)
    numbers = number_formatter([half_width(versus.low, versus.high) or versus.difference])
    sign = "+" if versus.difference > 0 else ""
    return TableCell(sign + numbers(versus.difference), marks=VERDICT_MARKS[versus.verdict] + (UNDEFINED if versus.pairs < samples else ""))


def _interval(versus: Versus) -> str:
    if versus.low is None or versus.high is None:
        return MISSING
    numbers = number_formatter([half_width(versus.low, versus.high)])
    return f"{numbers(versus.low)} to {numbers(versus.high)}"


def _holds_zero(versus: Versus) -> bool:
    """Whether the interval of the mean difference does."""
    return versus.low is not None and versus.high is not None and versus.low <= 0 <= versus.high


def _legend(
    document: Leaderboard, entry: PairEntry, lines: Sequence[tuple[MetricEntry, Versus]], tables: Sequence[Table]
) -> Iterator[LegendItem]:
    first, second = printable(entry.first), printable(entry.second)
    test = explain_test(document.settings, "these metrics", "these metrics")
    yield LegendItem("effect", "rank-biserial correlation of the differences, in [-1, 1]", "term")
    yield LegendItem("p", "of the paired t-test, of the exact Wilcoxon signed-rank test, and this adjusted over these metrics", "term")
    yield LegendItem("pair", "nothing is adjusted for its choice: make it before you look at the scores", "term")
    if any(versus.verdict in ("better", "worse") and _holds_zero(versus) for _, versus in lines):
        said = "of the mean difference; verdicts rest on ranks, and may find a difference where the interval holds 0: then report both"
        yield LegendItem("interval", said, "term")
    words = (f"{first} is better than {second}", f"{first} is worse than {second}", "neither better nor worse")
    yield from explain_verdicts((versus.verdict for _, versus in lines), *words, test)
    yield from explain_fewer_pairs(((printable(metric.label), versus) for metric, versus in lines), entry.samples)
