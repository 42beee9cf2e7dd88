"""Buffers of every kind, and ways to change their bits that raise no version counter, or that leave much as it was.

As a program it prints which of the changes a guard finds on the stand-in for a GPU (a process of its own, see `tests.support.elsewhere`).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from harness.worker.mutation_guard import MutationError, SeenModels, forbid_changes


def _numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _sparse(layout: torch.layout, **options: Any) -> Callable[[], Tensor]:
    return lambda: (torch.eye(4) * _numbers(4, 4)).to_sparse(layout=layout, **options)


def _quantised() -> Tensor:
    return torch.quantize_per_tensor(_numbers(8), 0.1, 0, torch.qint8)


def _per_channel() -> Tensor:
    return torch.quantize_per_channel(_numbers(2, 4), torch.tensor([0.1, 0.2]), torch.tensor([0, 0]), 0, torch.qint8)


def _jagged() -> Tensor:
    return torch.nested.nested_tensor([_numbers(2), _numbers(3)], layout=torch.jagged)


def _with_payload() -> Tensor:
    return torch.tensor([0x7FC00001], dtype=torch.int32).view(torch.float32)


KINDS: dict[str, Callable[[], Tensor]] = {
    "float32": lambda: _numbers(5, 3),
    "one number": lambda: torch.tensor(3.5),
    "half of odd length": lambda: _numbers(7).half(),
    "bfloat16": lambda: _numbers(8).bfloat16(),
    "float64": lambda: _numbers(4).double(),
    "float8": lambda: _numbers(5).to(torch.float8_e4m3fn),
    "bool": lambda: _numbers(9) > 0,
    "int64": lambda: torch.arange(5),
    "complex64": lambda: torch.complex(_numbers(3), _numbers(3)),
    "conjugate": lambda: torch.complex(_numbers(3), _numbers(3)).conj(),
    "imaginary part of a conjugate": lambda: torch.complex(_numbers(3), _numbers(3)).conj().imag,
    "channels last": lambda: _numbers(2, 3, 4, 4).to(memory_format=torch.channels_last),
    "with gaps": lambda: _numbers(6, 6)[::2, 1::2],
    "one row repeated": lambda: _numbers(1, 4).expand(3, 4),
    "from within": lambda: _numbers(9).half()[1:],
    "longer than a row": lambda: _numbers(5000),
    "longer than a chunk": lambda: torch.zeros(4096 * 4096 + 5),
}


def holding(tensor: Tensor) -> nn.Module:
    """A model of one buffer."""
    module = nn.Module()
    module.register_buffer("held", tensor)
    return module


def turn_last_bit(tensor: Tensor) -> None:
    """Turn the last bit of the last number in memory, by a way of which the tensor knows nothing."""
    content = torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(tensor.untyped_storage())
    last = tensor.storage_offset() + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    content[last * tensor.element_size()] ^= 1


def add_to_values(tensor: Tensor) -> None:
    """Change the last of the values that a tensor of several parts has."""
    values = tensor._values() if tensor.layout == torch.sparse_coo else tensor.values()
    values.data.flatten()[-1] += 1


KINDS_OF_THE_CPU: dict[str, tuple[Callable[[], Tensor], Callable[[Tensor], object]]] = {
    "sparse": (_sparse(torch.sparse_coo), add_to_values),
    "sparse by rows": (_sparse(torch.sparse_csr), add_to_values),
    "sparse by columns": (_sparse(torch.sparse_csc), add_to_values),
    "sparse in blocks": (_sparse(torch.sparse_bsr, blocksize=(2, 2)), add_to_values),
    "quantised": (_quantised, turn_last_bit),
    "quantised by channel": (_per_channel, turn_last_bit),
    "of another layout": (lambda: _numbers(3, 4).to_mkldnn(), lambda tensor: tensor.mul_(2)),
    "jagged": (_jagged, add_to_values),
}


def write_through_data(module: nn.Module) -> None:
    module.held.data[1, 1] += 1


def turn(module: nn.Module) -> None:
    module.held.t_()


def swap_two(module: nn.Module) -> None:
    module.held.data[0], module.held.data[1] = module.held[1].clone(), module.held[0].clone()


def turn_two_signs(module: nn.Module) -> None:
    module.held.data[1, :2] *= -1


def turn_all_signs(module: nn.Module) -> None:
    module.held.data *= -1


def read_otherwise(module: nn.Module) -> None:
    module.held.data = module.held.view(torch.int32)


def move(module: nn.Module) -> None:
    module.held.data = module.held.data.clone()


def replace(module: nn.Module) -> None:
    module.held = module.held.clone()


def remove(module: nn.Module) -> None:
    del module.held


def add(module: nn.Module) -> None:
    module.register_buffer("more", torch.zeros(1, device=module.held.device))


def shorten(module: nn.Module) -> None:
    module.held.resize_(2, 4)


def set_nan(module: nn.Module) -> None:
    module.held.view(torch.int32)[0, 0] = 0x7FC00001


CHANGES: list[Callable[[nn.Module], None]] = [
    *(write_through_data, turn, swap_two, turn_two_signs, turn_all_signs, read_otherwise),
    *(move, replace, remove, add, shorten, set_nan),
]


def square() -> Tensor:
    """What is changed: zeros of one sign would hide a turned sign, and an unlucky NaN its payload."""
    numbers = _numbers(4, 4)
    numbers[0, 0] = torch.nan
    return numbers


def is_found(module: nn.Module, change: Callable[[], object], seen: SeenModels) -> bool:
    """Whether a guard that has seen the model before finds a change, and finds none before it."""
    for _ in range(2):
        with forbid_changes(module, seen=seen):
            pass
    try:
        with forbid_changes(module, seen=seen):
            change()
    except MutationError as error:
        return "the buffer" in str(error)
    return False


def main() -> None:
    """``{what is changed: whether it is found}``."""
    from tests.support.standin import standin

    device, found = standin(), {}
    warnings.filterwarnings("ignore")
    for name, make in KINDS.items():
        tensor = _moved(make(), device)
        found[name] = is_found(holding(tensor), lambda tensor=tensor: turn_last_bit(tensor), SeenModels())
    for change in CHANGES:
        module = holding(square().to(device))
        found[change.__name__] = is_found(module, lambda change=change, module=module: change(module), SeenModels())
    print(json.dumps(found))


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor with its memory's gaps, which copying from device to device would close."""
    content = torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage()).to(device)
    there = torch.empty(0, dtype=tensor.dtype, device=device)
    return there.set_(content.untyped_storage(), tensor.storage_offset(), tensor.shape, tensor.stride())


if __name__ == "__main__":
    main()
