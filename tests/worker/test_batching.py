import pytest
import torch

from harness.worker.batching import Batching, BatchSize, OutOfMemory, is_out_of_memory


def sizes(batching: Batching, total: int) -> list[int]:
    return [part.stop - part.start for part, _ in batching.run("key", total, lambda part: part)]


def test_a_fixed_size_is_the_only_one() -> None:
    assert sizes(Batching(fixed=5), 12) == [5, 5, 2]


def test_everything_is_done_once_and_in_order() -> None:
    parts = [part for part, _ in Batching(start=1, limit=8).run("key", 20, lambda part: part)]
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(20))


def test_the_size_doubles_until_that_is_much_slower_and_goes_back_to_the_fastest() -> None:
    size = BatchSize(size=8, limit=128)
    for items, rate, following in [(8, 100, 16), (16, 200, 32), (32, 150, 64), (64, 130, 16)]:
        size.timed(items, items / (rate / 3))
        assert size.size == items
        size.timed(items, items / rate)
        assert size.size == following
    size.timed(16, 16 / 10)
    assert (size.size, size.exploring) == (16, False)


def test_the_limit_is_kept() -> None:
    size = BatchSize(size=8, limit=16)
    for items in (8, 8, 16, 16):
        size.timed(items, 1 / items)
    assert (size.size, size.exploring) == (16, False)


def test_a_batch_holds_no_more_pixels_than_suit_the_device() -> None:
    batching = Batching(start=8, limit=64, pixels=2**19)
    for pixels, most in [(64 * 64, 64), (224 * 224, 8), (512 * 512, 2), (1024 * 1024, 1)]:
        parts = [part.stop - part.start for part, _ in batching.run(pixels, 1000, lambda part: part, pixels)]
        assert max(parts) <= most
        assert parts[0] == min(8, most)


def test_one_slow_batch_does_not_end_the_search() -> None:
    size = BatchSize(size=8, limit=32)
    for items, seconds in [(8, 0.8), (8, 0.8), (16, 9.0), (16, 1.2), (32, 2.0), (32, 9.0)]:
        size.timed(items, seconds)
    assert size.size == 32


def test_a_partial_batch_teaches_nothing() -> None:
    size = BatchSize(size=8, limit=64)
    size.timed(3, 1e-9)
    assert (size.size, size.exploring) == (8, True)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_out_of_memory_halves_until_it_fits_and_remembers(error: Exception) -> None:
    batching, seen = Batching(start=16, limit=64), []

    def step(part: slice) -> None:
        seen.append(part.stop - part.start)
        if part.stop - part.start > 4:
            raise error

    assert [part.stop - part.start for part, _ in batching.run("key", 18, step)] == [4, 4, 4, 4, 2]
    assert max(sizes(batching, 40)) == 4


def test_one_sample_that_does_not_fit_is_out_of_memory() -> None:
    def step(part: slice) -> None:
        raise MemoryError("too much")

    with pytest.raises(OutOfMemory):
        list(Batching().run("key", 3, step))


def test_other_errors_are_not_taken_for_memory() -> None:
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    with pytest.raises(RuntimeError, match="shape"):
        list(Batching().run("key", 3, lambda part: (_ for _ in ()).throw(RuntimeError("shape"))))
