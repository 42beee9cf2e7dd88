"""A process that has imported what its children need, and forks them (Linux): what importing costs is paid once.

It runs one thread, and imports nothing that may be edited while it lives. A request is one message with a module's name, the child's
variables and descriptors (`harness.processes.forked_process`); it is refused where the child would not be what a new interpreter is.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.processes.forked_process import MAX_MESSAGE, peer_user
from harness.processes.inheritance import (
    describe_inheritance,
    differing_variables,
    installation_state,
    shadowed_modules,
)

REQUEST_TIMEOUT = 5.0  # seconds in which a request must have come once it was begun
MAX_IDLE = 1e6  # seconds that a system can be asked to wait
CHILDREN_BEFORE_LATER = 3  # children that are forked before what only some of them need is imported: a short run has two, side by side
PR_SET_PDEATHSIG = 1


class Imports(Protocol):
    """Modules that a server imports for its children, and what must be done for these."""

    @property
    def modules(self) -> Sequence[str]:
        """Their names; those that are not installed are left out."""

    @property
    def later(self) -> Sequence[str]:
        """Those that only some children need: until some have been forked, none waits for them."""

    def are_sound(self) -> bool:
        """Whether what is imported may be: nothing of it will be edited while the server lives."""

    def why_not(self, environment: Mapping[str, str]) -> str:
        """Why it cannot be made what it would be if it had been imported with these variables; nothing if it can."""

    def prepare_child(self, environment: Mapping[str, str]) -> None:
        """Make it that, in a child."""


@dataclass
class _Child:
    pid: int
    link: socket.socket


class ForkServer:
    """Serves until the process at the other end of standard input has ended and its own children have, or nobody asks any more.

    Args:
        listener: a descriptor of the socket at which it is asked.
        idle: seconds after which it ends that it has no children.
        free: beginnings of names of variables that children may have of their own.
        imports: what is imported for children.
    """

    def __init__(self, listener: int, idle: float, free: Sequence[str], imports: Imports) -> None:
        self._listener, self._idle, self._free, self._imports = socket.socket(fileno=listener), idle, tuple(free), imports
        self._inheritance, self._environment, self._path = describe_inheritance(), dict(os.environ), list(sys.path)
        self._installed = installation_state(self._path)
        self._selector = selectors.PollSelector()
        self._children: dict[int, _Child] = {}  # by the descriptor that tells of the child's end
        self._forked = 0

    def serve(self) -> str | None:
        """Import, and fork whenever somebody asks. The module that this process, a child, is to run; or None if it has served."""
        self._selector.register(0, selectors.EVENT_READ, self._owner_ended)
        for name in self._imports.modules:
            _import_if_installed(name)
            if self._selector.select(0):
                return None
        if not _may_fork(self._imports):
            return None
        later = list(self._imports.later)
        self._selector.register(self._listener, selectors.EVENT_READ, self._asked)
        while self._listener.fileno() >= 0 or self._children:
            due = bool(later) and self._forked >= CHILDREN_BEFORE_LATER and self._listener.fileno() >= 0
            events = self._selector.select(0 if due else None if self._children else min(self._idle, MAX_IDLE))
            if due and not events:  # nobody waits
                _import_if_installed(later.pop(0))
                if not _may_fork(self._imports):
                    self._close()
            elif not events:
                return None
            for key, _ in events:
                module: str | None = key.data(key.fileobj)
                if module is not None:
                    return module
        return None

    def _owner_ended(self, stream: object) -> None:
        self._selector.unregister(0)
        self._close()

    def _close(self) -> None:
        """Take no more requests; children go on."""
        if self._listener.fileno() >= 0:
            self._selector.unregister(self._listener)
            self._listener.close()

    def _asked(self, listener: object) -> str | None:
        """Somebody has connected: fork a child, in which the module that it is to run is returned."""
        link, _ = self._listener.accept()
        descriptors: list[int] = []
        pid, request = -1, None
        answer: dict[str, Any] = {}
        with contextlib.suppress(Exception):
            request = self._receive(link, descriptors)
            answer = {"refused": self._why_not(request)}
        if request is not None and answer.get("refused") == "":
            with contextlib.suppress(OSError):
                pid = os.fork()
        if request is not None and pid == 0:
            module = self._become(request, descriptors)
            with link, contextlib.suppress(OSError):  # it leads its group from here on, with which it can be killed
                link.send(json.dumps({"pid": os.getpid()}).encode())
            return module
        if pid < 0:
            with contextlib.suppress(OSError):
                link.send(json.dumps(answer).encode())
        for descriptor in descriptors:
            os.close(descriptor)
        if pid > 0:
            ended = os.pidfd_open(pid)
            self._children[ended] = _Child(pid, link)
            self._selector.register(ended, selectors.EVENT_READ, self._ended)
            self._forked += 1
        else:
            link.close()
        return None

    @staticmethod
    def _receive(link: socket.socket, descriptors: list[int]) -> dict[str, Any] | None:
        link.settimeout(REQUEST_TIMEOUT)
        content, found, _, _ = socket.recv_fds(link, MAX_MESSAGE, 4)
        descriptors += found
        return json.loads(content) if content and peer_user(link) == os.geteuid() else None

    def _why_not(self, request: Mapping[str, Any] | None) -> str:
        """Why the child would not be what a new interpreter is; nothing if it would."""
        if request is None:
            return "no request"
        if request["executable"] != sys.executable or installation_state(self._path) != self._installed:
            return "other code"
        environment = request["environment"]
        different = differing_variables(environment, self._environment, self._free)
        different = [name for name in different if environment.get(name) != os.environ.get(name)]  # not what imports have set
        if different:
            return f"variables: {different}"
        here = {name for name, value in self._inheritance.items() if request["inheritance"].get(name) != value}
        if here:
            return f"inheritance: {sorted(here)}"
        folders = {*request["path"]} - set(map(os.path.realpath, self._path))
        shadowed = list(shadowed_modules(sorted(folders), {name.partition(".")[0] for name in sys.modules}))
        if shadowed:
            return f"modules: {shadowed}"
        return self._imports.why_not(environment)

    def _ended(self, ended: int) -> None:
        """A child has ended: it is reaped when who asked for it has been told, so that its number is no other's before."""
        child, here = self._children[ended], os.waitid(os.P_PIDFD, ended, os.WEXITED | os.WNOWAIT)
        assert here is not None
        self._selector.unregister(ended)
        code = here.si_status if here.si_code == os.CLD_EXITED else -here.si_status
        try:
            child.link.send(json.dumps({"code": code}).encode())
            self._selector.register(child.link, selectors.EVENT_READ, lambda link: self._reap(ended))
        except OSError:
            self._reap(ended)

    def _reap(self, ended: int) -> None:
        child = self._children.pop(ended)
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.link)
        child.link.close()
        os.close(ended)
        os.waitpid(child.pid, 0)

    def _become(self, request: Mapping[str, Any], descriptors: Sequence[int]) -> str:
        """Make this process, which was forked, what a new one would be; the module that it is to run."""
        server = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nobody could tell how it ended
        if os.getppid() != server:
            os._exit(1)
        self._selector.close()
        self._listener.close()
        for ended, child in self._children.items():
            os.close(ended)
            child.link.close()
        module, environment = str(request["module"]), request["environment"]
        _take_place(module, environment, descriptors)
        own = self._environment.get("PYTHONPATH", "").split(os.pathsep)
        given = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
        sys.path[:] = dict.fromkeys([*given, *(part for part in self._path if part not in own)])
        self._imports.prepare_child(environment)
        return module


