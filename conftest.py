"""What holds for every test of the core and of the plugins."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from unittest import mock

import pytest

# before torch is imported, and for every process that a test starts: the networks are too small to gain from threads, which
# only wait for each other where several tests share the cores
os.environ.setdefault("OMP_NUM_THREADS", "1")
# what is known of components is neither read from the home folder nor left in it; processes of one run share it
if "HARNESS_CACHE" not in os.environ:
    os.environ["HARNESS_CACHE"] = tempfile.mkdtemp(prefix="harness-cache-")
    atexit.register(shutil.rmtree, os.environ["HARNESS_CACHE"], ignore_errors=True)
os.environ.setdefault("HARNESS_ANSWERS", "off")  # a test whose store is new finds out everything itself
OWN_VARIABLES = ("ACME_", "COLUMNS", "FAULTY_", "FORCE_COLOR", "NO_COLOR", "RELUCTANT", "SMALL_", "STUCK_", "UNSEEN")  # of tests
# what children import is imported once, when the first is asked for; those of the commands that tests start come from the same server
if "HARNESS_FORK_SERVER" not in os.environ and sys.platform.startswith("linux"):
    from harness.processes.forked_process import OwnServer

    os.environ["HARNESS_FORK_SERVER"] = OwnServer(OWN_VARIABLES, idle=1e6, lazy=True).address


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--at-least", type=int, default=0, metavar="N", help="fail where fewer than N tests have passed")


def pytest_configure(config: pytest.Config) -> None:
    """Where several processes run all tests, what is installed is read for all of them while they collect: each would else do so."""
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if everything and config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        code = "from harness.registry.registry import Registry; Registry.discover()"
        reading = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        config.add_cleanup(reading.kill)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """Variables that libraries set when they are imported (OpenCV, Ray) are not for children: a fork server would refuse these."""
    with mock.patch.dict(os.environ):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Nor are those of what a test imports."""
    with mock.patch.dict(os.environ):
        return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the files, those of most slow tests come first, so that none is left with a long one at the end."""
    if hasattr(config, "workerinput"):
        slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
        items.sort(key=lambda item: -slow[item.path])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Only in the process that reports: workers know of no other's tests."""
    wanted: int = session.config.getoption("--at-least")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if wanted and reporter is not None and not hasattr(session.config, "workerinput"):
        passed = len(reporter.stats.get("passed", []))
        if passed < wanted:
            reporter.write_line(f"{passed} tests have passed, and there must be {wanted}", red=True, bold=True)
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
