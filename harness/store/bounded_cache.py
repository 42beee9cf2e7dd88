"""A cache of what was used last, in memory and up to a bound: for what never changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sized
from typing import Generic, TypeVar

T = TypeVar("T", bound=Sized)


class BoundedCache(Generic[T]):
    """Values by name; beyond a bound on the sum of their sizes what was used longest ago goes first. Several threads may use one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> T | None:
        """Value that is kept under a name."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
            return self._kept.get(name)

    def put(self, name: str, value: T) -> None:
        """Keep a value, alone if it is larger than the bound."""
        with self._lock:
            self._drop(name)
            self._kept[name] = value
            self._size += len(value)
            while self._size > self._most and len(self._kept) > 1:
                self._drop(next(iter(self._kept)))

    def drop(self, name: str) -> None:
        """Forget a name."""
        with self._lock:
            self._drop(name)

    def _drop(self, name: str) -> None:
        if name in self._kept:
            self._size -= len(self._kept.pop(name))
