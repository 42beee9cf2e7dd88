"""Values that metrics compute of samples whatever the explainer: kept in memory up to a bound, the small ones in the store too."""

from __future__ import annotations

import contextlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import torch
from torch import Tensor

from harness.api.transfer import sent
from harness.api.unexplained import Unexplained
from harness.planning.jobs import SampleRef
from harness.registry.canonical_json import json_digest
from harness.store.map_files import SampleKey
from harness.store.shared_values import StoredArray
from harness.store.store import Store, StoreError
from harness.worker.shared_state import arithmetic_state
from harness.worker.timing import span

MAX_KEPT_BYTES = 2**28  # of values in memory; what was used longest ago goes first
MAX_STORED_BYTES = 2**15  # of one sample's value in the store, where it is compressed: of logits and superpixels, not of changed inputs
MAX_COMPRESSED_BYTES = 2**20  # of one sample's value that may be small in the store
STORED_DTYPES = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32, torch.float64)
LABEL = "shared by explainers"


class SharedValues:
    """Values of samples by group and sample, on the device where they were computed, as long as they fit into ``limit`` bytes.

    They lie in blocks, as they were computed: those of the rows of one job, of which a next one on the same rows takes all.
    """

    def __init__(self, limit: int = MAX_KEPT_BYTES) -> None:
        self._limit, self._size, self._numbers = limit, 0, count()
        self._blocks: OrderedDict[int, tuple[str, Sequence[SampleKey], Tensor]] = OrderedDict()
        self._places: dict[tuple[str, SampleKey], tuple[int, int]] = {}  # the block and the row in it

    def find(self, group: str, samples: Sequence[SampleKey]) -> dict[SampleKey, Tensor]:
        """The values of these samples that are kept."""
        places = {sample: place for sample in samples if (place := self._places.get((group, sample))) is not None}
        for number, _ in places.values():
            self._blocks.move_to_end(number)
        return {sample: self._blocks[number][2][row] for sample, (number, row) in places.items()}

    def keep(self, group: str, samples: Sequence[SampleKey], values: Tensor) -> None:
        """Keep values ``(N, …)``; none that alone are more than the bound."""
        if _size_of(values) > self._limit:
            return
        number = next(self._numbers)
        self._blocks[number] = (group, samples, values)
        self._places.update({(group, sample): (number, row) for row, sample in enumerate(samples)})
        self._size += _size_of(values)
        while self._size > self._limit:
            oldest, (of, gone, dropped) = self._blocks.popitem(last=False)
            self._size -= _size_of(dropped)
            for sample in gone:
                if self._places[of, sample][0] == oldest:
                    del self._places[of, sample]

    def clear(self) -> None:
        """Keep nothing: the memory is needed."""
        self._blocks.clear()
        self._places.clear()
        self._size = 0

    def blocks(self) -> Iterator[tuple[str, Sequence[SampleKey], Tensor]]:
        """All that is kept, in the order in which it was used."""
        yield from self._blocks.values()


