"""What is said while a worker finds out what a plan must know."""

from __future__ import annotations

from typing import Any

import pytest

from harness.planning.facts import Unavailable
from harness.registry.recipe import Recipe
from harness.runs.plan_report import report_requests


def request(ask: str, label: str) -> dict[str, Any]:
    return {"ask": ask, "recipe": Recipe("models", "torchvision", "x", "1", label=label).to_json()}


def test_each_request_is_said_as_what_it_takes() -> None:
    said: list[str] = []
    ask = report_requests(lambda asked: asked["ask"], said.append, lambda *refused: None)
    assert [ask(request(kind, "resnet18")) for kind in ("model", "dataset", "verdict", "anything")] == [
        "model",
        "dataset",
        "verdict",
        "anything",
    ]
    assert said == ["starting a worker, loading resnet18", "reading resnet18", "importing torchvision", "asking about resnet18"]


def test_what_cannot_be_had_is_told_of_and_goes_on_up() -> None:
    refusals: list[tuple[str, str]] = []

    def refuses(asked: Any) -> Any:
        raise Unavailable("no file", "Traceback …")

    ask = report_requests(refuses, lambda text: None, lambda what, error: refusals.append((what, error.traceback)), begun=True)
    with pytest.raises(Unavailable, match="no file"):
        ask(request("model", "mine"))
    assert refusals == [("loading mine", "Traceback …")]
