"""A child process's side of what it says to the process that started it (`harness.processes.child_process`)."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn


class Channel:
    """The process's inbox, and its way to speak. From here on its standard output is standard error, for components that print.

    Modules are looked for where the process that started this one looks for them, and at last in the working folder. The process ends when
    its standard input does: then whoever started it is gone, whatever it was doing.

    Attributes:
        settings: the first message.
        inbox: the messages that came after it.
    """

    def __init__(self) -> None:
        source = os.fdopen(os.dup(0), "r", encoding="utf-8")
        self._sink: BinaryIO = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), 0)
        self.inbox: queue.Queue[dict[str, Any]] = queue.Queue()
        self._lock, self._process = threading.Lock(), os.getpid()

        def receive() -> None:
            for line in source:
                self.inbox.put(json.loads(line))
            _end_process_group()

        threading.Thread(target=receive, daemon=True).start()
        self.settings = self.inbox.get()
        sys.path[:] = self.settings["path"]
        if str(Path.cwd()) not in sys.path:
            sys.path.append(str(Path.cwd()))

    def send(self, message: Mapping[str, Any], *parts: memoryview) -> None:
        """Send one message, and bytes that belong to it."""
        if os.getpid() != self._process:  # a component has forked, and its copy of this process goes on: it has no job
            os._exit(1)
        with self._lock:
            self._sink.write(json.dumps(message).encode() + b"\n")
            for part in parts:
                self._sink.write(part)
            self._sink.flush()

    @staticmethod
    def end() -> NoReturn:
        """End the process, whatever threads and exit handlers components have left in it."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(0)


def _end_process_group() -> None:
    """End this process, and those that components have started in its group if that is its own."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)
