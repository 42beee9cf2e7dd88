"""The bibliography: each paper once, and each of them cited."""

from __future__ import annotations

import ast
import inspect
import re
from importlib.metadata import entry_points

from harness_metrics import citations
from harness_metrics.faithfulness import citations as of_faithfulness
from harness_metrics.localisation import citations as of_localisation

from harness.api.declarations import declaration_of

PAPERS = [
    (node.targets[0].id, getattr(module, node.targets[0].id))
    for module in (citations, of_faithfulness, of_localisation)
    for node in ast.parse(inspect.getsource(module)).body
    if isinstance(node, ast.Assign)
]


def test_no_paper_is_there_twice():
    names = [name for name, _ in PAPERS]
    keys = [re.match(r"@\w+\{(\w+),", entry)[1] for _, entry in PAPERS]
    sources = [re.search(r"(doi|eprint|url) = \{(.+?)\}", entry)[2] for _, entry in PAPERS]
    for listed in (names, keys, sources):
        assert len(listed) == len(set(listed))


def test_every_paper_is_cited():
    metrics = [entry.load() for entry in entry_points(group="harness.metrics") if entry.dist.name == "harness-metrics"]
    declared = [declaration_of(metric, "metrics") for metric in metrics]
    cited = {declaration.cite for declaration in declared}
    cited |= {said["cite"] for declaration in declared for cases in declaration.by.values() for said in cases.values() if "cite" in said}
    assert {name for name, entry in PAPERS if entry not in cited} == set()
