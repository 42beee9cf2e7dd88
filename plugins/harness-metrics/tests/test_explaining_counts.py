"""What metrics that explain again have a device do besides passes: waits that no number of draws adds to, and few operations."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

ASKED = {  # parameters, and of 16 images of 32 × 32 pixels in batches of 64 the most operations and reads for which the host waits
    "max-sensitivity": ({"samples": 10}, 300, 3),  # whether targets are classes, inputs as they were, and maps finite
    "average-sensitivity": ({"samples": 10}, 300, 3),
    "local-lipschitz": ({"samples": 20}, 320, 3),
    "continuity": ({}, 115, 3),
    "consistency": ({"samples": 20}, 690, 5),  # and logits, of neighbours and of the images
    "relative-input-stability": ({"samples": 20}, 540, 5),
    "relative-output-stability": ({"samples": 20}, 545, 5),
    "relative-representation-stability": ({"samples": 20}, 560, 5),
    "attack": ({"steps": 3, "samples": 4}, 5300, 19),  # in each step which candidates keep the class
    "mprt": ({}, 740, 21),  # seven models
    "efficient-mprt": ({}, 85, 3),
    "smooth-mprt": ({"samples": 10}, 1120, 24),
    "random-logit": ({"samples": 3}, 460, 9),
    "class-sensitivity": ({}, 145, 4),  # and logits of the images
    "input-invariance": ({}, 70, 5),
    "implementation-invariance": ({}, 65, 5),
    "linearity": ({"other": "twin"}, 70, 6),
    "symmetry": ({}, 50, 3),
    "gef": ({"levels": 3, "draws": 2, "greatest": 0.5}, 3200, 25),
}
DRAWN = {"max-sensitivity": 4, "relative-input-stability": 4, "smooth-mprt": 1}
FEW, MANY = 4, 16


@pytest.fixture(scope="module")
def counts():
    """By metric, its number of draws where that is another, and images."""
    asked = [[name, params, images] for name, (params, _, _) in ASKED.items() for images in (FEW, MANY)]
    asked += [[name, {"samples": samples}, FEW] for name, samples in DRAWN.items()]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.explaining_counts"], input=json.dumps(asked), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {(name, json.dumps(params), images): counted for (name, params, images), counted in zip(asked, found, strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_a_metric_waits_as_often_for_many_samples_as_for_few(name, counts):
    params, operations, waits = ASKED[name]
    few, many = (counts[name, json.dumps(params), images] for images in (FEW, MANY))
    assert few.get("to the device", 0) == many.get("to the device", 0) == 0
    assert few["to the host"] == many["to the host"] <= waits
    assert few["operation"] <= many["operation"] <= operations


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_draws_cost_no_operations_of_their_own(name, counts):
    params, _, _ = ASKED[name]
    few, many = (counts[name, json.dumps(asked), FEW] for asked in ({"samples": DRAWN[name]}, params))
    assert few["to the host"] == many["to the host"]
    assert many["operation"] - few["operation"] <= 10  # of batches that are more
