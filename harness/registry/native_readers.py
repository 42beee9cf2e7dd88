"""Libraries that open files in C or Rust, past Python's audit events: their functions are made to tell.

Known are safetensors, torchvision's ``read_file``, OpenCV, h5py, PyArrow's readers of CSV, JSON, Feather and Parquet, ``torch.jit.load``,
``torch.from_file`` and ``torch.UntypedStorage.from_file``. What else opens files so is not seen, nor is what a process does that was
started by this one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from harness.registry import import_tracing

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


_waiting = set(READERS)  # modules that have not been imported yet


def audit_native_readers() -> None:
    """Have these tell from now on, as ``open`` does; those of modules that are not there yet as soon as these are imported."""
    import_tracing.install_import_tracing(after=_wrap_imported_readers)
    _wrap_imported_readers()


def _wrap_imported_readers() -> None:
    """An import was made: have the functions tell of modules that are there now and done with being imported."""
    for name in [name for name in _waiting if name in sys.modules]:
        module = sys.modules[name]
        if not getattr(module.__spec__, "_initializing", False):
            _waiting.discard(name)
            for path in READERS[name]:
                _wrap_reader(module, path)


def _wrap_reader(module: ModuleType, path: str) -> None:
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
