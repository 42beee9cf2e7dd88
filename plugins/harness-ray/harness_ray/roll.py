"""The nodes that may work: those that see what the run needs, and have every component of the plan as the driver has it."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.api.executors import ExecutorError, ExecutorSettings, Registry, open_folder, wrap_write_errors
from harness_ray.agreement import differences
from harness_ray.cluster import Cluster
from harness_ray.inventory import inventory
from harness_ray.places import Node


class Roll:
    """The roll of a cluster's nodes, called again and again while a run goes on.

    Attributes:
        present: the nodes that may work.
    """

    def __init__(self, cluster: Cluster, settings: ExecutorSettings, registry: Registry) -> None:
        self.present: list[Node] = []
        self._cluster = cluster
        self._limit = settings.options.startup_timeout
        self._ours = inventory(registry)
        self._asked: dict[str, Any] = {}
        self._inventories: dict[str, Mapping[str, Any]] = {}
        self._wanted: frozenset[str] = frozenset()
        self._store, self._token = open_folder(settings.store), f".seen-{secrets.token_hex(8)}"
        with wrap_write_errors(self._store.shown()):
            self._store.write(self._token, b"")
        plugins = [str(path) for path in settings.plugins]
        self.request = {"folder": str(Path.cwd()), "store": self._store.address, "token": self._token, "plugins": plugins}

    def call(self, seconds: float = 0.0) -> None:
        """Find out which nodes there are, and ask new ones what they have; wait for their answers for so long.

        Raises:
            ExecutorError: a node lacks something, or would compute something else.
        """
        nodes = [node for node in self._cluster.nodes() if node.cpus or node.gpus]
        for node in nodes:
            if node.id not in self._asked:
                self._asked[node.id] = self._cluster.look(node, self.request, self._limit)
        until = time.monotonic() + seconds
        for node in nodes:
            if node.id not in self._inventories:
                answer = self._cluster.answer(self._asked[node.id], max(0.0, until - time.monotonic()))
                if answer is not None:
                    self._take(node, answer)
        self.present = [node for node in nodes if node.id in self._inventories]

    def require(self, components: frozenset[str]) -> None:
        """Raise `ExecutorError` unless every node has these components (`harness_ray.agreement`) as the driver has them."""
        if not components <= self._wanted:
            self._wanted |= components
            for node in self.present:
                self._check(node)

    def close(self) -> None:
        """Leave nothing in the store."""
        with contextlib.suppress(OSError):
            self._store.remove(self._token)

    def _take(self, node: Node, answer: Mapping[str, Any]) -> None:
        if "failed" in answer:
            if node.id in {other.id for other in self._cluster.nodes()}:
                raise ExecutorError(f"node {node.address} cannot work: {answer['failed']}")
            return  # it has gone
        if "unseen" in answer:
            unseen = ", ".join(answer["unseen"])
            raise ExecutorError(
                f"node {node.address} does not see {unseen}: store, plugin files and working folder must be where all nodes see them"
            )
        self._inventories[node.id] = answer
        self._check(node)

    def _check(self, node: Node) -> None:
        found = differences(self._wanted, self._ours, self._inventories[node.id])
        if found:
            raise ExecutorError(f"node {node.address} would compute something else: {'; '.join(found)}")
