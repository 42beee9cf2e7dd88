"""What is known of where the evidence is counts for what needs it, and for nothing else: masks that are added explain nothing again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import harness
from tests.support.spec import SMALL, small_spec

PLUGINS = [SMALL, SMALL.with_name("annotated.py")]
METRICS = ["inside", "boxed", "seen", "plain"]


class Runs:
    """Runs on one store, and what each computed: samples explained, and scored by each metric."""

    def __init__(self, folder: Path, calls: Path) -> None:
        self._folder, self._calls = folder, calls

    def run(self, store: str = "store", **spec: Any) -> tuple[Any, Counter[str]]:
        self._calls.unlink(missing_ok=True)
        result = harness.run(small_spec(**spec), out=self._folder / f"{store}-out", store=self._folder / store, plugins=PLUGINS)
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        return result, Counter(line.rpartition(" ")[0] for line in lines)

    def of(self, store: str = "store", **evidence: str) -> tuple[dict[str, list[float | None]], dict[str, int]]:
        """Scores of each metric that applies, and what was computed for them."""
        spec = {"explainers": ["slope"], "nulls": [], "metrics": METRICS, "datasets": [{"use": "annotated", "params": evidence}]}
        result, computed = self.run(store, **spec)
        assert {state for *_, state, _ in result.failures} <= {"not-applicable"}
        names, values = (result.scores.column(name).to_pylist() for name in ("metric", "value"))
        scores: dict[str, list[float | None]] = {}
        for name, value in zip(names, values, strict=True):
            scores.setdefault(name, []).append(value)
        return scores, {name.removesuffix(" slope"): count for name, count in computed.items()}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setenv("SMALL_CALLS", str(tmp_path / "calls"))
    return Runs(tmp_path, tmp_path / "calls")


def test_evidence_that_is_added_or_changed_costs_what_needs_it(runs: Runs) -> None:
    steps: list[tuple[dict[str, str], dict[str, int]]] = [
        ({}, {"slope": 8, "plain": 8}),
        ({"mask": "there"}, {"inside": 8, "boxed": 8}),  # boxes are made of masks
        ({"mask": "moved"}, {"inside": 8, "boxed": 8}),
        ({"mask": "one moved"}, {}),  # of seven as they were, of one as it was moved
        ({"mask": "there", "gaze": "there"}, {"seen": 8}),
        ({"mask": "moved", "gaze": "one moved"}, {"seen": 1}),
        ({"mask": "moved", "boxes": "there"}, {"boxed": 8}),
        ({"mask": "there", "boxes": "there"}, {}),  # boxes are given: masks make no difference to them
        ({"boxes": "one moved"}, {"boxed": 1}),
        ({}, {}),
    ]
    for number, (evidence, computed) in enumerate(steps):
        scores, found = runs.of(**evidence)
        assert found == computed, evidence
        alone, everything = runs.of(f"alone-{number}", **evidence)
        assert scores == alone, evidence
        assert everything["slope"] == 8
    moved, there = runs.of(mask="moved")[0], runs.of(mask="there")[0]
    assert (moved["inside"] != there["inside"], moved["plain"] == there["plain"]) == (True, True)


def test_maps_of_masks_are_known_by_the_masks(runs: Runs) -> None:
    """The oracle's maps are: whatever metric scores them is asked again where masks change, and of the explainers only what needs them."""
    spec = {"explainers": ["slope"], "nulls": [], "metrics": ["inside", "plain"], "meta": {"repeats": 1}}

    def computed(store: str, mask: str) -> tuple[list[Any], Counter[str]]:
        result, found = runs.run(store, **spec, datasets=[{"use": "annotated", "params": {"mask": mask}}])
        assert result.failures == []
        rows = [result.scores.column(name).to_pylist() for name in ("model", "explainer", "metric", "sample", "value")]
        return sorted(zip(*rows, strict=True), key=str), found

    first = computed("store", "there")[1]
    assert (first["plain oracle"], first["inside oracle"]) == (8, 8)
    scores, found = computed("store", "one moved")
    assert (found["slope"], found["plain slope"]) == (4, 0)  # maps under the four disturbances are not kept
    assert (found["plain oracle"], found["inside oracle"]) == (1, 1)
    assert found["inside slope"] == first["inside slope"] // 8
    alone = computed("alone", "one moved")[0]
    assert [names for *names, _ in scores] == [names for *names, _ in alone]
    assert [value for *_, value in scores] == pytest.approx([value for *_, value in alone], rel=1e-5)  # of batches of other sizes


def test_training_data_are_the_same_with_and_without_masks(runs: Runs) -> None:
    def explained(mask: str) -> int:
        data = {"use": "annotated", "params": {"mask": mask}, "training": {"use": "annotated", "params": {"mask": mask, "samples": 12}}}
        result, _ = runs.run(explainers=["contrast"], nulls=[], metrics=["plain"], datasets=[data])
        assert result.failures == []
        jobs: int = result.summary["jobs"]
        return jobs

    assert (explained("nowhere") > 0, explained("there")) == (True, 0)


def test_samples_whose_masks_differ_are_told_apart_where_runs_are_compared(runs: Runs) -> None:
    results = [
        runs.run(explainers=["slope"], nulls=[], metrics=["inside"], datasets=[{"use": "annotated", "params": {"mask": mask}}])[0]
        for mask in ("there", "one moved")
    ]
    digests = [result.scores.column("digest").to_pylist() for result in results]
    assert sum(one != other for one, other in zip(*digests, strict=True)) == 1
