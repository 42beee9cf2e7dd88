"""The specs that ship run as they are, on few samples: what is finished is not computed again, and one more explainer is all that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import harness

SPECS = Path(__file__).parents[2] / "specs"


def run(folder: Path, spec: str, **options: Any) -> Any:
    return harness.run(SPECS / spec, out=folder / "out", store=folder / "store", **options)


@pytest.mark.slow
def test_the_quickstart_runs_again_from_the_store_and_grows_by_one_explainer(tmp_path: Path) -> None:
    first = run(tmp_path, "quickstart.yaml", limit=2)
    assert first.failures == []
    group = first.leaderboard.groups[0]
    rows = [row for row in group.rows if not row.null]
    assert len(rows) >= 12
    assert len(group.metrics) >= 10
    again = run(tmp_path, "quickstart.yaml", limit=2)
    assert again.summary["jobs"] == 0
    assert again.scores.arrow.equals(first.scores.arrow)
    more = run(tmp_path, "quickstart.yaml", limit=2, settings=[("explainers.12.params.background", "8"), ("explainers.12.label", "SHAP 8")])
    assert more.summary["jobs"] == 1


@pytest.mark.slow
def test_real_digits_run_out_of_the_box(tmp_path: Path) -> None:
    result = run(tmp_path, "digits.yaml", limit=6)
    assert result.failures == []
    group = result.leaderboard.groups[0]
    assert group.accuracy > 0.9
    rows = {row.label: row for row in group.rows}
    twins = [label for label in rows if label.endswith("(random model)")]
    assert len(twins) == 5
    assert all(rows[label].null for label in twins)
