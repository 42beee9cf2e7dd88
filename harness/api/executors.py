"""All that the author of an executor imports: the scheduler, workers, jobs, and what is known of components and stores.

An executor says which `Slot`s there are (`Scheduler.slots`), and starts a worker on one (`Scheduler.begin`): a `WorkerHandle` is a worker
as its driver sees it, and a `WorkerProcess` one on the machine that it is made on. `harness.api.API_VERSION` is the version of these too.

This module alone of the API imports the rest of the harness, which does not import it; `harness.api` does not load it.
"""

from harness.dispatch.devices import MAX_CPU_WORKERS, Slot, count_usable_cores
from harness.dispatch.executor import Executor, ExecutorError, ExecutorSettings
from harness.dispatch.local import WorkerProcess
from harness.dispatch.scheduler import Scheduler
from harness.dispatch.worker_handle import Inbox, WorkerHandle
from harness.planning.jobs import Job
from harness.registry.distributions import core_identity, find_plugin_distributions
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.session_components import SESSION_DISTRIBUTION
from harness.store.address import redact_credentials
from harness.store.errors import describe_with_advice, wrap_write_errors
from harness.store.folder import open_folder
from harness.text_format import to_printable_line

__all__ = [
    "MAX_CPU_WORKERS",
    "SESSION_DISTRIBUTION",
    "Executor",
    "ExecutorError",
    "ExecutorSettings",
    "Inbox",
    "Job",
    "Recipe",
    "Registry",
    "Scheduler",
    "Slot",
    "WorkerHandle",
    "WorkerProcess",
    "core_identity",
    "count_usable_cores",
    "describe_with_advice",
    "find_plugin_distributions",
    "open_folder",
    "redact_credentials",
    "to_printable_line",
    "wrap_write_errors",
]
