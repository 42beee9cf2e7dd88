"""Samples that are kept: bit for bit those that were made, and made again as soon as anything about them is another."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from harness.api import Sample
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.store.input_files import InputFiles
from harness.worker import stored_inputs
from harness.worker.component_cache import ComponentCache
from harness.worker.inspection import answer_request
from harness.worker.samples import read_sample
from harness.worker.stored_inputs import decode_sample, encode_sample, read_planned
from tests.support.distracted import Distracted
from tests.support.jobs import sample_ref
from tests.support.spec import SMALL

PLUGINS = [SMALL, SMALL.with_name("distracted.py")]


def bits(value: torch.Tensor) -> tuple[Any, ...]:
    """All that could make a difference to what is computed of a tensor."""
    return value.dtype, tuple(value.shape), value.stride(), value.contiguous().view(-1).view(torch.uint8).tolist()


def everything(sample: Sample) -> tuple[Any, ...]:
    return bits(sample.image), sample.label, sample.id, {name: bits(value) for name, value in sample.evidence.items()}


def samples() -> Iterator[Sample]:
    draw = torch.Generator().manual_seed(0)
    levels = torch.randint(0, 256, (3, 7, 5), generator=draw)
    yield Sample(levels / 255, 2, "levels")
    yield Sample(levels * (1 / 255), 2, "nearly levels")
    yield Sample(torch.rand((1, 4, 6), generator=draw), -1, "floats")
    yield Sample(torch.tensor([[[0.0, -0.0, 1.0, 2.0, -1.0, torch.inf, torch.nan]]]), 0, "odd")
    yield Sample((levels.permute(1, 2, 0).contiguous().permute(2, 0, 1) / 255), 0, "channels last")
    yield Sample(torch.rand((9, 9), generator=draw)[None, ::2, ::3].expand(3, -1, -1), 1, "views")
    mask = torch.rand((4, 6), generator=draw) > 0.5
    gaze = torch.rand((3, 4, 6), generator=draw, dtype=torch.float64)
    heat, boxes = torch.arange(24, dtype=torch.int16).reshape(4, 6), torch.tensor([[0.5, 1, 2, 3]])
    others = {"heat": heat, "half": gaze.bfloat16(), "gaze": gaze.permute(1, 2, 0).contiguous().permute(2, 0, 1)}
    yield Sample(torch.rand((1, 4, 6), generator=draw), 3, "évidence / ☃", mask.T.contiguous().T, boxes, others)
    yield Sample(torch.rand((1, 4, 6), generator=draw), 3, "none of several", evidence={"parts": torch.zeros(0, 4, 6, dtype=torch.bool)})


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)
def test_a_sample_that_is_read_is_the_one_that_was_written(sample: Sample) -> None:
    assert everything(decode_sample(encode_sample(sample), sample.id)) == everything(sample)


def test_levels_take_a_byte_each() -> None:
    image = torch.randint(0, 256, (3, 64, 64)) / 255
    assert len(encode_sample(Sample(image, 0, "a"))) < 3 * 64 * 64 + 500


class Bench:
    """What a worker reads samples with, of which all are worth keeping."""

    def __init__(self, folder: Path, **params: Any) -> None:
        registry = Registry.discover(PLUGINS)
        self.components = ComponentCache(registry, input_files=InputFiles(folder / "inputs"))
        self.recipe = resolve(registry, "datasets", {"use": "distracted", "params": params})
        made = Distracted(8, 0)
        self.rows = [sample_ref(place, made[place]) for place in range(8)]
        self.right = [everything(made[place]) for place in range(8)]
        self.read_places: list[int] = []

    def read(self) -> list[tuple[Any, ...]]:
        """All samples, which must be as planned; notes which were made, but for the first, which is each time."""
        self.read_places.clear()
        found = list(read_planned(self.components, self.recipe, self.rows))
        assert all(as_planned for _, as_planned in found)
        assert self.read_places.pop(0) == 0
        return [everything(sample) for sample, _ in found]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)

    def noted(dataset: Any, place: int) -> Sample:
        made.read_places.append(place)
        return read_sample(dataset, place)

    monkeypatch.setattr(stored_inputs, "read_sample", noted)
    monkeypatch.setattr(stored_inputs, "WORTH_KEEPING", 0.0)
    monkeypatch.setattr(stored_inputs._CHOICE, "randrange", lambda _: 0)
    return made


def test_samples_are_made_once(bench: Bench) -> None:
    assert (bench.read(), bench.read_places) == (bench.right, list(range(1, 8)))
    assert (bench.read(), bench.read_places) == (bench.right, [])


def test_what_looked_at_a_dataset_kept_it(bench: Bench) -> None:
    answer_request(bench.components, {"ask": "dataset", "recipe": bench.recipe.to_json(), "known": {}})
    assert (bench.read(), bench.read_places) == (bench.right, [])


def test_how_many_there_are_makes_no_difference(bench: Bench, tmp_path: Path) -> None:
    bench.read()
    bench.recipe = Bench(tmp_path, samples=9).recipe
    assert (bench.read(), bench.read_places) == (bench.right, [])


def test_another_content_or_recipe_is_made(bench: Bench) -> None:
    bench.read()
    other = bench.rows[0]._replace(digest=bench.rows[1].digest)
    assert [planned for _, planned in read_planned(bench.components, bench.recipe, [bench.rows[1], other])] == [True, False]
    recipe = resolve(bench.components.registry, "datasets", {"use": "squares", "params": {"samples": 8}})
    assert not any(planned for _, planned in read_planned(bench.components, recipe, bench.rows))
    assert (bench.read(), bench.read_places) == (bench.right, [])  # nothing of it was kept


@pytest.mark.parametrize(
    "content", [b"", b"x" * 100, save({"image": torch.zeros(3)}), save({"image": torch.zeros(2, 2), "label": torch.tensor(1)})]
)
def test_what_is_no_sample_is_made_again(bench: Bench, content: bytes) -> None:
    bench.read()
    files = bench.components.input_files
    assert files is not None
    keys = [path.name for path in files.folder.rglob("*") if path.is_file()]
    assert len(keys) == 8
    for key in keys:
        files.drop(key)
        files.put(key, content)
    assert (bench.read(), bench.read_places) == (bench.right, list(range(1, 8)))
    assert (bench.read(), bench.read_places) == (bench.right, [])


def test_a_change_that_nobody_hears_of_shows_in_one_that_is_made_anyway(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.read()
    changed, rows = bench.components.dataset(bench.recipe), bench.rows
    monkeypatch.setattr(type(changed), "__getitem__", lambda self, place: Sample(torch.zeros(3, 8, 8), 0, rows[place].sample))
    for chosen in (0, 5):
        monkeypatch.setattr(stored_inputs._CHOICE, "randrange", lambda _, chosen=chosen: chosen)
        planned = [as_planned for _, as_planned in read_planned(bench.components, bench.recipe, rows)]
        assert planned == [place != chosen for place in range(8)]


def test_any_of_them_may_be_the_one_that_is_made_anyway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Bench(tmp_path)
    state = torch.random.get_rng_state(), random.getstate()
    monkeypatch.setattr(stored_inputs, "_stored", lambda components, recipe, row: made.read_places.append(row.position))
    chosen = set()
    for _ in range(200):
        made.read_places.clear()
        list(read_planned(made.components, made.recipe, made.rows))
        chosen |= set(range(8)) - set(made.read_places)
    assert chosen == set(range(8))
    assert (torch.equal(torch.random.get_rng_state(), state[0]), random.getstate() == state[1]) == (True, True)


def test_what_is_made_quickly_is_not_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_inputs, "WORTH_KEEPING", 3600.0)
    bench.read()
    assert (bench.read(), bench.read_places) == (bench.right, list(range(1, 8)))


def test_a_sample_with_other_evidence_is_another(bench: Bench) -> None:
    bench.read()
    rows = [row._replace(evidence=tuple((kind, "other") for kind, _ in row.evidence)) for row in bench.rows]
    bench.read_places.clear()
    found = list(read_planned(bench.components, bench.recipe, rows))
    assert bench.read_places == list(range(8)) and not any(as_planned for _, as_planned in found)
