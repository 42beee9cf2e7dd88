"""What children of the fork server have imported before is in no key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.processes.forked_process import ADDRESS_VARIABLE, OFF, OwnServer
from harness.registry.registry import Registry
from harness.runs.run import Run
from harness.spec.load import load_spec

SPECS = Path(__file__).parent.parent.parent / "specs"


def planned(folder: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[Any, Any], list[Any]]:
    """Of all that is installed what the cards say, and the quickstart's keys, from nothing that was remembered."""
    monkeypatch.setenv("HARNESS_CACHE", str(folder / way / "cache"))
    monkeypatch.setenv(ADDRESS_VARIABLE, way)
    registry = Registry.discover()
    cards = {(card.kind, card.qualified): (card.identity, card.files, card.error) for card in registry.cards()}
    run = Run(load_spec(SPECS / "quickstart.yaml", registry), registry, folder / way / "out", folder / way / "store", limit=2)
    try:
        plan = run.plan()
    finally:
        run.executor.stop()
    return cards, [(column.key, *(score.key for score in column.scores)) for group in plan.everything for column in group.columns]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there is a fork server")
def test_no_key_depends_on_how_a_child_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = OwnServer(idle=1e6)
    try:
        forked, new = planned(tmp_path, server.address, monkeypatch), planned(tmp_path, OFF, monkeypatch)
    finally:
        server.end()
    assert len(new[0]) > 60
    assert len(new[1]) > 10
    assert forked == new
