"""Sizes as people write them."""

import pytest

from harness.store.byte_sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("500M", 500_000_000), ("2 GB", 2_000_000_000), ("1.5k", 1500), (" 20T ", 20 * 10**12)]
)
def test_a_size_is_a_number_of_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1", "1e3", "2 Q", "∞", "٣", "9" * 400])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)
