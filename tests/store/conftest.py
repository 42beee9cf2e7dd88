"""Places for stores."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.s3 import s3_server


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(params=["path", "memory", "file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that is not begun: a path, and URLs of places where files appear at once, are moved, and of a bucket."""
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/{secrets.token_hex(4)}"
    return {"path": str(tmp_path / "store"), "memory": f"memory://{secrets.token_hex(4)}", "file": f"file://{tmp_path}/store"}[
        request.param
    ]
