"""Images of lesions and tumours are the same to the last bit whatever computes them."""

from __future__ import annotations

import pytest

from tests.support.same_bits import printed_elsewhere

PRINTING = """
import hashlib
from harness_lesions.data import lesions
from harness_lesions.tumours import tumours
whole = hashlib.sha256()
for options in ({"samples": 12}, {"split": "train", "seed": 3}, {"size": 160, "scale": 1.5}, {"size": 270, "scale": 2.0}):
    data = lesions(**options)
    for index in range(min(len(data), 12 if "size" not in options else 2)):
        sample = data[index]
        whole.update(sample.image.numpy().tobytes() + sample.mask.numpy().tobytes())
for data in (tumours(samples=8), tumours(samples=4, size=200)):
    for index in range(len(data)):
        sample = data[index]
        whole.update(sample.image.numpy().tobytes() + (b"" if sample.mask is None else sample.mask.numpy().tobytes()))
print(whole.hexdigest())
"""


@pytest.mark.slow
def test_images_are_the_same_bits_on_any_number_of_threads_and_any_kernel() -> None:
    found = printed_elsewhere(PRINTING)
    assert len(set(found.values())) == 1, found
