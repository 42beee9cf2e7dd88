"""The legend of the headline: what skill, places and shares of weightings are, and which metrics count how."""

from __future__ import annotations

from collections.abc import Iterator, Set

from harness.leaderboard.number_format import printable
from harness.leaderboard.sections.section import LegendItem
from harness.results.components import ROLES
from harness.results.document import GroupEntry, Settings
from harness.text_format import format_some

MAX_NAMED = 3
SKILL_EXPLAINED = (
    "share of samples on which a map scores better than the null that is hardest to beat, ties half; 0.5 is no better than a null"
)
FIRST_EXPLAINED = "share of all weightings of the categories, of the headline or not, under which the row is first"


def explain_headline(group: GroupEntry, settings: Settings, headers: Set[str]) -> Iterator[LegendItem]:
    """Meanings of the columns of a group's standings that are shown under these headers, and of the weights of its metrics."""
    yield from explain_standings(headers, settings.confidence)
    if "first" in headers:
        yield LegendItem("first", f"{FIRST_EXPLAINED}{_first_without(group)}", "term")
    shown = [kind for kind in dict.fromkeys(metric.category for metric in group.metrics) if printable(kind) in headers]
    outside = [kind for kind in shown if not counts_in_headline(group, kind)]
    if outside:
        yield LegendItem("category", f"skill by {', '.join(map(printable, outside))} takes no part in the headline", "term")
    if "beats null" in headers:
        yield LegendItem("beats null", "metrics under which the row is shown to beat every null, of all that were tested", "term")
    if "passes" in headers:
        yield LegendItem("passes", "of an image through the model, or of its gradient back; like time, for each sample explained", "term")
    if headers & {"skill", "mean rank"}:
        yield from _explain_weights(group, settings)


def explain_standings(headers: Set[str], confidence: float) -> Iterator[LegendItem]:
    """Meanings of the columns of standings that are shown under these headers."""
    if "skill" in headers:
        yield LegendItem("skill", SKILL_EXPLAINED, "term")
    if "places" in headers:
        yield LegendItem("places", f"that the samples leave open, for all rows at once with {100 * confidence:g} % confidence", "term")
    if "alike" in headers:
        yield LegendItem("alike", "rows that share a letter cannot be told apart", "term")
    if "mean rank" in headers:
        yield LegendItem("mean rank", "over the metrics of the headline, among the rows that are no nulls", "term")


def _first_without(group: GroupEntry) -> str:
    """The rows that would be first if categories counted alike but for one."""
    named = {kind: format_some([printable(label) for label in labels], MAX_NAMED) for kind, labels in group.first_without.items()}
    if not named:
        return ""
    if len(set(named.values())) == 1:
        return f"; whichever of them is left out, if the others count alike it is {next(iter(named.values()))}"
    firsts = "; ".join(f"without {printable(kind)} {rows}" for kind, rows in named.items())
    return f"; if one is left out and the others count alike: {firsts}"


def counts_in_headline(group: GroupEntry, kind: str) -> bool:
    """Whether a category takes part in the headline."""
    return any(metric.weights.get("category") for metric in group.metrics if metric.category == kind)


def _explain_weights(group: GroupEntry, settings: Settings) -> Iterator[LegendItem]:
    """Metrics that share a weight, and weights that the spec chose."""
    if settings.weights:
        parts = [f"{printable(name)} {weight:g}" for name, weight in settings.weights.items()]
        unset = [kind for kind, role in ROLES.items() if role == "manners" and kind not in settings.weights]
        but = f", but of {' and '.join(unset)} 0" if unset else ""
        yield LegendItem("weights", f"{', '.join(parts)}; of other categories 1{but}", "term")
    shared = dict.fromkeys(tuple(sorted([metric.label, *metric.alike])) for metric in group.metrics if metric.alike)
    if shared:
        named = "; ".join(" + ".join(map(printable, labels)) for labels in shared)
        yield LegendItem("one weight", f"shared by metrics that order explainers and samples alike: {named}", "term")
