"""Networks that are made of a classifier's own and kept as long as it is: made once, whatever the metric, the batch and the explainer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

from torch import nn

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier

MAX_KEPT = 8  # of each classifier: the one used longest ago goes


class HoldsNetwork(Protocol):
    """A classifier, or something else that is made around a network."""

    @property
    def module(self) -> nn.Module:
        """The network, which whoever takes it leaves as it is."""
        ...


Kept = TypeVar("Kept", bound=HoldsNetwork)
_kept: WeakKeyDictionary[Classifier, OrderedDict[Hashable, HoldsNetwork]] = WeakKeyDictionary()
_watchers: list[Callable[[nn.Module], object]] = []


def kept_network(model: Classifier, key: Hashable, make: Callable[[], Kept]) -> Kept:
    """``make()``, once for each model and key, and forgotten with the model; the key names the component and all that decides.

    Who takes one may have it explained, and leaves it as it is: a component that does not is found out, as one that changes the model.
    What is made must not refer to the model itself, which it would keep alive.
    """
    kept = _kept.setdefault(model, OrderedDict())
    if key not in kept:
        made = make()
        while len(kept) >= MAX_KEPT:
            kept.popitem(last=False)
        kept[key] = made
    kept.move_to_end(key)
    for watcher in _watchers:
        watcher(kept[key].module)
    return cast(Kept, kept[key])


@contextmanager
def watch_kept_networks(watcher: Callable[[nn.Module], object]) -> Iterator[None]:
    """``watcher`` is told of each network that is taken in the block, before anything is done with it."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)
