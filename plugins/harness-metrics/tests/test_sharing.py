"""What costs passes and does not depend on the explainer is computed once for all: in a grid, and for an explainer that is added later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from harness_metrics import segments
from torch import nn

import harness
from harness.api import Sample

SIDE = 16
ALONE: list[tuple[str, dict[str, Any], int]] = [  # metrics whose perturbations no map decides, and their passes per sample
    ("faithfulness-correlation", {"runs": 6, "subset": 20}, 6),
    ("faithfulness-correlation", {"runs": 4, "subset": 30, "reference": "noise", "output": "probability"}, 4),
    ("sensitivity-n", {"fractions": [0.1, 0.8], "runs": 5}, 10),
    ("infidelity", {"samples": 7}, 7),
    ("infidelity", {"perturbation": "gaussian", "samples": 3}, 3),
    ("non-sensitivity", {"patch": 4}, 16),
]
ORIGINAL = 1  # the images as they are, once for all of them
MAPPED = ("deletion", {"steps": 5}, 5)  # every map has its own
NAMES = ["saliency", "input-x-gradient", "occlusion", "guided-backprop", "integrated-gradients"]


def images() -> list[Sample]:
    """Nine images of noise."""
    return [Sample(torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(i)), i % 2, f"s{i}") for i in range(9)]


def network() -> harness.Classifier:
    """The same made anew: what finds out about one is done with no pass counted."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 2))
    return harness.classifier(module, input_shape=(3, SIDE, SIDE))


def metrics(*wanted: tuple[str, dict[str, Any], int]) -> list[dict[str, Any]]:
    return [{"use": name, "params": params, "label": f"{name} {number}"} for number, (name, params, _) in enumerate(wanted)]


def run(folder: Path, explainers: list[str], scored: list[dict[str, Any]], **changes: Any) -> Any:
    spec = {"name": "grid", "datasets": [images], "models": [network()], "explainers": explainers, "metrics": scored, "nulls": []}
    more = {"explain": {"samples": "all"}, "execution": {"batch": 4, "shard": 8}}
    result = harness.run({**spec, **more, **changes}, store=folder / "store", out=folder / "out")
    assert result.failures == []
    return result


def passes(result: Any) -> int:
    return int(result.summary["passes"])


def scores(result: Any) -> dict[tuple[str, str, str], float]:
    columns = [result.scores.column(name).to_pylist() for name in ("explainer", "metric", "sample", "value")]
    return {(explainer, metric, sample): value for explainer, metric, sample, value in zip(*columns, strict=True)}


@pytest.mark.slow
def test_explainers_share_the_passes_that_no_map_decides(tmp_path: Path) -> None:
    four, samples = NAMES[:4], 9
    explaining = passes(run(tmp_path / "bare", four, metrics(("sparseness", {}, 0))))
    grid = run(tmp_path / "grid", four, metrics(*ALONE, MAPPED))
    once = ORIGINAL + sum(each for _, _, each in ALONE)
    assert passes(grid) - explaining == samples * (once + len(four) * MAPPED[2])

    added = passes(run(tmp_path / "one", NAMES[4:], metrics(("sparseness", {}, 0))))
    predicting = samples  # found in the store by the added one
    five = run(tmp_path / "grid", NAMES, metrics(*ALONE, MAPPED))
    assert passes(five) == added - predicting + samples * MAPPED[2]
    apart = {name: scores(run(tmp_path / name, [name], metrics(*ALONE, MAPPED))) for name in NAMES}
    assert scores(five) == {key: value for found in apart.values() for key, value in found.items()}
    assert all((grid_value == scores(five)[key]) for key, grid_value in scores(grid).items())


def test_what_is_lost_or_damaged_in_the_store_is_computed_again(tmp_path: Path) -> None:
    first = run(tmp_path, NAMES[:1], metrics(ALONE[0], ALONE[4]))
    files = sorted((tmp_path / "store" / "shared").rglob("*.parquet"))
    assert len(files) == 3 * 2  # the original and both metrics' outputs, of 8 samples and of one
    for file in files[::2]:
        file.write_bytes(file.read_bytes()[:-1])
    for file in files[1::2]:
        file.unlink()
    bare = passes(run(tmp_path / "bare", NAMES[1:2], metrics(("sparseness", {}, 0)))) - 9
    both = run(tmp_path, NAMES[:2], metrics(ALONE[0], ALONE[4]))
    assert passes(both) - bare == 9 * (ORIGINAL + 6 + 3)
    assert scores(first).items() < scores(both).items()
    apart = scores(run(tmp_path / "apart", NAMES[1:2], metrics(ALONE[0], ALONE[4])))
    assert apart.items() < scores(both).items()


def test_superpixels_are_made_once_for_all_explainers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    slic = segments.slic

    def counting(image: Any, **options: Any) -> Any:
        made.append(1)
        return slic(image, **options)

    monkeypatch.setattr(segments, "slic", counting)
    run(tmp_path, NAMES[:3], metrics(("irof", {"segments": 12}, 0)))
    assert len(made) == 9
    added = run(tmp_path, NAMES[:4], metrics(("irof", {"segments": 12}, 0)))
    assert len(made) == 9
    apart = run(tmp_path / "apart", NAMES[3:4], metrics(("irof", {"segments": 12}, 0)))
    assert len(made) == 18
    assert scores(apart).items() < scores(added).items()
