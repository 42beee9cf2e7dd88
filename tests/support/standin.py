"""A device that is not the CPU, for machines that have no other: its tensors are in main memory, and the CPU's kernels do the work.

As on a GPU no operation takes tensors of two devices, and as on Apple's GPU there may be no float64.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

NAME = "standin"
ASKED: Counter[str] = Counter()  # what the device was asked


@cache
def standin() -> torch.device:
    """The device, of this process from now on."""
    torch.ops.load_library(str(_compiled()))
    torch.utils.rename_privateuse1_backend(NAME)
    torch._register_device_module(NAME, _module())
    torch.utils.generate_methods_for_privateuse1_backend()
    torch.ops.standin.install()
    return torch.device(NAME)


@contextmanager
def without_float64() -> Iterator[None]:
    """No tensor of float64 can be made on the device in the block."""
    torch.ops.standin.with_float64(False)
    try:
        yield
    finally:
        torch.ops.standin.with_float64(True)


def _compiled() -> Path:
    """The library, which the machine's g++ makes once of each source and torch (20 s)."""
    from torch.utils.cpp_extension import include_paths, library_paths

    source = Path(__file__).with_suffix(".cpp")
    digest = hashlib.sha256(source.read_bytes() + torch.__version__.encode()).hexdigest()[:16]
    library = Path(tempfile.gettempdir()) / f"harness-{NAME}-{digest}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / library.name
            headers, libraries = [f"-I{path}" for path in include_paths()], [f"-L{path}" for path in library_paths()]
            options = ["-shared", "-fPIC", "-std=c++20", "-O0", *headers, *libraries, "-ltorch_cpu", "-lc10"]
            subprocess.run(["g++", str(source), "-o", str(made), *options], check=True)
            made.replace(library)
    return library


def _module() -> ModuleType:
    """What torch looks for under ``torch.standin``."""
    module: Any = ModuleType(f"torch.{NAME}")
    module.is_available = lambda: True
    module.is_initialized = lambda: True
    module.device_count = lambda: 1
    module.current_device = lambda: 0
    module._is_in_bad_fork = lambda: False
    module.manual_seed_all = lambda seed: None
    module.get_amp_supported_dtype = lambda: [torch.bfloat16]
    module.synchronize = lambda device=None: None
    module.empty_cache = lambda: ASKED.update(["empty_cache"])
    return module  # type: ignore[no-any-return]
