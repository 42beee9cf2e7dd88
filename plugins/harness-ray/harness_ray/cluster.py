"""The connection to a Ray cluster, and what there is in it."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Mapping
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from harness.api.executors import ExecutorError, count_usable_cores, to_printable_line
from harness_ray.host import Host, look
from harness_ray.places import Node, Place

REACH = 5.0  # seconds in which a cluster's port must answer
JOIN = 60.0  # seconds in which joining a cluster must succeed
NEVER_AGAIN = {"max_restarts": 0, "max_task_retries": 0}  # what fails is the scheduler's to do again


class Cluster:
    """A cluster that this process has joined, or one of its own (``local``), until `leave`.

    Raises:
        ExecutorError: there is no cluster at the address.
    """

    def __init__(self, address: str) -> None:
        self._joining = None if ray.is_initialized() else _Joining(address)  # a notebook may have joined one before

    def nodes(self) -> list[Node]:
        """The machines that are there now."""
        alive = [found for found in ray.nodes() if found["Alive"]]  # type: ignore[no-untyped-call]
        resources = [(found, found.get("Resources", {})) for found in alive]
        nodes = [Node(found["NodeID"], found["NodeManagerAddress"], has.get("CPU", 0), has.get("GPU", 0)) for found, has in resources]
        return sorted(nodes, key=lambda node: (node.address, node.id))

    def host(self, place: Place, number: int, folder: str, settings: Mapping[str, Any]) -> Any:
        """An actor at a place; it may have to wait until the place is free."""
        options = {"num_cpus": place.cpus, "num_gpus": place.gpus, "max_concurrency": 4, **NEVER_AGAIN}
        actor = ray.remote(Host).options(**options, scheduling_strategy=_on(place.node))
        return actor.remote(place.device, place.environment, number, folder, settings)

    def look(self, node: Node, request: Mapping[str, Any], limit: float) -> Any:
        """Ask a node what it has; waits for no free CPU."""
        task = ray.remote(look).options(num_cpus=0, max_retries=0, scheduling_strategy=_on(node))
        return task.remote(dict(request), limit)

    def answer(self, asked: Any, seconds: float) -> Mapping[str, Any] | None:
        """Answer of a node, None if there is none yet; ``{"failed": why}`` if it cannot."""
        ready, _ = ray.wait([asked], timeout=seconds)
        if not ready:
            return None
        try:
            found: Mapping[str, Any] = ray.get(asked)
        except RayError as error:
            return {"failed": told(error)}
        return found

    def leave(self) -> None:
        """Leave the cluster, or end one of its own."""
        if self._joining is not None:
            ray.shutdown()
            self._joining.over.set()


def told(error: BaseException) -> str:
    """The last line of Ray's many."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return to_printable_line(lines[-1] if lines else type(error).__name__)


def _on(node: Node) -> NodeAffinitySchedulingStrategy:
    return NodeAffinitySchedulingStrategy(node.id, soft=False)


class _Joining(threading.Thread):
    """Joins a cluster, and lives until it is left: Ray ends what it started when the thread ends that had it started.

    In a main thread Ray would take its signals over, and nobody could give up what is no cluster but does not say so.
    """

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self._address = _checked(address)
        self._failure: BaseException | None = None
        self._answered = threading.Event()
        self.over = threading.Event()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self.start()
        if not self._answered.wait(JOIN):
            raise ExecutorError(f"no Ray cluster at {self._address}: what is there does not answer as one within {JOIN:g} s")
        if self._failure is not None:
            raise ExecutorError(f"no Ray cluster at {self._address}: {told(self._failure)}") from self._failure

    def run(self) -> None:
        """Join, and wait."""
        own: dict[str, Any] = {"num_cpus": count_usable_cores(), "include_dashboard": False} if self._address == "local" else {}
        try:
            ray.init(address=self._address, log_to_driver=False, logging_level=logging.ERROR, **own)
        except BaseException as error:
            self._failure = error
        finally:
            self._answered.set()
        if self._failure is None:
            self.over.wait()


def _checked(address: str) -> str:
    """An address that something listens at; ``auto`` is what ``RAY_ADDRESS`` says, if it says something."""
    wanted = os.environ.get("RAY_ADDRESS", address) if address == "auto" else address
    if wanted in ("auto", "local"):
        return wanted
    host, _, port = wanted.rpartition(":")
    if "://" in wanted or not host or not port.isdigit():
        raise ExecutorError(f"execution.address {wanted}: write `auto`, `local` or HOST:PORT (no ray://: run on a node, with `auto`)")
    try:
        socket.create_connection((host, int(port)), REACH).close()
    except (OSError, OverflowError) as error:
        raise ExecutorError(f"no Ray cluster at {wanted}: {getattr(error, 'strerror', None) or error}") from error
    return wanted
