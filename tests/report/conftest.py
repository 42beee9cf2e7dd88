from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.registry.registry import Registry
from harness.report.write import write_report
from tests.support.golden import golden_results
from tests.support.hostile import with_hostile_names
from tests.support.synthetic_results import leaderboard_group, leaderboard_results, write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.discover()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def plain_report(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Path:
    """Of one group: twelve explainers under ten metrics."""
    folder = tmp_path_factory.mktemp("plain")
    write_run(folder, leaderboard_results(groups=[leaderboard_group()], bootstrap=200))
    write_report([folder], folder / "report.html", registry)
    return folder / "report.html"


@pytest.fixture(scope="session")
def golden_report(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Path:
    """Of four groups, with gaps of every kind."""
    folder = tmp_path_factory.mktemp("golden")
    write_run(folder, golden_results())
    write_report([folder], folder / "report.html", registry)
    return folder / "report.html"


@pytest.fixture(scope="session")
def hostile_report(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Path:
    """Of one group whose names try to be markup."""
    folder = tmp_path_factory.mktemp("hostile")
    write_run(folder, with_hostile_names(leaderboard_results(groups=[leaderboard_group()], bootstrap=200)))
    write_report([folder], folder / "report.html", registry)
    return folder / "report.html"
