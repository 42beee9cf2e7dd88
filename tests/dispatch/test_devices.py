"""Which devices are found, what a worker on one is given, and what a device that lacks something is asked."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

import harness
from harness.api import Context, to_float64
from harness.api.randomness import restored_generators, seeded_generators
from harness.dispatch import devices
from harness.dispatch.devices import DeviceError, count_usable_cores, make_slots
from harness.registry.registry import Registry
from harness.worker.accelerators import scoring_device, synchronize
from harness.worker.batching import is_out_of_memory
from harness.worker.component_cache import ComponentCache
from harness.worker.shared_state import SharedState


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without GPUs."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices.shutil, "which", lambda program: None)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    return monkeypatch


def listing(text: str, code: int = 0) -> object:
    """What takes the place of ``subprocess.run``."""
    return lambda command, **options: subprocess.CompletedProcess(command, code, stdout=text)


def test_without_gpus_there_are_workers_that_share_the_cores(bare: pytest.MonkeyPatch) -> None:
    found = make_slots()
    assert {(slot.name, slot.device, slot.environment["CUDA_VISIBLE_DEVICES"]) for slot in found} == {("cpu", "cpu", "")}
    assert len(found) == min(count_usable_cores(), devices.MAX_CPU_WORKERS)
    assert sum(int(slot.environment["OMP_NUM_THREADS"]) for slot in found) <= count_usable_cores()


def test_every_gpu_has_a_worker_that_sees_no_other(bare: pytest.MonkeyPatch) -> None:
    bare.setattr(devices.shutil, "which", lambda program: f"/bin/{program}")
    bare.setattr(devices.subprocess, "run", listing("0\n1\n\n"))
    assert [(slot.name, slot.device, slot.environment["CUDA_VISIBLE_DEVICES"]) for slot in make_slots()] == [
        ("cuda:0", "cuda:0", "0"),
        ("cuda:1", "cuda:0", "1"),
    ]
    bare.setattr(devices.subprocess, "run", listing("No devices were found", 6))
    assert {slot.name for slot in make_slots()} == {"cpu"}


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("3", ["3"]),
        ("MIG-7f2a,GPU-11c0", ["MIG-7f2a", "GPU-11c0"]),  # parts of a GPU, by their names, as whoever set them up made them
        ("", []),
        ("-1", []),
    ],
)
def test_what_the_environment_leaves_visible_is_all_there_is(bare: pytest.MonkeyPatch, visible: str, names: list[str]) -> None:
    bare.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = make_slots()
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in found if slot.device == "cuda:0"] == names
    assert names or {slot.name for slot in found} == {"cpu"}


@pytest.mark.parametrize(("machine", "code", "name"), [("arm64", 0, "mps"), ("arm64", 1, "cpu"), ("x86_64", 0, "cpu")])
def test_a_mac_of_apples_own_make_has_a_gpu_if_it_can_be_used(bare: pytest.MonkeyPatch, machine: str, code: int, name: str) -> None:
    bare.setattr(platform, "system", lambda: "Darwin")
    bare.setattr(platform, "machine", lambda: machine)
    bare.setattr(devices.subprocess, "run", listing("", code))
    devices.has_apple_gpu.cache_clear()
    found = make_slots()
    devices.has_apple_gpu.cache_clear()
    assert {slot.name for slot in found} == {name}
    assert len(found) == 1 or name == "cpu"


def test_several_workers_take_turns_on_the_devices(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert [slot.name for slot in make_slots("auto", 4)] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
    assert [slot.name for slot in make_slots(["cuda:1", "cpu"])] == ["cuda:1", "cpu"]


@pytest.mark.parametrize("name", ["cuda:2", "cuda:x", "cuda:-1", "tpu", "mps", "mps:0", "cpu:5"])
def test_a_device_that_is_not_there_is_named(bare: pytest.MonkeyPatch, name: str) -> None:
    bare.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(DeviceError, match=f"no device '{name}'") as found:
        make_slots([name])
    assert ("this machine has cuda:0, cuda:1" in str(found.value)) == (name == "cuda:2")


def test_what_a_mac_says_of_memory_is_understood() -> None:
    said = "MPS backend out of memory (MPS allocated: 5.05 GB, other allocations: 1.3 GB, max allowed: 6.80 GB)."
    assert is_out_of_memory(RuntimeError(said))
    assert is_out_of_memory(RuntimeError("Invalid buffer size: 19.45 GB"))
    assert not is_out_of_memory(RuntimeError("the memory of an elephant"))


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation' for more information.",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    ],
)
def test_what_a_gpu_says_that_others_fill_is_understood(said: str) -> None:
    assert is_out_of_memory(RuntimeError(said))
    assert not is_out_of_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert not is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`"))


def test_what_is_no_accelerator_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[torch.device] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", waited.append)
    synchronize(torch.device("cpu"))
    synchronize(torch.device("meta"))
    assert waited == []


def test_a_model_without_parameters_is_where_its_buffers_are() -> None:
    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("table", torch.rand(12, 2))

        def forward(self, images: Tensor) -> Tensor:
            return images.flatten(1) @ self.table

    model = harness.classifier(Table(), input_shape=(3, 2, 2))
    assert model.device == torch.device("cpu")
    assert model.to("meta").device.type == "meta"


def test_a_bench_asks_nothing_of_its_device_before_there_is_work() -> None:
    """A run that is wholly cached works without it."""
    assert ComponentCache(Registry.discover([]), "cuda:7").device.index == 7


def test_float64_is_where_the_device_has_it() -> None:
    assert scoring_device(torch.device("cpu")) == torch.device("cpu")
    assert scoring_device(torch.device("meta")).type == "meta"
    assert to_float64(torch.ones(2)).dtype is torch.float64


def test_streams_go_on_when_they_are_put_elsewhere() -> None:
    whole, here = Context(0, ["a", "b"]), Context(0, ["a", "b"])
    there = here.on("meta")
    assert there.uniform((2,)).device.type == "meta"
    whole.uniform((2,))
    assert torch.equal(here.uniform((2,)), whole.uniform((2,)))


@contextmanager
def a_mac(monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.Generator]:
    """The global generator of a GPU that this machine pretends to have."""
    generator = torch.Generator().manual_seed(1)
    with monkeypatch.context() as patch:
        patch.setattr(torch.backends.mps, "is_available", lambda: True)
        patch.setattr(torch.mps, "get_rng_state", generator.get_state)
        patch.setattr(torch.mps, "set_rng_state", generator.set_state)
        yield generator


def test_the_generator_of_a_mac_is_compared_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_mac(monkeypatch) as generator:
        before, state = SharedState(), generator.get_state()
        torch.rand(1, generator=generator)
        assert before.restore() == ["the global generator of mps"]
        assert torch.equal(generator.get_state(), state)
        for block in (restored_generators(), seeded_generators(3)):
            with block:
                torch.rand(1, generator=generator)
            assert torch.equal(generator.get_state(), state)
