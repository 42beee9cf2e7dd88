"""Components that fail in the ways that no guard can prevent, and some that wait until a test has done something to them.

Given as ``--plugin`` beside ``small.py``. Those that wait do so in the folder ``FAULTY_MARKS``, which a test arms them in: the first worker
that comes there writes its number into a file and waits to be killed, the next one goes on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from harness.api import Case, Classifier, classifier, explainer, metric, model

Whole = ctypes.CDLL(None)
Locked = ctypes.PyDLL(None)  # keeps the interpreter's lock while it runs


def once(what: str) -> None:
    """Wait to be killed where a test has armed this, which whoever comes first disarms."""
    marks = Path(os.environ["FAULTY_MARKS"])
    try:
        (marks / f"{what}.armed").rename(marks / what)
    except FileNotFoundError:
        return
    (marks / what).write_text(str(os.getpid()))
    time.sleep(60)


def gradient(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Gradient times input."""
    with torch.enable_grad():
        inputs = images.clone().requires_grad_()
        return torch.autograd.grad(model(inputs).gather(1, targets[:, None]).sum(), inputs)[0] * images


@model()
def waiting() -> Classifier:
    """Compares two halves of an image; waits when it is made, and when it predicts."""
    once("load")
    network = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d((1, 2)), nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        network[0].weight.fill_(1 / 27)
        network[0].bias.zero_()
        network[4].weight.copy_(torch.tensor([[4.0, -4.0, 0.0, 0.0], [-4.0, 4.0, 0.0, 0.0]]))
        network[4].bias.zero_()
    made = classifier(network, input_shape=(3, 12, 12), class_names=["left", "right"], mean=[0.0] * 3, std=[1.0] * 3)
    made.module.register_forward_pre_hook(lambda module, args: once("predict"))
    return made


@explainer(signed=True)
def waits(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Gradient times input; waits once."""
    once("explain")
    return gradient(model, images, targets)


@metric(category="complexity", direction="lower")
def awaited(case: Case) -> Tensor:
    """Mean magnitude of the map; waits once."""
    once("score")
    return case.attributions.abs().flatten(1).mean(dim=1)


@explainer()
def frees_twice(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Corrupts the heap by freeing what is free."""
    Whole.malloc.restype = ctypes.c_void_p
    block = ctypes.c_void_p(Whole.malloc(24))
    for _ in range(9):
        Whole.free(block)
    return gradient(model, images, targets)


@explainer()
def writes_anywhere(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Writes where no memory is its own."""
    ctypes.memset(8, 1, 64)
    return gradient(model, images, targets)


@explainer()
def hangs_in_c(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Hangs in C with the interpreter's lock, so that no other thread of its process runs."""
    Path(os.environ["FAULTY_MARKS"], "hanging").write_text(str(os.getpid()))
    Locked.sleep(600)
    return gradient(model, images, targets)


@explainer()
def leaves_a_child(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Starts a process that holds the worker's streams, and hangs, deaf to a request to end."""
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"], close_fds=False)
    Path(os.environ["FAULTY_MARKS"], "child").write_text(str(child.pid))
    time.sleep(600)
    return gradient(model, images, targets)


@explainer()
def moves(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Changes the working folder."""
    os.chdir("/")
    return gradient(model, images, targets)


@explainer()
def doubles(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Leaves float64 as the default type."""
    torch.set_default_dtype(torch.float64)
    return gradient(model, images, targets).float()


@explainer()
def threads(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Takes all threads."""
    torch.set_num_threads(torch.get_num_threads() + 3)
    return gradient(model, images, targets)


@explainer()
def gluttonous(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Wants more memory than there is."""
    return gradient(model, images, targets) + torch.empty(2**46).sum()


@explainer()
def gluttonous_there(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Wants more memory than the device has."""
    return gradient(model, images, targets) + torch.empty(2**40, device=images.device).sum()


@explainer()
def crowded(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Says that its device is full, as CUDA does, for whatever size of batch."""
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


KEPT: list[Tensor] = []


@explainer()
def leaks(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Keeps a gibibyte of every call."""
    KEPT.append(torch.empty(2**28))
    return gradient(model, images, targets)


@explainer()
def hoards(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Keeps all memory but a gibibyte, for good."""
    with contextlib.suppress(RuntimeError):
        while True:
            KEPT.append(torch.empty(2**26))
    del KEPT[-4:]
    return gradient(model, images, targets)


@explainer()
def modest(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Needs two gibibytes for a while."""
    return gradient(model, images, targets) + torch.empty(2**29)[:1].zero_()
