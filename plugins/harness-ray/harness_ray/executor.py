"""Does jobs on the nodes of a Ray cluster."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from harness.api.executors import ExecutorError, ExecutorSettings, Inbox, Job, Recipe, Registry, Scheduler, Slot, WorkerHandle
from harness_ray.agreement import components
from harness_ray.places import Place, places

if TYPE_CHECKING:
    from harness_ray.cluster import Cluster
    from harness_ray.roll import Roll

LOOK = 2.0  # seconds between two looks at which nodes there are


class RayExecutor(Scheduler):
    """Workers on the nodes of a Ray cluster.

    The cluster is joined when there is something to do; a run that is wholly cached does not import Ray.
    """

    class Params(BaseModel):
        """Parameters: where the cluster is, and what a worker claims of it.

        Args:
            address: ``auto`` for the cluster that this machine is a node of, ``HOST:PORT`` if it is of several, ``local`` for a new one.
            cpus_per_worker: CPUs that a worker on CPUs claims; by default a node's CPUs are shared out among its workers.
        """

        address: str = "auto"
        cpus_per_worker: Annotated[int, Field(ge=1)] | None = None

    def __init__(self, settings: ExecutorSettings, registry: Registry, params: Params) -> None:
        super().__init__(settings)
        self._params = params
        self._registry = registry
        self._numbers = itertools.count()
        self._joined: tuple[Cluster, Roll] | None = None
        self._places: list[Place] = []
        self._looked = self._there = 0.0

    # the protocol

    def ask(self, request: Mapping[str, Any]) -> Any:
        """Answered by the first worker, once it is known that the nodes have what the request names."""
        self._require(Recipe.from_json(request[name]) for name in ("recipe", "model") if name in request)
        return super().ask(request)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs, once it is known that the nodes have what they name."""
        if jobs:
            self._require(recipe for job in jobs for recipe in _recipes(job))
        super().submit(jobs)

    def stop(self) -> None:
        """Kill the workers, and leave the cluster."""
        super().stop()
        if self._joined is not None:
            cluster, roll = self._joined
            self._joined = None
            roll.close()
            cluster.leave()

    # workers

    def slots(self) -> Sequence[Slot]:
        """Places on the nodes that are there; nodes that join are taken in once it is known what they have."""
        now = time.monotonic()
        if now - self._looked > LOOK:
            _, roll = self._join()
            roll.call()
            self._place(roll)
        if self._places or self.workers:
            self._there = now
        elif now - self._there > self.settings.options.startup_timeout:
            raise ExecutorError(f"the Ray cluster has had no node to work on for {self.settings.options.startup_timeout:g} s")
        return self._places

    def begin(self, slot: Slot, inbox: Inbox) -> WorkerHandle:
        """An actor at a place, and in it a worker process."""
        from harness_ray.worker import RayWorker

        assert isinstance(slot, Place)
        cluster, roll = self._join()
        number = next(self._numbers)
        actor = cluster.host(slot, number, roll.request["folder"], self.settings.model_dump(mode="json"))
        return RayWorker(slot, actor, str(self.settings.logs / f"worker-{number}.log"), inbox)

    # the cluster

    def _join(self) -> tuple[Cluster, Roll]:
        if self._joined is None:
            from harness_ray.cluster import Cluster
            from harness_ray.roll import Roll

            cluster = Cluster(self._params.address)
            self.settings.logs.mkdir(parents=True, exist_ok=True)
            roll = Roll(cluster, self.settings, self._registry)
            self._joined = cluster, roll
            roll.call(self.settings.options.startup_timeout)
            self._place(roll)
        return self._joined

    def _place(self, roll: Roll) -> None:
        self._places = places(roll.present, self.settings.options.devices, self.settings.options.workers, self._params.cpus_per_worker)
        self._looked = time.monotonic()

    def _require(self, recipes: Iterable[Recipe | None]) -> None:
        _, roll = self._join()
        roll.require(components(recipes))


def _recipes(job: Job) -> Iterator[Recipe | None]:
    subject = job.subject
    yield from (subject.dataset_recipe, subject.training_recipe, subject.model_recipe)
    if job.variant.kind != "oracle" and not job.predicts_only:
        yield job.recipe
    yield from (task.recipe for task in job.metrics)
