"""A worker process: takes requests and jobs from its driver, and sends events."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from harness.processes.channel import Channel


def main() -> None:
    """Serve until standard input ends: then the driver is gone, and this process with it, whatever it was doing."""
    channel = Channel()
    from harness.dispatch.events import Event, event_to_json
    from harness.dispatch.executor import ExecutorSettings
    from harness.dispatch.worker_handle import EPOCH, READING
    from harness.planning.jobs import Job, SubjectRows
    from harness.registry.registry import Registry
    from harness.store.store import Store
    from harness.text_format import format_reason, format_traceback
    from harness.worker.arithmetic import set_plain_fp32
    from harness.worker.component_cache import ComponentCache
    from harness.worker.dataset_inspection import ReadingCounter
    from harness.worker.inspection import answer_request
    from harness.worker.job_runner import JobRunner
    from harness.worker.prefetching import Prefetcher
    from harness.worker.trained_models import TrainedModels

    def emit(event: Event) -> None:
        channel.send(event_to_json(event))

    def tell(done: int, of: int) -> None:
        channel.send({"event": READING, "done": done, "of": of})

    def tell_epoch(entry: Mapping[str, float]) -> None:
        channel.send({"event": EPOCH, "entry": dict(entry)})

    set_plain_fp32()
    settings, device = ExecutorSettings.model_validate(channel.settings["executor"]), channel.settings["device"]
    registry = Registry.discover(settings.plugins)
    components = ComponentCache(registry, device, settings.batch, settings.input_files)
    pinned = components.device.type == "cuda"
    prefetcher = Prefetcher(settings.plugins, pinned, settings.input_files) if settings.prefetches(device) else None
    with contextlib.nullcontext() if prefetcher is None else contextlib.closing(prefetcher):
        store = Store(settings.store)
        trained = TrainedModels(components, lambda: store, tell, tell_epoch, on_demand=False)
        runner = JobRunner(components, store, apart=True, prefetcher=prefetcher)
        counter = ReadingCounter(tell)

        def answer(request: Mapping[str, Any]) -> dict[str, Any]:
            return trained.answer(request) if request["ask"] == "train" else answer_request(components, request, counter)

        channel.send({"event": "ready"})
        while True:
            message = channel.inbox.get()
            if message["do"] == "job":
                following = message.get("following")
                runner.run(Job.from_json(message["job"]), emit, None if following is None else SubjectRows.from_json(following))
            else:
                try:
                    channel.send({"event": "answer", "value": answer(message["request"])})
                except BaseException as error:
                    channel.send({"event": "refused", "reason": format_reason(error), "traceback": format_traceback(error)})


if __name__ == "__main__":
    main()
