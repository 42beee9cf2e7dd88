"""Random draws: their distributions, independence of streams, and the same bits wherever they are drawn."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from harness.api import random_draws
from harness.api.context import Context
from harness.api.philox import StreamKey
from harness.api.random_draws import draw_normal, draw_permutation, draw_uniform
from harness.api.randomness import stream_key

KEYS = [stream_key(0, str(i), "test") for i in range(40)]
DRAWS: dict[str, Callable[[list[StreamKey], str | torch.device], Tensor]] = {
    "uniform": lambda keys, device: draw_uniform(keys, 0, (3, 33, 7), torch.float32, device),
    "uniform of float64": lambda keys, device: draw_uniform(keys, 1, (501,), torch.float64, device),
    "uniform of float16": lambda keys, device: draw_uniform(keys, 2, (501,), torch.float16, device),
    "normal": lambda keys, device: draw_normal(keys, 3, (3, 101, 7), torch.float32, device),
    "normal of float64": lambda keys, device: draw_normal(keys, 4, (5,), torch.float64, device),
    "permutation": lambda keys, device: draw_permutation(keys, 5, 1001, device),
    "long permutation": lambda keys, device: draw_permutation(keys, 6, 2**16 + 3, device),
}


@pytest.fixture
def as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on the CPU is taken for a device on which tensors do all."""
    return lambda: monkeypatch.setattr(random_draws, "_is_host", lambda device: False)


@pytest.mark.parametrize("kind", DRAWS)
def test_bits_are_the_same_by_numpy_and_by_tensors_in_any_batch(kind: str, as_elsewhere: Callable[[], None]) -> None:
    draw = DRAWS[kind]
    together = draw(KEYS[:3], "cpu")
    assert torch.equal(draw([KEYS[1]], "cpu")[0], together[1])
    as_elsewhere()
    assert torch.equal(draw(KEYS[:3], "cpu"), together)


def test_many_threads_draw_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = draw_normal(KEYS[:5], 0, (1000,), torch.float32, "cpu")
    threads = torch.get_num_threads()
    monkeypatch.setattr(random_draws, "WORTH_A_THREAD", 0)
    torch.set_num_threads(3)
    try:
        assert torch.equal(draw_normal(KEYS[:5], 0, (1000,), torch.float32, "cpu"), alone)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.slow
def test_another_device_draws_the_same_and_is_sent_no_numbers() -> None:
    """In a process of its own, since a device stays where it is installed. NumPy may not draw, and only keys and constants are copied."""
    program = """
import numpy as np, torch
from harness.api.context import Context
from tests.support.standin import standin
host = Context(3, ["a", "b"], "test")
expected = [host.noise((3, 40, 50)), host.uniform((3, 40, 50)), host.permutation(6000), host.uniform((6000,), torch.float64)]
device = standin()
here = Context(3, ["a", "b"], "test", device)
from harness.api.philox import _constants
from harness.api.random_draws import _lines_on
_lines_on(device), _constants(torch.empty(0, device=device).device)
def forbidden(*args, **kwargs): raise AssertionError("drawn on the host")
np.random.Philox = torch.Tensor.random_ = torch.rand = torch.randn = torch.randperm = torch.Generator = forbidden
real, largest = torch.from_numpy, []
def watched(array): largest.append(array.size); return real(array)
torch.from_numpy = watched
found = [here.noise((3, 40, 50)), here.uniform((3, 40, 50)), here.permutation(6000), here.uniform((6000,), torch.float64)]
torch.from_numpy = real
assert max(largest) <= 6, largest  # two streams of a key of two words, and their draws
assert all(a.device.type == device.type and torch.equal(a.cpu(), b) for a, b in zip(found, expected, strict=True))
print("the same")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.stdout == "the same\n", done.stderr


def test_numbers_are_these() -> None:
    """On every machine and with every version of what draws them: should one differ, stores hold numbers that nobody can draw again."""
    numbers = [draw(KEYS[:3], "cpu") for draw in DRAWS.values()]
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(each.numpy()).tobytes() for each in numbers)).hexdigest()
    assert digest == "dd5833de93de461421bbe08b1f18721e9b8ecfbe8352be9371ebf224b6015933"


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float64, 53), (torch.float32, 24), (torch.float16, 11), (torch.bfloat16, 8)])
def test_uniform_numbers_are_those_of_their_type_and_below_1(dtype: torch.dtype, digits: int) -> None:
    drawn = draw_uniform(KEYS, 0, (20000,), dtype, "cpu")
    assert drawn.dtype == dtype
    integers = drawn.double() * 2**digits
    assert torch.equal(integers, integers.round())
    assert (integers % 2 == 1).double().mean() == pytest.approx(0.5, abs=0.005), "the last digit is drawn too"
    assert drawn.min() >= 0 and drawn.max() < 1
    if digits >= 24:
        assert stats.kstest(drawn.flatten().double().numpy(), "uniform").pvalue > 1e-3


def test_normal_numbers_are_normal() -> None:
    drawn = draw_normal(KEYS, 0, (50000,), torch.float32, "cpu").flatten().double().numpy()
    assert stats.kstest(drawn, "norm").pvalue > 1e-3
    count = len(drawn)
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert np.mean(drawn**power) == pytest.approx(moment, abs=5 * (variance / count) ** 0.5)
    for bound in (3, 4, 4.5):
        expected = count * 2 * stats.norm.sf(bound)
        assert stats.poisson.cdf((np.abs(drawn) > bound).sum(), expected) == pytest.approx(0.5, abs=0.4999)


def test_normal_numbers_are_the_inverse_of_their_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within 10^-6 in the middle and in the tail, whose greatest probability is 2^-32; the sign is the first bit's."""
    rng = np.random.default_rng(0)
    below = np.concatenate([rng.integers(0, 2**bits, 4000, dtype=np.uint64) for bits in range(1, 32)] + [np.array([2**31 - 1], np.uint64)])
    given = np.concatenate([below, below + np.uint64(2**31)])
    words = given[0::2] | given[1::2] << np.uint64(32)
    monkeypatch.setattr(random_draws, "words_on_host", lambda key, draw, count: words.copy())
    drawn = draw_normal(KEYS[:1], 0, (len(given),), torch.float32, "cpu")[0].double().numpy()
    expected = stats.norm.ppf((below | np.uint64(1)).astype(float) / 2**32)
    np.testing.assert_allclose(drawn, np.concatenate([expected, -expected]), rtol=0, atol=1e-6)
    assert drawn.max() == pytest.approx(6.23026, abs=1e-5)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_all_permutations_are_equally_likely(n: int) -> None:
    drawn = draw_permutation([stream_key(1, str(i), "shuffles") for i in range(12000)], 0, n, "cpu")
    found = Counter(map(tuple, drawn.tolist()))
    assert set(found) == set(permutations(range(n)))
    assert stats.chisquare(list(found.values())).pvalue > 1e-3


