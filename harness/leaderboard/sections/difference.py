"""The sections of a difference between two runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.leaderboard.diff import Change, ResultsDifference, ScoreChange, Verdict
from harness.leaderboard.number_format import MISSING, number_formatter, printable
from harness.leaderboard.sections.section import Column, Section, Table, TableCell, Tone

HEADINGS = {"provenance": "Versions and settings", "recipes": "Recipes", "samples": "Samples", "states": "States"}
VERDICTS: dict[Verdict, str] = {"changed": "changed", "noise": "within float noise", "identical": "identical"}


def difference_sections(difference: ResultsDifference, before: str = "before", after: str = "after") -> Iterator[Section]:
    """Sections of what changed, one for each kind; ``before`` and ``after`` name the runs."""
    same: list[list[tuple[str, Tone]]] = [[("nothing changed beyond float noise", "")]]
    yield Section(f"{printable(before)} → {printable(after)}", lines=same if difference.same else [])
    for name, heading in HEADINGS.items():
        changes: Sequence[Change] = getattr(difference, name)
        if changes:
            yield Section(heading, lines=[_change(change) for change in changes])
    if difference.scores:
        counts = Counter(score.verdict for score in difference.scores)
        said = ", ".join(f"{counts[verdict]} {text}" for verdict, text in VERDICTS.items() if counts[verdict])
        changed = [score for score in difference.scores if score.verdict == "changed"]
        several = len({(score.dataset, score.model) for score in difference.scores}) > 1
        yield Section(f"Scores: {said}", tables=[_score_table(changed, several)] if changed else [])


def _change(change: Change) -> list[tuple[str, Tone]]:
    before, after = (None if text is None else printable(text, 300) for text in (change.before, change.after))
    lead: tuple[str, Tone] = (f"  {printable(change.what)}: ", "")
    if before is None:
        return [lead, (f"+ {after}", "new")]
    if after is None:
        return [lead, (f"- {before}", "gone")]
    return [lead, (before, "gone"), (" → ", ""), (after, "new")]


def _score_table(changed: Sequence[ScoreChange], several: bool) -> Table:
    names = [f"{score.dataset} / {score.model}: {score.explainer}" if several else score.explainer for score in changed]
    columns = [
        Column("explainer", [TableCell(printable(name)) for name in names], align="left"),
        Column("metric", [TableCell(printable(score.metric)) for score in changed], align="left"),
        Column("mean difference", [TableCell(_number(s.difference.mean), tone="strong" if s.significant else "") for s in changed]),
        Column("interval", [TableCell(_interval(score)) for score in changed]),
        Column("largest", [TableCell(_number(score.largest)) for score in changed]),
        Column("samples changed", [TableCell(f"{score.moved}/{score.pairs}") for score in changed]),
        Column("beyond 0", [TableCell("yes" if score.significant else "no") for score in changed]),
    ]
    return Table(columns, [False] * len(changed))


def _number(value: float) -> str:
    return MISSING if value != value else number_formatter([value])(value)


def _interval(score: ScoreChange) -> str:
    low, high = score.difference.low, score.difference.high
    if low != low or high != high:
        return MISSING
    numbers = number_formatter([low, high])
    return f"{numbers(low)} to {numbers(high)}"
