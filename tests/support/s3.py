"""A real S3 server on this machine, for tests of stores in a bucket."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import fsspec
from aiobotocore.session import AioSession

LOGIN = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "unspoken", "AWS_DEFAULT_REGION": "us-east-1"}
SERVE = "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])"


@contextmanager
def s3_server() -> Iterator[str]:
    """A server, in this process's environment; gives the URL of its one bucket.

    Clients of this process share what botocore reads of S3's description, which takes longer than all that a test asks of the server.
    """
    process = subprocess.Popen([sys.executable, "-c", SERVE], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert process.stderr is not None
        address = next((found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line))), None)
        assert address is not None, "the server has ended"
        threading.Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop the server
        shared = {"s3": {"session": AioSession()}}
        with mock.patch.dict(os.environ, {**LOGIN, "AWS_ENDPOINT_URL": address}), mock.patch.dict(fsspec.config.conf, shared):
            fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
            yield "s3://bucket"
    finally:
        process.kill()
        process.wait()
