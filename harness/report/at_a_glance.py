"""The answers that a reader looks for first, as sentences made of the document and never beyond it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.leaderboard.number_format import interval_text, percent_text, printable, share_text, skill_text
from harness.leaderboard.sections.sample_counts import sample_count_text
from harness.leaderboard.sections.standing_columns import places_text
from harness.results.document import GroupEntry, Row, Settings
from harness.text_format import format_count, format_some

MOST_NAMES = 8


@dataclass(frozen=True)
class Answer:
    """A question and its answer; ``lead`` is what the answer begins with, in large."""

    question: str
    lead: str
    text: str


def answer_questions(group: GroupEntry, settings: Settings) -> list[Answer]:
    """Which explainer is best, how sure that is, who beats the nulls, and what it rests on."""
    ranked = [row for row in group.rows if not row.null and row.standings["category"].skill.value is not None]
    if not ranked:
        return [Answer("Which explainer is best here?", "Not known", _why_unknown(group))]
    return [_best(group, ranked), _how_sure(ranked, settings), _against_nulls(group, ranked), *_against_reference(group, ranked, settings)]


def describe_basis(group: GroupEntry, settings: Settings) -> str:
    """The samples, the model and the metrics that the numbers rest on."""
    counted = [metric for metric in group.metrics if metric.weights.get("category")]
    kinds = list(dict.fromkeys(printable(metric.category) for metric in counted))
    parts = [
        sample_count_text(group.samples, settings.samples, group.samples_total),
        f"the model is right on {percent_text(group.accuracy)}",
        f"the headline counts {len(counted)} of {format_count(len(group.metrics), 'metric')} ({', '.join(kinds) or 'none'})",
        f"{100 * settings.confidence:g} % intervals",
    ]
    return " · ".join(parts)


def _why_unknown(group: GroupEntry) -> str:
    nulls = any(row.null for row in group.rows)
    why = (
        "no metric that counts has a score of it"
        if nulls
        else "the run has no null explainer to hold the others against: write `nulls` into its spec"
    )
    return f"No explainer has a skill, as {why}."


def _names(rows: Sequence[Row]) -> str:
    return format_some([printable(row.label) for row in rows], MOST_NAMES)


def _best(group: GroupEntry, ranked: Sequence[Row]) -> Answer:
    first = ranked[0]
    skill = first.standings["category"].skill
    lead = printable(first.label)
    text = (
        f"Skill {skill_text(skill.value)}{_interval(first)}: so often, over samples and metrics, its map scores better than the null "
        "that is hardest to beat. 0.5 is no better than a null, 1 is always better."
    )
    if first.first_share is not None:
        text += f" It is first under {share_text(first.first_share)} of all weightings of the categories."
    return Answer("Which explainer is best here?", lead, text)


def _interval(row: Row) -> str:
    skill = row.standings["category"].skill
    return "" if skill.low is None else f" ({interval_text(skill.low, skill.high)})"


def _how_sure(ranked: Sequence[Row], settings: Settings) -> Answer:
    first, standing = ranked[0], ranked[0].standings["category"]
    alike = [row for row in ranked[1:] if set(row.standings["category"].alike) & set(standing.alike)]
    confidence = f"{100 * settings.confidence:g} %"
    if standing.places is None:
        return Answer("How sure is that?", "Not known", "There are too few samples or explainers to say which places are open.")
    places = f"With {confidence} confidence, for all rows at once, it is {_ordinals(standing.places)} of {len(ranked)}."
    if not alike:
        return Answer("How sure is that?", "It stands alone", f"{printable(first.label)} is told apart from all others. {places}")
    return Answer("How sure is that?", f"Open between {1 + len(alike)}", f"Not told apart from it: {_names(alike)}. {places}")


def _ordinals(places: tuple[int, int]) -> str:
    low, high = places
    return f"{_ordinal(low)} to {_ordinal(high)}" if low < high else _ordinal(low)


def _ordinal(number: int) -> str:
    end = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{end}"


def _against_nulls(group: GroupEntry, ranked: Sequence[Row]) -> Answer:
    sure = [row for row in ranked if (low := row.standings["category"].skill.low) is not None and low > 0.5]
    below = [row for row in ranked if (high := row.standings["category"].skill.high) is not None and high < 0.5]
    open_ = [row for row in ranked if row not in sure and row not in below]
    said = [f"Their whole interval is above 0.5: {_names(sure)}."] if sure else []
    said += [f"Cannot be told from it: {_names(open_)}."] if open_ else []
    said += [f"Worse than it: {_names(below)}."] if below else []
    return Answer("Who beats the hardest null?", f"{len(sure)} of {len(ranked)}", " ".join(said))


def _against_reference(group: GroupEntry, ranked: Sequence[Row], settings: Settings) -> Iterator[Answer]:
    """Where the reference stands, and how the first differs from it metric by metric."""
    row = next((row for row in ranked if row.label == settings.reference), None)
    if row is None:
        return
    standing, name = row.standings["category"], printable(row.label)
    open_places = "" if standing.places is None else f", {places_text(standing)} left open"
    text = f"Skill {skill_text(standing.skill.value)}{_interval(row)}{open_places}."
    first = ranked[0] if ranked[0] is not row else None
    if first is not None:
        verdicts = [cell.versus_reference.verdict for cell in first.cells.values() if cell.versus_reference is not None]
        better, worse = verdicts.count("better"), verdicts.count("worse")
        text += (
            f" {printable(first.label)} is better than it under {better} of {format_count(len(verdicts), 'metric')}, worse under {worse}."
        )
    yield Answer(f"And the reference, {name}?", "–" if standing.place is None else f"{_ordinal(standing.place)} of {len(ranked)}", text)
