"""The reserved argument ``ctx``: randomness that belongs to samples, and training samples."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from harness.api.philox import StreamKey
from harness.api.random_draws import draw_normal, draw_permutation, draw_uniform
from harness.api.randomness import seeded_generators, stream, stream_key, stream_seed

T = TypeVar("T")
NO_TRAINING_SPLIT = "the dataset has no training split; name one with `training:` in the spec's dataset (in Python: `training=`)"


class NoTrainingData(LookupError):
    """The dataset names no training split, so that a component that learns from data cannot run."""


@dataclass
class Context:
    """One call's context: the samples it is about, and the streams that belong to them.

    Each sample has one stream per purpose. Within a context draws continue the stream; a `fresh` context starts it again.

    Attributes:
        seed: the spec's seed.
        ids: the sample id of each row of the batch.
        purpose: names the stream (``explain/<component>``, ``score/<component>``).
        device: where tensors are drawn.
        training: yields ``n`` training images as the model takes them, ``(n, C, H, W)``; None if there are none.
        labelled: yields up to ``n`` training images with their labels as the model's classes; None if there are none.
        memory: what `lasting` has computed.
        maps: how the harness comes by the maps of an explainer that is called with this context: of no use to components.
    """

    seed: int
    ids: Sequence[str]
    purpose: str = "call"
    device: torch.device | str = "cpu"
    training: Callable[[int], Tensor] | None = None
    labelled: Callable[[int], tuple[Tensor, Tensor]] | None = None
    memory: MutableMapping[Hashable, object] = field(default_factory=dict, repr=False)
    maps: Callable[..., Any] | None = field(default=None, repr=False)
    _draws: Iterator[int] = field(default_factory=count, repr=False)
    _generators: dict[int, torch.Generator] = field(default_factory=dict, repr=False)

    def generator(self, i: int) -> torch.Generator:
        """A CPU generator of row ``i``, which goes on from call to call: for what takes a generator. `noise` and the like need none."""
        if i not in self._generators:
            self._generators[i] = stream(self.seed, self.ids[i], self.purpose)
        return self._generators[i]

    def noise(self, shape: Sequence[int], dtype: torch.dtype = torch.float32, draws: int | None = None) -> Tensor:
        """Standard normal ``(B, *shape)``, each row from its own stream; of float32's precision in every type.

        With ``draws``, what so many calls give, at once ``(draws, B, *shape)``: to a device they are one.
        """
        return self._drawn(lambda keys, numbers: draw_normal(keys, numbers, shape, dtype, self.device), draws)

    def uniform(self, shape: Sequence[int], dtype: torch.dtype = torch.float32, draws: int | None = None) -> Tensor:
        """Uniform in [0, 1) ``(B, *shape)``, each row from its own stream; ``draws`` as for `noise`."""
        return self._drawn(lambda keys, numbers: draw_uniform(keys, numbers, shape, dtype, self.device), draws)

    def permutation(self, n: int, draws: int | None = None) -> Tensor:
        """A permutation of ``range(n)`` per row: ``(B, n)`` int64; ``draws`` as for `noise`."""
        return self._drawn(lambda keys, numbers: draw_permutation(keys, numbers, n, self.device), draws)

    @property
    def has_training(self) -> bool:
        """Whether `background` has training images to give: only to a component that declares that it needs or wants ``training-data``."""
        return self.training is not None

    def background(self, n: int) -> Tensor:
        """``n`` training images as the model takes them ``(n, C, H, W)``: the same for every batch, chosen by the spec's seed.

        Raises `NoTrainingData` if the dataset has no training split.
        """
        if self.training is None:
            raise NoTrainingData(NO_TRAINING_SPLIT)
        return self.training(n).to(self.device)

    def training_samples(self, n: int) -> tuple[Tensor, Tensor]:
        """``n`` training images as the model takes them, or all if there are fewer, and their labels as the model's classes.

        ``(n, C, H, W)`` and ``(n,)`` int64, on the CPU: the same for every batch, in an order drawn by the spec's seed. For components that
        declare that they need ``training-labels``. Raises `NoTrainingData` if the dataset has no training split.
        """
        if self.labelled is None:
            raise NoTrainingData(NO_TRAINING_SPLIT)
        return self.labelled(n)

    def lasting(self, key: Hashable, compute: Callable[[], T]) -> T:
        """``compute()``, once for all batches of samples of the same model and training data, for as long as the worker keeps it.

        For what takes long and belongs to no sample, such as a network that is trained. The key names the component and all of its
        parameters that matter; what is computed must not depend on the batch.
        """
        if key not in self.memory:
            self.memory[key] = compute()
        return cast(T, self.memory[key])

    @contextmanager
    def seeded(self, i: int) -> Iterator[None]:
        """Global generators under row ``i``'s seed, restored after: for libraries that draw from them, one sample at a time."""
        with seeded_generators(stream_seed(self.seed, self.ids[i], self.purpose)):
            yield

    def on(self, device: torch.device | str) -> Context:
        """The same streams, going on from where they are, drawn on another device."""
        return replace(self, device=device)

    def fresh(self, purpose: str | None = None) -> Context:
        """The same samples with their streams at the start, under another purpose if one is given."""
        return self._of(self.ids, purpose or self.purpose)

    def select(self, index: Tensor | Sequence[int]) -> Context:
        """A fresh context whose row ``k`` is this one's row ``index[k]``: for batches that repeat or drop samples."""
        rows = index.tolist() if isinstance(index, Tensor) else list(index)
        return self._of([self.ids[i] for i in rows], self.purpose)

    def about(self, ids: Sequence[str]) -> Context:
        """A fresh context of other samples, such as training images that a component compares with."""
        return self._of(ids, self.purpose)

    def _of(self, ids: Sequence[str], purpose: str) -> Context:
        return replace(self, ids=ids, purpose=purpose, _draws=count(), _generators={})

    def _drawn(self, draw: Callable[[Sequence[StreamKey], int | Sequence[int]], Tensor], draws: int | None) -> Tensor:
        if draws is None:
            return draw(self._keys(), next(self._draws))
        numbers = [number for number in islice(self._draws, draws) for _ in self.ids]
        drawn = draw(self._keys() * draws, numbers)
        return drawn.view(draws, len(self.ids), *drawn.shape[1:])

    def _keys(self) -> list[StreamKey]:
        return [stream_key(self.seed, sample, self.purpose) for sample in self.ids]
