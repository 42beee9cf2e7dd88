"""Sees, in a process that imports components, which file of code imports which, and what is read meanwhile.

An audit hook hears of code that is executed and of files that are opened, whoever does it; a file is the importer's in whose top-level code
it happens. Modules that are there already are only bound again, which no audit event tells: for these the import statement and
``importlib.import_module`` are wrapped. Files that libraries open in C or Rust are heard of where `harness.registry.opening` knows them.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from threading import get_ident
from types import CodeType, FrameType, ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from harness.registry.installed import below, of_core, versioned
from harness.registry.states import times

CODE = (".py", ".pyc", ".pyo")
LISTINGS = ("os.listdir", "os.scandir", "glob.glob")
HEARD = frozenset({"exec", "open", "import", "ctypes.dlopen", "sqlite3.connect", *LISTINGS})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
INSTALLED = ("/site-packages/", "/dist-packages/", ".dist-info/", ".egg-info/")
_HERE = os.path.dirname(os.path.realpath(__file__))
Around = Callable[[str, str], AbstractContextManager[object] | None]


@dataclass(eq=False)
class Heard:
    """What was heard for a while.

    Attributes:
        files: files and folders that were read, and files of code that were executed or imported.
        written: files that were written meanwhile: what is read of them later is nobody else's.
        code: files of code; where they are given, only what functions in them read by themselves is heard.
    """

    files: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    code: frozenset[str] | None = None


@dataclass
class Trace:
    """What was seen.

    Attributes:
        imports: files of code by the file whose code imported or executed them.
        reads: files and folders that were read by the file of code in whose top level that happened.
        loaded: size and times of files of code that nobody installed, when they were executed.
        listeners: what else is told what happens now.
    """

    imports: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    reads: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    loaded: dict[str, tuple[int, ...]] = field(default_factory=dict)
    listeners: list[Heard] = field(default_factory=list)
    installed: bool = False

    def executed(self, code: CodeType) -> None:
        """A file of code is executed."""
        if code.co_name != "<module>" or code.co_filename.startswith("<"):
            return
        file = real(code.co_filename)
        self.imported(_importer(sys._getframe(2)), file)
        if not versioned(file):
            self.loaded[file] = state(file)

    def imported(self, importer: str | None, file: str) -> None:
        """One file of code has asked for another."""
        if importer is not None and importer != file:
            self.imports[importer].add(file)
        if self.listeners and not versioned(file):
            for listener in self.listeners:
                if listener.code is None:
                    listener.files.add(file)

    def opened(self, path: object, mode: object, flags: object) -> None:
        """A file is opened."""
        try:
            file = os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type]
        except (TypeError, ValueError, OSError):  # a number, or no path at all
            return
        if any(sign in str(mode or "") for sign in "wax") or (mode is None and isinstance(flags, int) and flags & WRITING):
            for listener in self.listeners:
                listener.written.add(file)
        elif not file.endswith(CODE):
            self.read(file)

    def read(self, file: str) -> None:
        """A file, or the list of a folder, is read."""
        if not counts(file):
            return
        importer = _importer(sys._getframe(2))
        if importer is not None:
            self.reads[importer].add(file)
        for listener in list(self.listeners):
            if file not in listener.written and (listener.code is None or self._is_read_by(listener, sys._getframe(2))):
                listener.files.add(file)

    def _is_read_by(self, listener: Heard, frame: FrameType | None) -> bool:
        """Whether what reads is code that the listener asks of, and neither harness nor what somebody else listens to inside of it."""
        if self.listeners[-1] is not listener:
            return False
        while frame is not None:
            file = real(frame.f_code.co_filename)
            if file in (listener.code or ()):
                return True
            if of_core(file) and not below(file, _HERE):
                return False
            frame = frame.f_back
        return False

    @contextmanager
    def listening(self, code: frozenset[str] | None = None) -> Iterator[Heard]:
        """What happens in the block; with ``code`` what functions in these files read by themselves."""
        heard = Heard(code=code)
        self.listeners.append(heard)
        try:
            yield heard
        finally:
            self.listeners.remove(heard)


TRACE = Trace()
_hearing: set[int] = set()  # threads that are in the hook


def counts(file: str) -> bool:
    """Whether what a file holds is not known by a version, nor kept by a machine for itself."""
    if "/__pycache__" in file or file.endswith(".so") or any(part in f"{file}/" for part in INSTALLED):
        return False
    return not (versioned(file) or _kept_by_machine(file))


def downloaded(file: str) -> bool:
    """Whether a file lies in a cache of networks' weights, where it may be fetched by whoever needs it first."""
    home = os.path.expanduser("~")
    places = [f"{home}/.cache/torch", f"{home}/.cache/huggingface", os.environ.get("TORCH_HOME"), os.environ.get("HF_HOME")]
    return any(below(file, os.path.abspath(place)) for place in places if place)


def _kept_by_machine(file: str) -> bool:
    """Whether it lies in a cache, of which only those of networks' weights count, or among a user's settings."""
    home, own = os.path.expanduser("~"), os.environ.get("HARNESS_CACHE")
    places = [f"{home}/.cache", f"{home}/.config", *([os.path.abspath(own)] if own else [])]
    return any(below(file, place) for place in places) and not downloaded(file)


