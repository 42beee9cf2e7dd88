"""One worker process of this machine as its driver sees it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.dispatch.devices import Slot
from harness.dispatch.executor import ExecutorSettings
from harness.dispatch.worker_handle import Inbox, WorkerHandle
from harness.processes.launch import child_environment, current_search_path, module_command
from harness.text_format import to_printable_line

EXIT_GRACE = 2.0  # seconds in which a worker that has said its last may end by itself
SHELL = "/bin/sh"
LOG_TAIL = 400  # characters of a worker's log that go into the reason of its death


class WorkerProcess(WorkerHandle):
    """Starts a worker as a process of this machine."""

    def __init__(self, slot: Slot, number: int, settings: ExecutorSettings, inbox: Inbox) -> None:
        super().__init__(slot)
        settings.logs.mkdir(parents=True, exist_ok=True)
        self._log = settings.logs / f"worker-{number}.log"
        self.log = str(self._log)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                module_command("harness.worker.main"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=child_environment(slot.environment),
                start_new_session=True,  # Ctrl-C is the driver's to handle
            )
        self._guard = _start_watchdog(self._process.pid)
        plugins = [str(Path(path).resolve()) for path in settings.plugins]
        self.send(
            {
                "device": slot.device,
                "store": settings.store,
                "batch": settings.batch,
                "plugins": plugins,
                "prefetch": settings.prefetches(slot.device),
                "path": current_search_path(),
            }
        )
        threading.Thread(target=self._listen, args=(inbox,), daemon=True).start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a worker that is dead says so through the inbox."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def kill(self, why: str | None = None) -> None:
        """End it at once."""
        self.killed_for = self.killed_for or why
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it and reap it; one that has said its last may end by itself first, so that how it ended is its own."""
        if self.ended and self.killed_for is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(EXIT_GRACE)
        self.kill()
        self._process.wait()
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    @property
    def has_exited(self) -> bool:
        """Whether the process has ended, though something that it left behind may hold its pipe open."""
        return self._process.poll() is not None

    def describe_exit(self) -> str:
        """How it ended, in words, with the end of what it printed."""
        code = self._process.wait()
        if self.killed_for not in (None, "timeout"):
            return f"the worker process was ended for {self.killed_for}"
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        printed = to_printable_line(self._log.read_bytes()[-LOG_TAIL:].decode(errors="replace"))
        return f"the worker process ended ({how})" + (f"; it printed: …{printed}" if printed else "")

    def _listen(self, inbox: Inbox) -> None:
        """Pass on what it says; what is no message comes from a component that writes where it should not, and ends the worker."""
        assert self._process.stdout is not None
        try:
            with self._process.stdout as stream:
                for line in stream:
                    message = json.loads(line)
                    if not isinstance(message, dict) or "event" not in message:
                        raise ValueError("no message")
                    inbox.put((self, message))
        except ValueError:
            self.kill("writing into the harness's own pipe")
        finally:
            self.ended = True
            inbox.put((self, None))


def _start_watchdog(group: int) -> subprocess.Popen[bytes] | None:
    """A shell that ends a group of processes when this process has ended, however it did; None where there is no shell.

    A worker notices by itself, but for one that hangs in C and lets no thread of its own run.
    """
    if not Path(SHELL).exists():
        return None
    command = [SHELL, "-c", f"read _; kill -s KILL -- -{group}"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
