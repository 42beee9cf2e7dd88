"""The old place of `harness.results.document`."""

from harness.results.document import *  # noqa: F403
