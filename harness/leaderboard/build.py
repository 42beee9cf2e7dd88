"""Results → document."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.classifier_comparison import classify_all
from harness.analysis.groups import analyse_group
from harness.analysis.level_comparison import compare_levels
from harness.analysis.model_comparison import compare_models
from harness.analysis.overall import overall_entries
from harness.analysis.pair_comparison import compare_pair
from harness.analysis.published_comparison import compare_with_published
from harness.meta.analysis import analyse_meta
from harness.results.data_model import Results
from harness.results.document import Leaderboard, Settings
from harness.results.meta_document import MetaEntry, SeparationEntry


def build_leaderboard(results: Results) -> Leaderboard:
    """The leaderboard of a run: per (dataset, model), across them, and what is known of the metrics.

    Rows are sorted by skill, nulls marked, every cell has its state. Deterministic; depends on no order of samples or explainers.
    """
    meta = analyse_meta(results)
    separations = {(entry.dataset, entry.model): _separations(entry) for entry in meta}
    groups = [analyse_group(group, results, separations.get((group.dataset, group.model))) for group in results.groups]
    entries = [found.entry for found in groups]
    classification = classify_all(results)
    return Leaderboard(
        run=results.provenance,
        settings=Settings(**{**vars(results), "samples": results.samples_rule}),
        groups=entries,
        overall=overall_entries(groups, results),
        models=compare_models(results),
        classification=classification,
        meta=meta,
        published=compare_with_published(entries, classification, results.published),
    )


def with_pair(document: Leaderboard, results: Results, first: str, second: str) -> Leaderboard:
    """The leaderboard of these results with two of their explainers held against each other; raises `PairError`."""
    return document.model_copy(update={"pairs": compare_pair(results, first, second)})


def with_levels(
    document: Leaderboard,
    results: Results,
    by: Sequence[str],
    *,
    equal_accuracy: bool = False,
    accuracy: float | None = None,
    count: int | None = None,
) -> Leaderboard:
    """The leaderboard of these results with levels of what was swept held against each other; see `compare_levels`."""
    levels = compare_levels(results, document.groups, by, equal_accuracy=equal_accuracy, accuracy=accuracy, count=count)
    return document.model_copy(update={"levels": levels})


def _separations(entry: MetaEntry) -> dict[str, SeparationEntry]:
    """How an oracle stood against the nulls, by metric label."""
    return {metric.label: metric.separation for metric in entry.metrics if metric.separation is not None}
