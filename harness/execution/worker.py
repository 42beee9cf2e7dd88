"""A worker process: reads requests and jobs as JSON lines from its standard input, writes events as JSON lines to its standard output.

Started as ``python -m harness.execution.worker`` with the settings as its first line. Whatever components print goes to standard error.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from harness.execution.channel import Channel
from harness.registry.processes import adopt


def main() -> None:
    """Serve until standard input ends: then the driver is gone, and this process with it, whatever it was doing."""
    channel = Channel()
    settings = channel.inbox.get()
    adopt(settings.get("path"))
    from harness.execution.arithmetic import plain_fp32
    from harness.execution.events import reason_of, traceback_of
    from harness.execution.prefetching import Prefetcher
    from harness.execution.requests import answer
    from harness.execution.work import Bench
    from harness.execution.workbench import Workbench
    from harness.planning.jobs import Job, Rows
    from harness.registry.registry import Registry
    from harness.store import rows
    from harness.store.store import Store

    plain_fp32()
    registry = Registry.discover([Path(path) for path in settings["plugins"]])
    workbench = Workbench(registry, settings["device"], settings["batch"])
    reader = Prefetcher(settings["plugins"], pinned=workbench.device.type == "cuda") if settings["prefetch"] else contextlib.nullcontext()
    with reader as prefetcher:
        bench = Bench(workbench, Store(settings["store"]), apart=True, prefetcher=prefetcher)
        rows.prepare()
        channel.send({"event": "ready"})
        while True:
            message = channel.inbox.get()
            if message["do"] == "job":
                following = message.get("following")
                bench.run(Job.from_json(message["job"]), channel.send, None if following is None else Rows.from_json(following))
            else:
                try:
                    channel.send({"event": "answer", "value": answer(workbench, message["request"])})
                except BaseException as error:
                    channel.send({"event": "refused", "reason": reason_of(error), "traceback": traceback_of(error)})


if __name__ == "__main__":
    main()
