"""Sees, in a process that imports components, which file of code imports which, and what is read meanwhile.

An audit hook hears of code that is executed and of files that are opened, whoever does it; a file is the importer's in whose top-level code
it happens. Modules that are there already are only bound again, which no audit event tells: for these the import statement and
``importlib.import_module`` are wrapped. Files that libraries open in C or Rust are heard of if `harness.registry.native_readers`
knows them.
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

from harness.registry.file_ownership import is_core_file, is_versioned, is_within
from harness.registry.file_states import FileState, file_state_of

CODE_SUFFIXES = (".py", ".pyc", ".pyo")
LISTING_EVENTS = ("os.listdir", "os.scandir", "glob.glob")
AUDIT_EVENTS = frozenset({"exec", "open", "import", "ctypes.dlopen", "sqlite3.connect", *LISTING_EVENTS})
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
INSTALLED_MARKERS = ("/site-packages/", "/dist-packages/", ".dist-info/", ".egg-info/")
_REGISTRY_FOLDER = os.path.dirname(os.path.realpath(__file__))
ImportContext = Callable[[str, str], AbstractContextManager[object] | None]


@dataclass(eq=False)
class TraceRecording:
    """Files that were heard of for a while.

    Attributes:
        files: files and folders that were read, and files of code that were executed or imported.
        written: files that were written meanwhile: what is read of them later is nobody else's.
        code: files of code; if they are given, only what functions in them read by themselves is heard.
    """

    files: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    code: frozenset[str] | None = None


@dataclass
class ImportTrace:
    """Files that were seen, by the file whose code led to them.

    Attributes:
        imports: files of code by the file whose code imported or executed them.
        reads: files and folders that were read by the file of code in whose top level that happened.
        loaded: the state of files of code that nobody installed, when they were executed.
        listeners: what else is told what happens now.
    """

    imports: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    reads: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    loaded: dict[str, FileState] = field(default_factory=dict)
    recordings: list[TraceRecording] = field(default_factory=list)
    installed: bool = False

    def record_execution(self, code: CodeType) -> None:
        """A file of code is executed."""
        if code.co_name != "<module>" or code.co_filename.startswith("<"):
            return
        file = real_path(code.co_filename)
        self.imported(_importing_file(sys._getframe(2)), file)
        if not is_versioned(file):
            self.loaded[file] = file_state_of(file)

    def imported(self, importer: str | None, file: str) -> None:
        """One file of code has asked for another."""
        if importer is not None and importer != file:
            self.imports[importer].add(file)
        if self.recordings and not is_versioned(file):
            for listener in self.recordings:
                if listener.code is None:
                    listener.files.add(file)

    def opened(self, path: object, mode: object, flags: object) -> None:
        """A file is opened."""
        try:
            file = os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type]
        except (TypeError, ValueError, OSError):  # a number, or no path at all
            return
        if any(sign in str(mode or "") for sign in "wax") or (mode is None and isinstance(flags, int) and flags & WRITE_FLAGS):
            for listener in self.recordings:
                listener.written.add(file)
        elif not file.endswith(CODE_SUFFIXES):
            self.read(file)

    def read(self, file: str) -> None:
        """A file, or the list of a folder, is read."""
        if not is_tracked_file(file):
            return
        importer = _importing_file(sys._getframe(2))
        if importer is not None:
            self.reads[importer].add(file)
        for listener in list(self.recordings):
            if file not in listener.written and (listener.code is None or self._is_read_by(listener, sys._getframe(2))):
                listener.files.add(file)

    def _is_read_by(self, listener: TraceRecording, frame: FrameType | None) -> bool:
        """Whether what reads is code that the listener asks of, and neither harness nor what somebody else listens to inside of it."""
        if self.recordings[-1] is not listener:
            return False
        while frame is not None:
            file = real_path(frame.f_code.co_filename)
            if file in (listener.code or ()):
                return True
            if is_core_file(file) and not is_within(file, _REGISTRY_FOLDER):
                return False
            frame = frame.f_back
        return False

    @contextmanager
    def recording(self, code: frozenset[str] | None = None) -> Iterator[TraceRecording]:
        """Record what happens in the block; with ``code`` what functions in these files read by themselves."""
        heard = TraceRecording(code=code)
        self.recordings.append(heard)
        try:
            yield heard
        finally:
            self.recordings.remove(heard)


IMPORT_TRACE = ImportTrace()
_threads_in_hook: set[int] = set()  # threads that are in the hook


def is_tracked_file(file: str) -> bool:
    """Whether what a file holds is not known by a version, nor kept by a machine for itself."""
    if "/__pycache__" in file or file.endswith(".so") or any(part in f"{file}/" for part in INSTALLED_MARKERS):
        return False
    return not (is_versioned(file) or _is_machine_local(file))


def is_downloaded_weights(file: str) -> bool:
    """Whether a file lies in a cache of networks' weights, where it may be fetched by whoever needs it first."""
    home = os.path.expanduser("~")
    places = [f"{home}/.cache/torch", f"{home}/.cache/huggingface", os.environ.get("TORCH_HOME"), os.environ.get("HF_HOME")]
    return any(is_within(file, os.path.abspath(place)) for place in places if place)


def _is_machine_local(file: str) -> bool:
    """Whether it lies in a cache, of which only those of networks' weights count, or among a user's settings."""
    home, own = os.path.expanduser("~"), os.environ.get("HARNESS_CACHE")
    places = [f"{home}/.cache", f"{home}/.config", *([os.path.abspath(own)] if own else [])]
    return any(is_within(file, place) for place in places) and not is_downloaded_weights(file)


