"""A dataset whose samples take processor time, and note that they were made. Given as ``--plugin``, beside `distracted`."""

from __future__ import annotations

import os
import time
from pathlib import Path

from harness.api import Sample, dataset
from tests.support.distracted import Distracted

COST = 0.007  # seconds: more than what is not worth keeping


class Costly(Distracted):
    """Distracted squares; each that is made adds a line to the file that ``COSTLY_MADE`` names."""

    def __getitem__(self, index: int) -> Sample:
        end = time.thread_time() + COST
        while time.thread_time() < end:
            pass
        with Path(os.environ["COSTLY_MADE"]).open("a") as stream:
            stream.write(f"{index}\n")
        return super().__getitem__(index)


@dataset(selection={"samples"})
def costly(*, samples: int = 8) -> Costly:
    """Bright squares, with what might distract from them, made slowly."""
    return Costly(samples, 0)
