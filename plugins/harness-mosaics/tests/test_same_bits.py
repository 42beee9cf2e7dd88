"""Birds, and grids of them at their own size, are the same to the last bit whatever computes them (scaling is the kernel's own)."""

from __future__ import annotations

import pytest

from tests.support.same_bits import printed_elsewhere

PRINTING = """
import hashlib
from harness_mosaics.grid_mosaic import grid_mosaic
from harness_mosaics.part_shapes import part_shapes
whole = hashlib.sha256()
birds = part_shapes(samples=24, missing=0.3)
for data in (birds, part_shapes(samples=4, size=200, seed=2), grid_mosaic(of=birds, side=2, samples=4)):
    for index in range(len(data)):
        sample = data[index]
        whole.update(sample.image.numpy().tobytes() + sample.mask.numpy().tobytes())
        whole.update(sample.evidence["counterfactuals"].numpy().tobytes() if "counterfactuals" in sample.evidence else b"")
print(whole.hexdigest())
"""


@pytest.mark.slow
def test_images_are_the_same_bits_on_any_number_of_threads_and_any_kernel() -> None:
    found = printed_elsewhere(PRINTING)
    assert len(set(found.values())) == 1, found
