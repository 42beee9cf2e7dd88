"""Runs with two workers: what they share out, and what none of them does twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.driver import Driver, driver

THREE_SHARDS = [{"use": "squares", "params": {"samples": 6}}]  # for two workers: one of them explains the last while the other is free
SLOW = {"use": "slope", "label": "slow", "params": {"pause": 1.5}}


def events(run: Driver) -> list[dict[str, Any]]:
    """What the journal of a run holds."""
    return [json.loads(line) for line in (run.folder / run.out / "journal.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_a_part_is_explained_once_however_slow(tmp_path: Path) -> None:
    whole = {"use": "both", "label": "whole", "params": {"first": {"use": "slope", "params": {"pause": 1.5}}}}
    run = driver(tmp_path, datasets=THREE_SHARDS, explainers=[whole, SLOW], metrics=["inside"], execution={"workers": 2})
    done = run.run()
    assert done.returncode == 0, done.stderr
    explained = Counter(line for line in run.calls() if line.startswith("slope"))
    assert explained == {f"slope square-{i}": 1 for i in range(6)}
    assert len({event["worker"] for event in events(run) if event["event"] == "finished"}) == 2, "one worker alone proves nothing"
