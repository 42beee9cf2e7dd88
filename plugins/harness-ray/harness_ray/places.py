"""From the nodes of a cluster to the places where workers are: one per GPU, or as many as suit a node's CPUs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.api.executors import MAX_CPU_WORKERS, ExecutorError, Slot


@dataclass(frozen=True)
class Node:
    """A machine of the cluster: its id, its address, and what it has in all."""

    id: str
    address: str
    cpus: float
    gpus: float


@dataclass(frozen=True)
class Place(Slot):
    """The place of one worker, and what it claims there: CPUs, and a GPU or a part of one."""

    node: Node
    cpus: float
    gpus: float


class Unit(NamedTuple):
    """A GPU of a node, or a node without regard to its GPUs: what workers are dealt out to."""

    node: Node
    gpu: int | None


def places(nodes: Sequence[Node], devices: Sequence[str] | str, workers: int | str, cpus_per_worker: int | None) -> list[Place]:
    """A place for each worker.

    Args:
        nodes: of the cluster.
        devices: ``auto`` (the GPUs, and without any the CPUs), ``cpu`` or ``cuda``.
        workers: how many in all; ``auto`` is one per GPU, or on CPUs up to 8 a node.
        cpus_per_worker: that a worker on CPUs claims; None shares a node's CPUs out.

    Raises:
        ExecutorError: the devices cannot be chosen so.
    """
    units = _units(nodes, devices)
    auto = [_most(unit, cpus_per_worker) for unit in units]
    counts = auto if workers == "auto" else _dealt(int(workers), auto if cpus_per_worker else [None] * len(units))
    found = zip(units, counts, strict=True)
    on_node = Counter({unit.node.id: 0 for unit in units})
    for unit, count in zip(units, counts, strict=True):
        on_node[unit.node.id] += count
    return [_place(unit, count, on_node[unit.node.id], cpus_per_worker) for unit, count in found for _ in range(count)]


def _units(nodes: Sequence[Node], devices: Sequence[str] | str) -> list[Unit]:
    wanted = {devices} if isinstance(devices, str) else set(devices)
    if len(wanted) > 1 or not wanted <= {"auto", "cpu", "cuda"}:
        said = ", ".join(sorted(wanted))
        raise ExecutorError(
            f"devices {said}: with the executor ray they are `auto`, `cpu` or `cuda`; which of a node's GPUs a worker has is Ray's to say"
        )
    gpus = [Unit(node, index) for node in nodes for index in range(int(node.gpus))]
    return gpus if wanted == {"cuda"} or (wanted == {"auto"} and gpus) else [Unit(node, None) for node in nodes if node.cpus > 0]


def _most(unit: Unit, cpus_per_worker: int | None) -> int:
    if unit.gpu is not None:
        return 1
    return int(unit.node.cpus) // cpus_per_worker if cpus_per_worker else max(1, min(int(unit.node.cpus), MAX_CPU_WORKERS))


def _dealt(workers: int, most: Sequence[int | None]) -> list[int]:
    """How many workers each unit gets when they are dealt out in turn, none more than ``most`` of its own."""
    counts = [0] * len(most)
    while workers:
        open_units = [index for index, limit in enumerate(most) if limit is None or counts[index] < limit]
        for index in open_units[:workers]:
            counts[index] += 1
        workers -= min(workers, len(open_units))
        if not open_units:
            break
    return counts


def _place(unit: Unit, on_unit: int, on_node: int, cpus_per_worker: int | None) -> Place:
    node = unit.node
    share = _rounded(node.cpus / on_node)
    threads = str(max(1, int(cpus_per_worker or share)))
    environment = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    name = f"{node.address}/{node.id[:8]}"
    if unit.gpu is None:
        cpus = cpus_per_worker or (int(share) if share >= 1 else share)
        return Place(f"{name} cpu", "cpu", environment | {"CUDA_VISIBLE_DEVICES": ""}, node, cpus, 0)
    return Place(f"{name} cuda", "cuda:0", environment, node, 1 if share >= 1 else 0, _rounded(1 / on_unit))


def _rounded(share: float) -> float:
    """Down to thousandths: what is shared out must not be more than there is, and Ray counts no finer than ten thousandths."""
    return math.floor(share * 1000) / 1000
