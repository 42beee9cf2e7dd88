"""Images of both data sets are the same to the last bit whatever computes them."""

from __future__ import annotations

import pytest

from tests.support.same_bits import printed_elsewhere

PRINTING = """
import hashlib
from harness_phantoms.naevi import naevi
from harness_phantoms.opacities import opacities
whole = hashlib.sha256()
radiographs = opacities(samples=12), opacities(samples=3, classes=3, size=200, seed=2)
photographs = naevi(samples=14), naevi(samples=7, size=200, split="train")
for data in radiographs + photographs:
    for index in range(len(data)):
        sample = data[index]
        whole.update(sample.image.numpy().tobytes() + (b"" if sample.mask is None else sample.mask.numpy().tobytes()))
print(whole.hexdigest())
"""


@pytest.mark.slow
def test_images_are_the_same_bits_on_any_number_of_threads_and_any_kernel() -> None:
    found = printed_elsewhere(PRINTING)
    assert len(set(found.values())) == 1, found
