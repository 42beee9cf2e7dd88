"""State of the process that all components share: read, compared, and put back."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.modules.module as global_hooks

_BACKENDS: Any = torch.backends
_MATMUL, _CUDNN, _MKLDNN = _BACKENDS.cuda.matmul, _BACKENDS.cudnn, _BACKENDS.mkldnn
_PRECISION_BACKENDS = (_BACKENDS, _MATMUL, _CUDNN, _CUDNN.conv, _CUDNN.rnn, _MKLDNN, _MKLDNN.matmul, _MKLDNN.conv, _MKLDNN.rnn)
_GLOBAL_HOOKS = {name: hooks for name, hooks in vars(global_hooks).items() if name.startswith("_global_") and isinstance(hooks, dict)}
AUTOCAST_DEVICES = ("cpu", "cuda", "mps")
_INFERENCE_MODES: list[object] = []


class ByIdentity:
    """Equal to itself wrapped again and to nothing else; keeps what it wraps alive, so that no other object takes its address."""

    def __init__(self, wrapped: object) -> None:
        self.wrapped = wrapped

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByIdentity) and other.wrapped is self.wrapped

    def __hash__(self) -> int:
        return id(self.wrapped)


@dataclass(frozen=True)
class ProcessSetting:
    """One thing that a process has one of: what it is called, how it is read (as a comparable value) and how such a value is put back."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]


class SharedState:
    """A record of what was there when this was made; `restore` puts it back."""

    def __init__(self) -> None:
        self._before = [(setting, setting.read()) for setting in _process_settings()]

    def restore(self) -> list[str]:
        """Put back whatever is not as it was; the names of that."""
        changed = [(setting, value) for setting, value in self._before if setting.read() != value]
        for setting, value in changed:
            setting.write(value)
        return [setting.name for setting, _ in changed]


def arithmetic_state() -> tuple[object, ...]:
    """What this process computes in by default: another one may make another number of the same."""
    autocast = [(kind, _autocast_state(kind)) for kind in AUTOCAST_DEVICES if torch.is_autocast_enabled(kind)]
    return autocast, torch.get_default_dtype(), _fp32_precision()


@contextmanager
def restore_shared_state() -> Iterator[None]:
    """Put back, on leaving the block, what it changed of the shared state, whoever changed it: for imports, in which libraries may seed."""
    before = SharedState()
    try:
        yield
    finally:
        before.restore()


def _process_settings() -> Iterator[ProcessSetting]:
    yield ProcessSetting("the default device", lambda: str(torch.get_default_device()), _set_default_device)
    yield ProcessSetting("the default dtype", torch.get_default_dtype, torch.set_default_dtype)
    yield ProcessSetting("the number of threads", torch.get_num_threads, torch.set_num_threads)
    yield ProcessSetting("whether gradients are enabled", torch.is_grad_enabled, torch.set_grad_enabled)
    yield ProcessSetting("whether inference mode is on", torch.is_inference_mode_enabled, _set_inference_mode)
    yield ProcessSetting("whether autograd looks for anomalies", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly)
    for kind in AUTOCAST_DEVICES:
        yield ProcessSetting(f"autocast on {kind}", partial(_autocast_state, kind), partial(_set_autocast, kind))
    yield ProcessSetting("the precision of fp32 arithmetic (TF32)", _fp32_precision, _set_fp32_precision)
    for flag in ("benchmark", "deterministic", "enabled"):
        yield ProcessSetting(f"torch.backends.cudnn.{flag}", partial(getattr, _CUDNN, flag), partial(setattr, _CUDNN, flag))
    yield ProcessSetting("torch.use_deterministic_algorithms", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode)
    for kind, hooks in _GLOBAL_HOOKS.items():
        yield ProcessSetting(f"the hooks of all modules ({kind})", partial(_hook_entries, hooks), partial(_set_hook_entries, hooks))
    yield _torch_generator("torch", torch.get_rng_state, torch.set_rng_state)
    yield ProcessSetting("the global generator of numpy", _numpy_state, _set_numpy_state)
    yield ProcessSetting("the global generator of Python", random.getstate, random.setstate)
    for device in range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ():  # type: ignore[no-untyped-call]
        get, put = partial(torch.cuda.get_rng_state, device), partial(torch.cuda.set_rng_state, device=device)
        yield _torch_generator(f"cuda:{device}", get, put)
    if torch.backends.mps.is_available():
        yield _torch_generator("mps", torch.mps.get_rng_state, torch.mps.set_rng_state)
    yield ProcessSetting("the working folder", _working_folder, _set_working_folder)


def _torch_generator(name: str, read: Callable[[], torch.Tensor], write: Callable[[torch.Tensor], object]) -> ProcessSetting:
    """A generator of torch, its state as bytes."""
    return ProcessSetting(
        f"the global generator of {name}",
        lambda: read().numpy().tobytes(),
        lambda state: write(torch.frombuffer(bytearray(state), dtype=torch.uint8)),
    )


def _set_inference_mode(on: bool) -> None:
    """It is this thread's for as long as what switched it is kept."""
    mode = torch.inference_mode(on)
    mode.__enter__()
    _INFERENCE_MODES.append(mode)


def _autocast_state(device: str) -> tuple[bool, torch.dtype]:
    return torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)


def _set_autocast(device: str, state: tuple[bool, torch.dtype]) -> None:
    torch.set_autocast_enabled(device, state[0])
    torch.set_autocast_dtype(device, state[1])
    torch.clear_autocast_cache()


def _set_default_device(name: str) -> None:
    torch.set_default_device(None if name == "cpu" else name)


def _fp32_precision() -> tuple[Any, ...]:
    """The earlier settings (None if they were mixed with the later ones, so that torch refuses to tell), then the later ones."""
    earlier = (torch.get_float32_matmul_precision, lambda: _MATMUL.allow_tf32, lambda: _CUDNN.allow_tf32)
    return (*map(_read_or_none, earlier), *(backend.fp32_precision for backend in _PRECISION_BACKENDS))


def _read_or_none(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except RuntimeError:
        return None


def _set_fp32_precision(value: tuple[Any, ...]) -> None:
    precision, matmul, cudnn, *later = value
    if precision is not None:
        torch.set_float32_matmul_precision(precision)
    for backend, wanted in ((_MATMUL, matmul), (_CUDNN, cudnn)):
        if wanted is not None:
            backend.allow_tf32 = wanted
    for backend, wanted in zip(_PRECISION_BACKENDS, later, strict=True):
        if backend.fp32_precision != wanted:
            backend.fp32_precision = wanted


def _hook_entries(hooks: Mapping[int, object]) -> tuple[tuple[int, ByIdentity], ...]:
    return tuple((number, ByIdentity(hook)) for number, hook in hooks.items())


def _set_hook_entries(hooks: dict[int, object], entries: Iterable[tuple[int, ByIdentity]]) -> None:
    hooks.clear()
    hooks.update({number: hook.wrapped for number, hook in entries})


def _numpy_state() -> tuple[Any, ...]:
    state = np.random.get_state(legacy=True)
    return tuple(part.tobytes() if isinstance(part, np.ndarray) else part for part in state)


def _set_numpy_state(state: tuple[Any, ...]) -> None:
    np.random.set_state((state[0], np.frombuffer(state[1], dtype=np.uint32), *state[2:]))


def _working_folder() -> str | None:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None


def _set_working_folder(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)
