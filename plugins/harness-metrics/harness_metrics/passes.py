"""Passes that metrics declare for planning: forward passes per sample, and of those that explain again how often they do."""

from __future__ import annotations

from collections.abc import Mapping

TYPICAL_SIDE = 224
TYPICAL_PIXELS = TYPICAL_SIDE * TYPICAL_SIDE


def explanations(params: Mapping[str, object]) -> float:
    """Of metrics that explain each of ``samples`` draws, times what explaining takes."""
    return float(str(params["samples"]))


def curve_passes(params: Mapping[str, object]) -> float:
    """Of `deletion`, `insertion` and `pixel-flipping`: one per step; where ``step`` is given, as for an image of 224 × 224."""
    steps, step = params.get("steps", 224), params.get("step")
    if isinstance(step, int):
        return -(-TYPICAL_PIXELS // step) + 1
    return int(str(steps)) + 1


def road_passes(params: Mapping[str, object]) -> float:
    """Of `road`: one per threshold and order, and one for the image as it is."""
    fractions = params.get("fractions", (0.2, 0.4, 0.6, 0.8))
    orders = 2 if params.get("order") == "combined" else 1
    return orders * (len(fractions) if isinstance(fractions, (list, tuple)) else 1) + 1


def drawn_passes(params: Mapping[str, object]) -> float:
    """Of `monotonicity-nguyen`: one per group and draw, and one for the image as it is."""
    return (curve_passes(params) - 1) * int(str(params["samples"])) + 1


def abpc_passes(params: Mapping[str, object]) -> float:
    """Of `abpc`: two curves that meet where nothing and where everything is removed."""
    return 2 * (curve_passes(params) - 1)


def selectivity_passes(params: Mapping[str, object]) -> float:
    """Of `selectivity`: one per patch of an image of 224 × 224, and one for the image as it is."""
    return _patches(params.get("patch", 8)) + 1


def region_passes(params: Mapping[str, object]) -> float:
    """Of `region-perturbation`: one per region and draw, and one for the image as it is."""
    regions = min(_patches(params.get("patch", 9)), int(str(params.get("regions", 100))))
    runs = int(str(params.get("runs", 10))) if params.get("impute", "noise") in ("noise", "noisy-linear") else 1
    return regions * runs + 1


def irof_passes(params: Mapping[str, object]) -> float:
    """Of `irof`: one per segment, and one for the image as it is."""
    return int(str(params.get("segments", 100))) + 1


def square_passes(params: Mapping[str, object]) -> float:
    """Of `non-sensitivity`: one per square, at most ``regions`` where their side is not given, and one for the image as it is."""
    patch = params.get("patch")
    return (int(str(params.get("regions", 256))) if patch is None else _patches(patch)) + 1


def information_passes(params: Mapping[str, object]) -> float:
    """Of `sic` and `aic`: one per fraction, one with nothing shown, and one for the image as it is."""
    fractions = params["fractions"]
    return (len(fractions) if isinstance(fractions, (list, tuple)) else 1) + 2


def _patches(patch: object) -> int:
    """How many patches cover an image of 224 × 224."""
    return int((-(-TYPICAL_SIDE // int(str(patch)))) ** 2)
