import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from harness.worker.mutation_guard import SeenModels
from harness.worker.tensor_checksums import ROW_WORDS, TensorBits, odd_factors, row_sums, take_checksums
from tests.support.changed_tensors import CHANGES, KINDS, KINDS_OF_THE_CPU, holding, is_found, square, turn_last_bit

CPU = torch.device("cpu")


def printed_by(module: str, given: str = "") -> object:
    done = subprocess.run([sys.executable, "-m", module], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def random_row(seed: int = 0) -> Tensor:
    return torch.randint(-(2**31), 2**31, (ROW_WORDS,), dtype=torch.int32, generator=torch.Generator().manual_seed(seed))


def test_sums_are_those_of_whole_numbers_of_any_size() -> None:
    rows = [random_row(seed) for seed in range(3)]
    exact = [sum(a * b for a, b in zip(row.tolist(), odd_factors(CPU).tolist(), strict=True)) % 2**64 for row in rows]
    pieces = [rows[0][:100], rows[0][100:], torch.cat(rows[1:])]
    assert [found % 2**64 for found in row_sums(pieces).tolist()] == exact
    assert [found % 2**64 for found in row_sums([torch.cat(rows)]).tolist()] == exact


def test_no_two_signs_turned_at_once_make_up_for_each_other() -> None:
    """A word's highest bit adds ±2³¹ times its factor: two cancel if their factors or negative factors are alike modulo 2³³."""
    factors = odd_factors(CPU).numpy().astype(np.uint64)
    assert (factors % 2 == 1).all()
    last = np.concatenate([factors, -factors]) % 2**33
    assert len(np.unique(last)) == 2 * ROW_WORDS


def test_sums_differ_for_every_bit_that_is_turned() -> None:
    row = random_row()
    before = row_sums([row]).tolist()
    for place in (0, 1, ROW_WORDS // 2, ROW_WORDS - 1):
        for bit in range(32):
            other = row.clone()
            other[place] ^= -(2**31) if bit == 31 else 1 << bit
            assert row_sums([other]).tolist() != before, (place, bit)


def test_sums_differ_for_another_order() -> None:
    row = random_row()
    others = [row.flip(0), row.roll(1), row[[1, 0, *range(2, ROW_WORDS)]], torch.cat([row[ROW_WORDS // 2 :], row[: ROW_WORDS // 2]])]
    assert row_sums([row]).tolist()[0] not in [row_sums([other]).tolist()[0] for other in others]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_sums_differ_for_turned_signs(dtype: torch.dtype) -> None:
    weight = torch.randn(ROW_WORDS * 4 // dtype.itemsize, generator=torch.Generator().manual_seed(0)).to(dtype)
    some = [weight.clone() for _ in range(3)]
    some[1] *= -1
    some[2][[3, 7]] *= -1
    assert len({row_sums([numbers.view(torch.int32)]).item() for numbers in some}) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_bit_turned_in_memory_is_found(kind: str) -> None:
    tensor = KINDS[kind]()
    assert is_found(holding(tensor), lambda: turn_last_bit(tensor), SeenModels())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS_OF_THE_CPU)
def test_a_value_changed_in_a_tensor_of_several_parts_is_found(kind: str) -> None:
    make, change = KINDS_OF_THE_CPU[kind]
    tensor = make()
    assert is_found(holding(tensor), lambda: change(tensor), SeenModels())


@pytest.mark.parametrize("change", CHANGES)
def test_a_tensor_left_otherwise_is_found(change: Callable[[nn.Module], None]) -> None:
    module = holding(square())
    assert is_found(module, lambda: change(module), SeenModels())


@pytest.mark.slow
def test_all_that_is_found_here_is_found_on_another_device() -> None:
    found = printed_by("tests.support.changed_tensors")
    assert found == dict.fromkeys([*KINDS, *(change.__name__ for change in CHANGES)], True)


def test_tensors_without_content_are_taken_as_they_are() -> None:
    made = [torch.zeros(2, 0), torch.empty(3, device="meta"), nn.LazyLinear(3).weight]
    bits = TensorBits(made)
    assert take_checksums([bits, TensorBits([])]) == [[(), (), ()], []]


def test_places_hold_until_memory_or_its_meaning_changes() -> None:
    tensor = torch.arange(6.0).reshape(2, 3)
    bits = TensorBits([tensor])
    tensor.add_(1)
    assert bits.stay()
    for change in (lambda: tensor.t_(), lambda: tensor.unsqueeze_(0), lambda: setattr(tensor, "data", tensor.data.clone())):
        bits = TensorBits([tensor])
        assert bits.stay()
        change()
        assert not bits.stay()
    assert not TensorBits([torch.arange(6.0)[::2]]).stay()  # what was hashed is a copy


@pytest.mark.slow
def test_a_check_is_a_few_operations_and_one_copy_however_many_tensors_there_are() -> None:
    small, large, wide = printed_by("tests.support.dispatch_counts", json.dumps([[2, 8], [60, 8], [60, 300]]))  # type: ignore[misc]
    assert small["next"] == small["after"] == large["next"] == large["after"] == wide["next"] == wide["after"]
    assert large["next"]["to the host"] == 1
    assert "to the device" not in large["next"]
    assert large["next"]["operation"] <= 13  # three copies of what is given among them
    assert large["next"]["view"] <= 48
    assert large["first"]["operation"] <= 20
    assert large["first"]["to the host"] <= 2
