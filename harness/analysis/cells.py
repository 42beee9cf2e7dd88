"""The cells of a group: means, intervals, skill and comparisons."""

from __future__ import annotations

from itertools import product

import numpy as np

from harness.analysis.bootstrap import nan_mean
from harness.analysis.confidence_intervals import ScoreScale, mean_intervals
from harness.analysis.group_comparisons import CellLabels, compare_cells
from harness.analysis.group_scores import GroupScores
from harness.analysis.headline import share_to_oracle
from harness.analysis.standings import estimate_skill
from harness.results.data_model import Results
from harness.results.document import CellEntry


def analyse_cells(found: GroupScores, results: Results) -> dict[CellLabels, CellEntry]:
    """The cells that were asked for, by the labels of explainer and metric."""
    group, scores = found.group, found.scores
    references, nulls = compare_cells(group, results, scores)
    means, metrics = nan_mean(scores), len(group.metrics)
    columns = ScoreScale.of_metrics(group.metrics, scores).columns([*range(metrics)] * len(group.explainers))
    intervals = mean_intervals(scores.reshape(len(scores), means.size), columns, results.confidence)
    skill = estimate_skill(found.wins.flatten(), found.elsewhere.flatten(), found.size, results.confidence)
    entries = {}
    for place, pair in enumerate(product(group.explainer_labels, group.metric_labels)):
        if pair in group.cells:
            cell = group.cells[pair]
            computed = cell.computed[found.selected]
            defined = int((computed & np.isfinite(cell.values[found.selected])).sum())
            mean = float(means.flat[place])
            entries[pair] = CellEntry(
                status=cell.status,
                mean=mean,
                low=intervals.low[place],
                high=intervals.high[place],
                interval=intervals.kinds[place],
                n=defined,
                undefined=int(computed.sum()) - defined,
                missing=found.size - int(computed.sum()),
                skill=skill[place],
                to_oracle=share_to_oracle(mean, found.separations.get(pair[1])),
                rank=found.ranks.flat[place],
                versus_reference=references.get(pair),
                reason=cell.reason,
                **(nulls[pair]._asdict() if pair in nulls else {}),
            )
    return entries
