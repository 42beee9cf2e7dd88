"""A Python process of the harness as the one that started it sees it: JSON lines go to it and come from it, and bytes with these."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.processes.forked_process import ForkedProcess, address_variables, fork_child
from harness.processes.inheritance import child_environment

Message = dict[str, Any]
EXIT_GRACE = 2.0  # seconds in which a child that has said its last may end by itself
KILL_GRACE = 30.0  # seconds in which a child that was killed ends, unless a disk or a device that it waits for does not answer
LOG_TAIL = 4000  # bytes of a log that are its end
SHELL = "/bin/sh"


class ChildProcess:
    """A process that runs a module of the harness, which serves a `harness.processes.channel.Channel`, until `close` ends it.

    Args:
        module: its name.
        settings: what the child is sent first.
        hear: is called with each message, and with None at the end, in a thread of its own; an exception of it ends the child. By default
            messages wait for `receive`.
        environment: variables beside those of this process.
        log: the file to which what it prints is added; by default it goes where this process's goes.

    It leads a process group of its own, with which it is ended, and which Ctrl-C does not reach. A fork server starts it if one runs
    (`harness.processes.forked_process`), else it is a new interpreter.

    Raises:
        OSError: it cannot be started.

    Attributes:
        killed_for: why it was ended, or None.
    """

    def __init__(
        self,
        module: str,
        settings: Mapping[str, Any],
        hear: Callable[[ChildProcess, Message | None], None] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self.killed_for: str | None = None
        self._log, self._silent = log, False
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        variables = child_environment({**address_variables(), **(environment or {})})
        with contextlib.nullcontext() if log is None else log.open("ab") as printed:
            forked = fork_child(module, variables, 2 if printed is None else printed.fileno())
            self._process: ForkedProcess | subprocess.Popen[bytes] = forked or subprocess.Popen(
                [sys.executable, "-P", "-m", module],  # -P: the working folder would shadow what is installed
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
                env=variables,
                start_new_session=True,
            )
        self._watchdog = _start_watchdog(self._process.pid)
        self.send({**settings, "path": [part or str(Path.cwd()) for part in sys.path]})
        threading.Thread(target=self._listen, args=(hear or self._keep,), daemon=True).start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; that a child has ended is told by what is heard of it."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def receive(self, seconds: float) -> Message | None:
        """The next message, or None once it has ended; it is killed for ``"timeout"`` if none comes for so long."""
        try:
            return self._messages.get(timeout=seconds)
        except queue.Empty:
            self.kill("timeout")
            return None

    def receive_into(self, place: memoryview) -> None:
        """Fill a place with the bytes that follow the message that is being heard; raises ``EOFError`` if the child ends within them."""
        while len(place):
            count = self._process.stdout.readinto(place)  # type: ignore[union-attr]
            if not count:
                raise EOFError
            place = place[count:]

    def kill(self, why: str | None = None) -> None:
        """End it at once, and all that it has started in its group."""
        self.killed_for = self.killed_for or why
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self, grace: float = KILL_GRACE) -> None:
        """End it and reap it; one that has said its last may end by itself first, so that how it ended is its own."""
        if self._silent and self.killed_for is None:
            self._wait(EXIT_GRACE)
        self.kill()
        self._wait(grace)
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.communicate()
        if self.has_exited:
            with contextlib.suppress(OSError):
                self._process.stdin.close()  # type: ignore[union-attr]

    @property
    def has_exited(self) -> bool:
        """Whether the process has ended, though something that it left behind may hold its pipe open."""
        return self._process.poll() is not None

    def describe_exit(self) -> str:
        """Describe how it ended, once it is closed: ``signal SIGKILL``, ``exit code 3``."""
        code = self._process.returncode
        if code is None:
            return "it does not end"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def last_words(self) -> str:
        """The end of what it printed into its log."""
        return "" if self._log is None else self._log.read_bytes()[-LOG_TAIL:].decode(errors="replace")

    def _keep(self, child: ChildProcess, message: Message | None) -> None:
        self._messages.put(message)

    def _wait(self, seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def _listen(self, hear: Callable[[ChildProcess, Message | None], None]) -> None:
        """Pass on what it says; what is no message comes from a component that writes where it should not, and ends the child."""
        assert self._process.stdout is not None
        try:
            with self._process.stdout as stream:
                begun = False
                for line in iter(stream.readline, b""):
                    try:
                        message = json.loads(line)
                        if not isinstance(message, dict):
                            raise ValueError("no message")
                    except ValueError:
                        if begun:
                            raise
                        continue  # printed by what an interpreter runs before any program, such as sitecustomize
                    begun = True
                    hear(self, message)
        except Exception:
            self.kill("writing into the harness's own pipe")
        finally:
            self._silent = True
            hear(self, None)


def _start_watchdog(group: int) -> subprocess.Popen[bytes] | None:
    """A shell that ends a group of processes when this process has ended, however it did; None if there is no shell.

    A child notices by itself, but for one that hangs in C and lets no thread of its own run.
    """
    if not Path(SHELL).exists():
        return None
    command = [SHELL, "-c", f"read _; kill -s KILL -- -{group}"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
