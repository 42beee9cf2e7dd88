"""What of an address is shown, and what is not."""

import pytest

from harness.store.address import find_secrets, redact_credentials


@pytest.mark.parametrize(
    ("address", "shown", "hidden"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix", []),
        ("ftp://me:pass@host/a", "ftp://me@host/a", ["pass"]),
        ("ftp://me:p%40ss@host/a", "ftp://me@host/a", ["p%40ss", "p@ss"]),
        ("abfs://container@account/a?sig=SECRET", "abfs://container@account/a?***", ["sig=SECRET"]),
        ("http://me:pass@host/a?token=T", "http://me@host/a?***", ["pass", "token=T"]),
        ("a folder?", "a folder?", []),
    ],
)
def test_passwords_and_queries_are_secrets(address: str, shown: str, hidden: list[str]) -> None:
    assert redact_credentials(address) == shown
    assert redact_credentials(f"cannot open {address} now") == f"cannot open {shown} now"
    assert find_secrets(address) == hidden
