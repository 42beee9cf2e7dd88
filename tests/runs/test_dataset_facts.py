"""What is noticed of a dataset when its facts are taken, and that noise in its last bits is not noticed by anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import harness
from harness.api import Sample, dataset
from harness.runs.map_export import export_maps
from harness.worker.dataset_inspection import REREAD_SAMPLES, SampleSummary, check_reading_is_repeatable
from harness.worker.samples import SampleError
from tests.support.small import Squares
from tests.support.spec import SMALL, small_spec

Alter = Callable[[int, Sample], Sample]


class Altered:
    """The squares, each altered by a function of its index whenever it is read."""

    class_names = ("left", "right")

    def __init__(self, alter: Alter, samples: int) -> None:
        self._squares, self._alter = Squares(samples, 0), alter

    def __len__(self) -> int:
        return len(self._squares)

    def __getitem__(self, index: int) -> Sample:
        return self._alter(index, self._squares[index])


def run(folder: Path, alter: Alter, samples: int = 8, training: Alter | None = None, **changes: object) -> harness.RunResult:
    @dataset(selection={"samples"})
    def altered(*, samples: int = 8) -> Altered:
        return Altered(alter, samples)

    def learned_from() -> Altered:
        return Altered(training or alter, 16)

    data = {"use": altered, "params": {"samples": samples}, "training": learned_from}
    spec = small_spec(**{"datasets": [data], "metrics": ["inside", "drop"], **changes})
    return harness.run(spec, out=folder / "out", store=folder / "store", plugins=[SMALL])


def blocked(found: harness.RunResult) -> str:
    [reason] = {reason for *_, reason in found.failures}
    assert {state for *_, state, _ in found.failures} == {"blocked"}
    return reason


def scores(found: harness.RunResult) -> dict[tuple[str, str, str], float]:
    return {(row["explainer"], row["metric"], row["sample"]): row["value"] for row in found.scores.to_pylist()}


def trembling(size: float) -> Alter:
    """Noise of other draws at every read, as big as ``size``."""
    generator = np.random.default_rng()

    def alter(index: int, sample: Sample) -> Sample:
        noise = torch.from_numpy(generator.uniform(-size, size, sample.image.shape)).float()
        return replace(sample, image=(sample.image + noise).clamp(0, 1))

    return alter


TREMBLING = """
import os
from dataclasses import replace
from pathlib import Path
import torch
from harness.api import Dataset, dataset
from tests.support.small import Squares

class Trembling(Squares):
    def __getitem__(self, index):
        sample = super().__getitem__(index)
        noise = torch.rand(sample.image.shape, generator=torch.Generator().manual_seed(int.from_bytes(os.urandom(7)))) * 2 - 1
        changed = Path(self.state).read_text().split()
        level = torch.zeros_like(sample.image)
        level[0, 0, 0] = 1 / 255 if sample.id in changed else 0
        return replace(sample, image=sample.image + 3e-7 * noise + level)

@dataset()
def trembling(*, state: str, split: str = "test", samples: int | None = 8) -> Trembling:
    data = Trembling(16 if samples is None else samples, 500 if split == "train" else 0)
    data.state = state
    return data