def state(file: str) -> tuple[int, ...]:
    """Size and times of a file; nothing where there is none."""
    try:
        found = os.stat(file)
    except OSError:
        return ()
    return found.st_size, *times(found)


def _importer(frame: FrameType | None) -> str | None:
    """The file of the innermost top-level code that is being executed; None where none is."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "<module>" and not code.co_filename.startswith("<"):
            file = real(code.co_filename)
            return None if of_core(file) else file
        frame = frame.f_back
    return None


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook; it must not raise, nor hear of what it does itself."""
    if event not in HEARD or get_ident() in _hearing:
        return
    _hearing.add(get_ident())
    try:
        if event == "exec":
            if isinstance(arguments[0], CodeType):
                TRACE.executed(arguments[0])
        elif event == "open":
            TRACE.opened(*arguments[:3])
        elif event == "sqlite3.connect":
            TRACE.opened(_database(os.fsdecode(arguments[0])), "r", 0)
        elif event in LISTINGS:
            caller = sys._getframe(1).f_code.co_filename
            if "importlib" not in caller and not of_core(caller):
                TRACE.read(os.path.abspath(os.fsdecode(arguments[0] or ".")))
        elif event == "import" and arguments[1] is not None:  # a compiled module
            TRACE.imported(_importer(sys._getframe(1)), os.path.realpath(arguments[1]))
        elif event == "ctypes.dlopen" and arguments[0] and os.path.isfile(arguments[0]):
            TRACE.imported(_importer(sys._getframe(1)), os.path.realpath(arguments[0]))
    except (TypeError, ValueError, OSError, AttributeError, RecursionError):
        return
    finally:
        _hearing.discard(get_ident())


def _database(name: str) -> str:
    """The file of a database, which may be named by a URI."""
    return unquote(urlsplit(name).path) if name.startswith("file:") else name


def _nothing(importer: str, name: str) -> None:
    return None


_around: list[Around] = [_nothing]
_FREE: AbstractContextManager[None] = nullcontext()


def install(around: Around | None = None) -> None:
    """See from now on what this process imports and reads; ``around(importer, name)`` is a context in which imports are made."""
    if around is not None:
        _around[0] = around
    if TRACE.installed:
        return
    TRACE.installed = True
    _note_loaded()
    sys.addaudithook(_hear)
    plain_import, plain_module = builtins.__import__, importlib.import_module

    def traced_import(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        importer = globals.get("__file__") if globals else None
        if not isinstance(importer, str):
            return plain_import(name, globals, locals, fromlist or (), level)
        with _around[0](importer, "" if level else name) or _FREE:
            module = plain_import(name, globals, locals, fromlist or (), level)
        _note(importer, _absolute(name, globals or {}, level), fromlist or ())
        return module

    def traced_module(name: str, package: str | None = None) -> ModuleType:
        importer = sys._getframe(1).f_globals.get("__file__")
        if not isinstance(importer, str):
            return plain_module(name, package)
        with _around[0](importer, "" if name.startswith(".") else name) or _FREE:
            module = plain_module(name, package)
        _note(importer, module.__name__, ())
        return module

    builtins.__import__ = traced_import
    importlib.import_module = traced_module


_noted: set[tuple[str, str, tuple[str, ...]]] = set()


@lru_cache(maxsize=65536)
def real(file: str) -> str:
    """A path without links."""
    return os.path.realpath(file)


def _note(importer: str, name: str, members: Sequence[str]) -> None:
    """An import was made: of a module, its parents and those of its members that are modules."""
    made = (importer, name, tuple(members))
    if made in _noted and not TRACE.listeners:
        return
    _noted.add(made)
    file = real(importer)
    if of_core(file):
        return
    parts = name.split(".")
    names = [".".join(parts[: i + 1]) for i in range(len(parts))]
    for one in (*names, *(f"{name}.{member}" for member in members)):
        found = file_of(sys.modules.get(one))
        if found is not None:
            TRACE.imported(file, found)


def _absolute(name: str, globals: Mapping[str, object], level: int) -> str:
    if not level:
        return name
    package = globals.get("__package__") or str(globals.get("__name__", "")).rpartition(".")[0]
    base = str(package).rsplit(".", level - 1)[0] if level > 1 else str(package)
    return f"{base}.{name}" if name else base


def file_of(module: object) -> str | None:
    """The file that a module comes from."""
    file = getattr(module, "__file__", None) if isinstance(module, ModuleType) else None
    return real(file) if isinstance(file, str) else None


def _note_loaded() -> None:
    """Of modules that are there already, the files as they are: those changed since this process began are told as if they were others."""
    began = _began()
    for module in list(sys.modules.values()):
        file = file_of(module)
        if file is not None and file.endswith(".py") and not versioned(file):
            found = state(file)
            TRACE.loaded.setdefault(file, found if max(found[1:], default=0) < began else (-1,))


def _began() -> int:
    """When this process began (ns since the epoch): a file that is younger may have been another when it was imported."""
    try:
        with open("/proc/self/stat") as stat, open("/proc/uptime") as uptime:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
            age = float(uptime.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        age = time.process_time()
    return time.time_ns() - int(age * 1e9)
