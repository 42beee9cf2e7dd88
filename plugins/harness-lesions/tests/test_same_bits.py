"""Images of lesions and tumours are the same to the last bit whatever computes them."""

from __future__ import annotations

import pytest

from tests.support.same_bits import printed_elsewhere

PRINTING = """
import hashlib
from importlib.util import find_spec
from harness_lesions.data import lesions
from harness_lesions.tumours import tumours
backgrounds = ["phantom", *(["mni"] if find_spec("nilearn") else [])]
options = [{"samples": 12}, {"split": "train", "seed": 3, "samples": 12}, {"size": 160, "scale": 1.5, "samples": 2}]
options.append({"size": 270, "scale": 2.0, "samples": 2})
sets = [lesions(backgrounds=name, **each) for name in backgrounds for each in options]
sets += [tumours(samples=12, plane="any", backgrounds=name) for name in backgrounds] + [tumours(samples=4, size=200)]
whole = hashlib.sha256()
for data in sets:
    for index in range(len(data)):
        sample = data[index]
        whole.update(sample.image.numpy().tobytes() + (b"" if sample.mask is None else sample.mask.numpy().tobytes()))
print(whole.hexdigest())
"""


@pytest.mark.slow
def test_images_are_the_same_bits_on_any_number_of_threads_and_any_kernel() -> None:
    found = printed_elsewhere(PRINTING)
    assert len(set(found.values())) == 1, found
