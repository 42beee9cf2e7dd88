"""Children that a fork server starts (`harness.processes.fork_server`), and the server of this process."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from harness.processes.inheritance import THREAD_VARIABLES, child_environment, describe_inheritance

ADDRESS_VARIABLE = "HARNESS_FORK_SERVER"
"""The server's address, which children inherit; `OFF` for none."""
OFF = "off"
PROGRAM = "harness.worker.preloading"
IDLE_LIMIT = 60.0  # seconds after which a server ends that has no children
ANSWER_TIMEOUT = 120.0  # seconds in which a server must answer, which may still be importing
MAX_MESSAGE = 2**20


class ForkedProcess:
    """A child of a fork server, as ``subprocess.Popen`` shows one of this process: the server reaps it once it was told how it ended.

    Attributes:
        pid: its number.
        returncode: its exit code, or the negative number of the signal that ended it; None while it runs.
        stdin, stdout: pipes to and from it.
    """

    def __init__(self, link: socket.socket, pid: int, stdin: int, stdout: int) -> None:
        self.pid, self.returncode = pid, None if pid else -signal.SIGKILL
        self.stdin, self.stdout = os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb")
        self._link, self._lock = link, threading.Lock()

    def poll(self) -> int | None:
        """The exit code, or None."""
        if self._lock.acquire(blocking=False):
            with contextlib.ExitStack() as stack:
                stack.callback(self._lock.release)
                self._hear(0)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """The exit code; raises ``subprocess.TimeoutExpired``."""
        with self._lock:
            self._hear(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return self.returncode

    def _hear(self, seconds: float) -> None:
        """Take in how it ended, if that is told within some time; a server that has ended takes its children along."""
        if self.returncode is None:
            self._link.settimeout(seconds)
            with contextlib.suppress(BlockingIOError, TimeoutError):
                try:
                    told = self._link.recv(MAX_MESSAGE)
                except ConnectionError:
                    told = b""
                self.returncode = json.loads(told)["code"] if told else -signal.SIGKILL
                self._link.close()


class OwnServer:
    """A server of this process, which ends with it.

    Args:
        free: beginnings of names of variables that nothing reads when it is imported.
        idle: seconds after which it ends that it has no children.
        lazy: start it when it is first asked.
    """

    def __init__(self, free: Sequence[str] = (), idle: float = IDLE_LIMIT, lazy: bool = False) -> None:
        self.address = f"harness-{os.getpid()}-{secrets.token_hex(8)}"
        self.process: subprocess.Popen[bytes] | None = None
        self._owner, self._options = os.getpid(), [str(idle), *free]
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(f"\0{self.address}")
        self._listener.listen(64)
        atexit.register(self.end)
        if lazy:
            threading.Thread(target=self._start_when_asked, daemon=True).start()
        else:
            self._start()

    @property
    def has_ended(self) -> bool:
        """Whether it takes no more requests."""
        return self.process is not None and self.process.poll() is not None

    def end(self) -> None:
        """End it, and any children that it still has; not in a process that was forked from its owner."""
        if self._owner == os.getpid() and self.process is not None:
            self.process.terminate()
            self.process.wait()

    def _start(self) -> None:
        with self._listener as listener:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", PROGRAM, str(listener.fileno()), *self._options],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**child_environment(), **dict.fromkeys(THREAD_VARIABLES, "1")},
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )

    def _start_when_asked(self) -> None:
        waiting = select.poll()
        waiting.register(self._listener, select.POLLIN)
        waiting.poll()
        self._start()


_own: OwnServer | None = None


def start_fork_server() -> None:
    """Start a server in the background, unless there is one that can be asked, or none is wanted or possible."""
    global _own
    if not sys.platform.startswith("linux") or os.environ.get(ADDRESS_VARIABLE) == OFF:
        return
    link = _connect()
    if link is not None:
        link.close()
        return
    with contextlib.suppress(OSError):
        _own = OwnServer()


def address_variables() -> dict[str, str]:
    """The variable that tells children of the server that this process asks."""
    return {} if _own is None or _own.has_ended else {ADDRESS_VARIABLE: _own.address}


def _connect() -> socket.socket | None:
    """A connection to a server of this user, or None."""
    inherited = os.environ.get(ADDRESS_VARIABLE)
    if not sys.platform.startswith("linux") or inherited == OFF:
        return None
    for address in filter(None, [None if _own is None else _own.address, inherited]):
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.suppress(OSError):
            link.connect(f"\0{address}")
            if peer_user(link) == os.geteuid():
                return link
        link.close()
    return None


def peer_user(link: socket.socket) -> int:
    """The user at the other end."""
    _, user, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(user)


def fork_child(module: str, environment: Mapping[str, str], stderr: int) -> ForkedProcess | None:
    """A process of a fork server that runs a module, in a session of its own; None if there is no server, or it cannot give one.

    Args:
        module: its name.
        environment: all its variables.
        stderr: the descriptor of its standard error.
    """
    link = _connect()
    if link is None:
        return None
    request = {
        "module": module,
        "environment": dict(environment),
        "path": [os.path.realpath(part) for part in [*environment.get("PYTHONPATH", "").split(os.pathsep), *sys.path]],
        "executable": sys.executable,
        "inheritance": describe_inheritance(),
    }
    with contextlib.ExitStack() as mine, contextlib.ExitStack() as its:
        mine.callback(link.close)
        try:
            (read, stdin), (stdout, write) = os.pipe(), os.pipe()
            for stack, descriptor in ((its, read), (mine, stdin), (mine, stdout), (its, write)):
                stack.callback(os.close, descriptor)
            folder = os.open(".", os.O_PATH)
            its.callback(os.close, folder)
            link.settimeout(ANSWER_TIMEOUT)
            socket.send_fds(link, [json.dumps(request).encode()], [read, write, stderr, folder])
            answer = json.loads(link.recv(MAX_MESSAGE) or "{}")
        except OSError:
            return None
        if "pid" not in answer:  # it was refused, or has ended before it was begun
            return None
        mine.pop_all()
        return ForkedProcess(link, answer["pid"], stdin, stdout)
