"""What metrics have a device do besides the model's passes: few operations, and no waiting, however many samples and steps there are."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

MOST = {  # operations, of 48 × 48 pixels; of ROAD those of the solver, which is asked twice at most whether it is done
    "relevance-mass-accuracy": 16,
    "pointing-game": 13,
    "attribution-localisation": 16,
    "auc": 33,
    "energy-pointing-game": 54,
    "localisation-error": 96,
    "average-precision": 25,
    "iou": 31,
    "dice": 34,
    "pixel-accuracy": 25,
    "earth-mover": 4200,
    "human-agreement": 100,
    "dual-polarity-precision": 22,
    "explanation-precision": 205,
    "relevance-rank-accuracy": 205,
    "top-k-intersection": 205,
    "focus": 440,
    "grid-pointing-game": 440,
    "di-part": 290,
    "sparseness": 20,
    "complexity": 14,
    "effective-complexity": 13,
    "component-agreement": 94,
    "component-similarity": 186,
    "deletion": 217,
    "insertion": 225,
    "pixel-flipping": 217,
    "abpc": 235,
    "selectivity": 225,
    "monotonicity-arya": 220,
    "irof": 250,
    "road": 1130,
    "region-perturbation": 2300,
    "faithfulness-estimate": 270,
    "faithfulness-correlation": 275,
    "sensitivity-n": 1350,
    "infidelity": 260,
    "monotonicity-nguyen": 2500,
    "average-drop": 26,
    "average-increase": 22,
    "average-gain": 29,
    "saco": 240,
    "sic": 1950,
    "ccs": 225,
    "aic": 1950,
    "single-deletion": 130,
    "adcc": 118,
    "coherency": 74,
    "saliency-metric": 78,
    "completeness": 15,
}
COPIES = {"irof": 2, "road": 2, "sic": 2, "aic": 2}  # to the host: where superpixels are found, and a solver asks whether it is done
PARAMS = {name: {"side": 2, "confidence": 0} for name in ("grid-pointing-game", "di-part")}
STEPS = {
    "deletion": ("steps", 4, 40),
    "insertion": ("steps", 4, 40),
    "abpc": ("steps", 4, 40),
    "selectivity": ("patch", 24, 8),
    "monotonicity-arya": ("steps", 4, 40),
    "irof": ("segments", 4, 40),
    "faithfulness-estimate": ("steps", 4, 40),
    "faithfulness-correlation": ("runs", 4, 20),
    "saco": ("steps", 4, 40),
    "ccs": ("fractions", [0.1, 0.9], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
    "single-deletion": ("grid", 2, 8),
    "infidelity": ("samples", 4, 40),
}
SMALL, LARGE, SIZE = 2, 12, 48


@pytest.fixture(scope="module")
def counts():
    """By metric, parameters and samples."""
    asked = [[name, PARAMS.get(name, {}), batch, SIZE] for name in MOST for batch in (SMALL, LARGE)]
    asked += [[name, {parameter: value}, SMALL, SIZE] for name, (parameter, *values) in STEPS.items() for value in values]
    done = subprocess.run([sys.executable, "-m", "tests.support.metric_counts"], input=json.dumps(asked), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {(name, json.dumps(params), batch): counted for (name, params, batch, _), counted in zip(asked, found, strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize("name", MOST)
def test_a_metric_waits_for_nothing_however_many_samples_there_are(name, counts):
    few, many = (counts[name, json.dumps(PARAMS.get(name, {})), batch] for batch in (SMALL, LARGE))
    for found in (few, many):
        assert found.get("to the device", 0) == 0
        assert found.get("to the host", 0) <= COPIES.get(name, 0)
        assert found["operation"] <= MOST[name]
    if name != "road":  # whose systems may need more iterations
        assert few == many


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_steps_cost_no_operations_of_their_own(name, counts):
    parameter, few, many = STEPS[name]
    few, many = (counts[name, json.dumps({parameter: value}), SMALL]["operation"] for value in (few, many))
    assert abs(many - few) <= 8  # a sample with fewer segments, or a sort of another length
