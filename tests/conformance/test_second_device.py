"""Every explainer and every metric that this repository ships, on a device that is not the CPU: the same numbers.

The device is a stand-in in main memory (`tests.support.standin`), so that this needs no GPU: it shows what mixes tensors of two devices,
and what needs a float64 that Apple's GPU has not.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest

import harness
from tests.support.elsewhere import PLACES
from tests.support.shipped import PARAMS, ROOT, names

pytestmark = pytest.mark.slow

CHAOTIC = {"data-randomisation"}  # trains a network: what differs in the last bit at first does so in the first digit at last
INAPPLICABLE = {
    "harness-cam/cam": "the logits are one linear layer",
    **{
        f"harness-transformers/{name}": "atten"
        for name in (
            *("attention-rollout", "raw-attention", "generic-attention", "transformer-attribution", "le-grad"),
            *("transition-attention", "beyond-intuition", "bidirectional-attention", "vit-cx"),
        )
    },
}
"""What says nothing of a convolutional network with dense layers, and of its reason to say so."""
RETRAINING = {"harness-metrics/roar", "harness-metrics/kar"}
"""What has networks trained for each explainer: nothing else of it runs on a device but their passes."""
SAMPLES = 2
QUICK: dict[str, dict[str, Any]] = {
    "harness-perturbation/occlusion": {"window": 16, "stride": 16},
    "harness-metrics/data-randomisation": {"epochs": 1},
    "harness-metrics/smooth-mprt": {"samples": 2},
}


def reference(name: str) -> dict[str, Any]:
    """A component by the name that cells have, with what makes it quick."""
    return {"use": name, "label": name.partition("/")[2], "params": {**PARAMS.get(name, {}), **QUICK.get(name, {})}}


def applicable() -> list[str]:
    """The explainers that say something of the network."""
    return [name for name in names("explainers") if name not in INAPPLICABLE]


def asked() -> list[str]:
    """The metrics that score the network as it is."""
    return [name for name in names("metrics") if name not in RETRAINING]


@pytest.fixture(scope="module")
def everything() -> dict[str, Any]:
    """All explainers with one metric, and one explainer (two, where parts are scored) with all metrics, on all places."""
    explainers, metrics = [reference(name) for name in applicable()], [reference(name) for name in asked()]
    fused = [{"use": "triad", "label": f"triad {fusion}", "params": {"fusion": fusion}} for fusion in ("variance", "product", "rank")]
    parts = [metric for metric in metrics if metric["label"].startswith("component-")]
    grids: list[tuple[list[Any], list[Any]]] = [
        ([*explainers, *fused], ["imprint"]),
        (["grad-cam"], [*metrics, "steepness"]),
        (["triad"], parts),
        (["gradient-shap"], ["max-sensitivity"]),
        (["wide"], ["careless"]),
    ]
    data = {
        "datasets": [{"use": "masked-digits", "params": {"samples": SAMPLES}}],
        "models": ["digits-cnn"],
        "nulls": [],
        "reference": None,
    }
    specs = [
        {"name": "elsewhere", **data, "explainers": some, "metrics": judged, "execution": {"executor": "inline"}} for some, judged in grids
    ]
    command = [sys.executable, "-m", "tests.support.elsewhere"]
    done = subprocess.run(command, input=json.dumps(specs), capture_output=True, text=True, cwd=ROOT, timeout=900)
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return results


@pytest.mark.parametrize("place", PLACES)
def test_all_of_it_runs(everything: dict[str, Any], place: str) -> None:
    failed = [(explainer, metric, reason) for _, _, explainer, metric, _, reason in everything[place]["failures"]]
    if place == PLACES[0]:
        assert failed == []
    else:  # the device is as strict as a real one
        ((*cell, reason),) = failed
        assert cell == ["wide", "careless"]
        assert ("has no float64" if "without" in place else "same device") in reason
    cells = {(explainer, metric) for explainer, metric, _, _ in everything[place]["scores"]}
    assert {explainer for explainer, _ in cells} >= {name.partition("/")[2] for name in applicable()}
    assert {metric for _, metric in cells} >= {name.partition("/")[2] for name in asked()}


@pytest.mark.parametrize("place", PLACES[1:])
def test_the_numbers_are_those_of_the_cpu(everything: dict[str, Any], place: str) -> None:
    mine, theirs = ({tuple(key): value for *key, value in everything[at]["scores"] if key[1] != "careless"} for at in (place, "cpu"))
    assert mine.keys() == theirs.keys()
    assert len(mine) >= SAMPLES * (len(applicable()) + len(asked()))
    other = {key: (mine[key], theirs[key]) for key in mine if not _close(mine[key], theirs[key]) and key[1] not in CHAOTIC}
    assert other == {}


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None or math.isnan(one) or math.isnan(other):
        return (one is None or math.isnan(one)) == (other is None or math.isnan(other))
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-5)


def test_the_device_is_waited_for_and_gives_back_memory(everything: dict[str, Any]) -> None:
    """For the time that passes take, and after each job."""
    asked = {place: dict(everything[place]["asked"]) for place in PLACES[:2]}  # the last counts stand
    assert asked["cpu"] == {"waited": 0, "memory given back": 0}
    jobs = len(applicable())
    assert asked["standin"]["memory given back"] >= jobs
    assert asked["standin"]["waited"] >= 2 * jobs


@pytest.mark.parametrize("name", INAPPLICABLE)
def test_what_is_left_out_does_not_apply(name: str) -> None:
    with pytest.raises(ValueError, match=INAPPLICABLE[name]):
        harness.explainer(name).require_applicable(harness.model("digits-cnn"))
