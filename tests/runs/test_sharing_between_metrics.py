"""Values that metrics share, in a run: each metric's scores are those that it has alone, and follow what it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

import harness
from harness.api import Case, Sample, metric

PLUGIN = '''
"""Two metrics that share what one of them reads."""
from pathlib import Path

from harness.api import metric

FILE = Path({file!r})


def dimmed(case):
    return case.for_all_explainers(["dimmed"], lambda samples: samples.predict(samples.images * float(FILE.read_text())))


@metric(category="faithfulness", direction="higher")
def first(case):
    """The logit of class 0 of the image, dimmed as a file says."""
    return dimmed(case)[:, 0]


@metric(category="faithfulness", direction="higher")
def second(case):
    """That of class 1."""
    return dimmed(case)[:, 1]
'''


def images() -> list[Sample]:
    """Three images of noise."""
    return [Sample(torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(i)), 0, f"s{i}") for i in range(3)]


def network() -> harness.Classifier:
    """A small network, the same each time."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 2))
    return harness.classifier(module, input_shape=(3, 8, 8))


def dimmed_to(share: float) -> Any:
    """A metric that does not say under its key how much it dims."""

    @metric(category="faithfulness", direction="higher")
    def dimmed(case: Case, *, again: float = 1.0) -> torch.Tensor:
        """The logit of class 0 of the image, dimmed."""
        return case.for_all_explainers(["dimmed"], lambda samples: samples.predict(samples.images * share * again))[:, 0]

    return dimmed


def run(folder: Path, metrics: list[Any], **more: Any) -> dict[tuple[str, str], float]:
    spec = {"datasets": [images], "models": [network()], "explainers": ["saliency"], "metrics": metrics, "nulls": []}
    result = harness.run(
        {"name": "shared", **spec, "execution": {"executor": "inline"}}, store=folder / "store", out=folder / "out", **more
    )
    assert result.failures == []
    columns = [result.scores.column(name).to_pylist() for name in ("metric", "sample", "value")]
    return {(metric, sample): value for metric, sample, value in zip(*columns, strict=True)}


def test_functions_of_a_notebook_share_with_themselves_alone(tmp_path: Path) -> None:
    half = dimmed_to(0.5)
    three = [
        {"use": half, "label": "half"},
        {"use": half, "params": {"again": 0.1}, "label": "less"},
        {"use": dimmed_to(0.1), "label": "tenth"},
    ]
    apart = [run(tmp_path / str(number), [scored]) for number, scored in enumerate(three)]
    assert len({value for found in apart for value in found.values()}) == 9
    assert run(tmp_path / "together", three) == {key: value for found in apart for key, value in found.items()}


def test_who_finds_what_another_has_read_is_scored_again_when_the_file_changes(tmp_path: Path) -> None:
    plugin, file = tmp_path / "reading.py", tmp_path / "share.txt"
    plugin.write_text(PLUGIN.format(file=str(file)))
    found = []
    for share, store in (("0.5", "kept"), ("0.1", "kept"), ("0.1", "new")):
        file.write_text(share)
        found.append(run(tmp_path / store, ["first", "second"], plugins=plugin))
    assert found[1] == found[2]
    assert all(found[1][cell] != value for cell, value in found[0].items())


def test_nothing_is_stored_of_who_is_given_a_file(tmp_path: Path) -> None:
    file = tmp_path / "share.txt"

    @metric(category="faithfulness", direction="higher")
    def given(case: Case, *, file: str = "") -> torch.Tensor:
        """The logit of class 0 of the image."""
        return case.for_all_explainers(["original", file], lambda samples: samples.predict(samples.images))[:, 0]

    for text, stored in (("", True), (str(file), True), (str(file), False)):
        file.touch() if not stored else file.unlink(missing_ok=True)
        folder = tmp_path / f"{len(text)} {stored}"
        run(folder, [{"use": given, "params": {"file": text}}])
        assert bool(list((folder / "store").glob("shared/**/*.parquet"))) == stored
