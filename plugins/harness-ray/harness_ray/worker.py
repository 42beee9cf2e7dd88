"""One worker of a cluster as the driver sees it: messages go to its actor, and a thread listens to what that passes on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any

import ray
from ray.exceptions import RayError

from harness.api.executors import Inbox, WorkerHandle
from harness_ray.cluster import told
from harness_ray.places import Place


class RayWorker(WorkerHandle):
    """Ends with its actor; the worker process on the node ends with that."""

    def __init__(self, place: Place, actor: Any, log: str, inbox: Inbox) -> None:
        super().__init__(place)
        self._where = place.node.address
        self.log = f"{log} on {self._where}"
        self._actor = actor
        self._how = ""
        threading.Thread(target=self._listen, args=(inbox,), daemon=True).start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; nothing is to be had back but what the worker says."""
        self._actor.send.remote(dict(message))

    def kill(self, why: str | None = None) -> None:
        """End the actor."""
        self.killed_for = self.killed_for or why
        with contextlib.suppress(RayError):
            ray.kill(self._actor)

    def close(self) -> None:
        """End the actor, so that what it claimed is free."""
        self.kill()

    @property
    def has_exited(self) -> bool:
        """Never unsaid: an actor that is gone fails who listens to it."""
        return False

    def describe_exit(self) -> str:
        """Describe how it ended."""
        if self.killed_for == "timeout":
            return f"no worker came up on {self._where} in time; is it busy with other work?"
        if self.killed_for is not None:
            return f"the worker process was ended for {self.killed_for}"
        return self._how

    def _listen(self, inbox: Inbox) -> None:
        try:
            while not self._how:
                for message in ray.get(self._actor.hear.remote()):
                    if message["event"] == "ended":
                        self._how = f"{message['how']} on {self._where}"
                    else:
                        inbox.put((self, message))
        except Exception as error:  # of whatever kind: the connection is lost
            self._how = f"its actor on {self._where} was lost: {told(error)}"
            self.lost = None if self.killed_for else self._how
        finally:
            self.ended = True
            inbox.put((self, None))