@pytest.mark.parametrize("n", [0, 1, 5, 50176, 2**16 + 1])
def test_permutations_have_every_number_once(n: int) -> None:
    drawn = draw_permutation(KEYS[:2], 0, n, "cpu")
    assert drawn.dtype == torch.int64 and torch.equal(drawn.sort(dim=1).values, torch.arange(n).expand(2, n))


def test_equal_keys_leave_numbers_in_their_order(monkeypatch: pytest.MonkeyPatch, as_elsewhere: Callable[[], None]) -> None:
    words = np.array([[7, 2**63, 7, 2**63 + 5, 7]], dtype=np.uint64)  # pieces of 32 bits: 7 0, 0 2^31, 7 0, 5 2^31, 7
    monkeypatch.setattr(random_draws, "words_on_host", lambda key, draw, count: words[0].copy())
    monkeypatch.setattr(random_draws, "words_on_device", lambda keys, draw, count, device: torch.from_numpy(words.view(np.int64)))
    by_numpy = draw_permutation(KEYS[:1], 0, 9, "cpu")[0].tolist()
    as_elsewhere()
    assert by_numpy == draw_permutation(KEYS[:1], 0, 9, "cpu")[0].tolist() == [1, 2, 5, 6, 0, 4, 8, 3, 7]


@pytest.mark.parametrize("at_once", [random_draws.AT_ONCE, 100])
def test_draws_at_once_are_those_of_as_many_calls(at_once: int, as_elsewhere: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(draws: int | None) -> list[Tensor]:
        ctx, found = Context(7, ["a", "b", "c"], "test"), []
        for kind, dtype in ((ctx.noise, torch.float32), (ctx.uniform, torch.float64)):
            kind((4,), dtype)
            found.append(torch.stack([kind((3, 11), dtype) for _ in range(5)]) if draws is None else kind((3, 11), dtype, draws=draws))
        found.append(torch.stack([ctx.permutation(11) for _ in range(5)]) if draws is None else ctx.permutation(11, draws=draws))
        return [*found, ctx.uniform((2,))]

    one_by_one = drawn(None)
    monkeypatch.setattr(random_draws, "AT_ONCE", at_once)
    for _ in range(2):
        assert all(torch.equal(a, b) for a, b in zip(one_by_one, drawn(5), strict=True))
        as_elsewhere()


def test_streams_draws_and_neighbours_are_uncorrelated() -> None:
    """Correlations of 20 000 numbers each are within 5.5 standard errors: between streams, purposes, seeds, draws and neighbours."""
    keys = [stream_key(seed, sample, purpose) for seed in (0, 1) for sample in ("1", "2", "11") for purpose in ("explain/a", "score/a")]
    drawn = torch.cat([draw_uniform(keys, draw, (20001,), torch.float64, "cpu") for draw in (0, 1, 2)])
    rows = torch.cat([drawn[:, 1:], drawn[:, :-1]]).numpy()
    correlations = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
    assert len(correlations) == 72 * 71 / 2 and np.abs(correlations).max() < 5.5 / 20000**0.5


def test_a_context_goes_on_with_its_streams_and_a_fresh_one_begins_again() -> None:
    ctx = Context(7, ["a", "b"], "test")
    first, second = ctx.uniform((4,)), ctx.uniform((4,))
    assert not torch.equal(first, second)
    assert torch.equal(ctx.fresh().uniform((4,)), first)
    assert not torch.equal(ctx.fresh("other").uniform((4,)), first)
    again = ctx.fresh()
    assert torch.equal(again.on("cpu").uniform((4,)), first) and torch.equal(again.uniform((4,)), second), "both go on with one stream"
    assert torch.equal(ctx.select([1, 0, 1]).uniform((4,)), first[[1, 0, 1]])