"""


@pytest.mark.slow
def test_noise_in_the_last_bits_neither_blocks_nor_computes_again_and_a_level_does(tmp_path: Path) -> None:
    """As on two machines that share a store: other noise whenever a sample is read, and facts that are taken again."""
    (tmp_path / "trembling.py").write_text(TREMBLING)
    (tmp_path / "state").write_text("")

    def begin(samples: int) -> tuple[harness.RunResult, dict[tuple[str, str], float]]:
        data = {"use": "trembling", "params": {"samples": samples, "state": str(tmp_path / "state")}}
        spec = small_spec(datasets=[data], explainers=["slope", "contrast"], metrics=["drop"], nulls=[])
        found = harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL, tmp_path / "trembling.py"])
        assert found.failures == []
        return found, {(row["explainer"], row["sample"]): row["value"] for row in found.scores.to_pylist()}

    first, before = begin(8)
    assert any("." in row["digest"] for row in first.scores.to_pylist()), "these digests are such as noise can change"
    more, after = begin(16)
    assert {key: after[key] for key in before} == before, "what was computed of other noise stands"
    assert len(after) == 2 * len(before)
    export_maps(tmp_path / "out", tmp_path / "maps", tmp_path / "store", [SMALL, tmp_path / "trembling.py"])
    assert begin(8)[0].summary["jobs"] == 0
    old = {(row["sample"], row["digest"]) for row in more.scores.to_pylist()}
    (tmp_path / "state").write_text("square-3")
    new = {(row["sample"], row["digest"]) for row in begin(16)[0].scores.to_pylist()}
    assert {sample for sample, _ in new - old} == {"square-3"}


def flipping(index: int, sample: Sample) -> Sample:
    return replace(sample, image=sample.image.flip(-1)) if np.random.default_rng().random() < 0.5 else sample


class Counted:
    """A count that goes on with every read."""

    def __init__(self) -> None:
        self.count = 0

    def name(self, index: int, sample: Sample) -> Sample:
        self.count += 1
        return replace(sample, id=f"{self.count}")

    def label(self, index: int, sample: Sample) -> Sample:
        self.count += 1
        return replace(sample, label=(self.count > 8) ^ (index % 2))


@pytest.mark.parametrize(
    ("alter", "what"),
    [
        (trembling(0.02), "image"),
        (Counted().name, "id"),
        (Counted().label, "label"),
    ],
)
def test_samples_that_are_others_at_each_read_are_refused(tmp_path: Path, alter: Alter, what: str) -> None:
    reason = blocked(run(tmp_path, alter))
    assert f"the dataset altered has another {what} each time sample" in reason
    assert "remove the random transform, or make it depend on the sample's index alone" in reason


def test_a_transform_of_every_second_read_is_found_out_nearly_always(tmp_path: Path) -> None:
    from harness.worker.dataset_inspection import SampleSummary, check_reading_is_repeatable
    from harness.worker.samples import SampleError, read_sample

    found = 0
    for _ in range(40):
        data = Altered(flipping, 12)
        try:
            check_reading_is_repeatable(data, "flipped", [SampleSummary.at(read_sample(data, place), {}) for place in range(12)])
        except SampleError:
            found += 1
    assert found >= 36, f"of 40, each missed once in {2**REREAD_SAMPLES}"


def spoilt(value: float, *places: int) -> Alter:
    def alter(index: int, sample: Sample) -> Sample:
        image = sample.image.clone()
        image[0, 3, 3] = value if index in places else image[0, 3, 3]
        return replace(sample, image=image)

    return alter


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_sample_that_is_not_finite_is_left_out_and_named(tmp_path: Path, value: float) -> None:
    def clean(index: int, sample: Sample) -> Sample:
        return sample

    whole, found = run(tmp_path / "whole", clean, training=clean), run(tmp_path / "bad", spoilt(value, 0, 2), training=clean)
    assert found.failures == []
    assert scores(found) == {key: score for key, score in scores(whole).items() if key[2] not in ("square-0", "square-2")}


def test_what_is_left_out_is_a_note_of_the_facts() -> None:
    facts = taken(spoilt(torch.nan, 2))
    assert facts.notes == ["1 of 8 samples has values that are not finite (NaN or infinite) and has no rows: square-2"]
    assert (facts.positions, facts.left_out) == ([0, 1, 3, 4, 5, 6, 7], [2])
    assert facts.labels == [0, 1, 1, 0, 1, 0, 1]


def taken(alter: Alter, samples: int = 8) -> object:
    from harness.registry.registry import Registry
    from harness.registry.resolve import resolve
    from harness.worker.component_cache import ComponentCache
    from harness.worker.dataset_inspection import dataset_facts

    registry = Registry.discover([])
    registry.add("datasets", "altered", Altered(alter, samples))
    return dataset_facts(ComponentCache(registry), resolve(registry, "datasets", "altered"), {})


def test_where_no_sample_is_finite_there_is_nothing_to_run_on(tmp_path: Path) -> None:
    reason = blocked(run(tmp_path, spoilt(torch.nan, *range(8))))
    assert "has no sample without values that are not finite (NaN or infinite): square-0, square-1, square-2 and 5 more" in reason


def test_training_images_that_are_not_finite_are_passed_over(tmp_path: Path) -> None:
    def clean(index: int, sample: Sample) -> Sample:
        return sample

    found = run(tmp_path, clean, training=spoilt(torch.nan, *range(0, 16, 2)), explainers=["contrast"], nulls=[])
    assert found.failures == []
    assert all(np.isfinite(value) for value in scores(found).values())


@pytest.mark.parametrize(
    ("stretch", "said"),
    [
        (lambda image: image * 255, "divide images by 255"),
        (lambda image: (image - 0.5) / 0.25, "take the normalisation out of the dataset, as models do it themselves"),
    ],
)
def test_images_far_outside_their_range_are_an_error_where_the_model_normalises(
    tmp_path: Path, stretch: Callable[[torch.Tensor], torch.Tensor], said: str
) -> None:
    reason = blocked(run(tmp_path, lambda index, sample: replace(sample, image=stretch(sample.image))))
    assert "images must be in [0, 1], and 8 of 8 are not (sample square-0 from " in reason
    assert said in reason


def test_images_outside_their_range_are_noted_where_the_model_takes_them_as_they_are(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(200, 2))
    model = harness.classifier(network, input_shape=(3, 12, 12))
    found = run(tmp_path, lambda index, sample: replace(sample, image=sample.image * 4 - 2), models=[model], explainers=["slope"])
    assert found.failures == []


def test_a_little_beyond_the_range_is_what_resizing_leaves() -> None:
    facts = taken(lambda index, sample: replace(sample, image=sample.image * 1.04 - 0.02))
    assert facts.outside == ""
    names: Sequence[str] = facts.ids
    assert len(names) == 8


@pytest.mark.parametrize("restless", [0, 15, 31])
def test_samples_from_the_first_to_the_last_are_read_again(restless: int) -> None:
    def alter(index: int, sample: Sample) -> Sample:
        return replace(sample, image=torch.rand(sample.image.shape)) if abs(index - restless) < 4 else sample

    data = Altered(alter, 32)
    looks = [SampleSummary.at(data[place], {}) for place in range(len(data))]
    with pytest.raises(SampleError, match="the dataset mine has another image"):
        check_reading_is_repeatable(data, "mine", looks)
    check_reading_is_repeatable(
        still := Altered(lambda index, sample: sample, 32), "mine", [SampleSummary.at(still[place], {}) for place in range(32)]
    )


def test_more_samples_than_can_be_read_are_refused_before_any_is(tmp_path: Path) -> None:
    def never(index: int, sample: Sample) -> Sample:
        raise AssertionError("it was read")

    reason = blocked(run(tmp_path / "data", never, samples=10**12))
    assert "has 1,000,000,000,000 samples, each of which is read before a run: ask for 10,000,000 at most" in reason


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (lambda i, sample: replace(sample, id="" if i == 2 else sample.id), "a sample whose id is empty: ids have 1 to 500 characters"),
        (lambda i, sample: replace(sample, id=sample.id * 100), "a sample whose id has 800 characters (square-0"),
        (lambda i, sample: replace(sample, image=sample.image[:, :0], mask=None), "sample square-0: image has no pixels: (3, 0, 12)"),
        (
            lambda i, sample: replace(sample, evidence={"masks": sample.mask}),
            'evidence of the kind "mask" is given under that name, not as "masks"',
        ),
    ],
)
def test_samples_that_no_run_folder_can_hold_or_no_metric_find_are_refused(alter: Alter, said: str, tmp_path: Path) -> None:
    assert said in blocked(run(tmp_path, alter))
