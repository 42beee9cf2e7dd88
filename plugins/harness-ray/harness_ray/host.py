"""A node's side: an actor that keeps one worker process, the same as on one machine, and passes on what it says."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.api.executors import ExecutorSettings, Inbox, Slot, WorkerProcess, to_printable_line


class Host:
    """A Ray actor. No component is imported into it, so that none can take it along when it dies."""

    def __init__(self, device: str, environment: Mapping[str, str], number: int, folder: str, settings: Mapping[str, Any]) -> None:
        os.chdir(folder)
        logs = settings["logs"] if Path(settings["logs"]).is_dir() else tempfile.mkdtemp(prefix="harness-")
        there = ExecutorSettings.model_validate({**settings, "logs": logs})
        self._inbox: Inbox = queue.Queue()
        self._process = WorkerProcess(Slot(device, device, dict(environment)), number, there, self._inbox)

    def send(self, message: Mapping[str, Any]) -> None:
        """Pass a message to the worker."""
        self._process.send(message)

    def hear(self) -> list[dict[str, Any]]:
        """Messages of the worker since this was asked last: waits for one. Its last is ``ended``, with how."""
        told: list[dict[str, Any]] = []
        while not told or not self._inbox.empty():
            try:
                _, message = self._inbox.get(timeout=1.0)
            except queue.Empty:
                if not self._process.has_ended_unsaid():
                    continue
                message = None  # a process that it left behind holds its pipe
            if message is None:
                self._process.close()
                return [*told, {"event": "ended", "how": self._process.describe_exit()}]
            told.append(message)
        return told


def look(request: Mapping[str, Any], limit: float) -> Mapping[str, Any]:
    """A node's inventory (`harness_ray.inventory`), or ``{"failed": why}``."""
    command = [sys.executable, "-m", "harness_ray.inventory"]
    folder = request["folder"] if Path(request["folder"]).is_dir() else None
    try:
        asked = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, timeout=limit, cwd=folder, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"it took more than {limit:g} s to look for the components that it has"}
    if asked.returncode:
        return {"failed": to_printable_line(asked.stderr.strip().rpartition("\n")[2])}
    found: Mapping[str, Any] = json.loads(asked.stdout)
    return found
