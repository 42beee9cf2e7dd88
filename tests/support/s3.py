"""A real S3 server on this machine, for tests of stores in a bucket; needs ``s3fs`` and ``moto[server]``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

LOGIN = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "unspoken", "AWS_DEFAULT_REGION": "us-east-1"}
SERVE = "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])"


@contextmanager
def s3_server() -> Iterator[str]:
    """A server, in this process's environment; gives the URL of its one bucket. Skips the test where it cannot be had."""
    pytest.importorskip("s3fs")
    pytest.importorskip("moto")
    import fsspec

    process = subprocess.Popen([sys.executable, "-c", SERVE], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert process.stderr is not None
        address = next(found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        threading.Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop the server
        with mock.patch.dict(os.environ, {**LOGIN, "AWS_ENDPOINT_URL": address}):
            fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
            yield "s3://bucket"
    finally:
        process.kill()
        process.wait()