def _importing_file(frame: FrameType | None) -> str | None:
    """The file of the innermost top-level code that is being executed; None if none is."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "<module>" and not code.co_filename.startswith("<"):
            file = real_path(code.co_filename)
            return None if is_core_file(file) else file
        frame = frame.f_back
    return None


def _audit_hook(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook; it must not raise, nor hear of what it does itself."""
    if event not in AUDIT_EVENTS or get_ident() in _threads_in_hook:
        return
    _threads_in_hook.add(get_ident())
    try:
        if event == "exec":
            if isinstance(arguments[0], CodeType):
                IMPORT_TRACE.record_execution(arguments[0])
        elif event == "open":
            IMPORT_TRACE.opened(*arguments[:3])
        elif event == "sqlite3.connect":
            IMPORT_TRACE.opened(_database_file(os.fsdecode(arguments[0])), "r", 0)
        elif event in LISTING_EVENTS:
            caller = sys._getframe(1).f_code.co_filename
            if "importlib" not in caller and not is_core_file(caller):
                IMPORT_TRACE.read(os.path.abspath(os.fsdecode(arguments[0] or ".")))
        elif event == "import" and arguments[1] is not None:  # a compiled module
            IMPORT_TRACE.imported(_importing_file(sys._getframe(1)), os.path.realpath(arguments[1]))
        elif event == "ctypes.dlopen" and arguments[0] and os.path.isfile(arguments[0]):
            IMPORT_TRACE.imported(_importing_file(sys._getframe(1)), os.path.realpath(arguments[0]))
    except (TypeError, ValueError, OSError, AttributeError, RecursionError):
        return
    finally:
        _threads_in_hook.discard(get_ident())


def _database_file(name: str) -> str:
    """The file of a database, which may be named by a URI."""
    return unquote(urlsplit(name).path) if name.startswith("file:") else name


_import_contexts: list[ImportContext] = []
_after_imports: list[Callable[[], None]] = []
_NULL_CONTEXT: AbstractContextManager[None] = nullcontext()


def install_import_tracing(around: ImportContext | None = None, after: Callable[[], None] | None = None) -> None:
    """See from now on what this process imports and reads.

    Args:
        around: ``around(importer, name)`` is a context in which an import is made, or None.
        after: called after every import.
    """
    if around is not None and around not in _import_contexts:
        _import_contexts.append(around)
    if after is not None and after not in _after_imports:
        _after_imports.append(after)
    if IMPORT_TRACE.installed:
        return
    IMPORT_TRACE.installed = True
    _record_loaded_modules()
    sys.addaudithook(_audit_hook)
    plain_import, plain_module = builtins.__import__, importlib.import_module

    def traced_import(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        importer = globals.get("__file__") if globals else None
        with _import_context(importer, "" if level else name):
            module = plain_import(name, globals, locals, fromlist or (), level)
        _record_import(importer, _absolute_name(name, globals or {}, level), fromlist or ())
        return module

    def traced_module(name: str, package: str | None = None) -> ModuleType:
        importer = sys._getframe(1).f_globals.get("__file__")
        with _import_context(importer, "" if name.startswith(".") else name):
            module = plain_module(name, package)
        _record_import(importer, module.__name__, ())
        return module

    builtins.__import__ = traced_import
    importlib.import_module = traced_module


def _import_context(importer: object, name: str) -> AbstractContextManager[object]:
    """In what an import is made of a name (of none, if it is relative)."""
    contexts = (around(importer, name) for around in _import_contexts) if isinstance(importer, str) else ()
    return next((context for context in contexts if context is not None), _NULL_CONTEXT)


_recorded_imports: set[tuple[str, str, tuple[str, ...]]] = set()


@lru_cache(maxsize=65536)
def real_path(file: str) -> str:
    """A path without links."""
    return os.path.realpath(file)


def _record_import(importer: object, name: str, members: Sequence[str]) -> None:
    """An import was made: of a module, its parents and those of its members that are modules."""
    for after in _after_imports:
        after()
    if not isinstance(importer, str):
        return
    made = (importer, name, tuple(members))
    if made in _recorded_imports and not IMPORT_TRACE.recordings:
        return
    _recorded_imports.add(made)
    file = real_path(importer)
    if is_core_file(file):
        return
    parts = name.split(".")
    names = [".".join(parts[: i + 1]) for i in range(len(parts))]
    for one in (*names, *(f"{name}.{member}" for member in members)):
        found = file_of_module(sys.modules.get(one))
        if found is not None:
            IMPORT_TRACE.imported(file, found)


def _absolute_name(name: str, globals: Mapping[str, object], level: int) -> str:
    if not level:
        return name
    package = globals.get("__package__") or str(globals.get("__name__", "")).rpartition(".")[0]
    base = str(package).rsplit(".", level - 1)[0] if level > 1 else str(package)
    return f"{base}.{name}" if name else base


def file_of_module(module: object) -> str | None:
    """The file that a module comes from."""
    file = getattr(module, "__file__", None) if isinstance(module, ModuleType) else None
    return real_path(file) if isinstance(file, str) else None


def _record_loaded_modules() -> None:
    """Of modules that are there already, the files as they are: those changed since this process began are told as if they were others."""
    began = _process_start_time()
    for module in list(sys.modules.values()):
        file = file_of_module(module)
        if file is not None and file.endswith(".py") and not is_versioned(file):
            state = file_state_of(file)
            IMPORT_TRACE.loaded.setdefault(file, state if max(state[2:], default=0) < began else ["younger"])


def _process_start_time() -> int:
    """When this process began (ns since the epoch): a file that is younger may have been another when it was imported."""
    try:
        with open("/proc/self/stat") as stat, open("/proc/uptime") as uptime:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
            age = float(uptime.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        age = time.process_time()
    return time.time_ns() - int(age * 1e9)
