"""A dataset that is slow to read, and can do worse to the process that reads ahead. Given as ``--plugin``."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import torch

from harness.api import Sample, dataset


def reading_ahead() -> bool:
    """Whether this is a process that reads ahead."""
    return getattr(sys.modules["__main__"].__spec__, "name", "") == "harness.worker.prefetch_process"


class Reluctant:
    """Noise of two classes; at index ``at`` it ``does`` something, where a file of that name is in the folder RELUCTANT."""

    class_names = ("left", "right")

    def __init__(self, samples: int, pause: float, at: int) -> None:
        self._samples, self._pause, self._at = samples, pause, at

    def __len__(self) -> int:
        return self._samples

    def __getitem__(self, index: int) -> Sample:
        with Path(os.environ["RELUCTANT"], "read-ahead" if reading_ahead() else "read-by-itself").open("a") as stream:
            stream.write(f"{index}\n")
        time.sleep(self._pause)
        image = torch.rand(3, 17, 19, generator=torch.Generator().manual_seed(index))
        mask = None if index % 3 else image[0] > 0.8
        if index == self._at:
            image = self._disturbed(image)
        return Sample(image, index % 2, f"sample-{index}", mask)

    def _disturbed(self, image: torch.Tensor) -> torch.Tensor:
        does = {path.name for path in Path(os.environ["RELUCTANT"]).iterdir()}
        if "raises" in does:
            raise OSError("this one cannot be read")
        if "changes" in does:
            return 1 - image
        if reading_ahead():
            if "changes-ahead" in does:
                return 1 - image
            if "dies" in does:
                os.kill(os.getpid(), signal.SIGKILL)
            if "hangs" in does:
                time.sleep(600)
        return image


@dataset(selection={"samples"})
def reluctant(*, samples: int | None = 8, pause: float = 0.0, at: int = 3) -> Reluctant:
    """Noise that is slow to read, or worse."""
    return Reluctant(8 if samples is None else samples, pause, at)
