"""The marks of verdicts, and the words for the tests that they rest on."""

from __future__ import annotations

from collections.abc import Mapping

from harness.leaderboard.sections.section import BETTER, MIXED, WORSE
from harness.results.document import ComparisonVerdict, Settings

VERDICT_MARKS: Mapping[ComparisonVerdict | None, str] = {"better": BETTER, "worse": WORSE, "mixed": MIXED, None: ""}
MIXED_EXPLAINED = "mean and ranks of the differences have opposite signs: many small ones one way, few large ones the other"


def explain_test(settings: Settings, family: str, holms_family: str = "the explainers of a metric") -> str:
    """The test, its correction and its level; ``family`` names what a false discovery rate is of, and ``holms_family`` Holm's family."""
    correction = {"fdr": f"false discovery rate over {family}", "holm": f"Holm over {holms_family}"}[settings.correction]
    return f"Wilcoxon signed-rank, {correction}, p < {1 - settings.confidence:.2g}"
