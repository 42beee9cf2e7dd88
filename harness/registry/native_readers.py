"""Libraries that open files in C or Rust, past Python's audit events: their functions are made to tell.

Known are safetensors, torchvision's ``read_file``, OpenCV, h5py, PyArrow's readers of CSV, JSON, Feather and Parquet, ``torch.jit.load``,
``torch.from_file`` and ``torch.UntypedStorage.from_file``. What else opens files so is not seen, nor is what a process does that was
started by this one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, ClassVar

READERS: dict[str, tuple[str, ...]] = {
    "safetensors": ("safe_open",),
    "safetensors.torch": ("safe_open",),
    "safetensors.numpy": ("safe_open",),
    "torchvision.io.image": ("read_file",),
    "cv2": ("imread", "imreadmulti"),
    "h5py._hl.files": ("File.__init__",),
    "pyarrow.csv": ("read_csv", "open_csv"),
    "pyarrow.json": ("read_json",),
    "pyarrow.feather": ("read_table", "read_feather"),
    "pyarrow.parquet.core": ("ParquetFile.__init__", "ParquetDataset.__init__", "read_table"),
    "pyarrow.parquet": ("read_table",),
    "torch": ("from_file",),
    "torch.jit._serialization": ("load",),
    "torch.jit": ("load",),
    "torch.storage": ("UntypedStorage.from_file",),
}
"""By module the functions that are given a file's name, as the first argument or the second (after ``self``)."""


def audit_native_readers() -> None:
    """Have these tell from now on, as ``open`` does."""
    for name in READERS:
        if name in sys.modules:
            _wrap_readers(sys.modules[name])
    if _ReaderFinder not in sys.meta_path:
        sys.meta_path.insert(0, _ReaderFinder)


class _ReaderFinder:
    """Finds the modules that are known, to change them when they have been imported."""

    _busy: ClassVar[set[str]] = set()

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if name not in READERS or name in cls._busy:
            return None
        cls._busy.add(name)
        try:
            spec = find_spec(name)
        finally:
            cls._busy.discard(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _AuditingLoader(spec.loader)
        return spec


class _AuditingLoader(Loader):
    """A module's own loader, and then its functions tell."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        _wrap_readers(module)


def _wrap_readers(module: ModuleType) -> None:
    for path in READERS[module.__name__]:
        *outer, name = path.split(".")
        holder: Any = module
        for part in outer:
            holder = getattr(holder, part, None)
        function = getattr(holder, name, None)
        if function is not None and not hasattr(function, "__told__"):
            setattr(holder, name, _with_audit_event(function))


def _with_audit_event(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function, updated=())
    def telling(*args: Any, **kwargs: Any) -> Any:
        mode = kwargs.get("mode") or next((text for text in args[1:3] if isinstance(text, str) and len(text) <= 2), "r")
        for given in (*args[:2], kwargs.get("filename"), kwargs.get("name"), kwargs.get("path")):
            if isinstance(given, str | bytes) or hasattr(given, "__fspath__"):
                sys.audit("open", given, mode if isinstance(mode, str) else "r", 0)
                break
        return function(*args, **kwargs)

    telling.__told__ = True  # type: ignore[attr-defined]
    return telling