@dataclass
class JobSharing:
    """A `harness.api.unexplained.Sharing` for one metric of a job; what it computes is shared once the metric has done no harm.

    Attributes:
        of: all that values depend on but their key, the sample, its target and code.
        code: version of the code that computes them, for the store; within a process those of one plugin share whatever theirs is.
        names: the samples of the job by their ids, the class that is explained in the place of the digest's end.
        kept: values that metrics before it have left.
        store: where small ones are.
        about: the samples that are asked about; of any others nothing is shared.
        fresh: values that this metric has computed.
        untouched: what `_state_of` says of those samples as long as nobody has written into them.
    """

    of: Sequence[object]
    code: str
    names: Mapping[str, SampleKey]
    kept: SharedValues
    store: Store
    about: Unexplained | None = None
    fresh: SharedValues = field(default_factory=lambda: SharedValues(sys.maxsize))
    untouched: object = None

    def share(self, about: Unexplained) -> None:
        """Share what is asked about these samples from now on, as long as they and the arithmetic of the process are as they are now."""
        self.about, self.untouched = about, _state_of(about)

    def __call__(self, key: str, asked: Unexplained, compute: Callable[[Unexplained], Tensor]) -> Tensor:
        """As of `Sharing`; raises ``ValueError`` where the form of a sample's value depends on its batch."""
        if self.about is None or not asked.is_same(self.about) or _state_of(asked) != self.untouched:
            return compute(asked)
        samples = [self.names[sample] for sample in asked.ctx.ids]
        known = self._known(key, samples, asked.images.device)
        missing = [row for row, sample in enumerate(samples) if sample not in known]
        if missing:
            computed = compute(self._part(asked, missing)).detach()
            values = computed.to(asked.images.device, copy=True, memory_format=torch.contiguous_format)
            self.fresh.keep(key, [samples[row] for row in missing], values)
            known.update(zip([samples[row] for row in missing], values, strict=True))
        if len({_form_of(value) for value in known.values()}) > 1:
            raise ValueError(f"what all explainers share under {key} has another shape or type in another batch")
        return torch.stack([known[sample] for sample in samples])

    def _known(self, key: str, samples: Sequence[SampleKey], device: torch.device) -> dict[SampleKey, Tensor]:
        group = self._group(key)
        known = self.kept.find(group, samples) | self.fresh.find(key, samples)
        missing = [sample for sample in samples if sample not in known]
        if missing:
            with span("store", "read"), contextlib.suppress(StoreError):  # what cannot be read is computed
                for stored in self.store.shared(self._stored_group(key), missing):
                    values = sent(torch.from_numpy(stored.values), device)
                    self.kept.keep(group, stored.samples, values)
                    known.update(zip(stored.samples, values, strict=True))
        return known

    def _part(self, asked: Unexplained, rows: Sequence[int]) -> Unexplained:
        """Some of the rows, which share what is asked of them in turn."""
        if len(rows) == len(asked.images):
            return asked
        sharing = replace(self)
        part = asked.take(rows, sharing)
        sharing.share(part)
        return part

    def _group(self, key: str) -> str:
        return json_digest(["shared", *self.of, key])

    def _stored_group(self, key: str) -> str:
        return json_digest(["shared", *self.of, self.code, key])

    def settle(self, component: str, storable: bool) -> Callable[[], None]:
        """Share what was computed from now on; returns what stores the small of it, as far as that can be done, for this component."""
        blocks = list(self.fresh.blocks())
        for key, samples, values in blocks:
            self.kept.keep(self._group(key), samples, values)
        small = [block for block in blocks if storable and _may_be_stored(block[2])]

        def write() -> None:
            with contextlib.suppress(StoreError):  # nothing is lost but time
                for key, samples, values in small:
                    group = self._stored_group(key)
                    if self.store.commit_shared(group, StoredArray(samples, values.cpu().numpy()), MAX_STORED_BYTES):
                        self.store.describe(group, {"component": component, "label": LABEL, "scores": {}})

        return write


def names_of(rows: Sequence[SampleRef], targets: Sequence[int]) -> dict[str, SampleKey]:
    """The names of samples that are explained for these classes, by their ids."""
    return {row.sample: (row.sample, f"{row.digest} {target}") for row, target in zip(rows, targets, strict=True)}


def _state_of(samples: Unexplained) -> tuple[object, ...]:
    """What shows that somebody has written into samples, or computes otherwise for a while."""
    written = [None if tensor.is_inference() else tensor._version for tensor in (samples.images, samples.targets)]
    return *written, *arithmetic_state()


def _may_be_stored(values: Tensor) -> bool:
    return values.dtype in STORED_DTYPES and _size_of(values[:1]) <= MAX_COMPRESSED_BYTES


def _form_of(value: Tensor) -> tuple[torch.dtype, torch.Size]:
    return value.dtype, value.shape


def _size_of(values: Tensor) -> int:
    return values.numel() * values.element_size()
