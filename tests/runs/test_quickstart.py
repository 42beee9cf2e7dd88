"""The specs that ship run as they are, on few samples: what is finished is not computed again, and one more explainer is all that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import harness
from harness.spec.yaml_document import parse_yaml

SPECS = Path(__file__).parents[2] / "specs"
EMPTY = Path(__file__).parents[1] / "support" / "empty.py"


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


@pytest.mark.slow
def test_nothing_empty_wins_the_quickstart(tmp_path: Path) -> None:
    """A constant, one pixel, noise and the picture itself are not above an explainer that beats the nulls."""
    empty, null = ["constant", "pixel", "noise"], "input-intensity"
    spec = parse_yaml((SPECS / "quickstart.yaml").read_text(), "quickstart.yaml").data
    real = [each for each in spec["explainers"] if (each if isinstance(each, str) else each["use"]) in ("saliency", "lrp", "triad")]
    result = harness.run({**spec, "explainers": [*real, *empty]}, out=tmp_path / "out", store=tmp_path, limit=24, plugins=[EMPTY])
    assert result.failures == []
    group = result.leaderboard.groups[0]
    order = [row.label for row in group.rows]
    skills = {row.label: round(row.standings["category"].skill.value, 9) for row in group.rows}
    assert {*empty, null, "triad"} < set(order)
    assert skills[null] == 0.5 and all(skills[row.label] <= 0.5 for row in group.rows if row.null)
    beating = [label for label, skill in skills.items() if skill > 0.5]
    assert "lrp" in beating and not {*empty, null} & set(beating)
    assert max(map(order.index, beating)) < min(order.index(label) for label in (*empty, null))
    assert group.rows[0].label == "lrp" and group.rows[0].standings["category"].skill.low > 0.5
    counted = {metric.label: metric.discounted for metric in group.metrics}
    assert counted["max-sensitivity"] == "random, a null, has the best score that there is", "noise does not look at the image"
    manners = {row.label: row.categories["complexity"].value for row in group.rows}
    assert manners["pixel"] == 1.0, "nothing is simpler"
