"""What was read or written last, kept in memory up to a bound: for what never changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable


class ByteCache:
    """Bytes by key; what was used longest ago goes first. Several threads may use one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> bytes | None:
        """What is kept under a key."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, content: bytes) -> None:
        """Keep bytes; no more than a quarter of the bound for one key."""
        if len(content) > self._most // 4:
            return
        with self._lock:
            self._size += len(content) - len(self._kept.pop(key, b""))
            self._kept[key] = content
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])

    def drop(self, key: Hashable) -> None:
        """Forget a key."""
        with self._lock:
            self._size -= len(self._kept.pop(key, b""))
