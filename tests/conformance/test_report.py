"""Results of checks for programs and READMEs."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.conformance.badge import conformance_badge
from harness.conformance.results import CheckResult, CheckStatus

FILE = '''
import torch
from harness.api import Sample, dataset

@dataset()
def good() -> list[Sample]:
    """One sample."""
    return [Sample(torch.eye(8).repeat(3, 1, 1), 0, "a")]

@dataset()
def bad() -> list[int]:
    """No sample."""
    return [3]
'''


def results(**counts: int) -> list[CheckResult]:
    statuses: dict[str, CheckStatus] = {"passed": "passed", "failed": "failed", "skipped": "skipped", "reported": "reported"}
    return [CheckResult(f"check_{status}", statuses[status]) for status, count in counts.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"passed": 5, "reported": 2, "skipped": 9}, "conformant, 7 checks"),
        ({"passed": 5, "failed": 2, "skipped": 9}, "2 of 7 checks fail"),
        ({"skipped": 1}, "not checked"),
    ],
)
def test_a_badge_counts_the_checks_that_were_run(counts: dict[str, int], said: str) -> None:
    picture = ElementTree.fromstring(conformance_badge(results(**counts)))
    texts = [node.text for node in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["xai-harness", said]
    assert picture.get("aria-label") == f"xai-harness: {said}"
    colours = {node.get("fill") for node in picture.iter("{http://www.w3.org/2000/svg}rect")}
    assert ("#2d6a31" in colours) == (said == "conformant, 7 checks"), "green is for what was checked and keeps all rules"


@pytest.mark.slow
def test_the_command_writes_a_report_and_a_badge(tmp_path: Path) -> None:
    file, report, badge = tmp_path / "mine.py", tmp_path / "report.json", tmp_path / "badge.svg"
    file.write_text(FILE, encoding="utf-8")
    options = ["--plugin", str(file), "--report", str(report), "--badge", str(badge)]
    assert CliRunner().invoke(app, ["plugins", "check", "good", "bad", *options]).exit_code == 1
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["conformant"] is False
    good, bad = found["components"]
    assert (good["kind"], good["name"], good["distribution"], good["conformant"]) == ("dataset", "good", "mine.py", True)
    failed = {check["name"]: check["message"] for check in bad["checks"] if check["status"] == "failed"}
    assert failed and all(failed.values())
    run = sum(check["status"] != "skipped" for component in found["components"] for check in component["checks"])
    assert f"{len(failed)} of {run} checks fail" in badge.read_text(encoding="utf-8")