def _import_if_installed(name: str) -> None:
    gc.disable()  # next to nothing of what imports make is garbage, and looking for it takes a seventh of their time
    try:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    finally:
        gc.enable()


def _may_fork(imports: Imports) -> bool:
    """Whether children may be forked now that something was imported; what was is theirs for good then."""
    if len(list(Path("/proc/self/task").iterdir())) > 1 or open_devices() or not imports.are_sound():
        return False
    gc.collect()
    gc.freeze()
    return True


def open_devices() -> list[str]:
    """Devices that this process holds: a GPU that was begun with works in no process that is forked."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the list's own is closed by now
            found.append(str(path.readlink()))
    return sorted(name for name in found if name.startswith("/dev/") and name != os.devnull)


def _take_place(module: str, environment: Mapping[str, str], descriptors: Sequence[int]) -> None:
    """Have the session, streams, working folder, variables and arguments of a new interpreter, which remembers no place of a module."""
    os.setsid()
    *streams, folder = descriptors
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.fchdir(folder)
    for descriptor in descriptors:
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    sys.argv[:] = [""]
    sys.orig_argv[:] = [sys.executable, "-P", "-m", module]
    with contextlib.suppress(OSError, ValueError, IndexError):
        _show_command(sys.orig_argv)


def _show_command(command: Sequence[str]) -> None:
    """Have those who list processes see this command, as far as the place of this process's own suffices."""
    start, end = map(int, Path("/proc/self/stat").read_text().rpartition(")")[2].split()[45:47])
    content = b"\0".join(map(os.fsencode, command))[: end - start - 1]
    if start > 0:
        ctypes.memmove(start, content.ljust(end - start, b"\0"), end - start)
