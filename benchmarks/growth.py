"""How planning, scheduling and the leaderboard grow: a plan of many cells, what a dispatch costs, a leaderboard over many scores.

    python benchmarks/growth.py [--cells 1000000] [--scores 100000000] [--out benchmarks/results/growth.md]

Each part runs in a process of its own, so that its peak memory is its own. Data are generated; nothing is explained.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from harness.dispatch.job_queue import JobQueue
from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.render import render_leaderboard
from harness.planning.facts import ComponentFacts, DatasetFacts, ModelFacts, TrainingFacts, Verdict
from harness.planning.plan import Planner
from harness.planning.remembered_facts import RememberedFacts
from harness.planning.sharding import plan_jobs
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.results.components import ExplainerInfo, MetricInfo
from harness.results.data_model import Cell, Group, Results
from harness.results.run_folder import SCORES_FILE, read_results, write_results
from harness.spec.load import load_spec
from harness.store.row_files import StoredValue
from harness.store.sample_alignment import SamplePositions
from harness.store.store import Store

EXPLAINERS, METRICS = 50, 40


class Facts(RememberedFacts):
    """Stands for the workers that are asked about datasets and models: every answer is made up at once."""

    def __init__(self, samples: int) -> None:
        ids = [f"sample-{i:07d}" for i in range(samples)]
        self._dataset = DatasetFacts(ids, [f"{i:064x}" for i in range(samples)], [i % 2 for i in range(samples)], None, {})

    def dataset(self, recipe: Recipe) -> DatasetFacts:
        """The same samples for every dataset."""
        return self._dataset

    def model(self, recipe: Recipe) -> ModelFacts:
        """A model of its own for every recipe."""
        return ModelFacts(recipe.digest, 2, None, (3, 224, 224), None, None, ("convolutions", "relu"), 1)

    def training(self, recipe: Recipe, seed: int, labelled: int) -> TrainingFacts:
        """A digest."""
        return TrainingFacts(recipe.digest, {})

    def verdict(self, model: Recipe, content: str, explainer: Recipe) -> Verdict:
        """Applicable, and of one pass."""
        return Verdict(None, 1.0)

    def component(self, recipe: Recipe) -> ComponentFacts:
        """One pass, and no file."""
        return ComponentFacts(passes=1.0)


def planner(datasets: int, models: int, samples: int, folder: Path) -> Planner:
    """A planner of ``datasets × models × EXPLAINERS × METRICS`` cells."""
    spec = {
        "name": "growth",
        "datasets": [{"use": "lesions", "label": f"data {i}", "params": {"seed": i}} for i in range(datasets)],
        "models": [{"use": "digits-cnn", "label": f"model {i}", "params": {"seed": i}} for i in range(models)],
        "explainers": [{"use": "occlusion", "label": f"explainer {i}", "params": {"window": i + 1}} for i in range(EXPLAINERS)],
        "metrics": [{"use": "deletion", "label": f"metric {i}", "params": {"steps": i + 1}} for i in range(METRICS)],
        "nulls": [],
    }
    return Planner(load_spec(spec, Registry.discover()), Store(folder), Facts(samples))


def peak() -> float:
    """Peak resident memory of this process, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def plan_part(cells: int) -> dict[str, Any]:
    """A plan of so many cells on an empty store, and the jobs of it."""
    groups = -(-cells // (EXPLAINERS * METRICS))
    datasets = max(1, round(groups**0.5))
    with tempfile.TemporaryDirectory() as folder:
        ready = planner(datasets, -(-groups // datasets), 64, Path(folder))
        started = time.perf_counter()
        plan = ready.plan()
        planned = time.perf_counter() - started
        made = plan_jobs(plan, "auto", None, "float32")
    count = sum(len(column.scores) for group in plan.groups for column in group.columns)
    return {"cells": count, "jobs": len(made), "plan s": planned, "jobs s": time.perf_counter() - started - planned, "GiB": peak()}


def scores_of_a_run(scores: int, samples: int) -> Results:
    """Results with so many random scores, of 50 explainers under 40 metrics in as many groups as that makes."""
    generator = np.random.default_rng(0)
    explainers = [ExplainerInfo(component=f"e{i}", label=f"explainer {i}", null=i < 3) for i in range(EXPLAINERS)]
    categories = ("faithfulness", "robustness", "localisation", "complexity", "randomisation")
    metrics = [
        MetricInfo(component=f"m{i}", label=f"metric {i}", category=categories[i % 5], direction="higher" if i % 2 else "lower")
        for i in range(METRICS)
    ]
    ids, digests = [f"sample-{i:07d}" for i in range(samples)], [f"{i:064x}" for i in range(samples)]
    effects = generator.normal(size=(EXPLAINERS, METRICS)) / 20
    groups = [
        Group(
            dataset="data",
            model=f"model {number}",
            samples=ids,
            digests=digests,
            correct=np.ones(samples, dtype=bool),
            accuracy=1.0,
            explainers=explainers,
            metrics=metrics,
            cells={
                (row.label, column.label): Cell(
                    status="ok",
                    computed=np.ones(samples, dtype=bool),
                    values=generator.normal(effects[e, m], 1.0, samples).astype(np.float32).astype(np.float64),
                )
                for e, row in enumerate(explainers)
                for m, column in enumerate(metrics)
            },
        )
        for number in range(max(1, round(scores / (EXPLAINERS * METRICS * samples))))
    ]
    return Results(provenance={"name": "growth"}, groups=groups, reference="explainer 10", nulls=[f"explainer {i}" for i in range(3)])


def write_part(scores: int, folder: Path) -> dict[str, Any]:
    """Write a run folder's table of scores."""
    results = scores_of_a_run(scores, 10_000)
    started = time.perf_counter()
    write_results(folder, results)
    size = (folder / SCORES_FILE).stat().st_size
    return {"write s": time.perf_counter() - started, "bytes per score": size / scores, "GiB": peak()}


def leaderboard_part(folder: Path) -> dict[str, Any]:
    """Read a run folder, and make and render its leaderboard."""
    started = time.perf_counter()
    results = read_results(folder)
    read = time.perf_counter() - started
    document = build_leaderboard(results)
    built = time.perf_counter() - started - read
    text = render_leaderboard(document, "markdown")
    count = sum(int(cell.computed.sum()) for group in results.groups for cell in group.cells.values())
    whole = time.perf_counter() - started
    return {"scores": count, "read s": read, "analyse s": built, "all s": whole, "characters": len(text), "GiB": peak()}


def dispatch_part(samples: int) -> dict[str, Any]:
    """What the driver does for one dispatch: finding the job that suits a worker, and writing it down for the worker."""
    with tempfile.TemporaryDirectory() as folder:
        made = plan_jobs(planner(5, 5, samples, Path(folder)).plan(), 8, None, "float32")
    waiting, loaded, encoded = JobQueue(), ["", ""], 0
    started = time.perf_counter()
    waiting.add(made)
    added = time.perf_counter() - started
    for number in range(len(made)):
        job = waiting.take(loaded[number % 2])
        assert job is not None
        loaded[number % 2] = job.subject.prediction_key
        encoded += len(json.dumps(job.to_json()))
    spent = time.perf_counter() - started
    return {"jobs": len(made), "queueing s": added, "ms a dispatch": 1000 * spent / len(made), "bytes of a job": encoded / len(made)}


def column_part(shards: int, size: int) -> dict[str, Any]:
    """What looking into the store takes a job at the end of a column of so many shards, beside one at its beginning."""
    fields = [f"field {i}" for i in range(METRICS + 4)]

    def seconds(store: Store, shard: int) -> float:
        keys = [(f"sample-{i:07d}", f"{i:064x}") for i in range(shard * size, (shard + 1) * size)]
        started = time.perf_counter()
        store.known("ab" * 32, SamplePositions(keys))
        spent = time.perf_counter() - started
        store.commit_rows("ab" * 32, [StoredValue("column", *key, name, 1.0) for name in fields for key in keys])
        return spent

    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        looked = [seconds(store, shard) for shard in range(shards)]
        another = Store(folder)
        first, second = seconds(another, shards), seconds(another, shards + 1)
    return {
        "shards": shards,
        "ms at the beginning": 1000 * float(np.median(looked[: shards // 10])),
        "ms at the end": 1000 * float(np.median(looked[-shards // 10 :])),
        "s of another worker's first": first,
        "ms of its second": 1000 * second,
    }


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "plan": lambda value: plan_part(int(value)),
    "dispatch": lambda value: dispatch_part(int(value)),
    "column": lambda shards, size: column_part(int(shards), int(size)),
    "write": lambda value, folder: write_part(int(value), Path(folder)),
    "leaderboard": lambda folder: leaderboard_part(Path(folder)),
}


def measured(part: str, *arguments: object) -> dict[str, Any]:
    """One part in a process of its own."""
    command = [sys.executable, __file__, "--part", part, *map(str, arguments)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure all parts, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--scores", type=int, default=100_000_000)
    parser.add_argument("--out", type=Path, help="Write the table to this file too.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {
            f"plan of {options.cells} cells": measured("plan", options.cells),
            "dispatch": measured("dispatch", 256),
            "looking into a column": measured("column", 2000, 64),
            f"scores written, {options.scores}": measured("write", options.scores, folder),
            f"leaderboard over {options.scores} scores": measured("leaderboard", folder),
        }
    lines = ["| what | measured |", "| --- | --- |"]
    lines += [f"| {name} | {', '.join(f'{key} {value:.4g}' for key, value in part.items())} |" for name, part in found.items()]
    text = "\n".join(lines)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--part":
        print(json.dumps(PARTS[sys.argv[2]](*sys.argv[3:])))
    else:
        main()
