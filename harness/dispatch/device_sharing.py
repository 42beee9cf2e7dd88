"""Several workers on one accelerator: how many, decided by what they say of it when they finish jobs.

One more is started while the device idles, cores are free, its memory would hold one more and enough is left to do. It is the first thing
that is given up where memory runs out. What a worker computes does not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.dispatch.devices import Slot
from harness.dispatch.events import DeviceUsage, JobFinished, WorkersDecided
from harness.dispatch.worker_handle import WorkerHandle
from harness.text_format import format_count

MIN_IDLE = 0.4  # share of the time that a device must idle for one more worker
MAX_MEMORY = 0.8  # share of a device's memory that workers may come to need
MAX_WORKERS = 8  # of one device
MIN_OBSERVED = 2.0  # seconds of jobs of each worker, its first left out, before anything is decided
CONTEXT_MEMORY = 2**29  # bytes that a process has on a GPU besides its tensors: the driver's context and loaded kernels


@dataclass
class Observed:
    """Measurements of a worker's jobs since the number of workers of its device changed; its first, which warms it up, left out.

    Attributes:
        jobs, seconds: of jobs; processor_seconds: of its threads meanwhile; busy_seconds: in which the device worked.
        wide: whether these are of all that work on the device.
        peak: bytes of the device that it had at most; memory: bytes that there are.
    """

    jobs: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    busy_seconds: float = 0.0
    wide: bool = False
    peak: int = 0
    memory: int = 0

    def add(self, finished: JobFinished, usage: DeviceUsage) -> None:
        """Count a job in."""
        self.jobs += 1
        self.seconds += finished.seconds
        self.processor_seconds += finished.processor_seconds
        self.busy_seconds += usage.busy * finished.seconds
        self.wide, self.memory = usage.wide, usage.memory
        self.peak = max(self.peak, usage.peak)


@dataclass(frozen=True)
class Host:
    """Resources of the machine for workers.

    Attributes:
        cores: that may be used.
        workers: on all devices.
        readers: processes that read ahead for each.
    """

    cores: int
    workers: int
    readers: int


@dataclass(frozen=True)
class WorkerDecision:
    """Decision whether a device gets one more worker, with its reason in words."""

    more: bool
    reason: str


def busy_share(workers: Sequence[Observed]) -> float:
    """Share of the time in which a device works: as seen on the device, or the sum of what its workers see of themselves; at most 1."""
    shares = [worker.busy_seconds / worker.seconds for worker in workers]
    together = sum(shares) / len(shares) if all(worker.wide for worker in workers) else sum(shares)
    return min(1.0, together)


def decide(workers: Sequence[Observed], host: Host, waiting: int, start_seconds: float) -> WorkerDecision:
    """Whether a device with these workers gets one more, with so many jobs that wait; starting one takes ``start_seconds``."""
    count, busy = len(workers), busy_share(workers)
    seconds, jobs = sum(worker.seconds for worker in workers), sum(worker.jobs for worker in workers)
    saved = waiting * seconds / jobs / (count * (count + 1))  # what n workers take less what n + 1 take
    threads = max(1.0, sum(worker.processor_seconds for worker in workers) / seconds)
    cores = (host.workers + 1) * (threads + host.readers)
    need, memory = (count + 1) * (max(worker.peak for worker in workers) + CONTEXT_MEMORY), workers[0].memory
    if 1 - busy <= MIN_IDLE:
        return WorkerDecision(False, f"it was busy {busy:.0%} of the time")
    idle = f"it was idle {1 - busy:.0%} of the time"
    if count >= MAX_WORKERS:
        return WorkerDecision(False, f"{idle}, and has the most workers that a device gets")
    if cores > host.cores:
        return WorkerDecision(False, f"{idle}, but one more worker would need {cores:.0f} of {format_count(host.cores, 'core')}")
    if need > MAX_MEMORY * memory:
        return WorkerDecision(False, f"{idle}, but one more worker could need {need / 2**30:.1f} of its {memory / 2**30:.1f} GiB")
    if saved <= start_seconds:
        return WorkerDecision(False, f"{idle}, but one more worker would save less than the {start_seconds:.0f} s that its start takes")
    return WorkerDecision(True, f"{idle}; {count + 1} workers need {need / 2**30:.1f} of its {memory / 2**30:.1f} GiB")


@dataclass
class DeviceSharing:
    """The slots of a machine, of which there may come to be more and fewer.

    Attributes:
        slots: one per worker.
        cores: of the machine.
        grows: whether more may come to be than there are.
        reads_ahead: whether each worker has a process that does.
    """

    slots: list[Slot]
    cores: int
    grows: bool
    reads_ahead: bool
    _observed: dict[WorkerHandle, Observed] = field(default_factory=dict)
    _warm: dict[WorkerHandle, float] = field(default_factory=dict)  # seconds from a worker's start until it was at its first job's work
    _final: set[str] = field(default_factory=set)  # devices that get no more
    _told: set[str] = field(default_factory=set)  # devices of which it was said whether they get more
    _given_up: set[WorkerHandle] = field(default_factory=set)

    def begun(self, worker: WorkerHandle, workers: Sequence[WorkerHandle]) -> None:
        """A worker has been started beside these: who has an accelerator together cannot be blamed for lacking its memory."""
        name = worker.slot.name
        others = [other for other in workers if other is not worker and other.slot.name == name != "cpu"]
        for each in (worker, *others) if others else ():
            each.share_device()

    def finished(self, worker: WorkerHandle, job: JobFinished, workers: Sequence[WorkerHandle], waiting: int) -> Iterator[WorkersDecided]:
        """Take in what a worker says of a job that it has done, and decide once all of its device have said enough."""
        name, usage = worker.slot.name, job.usage
        if usage is None or not self.grows or name in self._final:
            return
        if worker not in self._warm:
            self._warm[worker] = worker.start_seconds + job.phases.get("load", 0.0)
            return
        self._observed.setdefault(worker, Observed()).add(job, usage)
        here = [each for each in workers if each.slot.name == name]
        seen = [found for each in here if (found := self._observed.get(each)) is not None and found.seconds >= MIN_OBSERVED]
        if len(seen) < self._count(name) or not waiting:
            return
        host = Host(self.cores, len(self.slots), int(self.reads_ahead))
        verdict = decide(seen, host, waiting, max(self._warm[each] for each in here))
        if verdict.more:
            self.slots.append(worker.slot)
            for each in here:
                del self._observed[each]
        if verdict.more or name not in self._told:
            self._told.add(name)
            yield WorkersDecided(job=job.job, device=name, workers=self._count(name), reason=verdict.reason)

    def lacked_memory(self, worker: WorkerHandle, job: str) -> Iterator[WorkersDecided]:
        """Give up the place of a worker that lacked memory, if it is not the only one on its device, which then gets no more."""
        name = worker.slot.name
        if not worker.shares_device or worker in self._given_up:
            return
        self._given_up.add(worker)
        self._final.add(name)
        if self._count(name) > 1:
            self.slots.remove(worker.slot)
            yield WorkersDecided(job=job, device=name, workers=self._count(name), reason="memory ran out")

    def _count(self, name: str) -> int:
        return sum(slot.name == name for slot in self.slots)
