"""A difference between two runs on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.text import Text

from harness.leaderboard.diff import Change, ResultsDifference, ScoreChange, Verdict
from harness.leaderboard.formats.number_format import MISSING, number_formatter, printable
from harness.leaderboard.formats.text_console import console_text, text_console
from harness.leaderboard.formats.text_grid import GridColumn, draw_block, pack_columns

HEADINGS = {"provenance": "Versions and settings", "recipes": "Recipes", "samples": "Samples", "states": "States"}


def render_difference(
    difference: ResultsDifference, before: str = "before", after: str = "after", *, width: int = 100, color: bool = False
) -> str:
    """The difference as text; ``before`` and ``after`` name the runs."""
    console = text_console(width, color)
    for line in _lines(difference, printable(before), printable(after), max(width, 1)):
        console.print(line)
    return console_text(console)


def _lines(difference: ResultsDifference, before: str, after: str, width: int) -> Iterator[Text]:
    yield Text(f"{before} → {after}", style="bold")
    if difference.same:
        yield Text("nothing changed beyond float noise")
    for name, heading in HEADINGS.items():
        changes: Sequence[Change] = getattr(difference, name)
        if changes:
            yield Text()
            yield Text(heading, style="bold")
            yield from (_change(change) for change in changes)
    if difference.scores:
        yield Text()
        yield from _scores(difference.scores, width)


def _change(change: Change) -> Text:
    before, after = (None if text is None else printable(text, 300) for text in (change.before, change.after))
    line = Text(f"  {printable(change.what)}: ")
    if before is None or after is None:
        sign, style = ("+", "green") if before is None else ("-", "red")
        return line.append(f"{sign} {after if before is None else before}", style=style)
    return line.append(before, style="red").append(" → ").append(after, style="green")


def _scores(scores: Sequence[ScoreChange], width: int) -> Iterator[Text]:
    counts = Counter(score.verdict for score in scores)
    said = ", ".join(f"{counts[verdict]} {text}" for verdict, text in _VERDICTS.items() if counts[verdict])
    yield Text(f"Scores: {said}", style="bold")
    changed = [score for score in scores if score.verdict == "changed"]
    if not changed:
        return
    several = len({(score.dataset, score.model) for score in scores}) > 1
    names = [f"{score.dataset} / {score.model}: {score.explainer}" if several else score.explainer for score in changed]
    fixed = [GridColumn("explainer", [Text(printable(name)) for name in names], align="left").limited(max(6, width // 3))]
    columns = [
        GridColumn("metric", [Text(printable(score.metric)) for score in changed], align="left"),
        GridColumn(
            "mean difference", [Text(_number(score.difference.mean), style="bold" if score.significant else "") for score in changed]
        ),
        GridColumn("interval", [Text(_interval(score)) for score in changed]),
        GridColumn("largest", [Text(_number(score.largest)) for score in changed]),
        GridColumn("samples changed", [Text(f"{score.moved}/{score.pairs}") for score in changed]),
        GridColumn("beyond 0", [Text("yes" if score.significant else "no") for score in changed]),
    ]
    for block in pack_columns(fixed, columns, width):
        yield Text()
        yield from draw_block([*fixed, *block], [""] * len(changed), width)


_VERDICTS: dict[Verdict, str] = {"changed": "changed", "noise": "within float noise", "identical": "identical"}


def _number(value: float) -> str:
    return MISSING if value != value else number_formatter([value])(value)


def _interval(score: ScoreChange) -> str:
    low, high = score.difference.low, score.difference.high
    if low != low or high != high:
        return MISSING
    numbers = number_formatter([low, high])
    return f"{numbers(low)} to {numbers(high)}"
