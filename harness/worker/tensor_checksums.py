"""Checksums of the bits of many tensors at once: a few operations on their device, and one fetch from it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import numpy as np
import torch
import xxhash
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

ROW_WORDS = 4096  # words of 32 bits in a row, of which one sum is taken
CHUNK_ROWS = 4096  # rows, of 16 KiB, that are copied at a time
_BY_ROWS, _BY_COLUMNS = ("crow_indices", "col_indices", "values"), ("ccol_indices", "row_indices", "values")
_SPARSE_PARTS = {  # by layout, the methods that tell what such a tensor consists of
    torch.sparse_coo: ("_indices", "_values"),
    torch.sparse_csr: _BY_ROWS,
    torch.sparse_bsr: _BY_ROWS,
    torch.sparse_csc: _BY_COLUMNS,
    torch.sparse_bsc: _BY_COLUMNS,
}
_KIND = attrgetter("layout", "dtype", "shape")
_Group = tuple[torch.device, torch.dtype]  # where rows are, and what their pieces are made of: words, or bytes that are not whole words
_Share = memoryview | tuple[_Group, int, int]  # of a tensor: bytes in main memory, or so many rows of a group from one on

Checksums = list[tuple[object, ...]]  # of each tensor: of all that it consists of


class TensorBits:
    """The places of tensors' bits: found once, and good for any number of looks while the tensors stay there.

    Args:
        tensors: of any shape, dtype, layout and device; those of the device ``meta``, and those not yet initialised, have no bits.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self._tensors = list(tensors)
        self._places = [_place(tensor) for tensor in self._tensors]
        self._lasting = all(isinstance(place[0], int) for place in self._places)
        self.rows = 0
        self._chunks: defaultdict[_Group, list[list[Tensor]]] = defaultdict(list)
        self._sizes: defaultdict[_Group, list[int]] = defaultdict(list)  # rows of each chunk
        self._shares: list[list[_Share]] = []
        for tensor in self._tensors:
            with torch._C.DisableTorchFunctionSubclass():
                parts = list(_flat_parts(tensor))
                self._lasting = self._lasting and parts[0].data_ptr() == tensor.data_ptr()  # else it is a copy
                self._shares.append([self._share(part) for part in parts if part.numel()])
        self._forms = _forms(self._tensors) if self._lasting else []

    def stay(self) -> bool:
        """Whether the tensors are where they were. What was copied to be looked at never stays."""
        return self._lasting and _forms(self._tensors) == self._forms

    def described(self) -> list[tuple[object, ...]]:
        """What is to be compared of each tensor besides its checksum; strides of axes of one entry mean nothing."""
        return [
            (*place[3:], place[0], place[1], [stride for stride, size in zip(place[2], place[1], strict=True) if size != 1])
            if isinstance(place[0], int)
            else place
            for place in self._places
        ]

    def row_sums(self) -> list[Tensor]:
        """The sums of all rows that are not in main memory, on their devices."""
        return [row_sums(pieces) for chunks in self._chunks.values() for pieces in chunks]

    def checksums(self, sums: bytes) -> list[tuple[object, ...]]:
        """What tells one content of each tensor from another, given the `row_sums` as they are in memory."""
        starts, start = {}, 0
        for group, sizes in self._sizes.items():
            starts[group] = start
            start += sum(sizes)

        def checksum(share: _Share) -> object:
            if isinstance(share, memoryview):
                return xxhash.xxh3_64_intdigest(share)
            first = starts[share[0]] + share[1]
            return sums[8 * first : 8 * (first + share[2])]

        return [tuple(map(checksum, shares)) for shares in self._shares]

    def _share(self, part: Tensor) -> _Share:
        if part.is_cpu:
            return part.view(torch.uint8).numpy().data
        size = part.element_size()
        unit = torch.uint8 if part.numel() * size % 4 or part.storage_offset() * size % 4 else torch.int32
        group, row = (part.device, unit), ROW_WORDS * 4 // unit.itemsize
        chunks, sizes = self._chunks[group], self._sizes[group]
        first = sum(sizes)
        for piece in torch.split(part.view(unit), row * CHUNK_ROWS):
            count = math.ceil(len(piece) / row)
            if not chunks or sizes[-1] + count > CHUNK_ROWS:
                chunks.append([])
                sizes.append(0)
            chunks[-1] += [piece, _zeros(*group)[: count * row - len(piece)]] if len(piece) % row else [piece]
            sizes[-1] += count
        self.rows += sum(sizes) - first
        return group, first, sum(sizes) - first


