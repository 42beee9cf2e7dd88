"""A child process that says what it is and what it computes, which does not depend on how it was started."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from harness.processes.channel import Channel


def main() -> None:
    early = {"path": list(sys.path), "argv": sys.argv, "orig_argv": sys.orig_argv, "main": sys.modules["__main__"].__spec__.name}
    streams = [(type(s.buffer).__name__, s.encoding, s.errors, s.line_buffering, s.fileno()) for s in (sys.stdin, sys.stdout, sys.stderr)]
    descriptors = sorted(int(path.name) for path in Path("/proc/self/fd").iterdir())[:-1]  # but for that of the list
    channel = Channel()
    from harness.processes.inheritance import describe_inheritance

    same = {
        **early,
        "streams": streams,
        "descriptors": descriptors,
        "folder": str(Path.cwd()),
        "variables": dict(os.environ),
        "inheritance": describe_inheritance(),
        "signals": {int(number): str(signal.getsignal(number)).partition(" at ")[0] for number in signal.valid_signals()},
        "leads": (os.getsid(0), os.getpgrp()) == (os.getpid(), os.getpid()),
        "flags": str(sys.flags),
        "command": Path("/proc/self/cmdline").read_bytes().rstrip(b"\0").decode().split("\0"),
    }
    channel.send({"same": same, "threads": threads(), "numbers": numbers(), "drawn": drawn()})
    channel.inbox.get()


def threads() -> dict[str, Any]:
    """How many each library runs."""
    import pyarrow
    import scipy.linalg  # noqa: F401
    import torch
    from threadpoolctl import threadpool_info

    pools = sorted((Path(pool["filepath"]).name, pool["num_threads"]) for pool in threadpool_info())
    counts = {"torch": torch.get_num_threads(), "interop": torch.get_num_interop_threads(), "arrow": pyarrow.cpu_count()}
    return {**counts, "pools": pools, "parallel": torch.__config__.parallel_info(), "cuda": torch.cuda.is_initialized()}


def numbers() -> list[str]:
    """SHA-256 of results whose last bits depend on how the work is divided among threads, and on generators that are not seeded."""
    import numpy as np
    import scipy.linalg
    import torch

    made = np.random.Generator(np.random.PCG64(0)).normal(size=(384, 384))
    values = torch.from_numpy(made).float()
    images = values.reshape(1, 9, 128, 128)
    weights = torch.linspace(-1, 1, 9 * 9 * 9).reshape(9, 9, 3, 3).requires_grad_()
    torch.nn.functional.conv2d(images, weights).square().sum().backward()
    results = [
        made @ made,
        np.linalg.svd(made)[1],
        scipy.linalg.cho_factor(made @ made.T + np.eye(384))[0],
        (values @ values).numpy(),
        values.repeat(32, 1).exp().sum().numpy(),
        weights.grad.numpy(),
        torch.linalg.solve(values, values.T).numpy(),
    ]
    return [hashlib.sha256(np.ascontiguousarray(result).tobytes()).hexdigest() for result in results]


def drawn() -> list[float]:
    """Numbers of generators that are seeded by the system."""
    import numpy as np
    import torch

    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


if __name__ == "__main__":
    main()
