"""What is said while a worker finds out what a plan must know."""

from __future__ import annotations

from typing import Any

import pytest

from harness.planning.facts import Unavailable
from harness.registry.recipe import Recipe
from harness.runs.plan_report import report_requests, report_start
from harness.worker.dataset_inspection import ReadingCounter


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


def test_that_workers_are_started_is_said_before_they_are() -> None:
    said: list[Any] = []
    report_start(said.append, said.append)([request("model", "mine")])
    assert said == ["starting a worker", [request("model", "mine")]]


def test_what_cannot_be_had_is_told_of_and_goes_on_up() -> None:
    refusals: list[tuple[str, str]] = []

    def refuses(asked: Any) -> Any:
        raise Unavailable("no file", "Traceback …")

    ask = report_requests(refuses, lambda text: None, lambda what, error: refusals.append((what, error.traceback)), begun=True)
    with pytest.raises(Unavailable, match="no file"):
        ask(request("model", "mine"))
    assert refusals == [("loading mine", "Traceback …")]


def test_how_many_samples_are_read_is_said_of_what_is_being_read() -> None:
    said: list[str] = []
    counted: list[Any] = []

    def reads(asked: Any) -> None:
        counted[0](1200, 4000)

    ask = report_requests(reads, said.append, lambda *refused: None, begun=True, listen=counted.append)
    ask(request("dataset", "lesions"))
    assert said == ["reading lesions", "reading lesions: 1,200 of 4,000 samples"]


def test_a_count_is_told_now_and_then() -> None:
    told: list[tuple[int, int]] = []
    assert list(ReadingCounter(lambda *count: told.append(count), every=0.0).counting(3)) == [0, 1, 2]
    assert told == [(0, 3), (1, 3), (2, 3)]
    assert list(ReadingCounter(lambda *count: told.append(count), every=60.0).counting(3)) == [0, 1, 2]
    assert len(told) == 3