def take_checksums(several: Sequence[TensorBits]) -> list[Checksums]:
    """For each of several the checksums of its tensors, in which the order of their values counts.

    What is in main memory is hashed there. Elsewhere a sum is taken of each row of 16 KiB of a tensor, of its words times odd numbers of
    their own, modulo 2⁶⁴ (multilinear hashing; Carter and Wegman, 1979): any change of one word changes it, and one of many words fails to
    for at most 2⁻³² of all such numbers. All sums are fetched in one copy, whatever has how many models.
    """
    found = [bits.row_sums() for bits in several]
    away = [sums for some in found for sums in some]
    fetched = torch.cat([sums.to(away[0].device) for sums in away]).cpu().numpy().tobytes() if away else b""
    checksums, start = [], 0
    for bits in several:
        checksums.append(bits.checksums(fetched[8 * start : 8 * (start + bits.rows)]))
        start += bits.rows
    return checksums


def row_sums(pieces: list[Tensor]) -> Tensor:
    """``(rows,)`` sums of words of 32 bits, each times its factor, modulo 2⁶⁴; of pieces that together are whole rows."""
    words = (pieces[0] if len(pieces) == 1 else torch.cat(pieces)).view(torch.int32).view(-1, ROW_WORDS)
    return (words * odd_factors(words.device)).sum(dim=1)


@cache
def odd_factors(device: torch.device) -> Tensor:
    """``(ROW_WORDS,)`` the odd numbers of 64 bits that words are multiplied by, the same in every process."""
    numbers = np.random.default_rng(0).integers(-(2**63), 2**63, ROW_WORDS, dtype=np.int64)
    return torch.from_numpy(numbers | 1).to(device)


@cache
def _zeros(device: torch.device, unit: torch.dtype) -> Tensor:
    """What fills up a row."""
    return torch.zeros(ROW_WORDS * 4 // unit.itemsize, dtype=unit, device=device)


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is one piece of memory, and is read as it is."""
    return (
        type(tensor) in (Tensor, nn.Parameter)
        and tensor.layout == torch.strided
        and not (tensor.is_quantized or tensor.is_meta or tensor.is_nested)
    )


def _forms(tensors: Sequence[Tensor]) -> list[list[Any]]:
    """The places of plain tensors, found fast: a list for each thing that is to be known of them."""
    asked = (type, _KIND, Tensor.data_ptr, Tensor.stride, Tensor.is_conj, Tensor.is_neg)
    return [list(map(ask, tensors)) for ask in asked]


def _place(tensor: Tensor) -> tuple[Any, ...]:
    """Where a tensor's bits are, and how they are read."""
    if _is_plain(tensor):
        return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device, tensor.is_conj(), tensor.is_neg()
    if is_lazy(tensor):
        return (type(tensor),)
    return type(tensor), tensor.layout, tensor.dtype, tensor.device, None if tensor.is_nested else tensor.shape


def _flat_parts(tensor: Tensor) -> Iterator[Tensor]:
    """The ``(n,)`` plain tensors whose bits are those of a tensor; views of it where its memory has no gaps."""
    if is_lazy(tensor) or tensor.is_meta:
        return
    tensor = tensor.detach()
    if is_traceable_wrapper_subclass(tensor):
        inner = [getattr(tensor, name) for name in tensor.__tensor_flatten__()[0]]
    elif tensor.layout in _SPARSE_PARTS:
        inner = [getattr(tensor, name)() for name in _SPARSE_PARTS[tensor.layout]]
    elif tensor.is_nested:
        inner = [tensor.values(), tensor._nested_tensor_size()]
    elif tensor.layout != torch.strided:
        inner = [tensor.to_dense()]
    elif tensor.is_quantized:
        inner = [tensor.int_repr(), *_quantizer(tensor)]
    else:
        yield _in_memory_order(tensor.resolve_conj().resolve_neg())
        return
    for part in inner:
        yield from _flat_parts(part)


def _quantizer(tensor: Tensor) -> list[Tensor]:
    if tensor.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return [torch.tensor([tensor.q_scale(), tensor.q_zero_point()], dtype=torch.float64)]
    return [tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()]


def _in_memory_order(tensor: Tensor) -> Tensor:
    """``(n,)`` the values as memory has them (the strides tell which is which), or a copy by rows where it has gaps or repeats."""
    if not tensor.is_contiguous():
        turned = tensor.permute(sorted(range(tensor.dim()), key=tensor.stride, reverse=True))
        tensor = turned if turned.is_contiguous() else tensor.contiguous()
    return tensor.reshape(-1)
