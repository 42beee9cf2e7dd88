"""The marks of verdicts, and the words for the tests that they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harness.leaderboard.number_format import MISSING
from harness.leaderboard.sections.section import BETTER, MIXED, UNDEFINED, WORSE, LegendItem
from harness.results.document import ComparisonVerdict, Settings, Versus

VERDICT_MARKS: Mapping[ComparisonVerdict | None, str] = {"better": BETTER, "worse": WORSE, "mixed": MIXED, None: ""}
MIXED_EXPLAINED = "mean and ranks of the differences have opposite signs: many small ones one way, few large ones the other"


def explain_test(
    settings: Settings, family: str, holms_family: str = "the explainers of a metric", test: str = "Wilcoxon signed-rank"
) -> str:
    """The test, its correction and its level; ``family`` names what a false discovery rate is of, and ``holms_family`` Holm's family."""
    correction = {"fdr": f"false discovery rate over {family}", "holm": f"Holm over {holms_family}"}[settings.correction]
    return f"{test}, {correction}, p < {1 - settings.confidence:.2g}"


def explain_fewer_pairs(compared: Iterable[tuple[str, Versus]], samples: int) -> Iterator[LegendItem]:
    """Which of the comparisons, by what they are called, are over fewer than all ``samples``."""
    fewer = [f"{name} ({versus.pairs})" for name, versus in compared if 0 < versus.pairs < samples]
    if fewer:
        yield LegendItem(UNDEFINED, f"over fewer samples, those that have both scores: {', '.join(fewer)}")


def explain_verdicts(
    verdicts: Iterable[ComparisonVerdict | None], better: str, worse: str, neither: str, test: str
) -> Iterator[LegendItem]:
    """What the marks of these verdicts mean, or that none has one; the words stand for what ``test`` shows."""
    found = set(verdicts)
    meanings: dict[ComparisonVerdict, str] = {
        "better": f"{better} ({test})",
        "worse": f"{worse} ({test})",
        "mixed": f"{neither}, though the test finds a difference: {MIXED_EXPLAINED}",
    }
    yield from (LegendItem(VERDICT_MARKS[verdict], meaning) for verdict, meaning in meanings.items() if verdict in found)
    if found == {None}:
        yield LegendItem(MISSING, f"no difference is significant ({test})", "example")
