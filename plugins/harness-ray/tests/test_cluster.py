"""Runs on a real Ray cluster of several nodes, each with raylet and workers of its own, on this machine."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

import harness
from tests.support.segments import read_rows
from tests.support.spec import SMALL, small_spec

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

WORKER = "harness.worker.main"
FAULTS = Path(__file__).with_name("faults.py")
NOISE = r"(?m)^[\[(]|[Rr]aylet|GCS|Traceback"
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
FEW = [{"use": "squares", "params": {"samples": 16}}]
SHARDS = {"shard": 2, "timeout": 60, "startup_timeout": 120}


def distribution(site: Path, version: str) -> Path:
    """A folder with an installed distribution of one explainer."""
    info = site / f"acme_ray-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-ray\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("[harness.explainers]\nacme-flat = acme_ray:flat\n[harness.api]\n1 = acme_ray\n")
    (site / "acme_ray.py").write_text('def flat(model, images, targets):\n    """The same everywhere."""\n    return images * 0 + 1\n')
    return site


@dataclass
class Nodes:
    """A cluster of this machine; each node's workers write down what they compute in a file of their own."""

    cluster: Any
    folder: Path
    site: Path

    def add(self, name: str, gpus: int = 0, **environment: str) -> Any:
        """A node of one CPU and so many GPUs, which Ray believes in without looking."""
        variables = {"SMALL_CALLS": str(self.calls(name)), "STUCK_PID": str(self.folder / "stuck"), "PYTHONPATH": str(self.site)}
        self.calls(name).touch()
        variables["RAY_worker_niceness"] = "0"  # else its workers wait for the other tests on this machine
        head = {"include_dashboard": False} if self.cluster.head_node is None else {}
        return self.cluster.add_node(**NODE, **head, num_gpus=gpus, env_vars={**variables, **environment})

    def calls(self, name: str) -> Path:
        return self.folder / f"calls-{name}"

    def computed(self) -> Counter[str]:
        """How often each thing was, on any node."""
        return Counter(line for path in self.folder.glob("calls-*") for line in path.read_text().splitlines())


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes."""
    from ray.cluster_utils import Cluster

    folder = tmp_path_factory.mktemp("nodes")
    found = Nodes(Cluster(), folder, distribution(folder / "site", "1.0"))
    found.add("first")
    found.add("second")
    yield found
    found.cluster.shutdown()


@dataclass
class Runs:
    """The command, started on a cluster."""

    folder: Path
    address: str
    store: str = "store"

    def start(self, *plugins: Path, **changes: Any) -> subprocess.Popen[str]:
        spec = self.folder / "spec.yaml"
        spec.write_text(json.dumps(small_spec(**changes)))
        options = ["--executor", "ray", "--set", f"execution.address={self.address}", "--out", str(self.folder / "out")]
        options += ["--store", self.store, "--progress", "none"]
        for plugin in (SMALL, *plugins):
            options += ["--plugin", str(plugin)]
        command = [sys.executable, "-m", "harness", "run", str(spec), *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)

    def run(self, *plugins: Path, **changes: Any) -> tuple[int, str]:
        """Exit code, and what was said beside the leaderboard."""
        process = self.start(*plugins, **changes)
        _, said = process.communicate(timeout=300)
        return process.returncode, said

    def cells(self) -> dict[tuple[str, str], Any]:
        (group,) = json.loads((self.folder / "out" / "leaderboard.json").read_text())["groups"]
        return {(row["label"], metric): cell for row in group["rows"] for metric, cell in row["cells"].items()}

    def committed(self) -> set[tuple[str, str]]:
        """Column and sample of every row in the store."""
        segments = (self.folder / "store" / "rows").rglob("*.parquet")
        return {(row["column"], row["sample"]) for path in segments for row in read_rows(path)}

    def key(self, explainer: str, metric: str) -> str:
        columns = json.loads((self.folder / "out" / "columns.json").read_text())["columns"]
        return next(column["scores"][metric] for column in columns if column["explainer"] == explainer)


@pytest.fixture
def runs(nodes: Nodes, tmp_path: Path) -> Runs:
    return Runs(tmp_path, nodes.cluster.address)


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)


def inline(folder: Path, *plugins: Path, **changes: Any) -> Any:
    return harness.run(small_spec(**changes), out=folder / "whole", store=folder / "whole-store", plugins=[SMALL, *plugins])


def means(cells: dict[tuple[str, str], Any]) -> dict[tuple[str, str], float]:
    return {key: cell["mean"] for key, cell in cells.items()}


def assert_as_inline(runs: Runs, result: Any) -> None:
    whole = {(row.label, name): cell.mean for row in result.leaderboard.groups[0].rows for name, cell in row.cells.items()}
    assert means(runs.cells()) == pytest.approx(whole, rel=1e-5, abs=1e-7)


def test_a_cluster_computes_what_one_process_does_and_says_as_little(nodes: Nodes, runs: Runs) -> None:
    changes = {"datasets": FEW, "explainers": [{"use": "meets", "params": {"where": "cluster"}}, "slope", "contrast", "both"]}
    code, said = runs.run(FAULTS, execution=SHARDS, **changes)
    assert code == 0, said
    assert_as_inline(runs, inline(runs.folder, FAULTS, **changes))
    assert all("inside" in nodes.calls(name).read_text() for name in ("first", "second")), "both nodes took part"
    assert not re.search(NOISE, said), said
    assert not list((runs.folder / "store").glob(".seen*"))
    nodes.calls("first").write_text("")
    assert runs.run(FAULTS, execution=SHARDS, **changes)[0] == 0
    assert nodes.calls("first").read_text() == "", "all of it is cached"


def test_a_store_at_a_url_is_one_for_all_nodes(nodes: Nodes, runs: Runs) -> None:
    changes = {"datasets": FEW, "explainers": [{"use": "meets", "params": {"where": "url"}}], "nulls": []}
    runs.store = (runs.folder / "store").as_uri()
    code, said = runs.run(FAULTS, execution=SHARDS, **changes)
    assert code == 0, said
    assert_as_inline(runs, inline(runs.folder, FAULTS, **changes))
    assert all("inside" in nodes.calls(name).read_text() for name in ("first", "second")), "both nodes took part"
    before, committed = nodes.computed(), runs.committed()
    assert runs.run(FAULTS, execution=SHARDS, **changes)[0] == 0
    assert nodes.computed() == before, "all of it is cached"
    assert runs.committed() == committed != set()
    assert not list((runs.folder / "store").glob(".seen*"))


def test_a_node_joins_and_is_lost_and_nothing_that_was_finished_is_computed_again(nodes: Nodes, runs: Runs) -> None:
    changes = {"datasets": [{"use": "squares", "params": {"samples": 160}}], "metrics": ["inside", "drop"]}
    process = runs.start(execution=SHARDS, explainers=[{"use": "slope", "params": {"pause": 0.6}}, "contrast"], **changes)
    before = nodes.computed()
    until(lambda: nodes.computed() != before, process)
    third = nodes.add("third")
    until(lambda: "inside slope" in nodes.calls("third").read_text(), process)
    time.sleep(0.3)  # it is explaining again
    committed, before = runs.committed(), nodes.computed()
    nodes.cluster.remove_node(third, allow_graceful=False)
    (nodes.folder / "hurry").touch()
    _, said = process.communicate(timeout=300)
    (nodes.folder / "hurry").unlink()
    assert process.returncode == 0, said
    assert not re.search(NOISE, said), said
    assert_as_inline(runs, inline(runs.folder, explainers=["slope", "contrast"], **changes))
    done = {sample for column, sample in committed if column == runs.key("slope", "inside")}
    again = {line.split()[2] for line in nodes.computed() - before if line.startswith("inside slope")}
    assert done
    assert again
    assert not again & done


def test_what_ends_or_hangs_costs_its_own_cells(nodes: Nodes, runs: Runs) -> None:
    explainers = ["crashes", "stuck", "slope", "contrast"]
    code, said = runs.run(FAULTS, explainers=explainers, metrics=["inside", "drop"], execution={"timeout": 4, "startup_timeout": 120})
    assert code == 1, said
    states = {key: cell["status"] for key, cell in runs.cells().items()}
    for metric in ("inside", "drop"):
        assert states["crashes", metric] == "crashed"
        assert states["stuck", metric] == "timeout"
        assert {states[name, metric] for name in ("slope", "contrast", "speckle")} == {"ok"}
    cells = runs.cells()
    assert "while explaining with crashes the worker process ended (signal SIGKILL)" in cells["crashes", "drop"]["reason"]
    assert "explaining with stuck took longer than 4 s" in cells["stuck", "drop"]["reason"]
    stuck = int((nodes.folder / "stuck").read_text())
    gone = time.monotonic() + 10
    while psutil.pid_exists(stuck) and time.monotonic() < gone:
        time.sleep(0.1)
    assert not psutil.pid_exists(stuck), "it would hold its device for ever"


def test_what_lacks_memory_that_another_keeps_is_tried_alone(nodes: Nodes, runs: Runs) -> None:
    changes = {"explainers": ["keeps", "crowded"], "metrics": ["inside"], "nulls": []}
    code, said = runs.run(FAULTS, execution={**SHARDS, "workers": 1}, **changes)
    assert code == 0, said
    assert {cell["status"] for cell in runs.cells().values()} == {"ok"}
    logs = list((runs.folder / "out" / "workers").glob("worker-*.log"))
    assert len(logs) == 3, "one more each time for what was crowded"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_driver_that_ends_leaves_the_cluster_free_and_the_same_command_goes_on(nodes: Nodes, runs: Runs, how: signal.Signals) -> None:
    slow = {"datasets": FEW, "explainers": [{"use": "slope", "params": {"pause": 0.3}}], "execution": SHARDS}
    process = runs.start(**slow)
    until(lambda: bool(list((runs.folder / "store").rglob("*.safetensors"))), process)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    if how == signal.SIGINT:
        assert process.returncode == 130, said
        assert "goes on where this one stopped" in said
        assert "Traceback" not in said
    committed, before = runs.committed(), nodes.computed()
    code, said = runs.run(**slow)
    assert code == 0, said
    done = {sample for column, sample in committed if column == runs.key("slope", "inside")}
    assert not {f"inside slope {sample}" for sample in done} & set(nodes.computed() - before)


def test_a_node_with_another_version_is_refused_before_anything_runs(
    nodes: Nodes, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(nodes.site))
    flat = {"explainers": ["slope", "acme-flat"], "metrics": ["inside"]}
    assert runs.run(**flat)[0] == 0
    other = nodes.add("other", PYTHONPATH=str(distribution(tmp_path / "site", "2.0")))
    try:
        code, said = runs.run(**flat, datasets=FEW)
        assert code == 2
        assert len(said.splitlines()) == 1
        assert re.fullmatch(r"node [0-9.]+ would compute something else: it has acme-ray 2.0, and the driver 1.0", said.strip())
        assert nodes.calls("other").read_text() == ""
        assert runs.run(explainers=["slope", "contrast"])[0] == 0, "what the plan does not use may differ"
    finally:
        nodes.cluster.remove_node(other)


@pytest.mark.parametrize(
    ("address", "said"),
    [("127.0.0.1:1", "no Ray cluster at 127.0.0.1:1: Connection refused"), ("ray://x:1", "write `auto`, `local` or HOST:PORT")],
)
def test_a_wrong_address_is_said_in_a_line(tmp_path: Path, address: str, said: str) -> None:
    code, told = Runs(tmp_path, address).run()
    assert code == 2
    assert said in told
    assert len(told.splitlines()) == 1


def test_files_that_a_node_does_not_see_are_named(tmp_path: Path) -> None:
    from harness_ray.host import look

    request = {"folder": str(tmp_path), "store": str(tmp_path), "token": ".seen", "plugins": [str(SMALL), "/nowhere/plugin.py"]}
    assert look(request, 60) == {"unseen": ["/nowhere/plugin.py", str(tmp_path)]}


def test_workers_see_the_gpus_that_ray_gives_them(nodes: Nodes, tmp_path: Path) -> None:
    import ray
    from harness_ray.cluster import Cluster
    from harness_ray.places import places

    node, cluster = nodes.add("gpus", gpus=2), Cluster(nodes.cluster.address)
    try:
        (store := tmp_path / "store").mkdir()
        settings = {"store": str(store), "logs": str(tmp_path)}
        hosts = [
            cluster.host(place, number, str(tmp_path), settings) for number, place in enumerate(places(cluster.nodes(), "auto", 3, None))
        ]
        assert [ray.get(host.hear.remote()) for host in hosts] == [[{"event": "ready"}]] * 3
        workers = [process.environ() for process in psutil.process_iter(["cmdline"]) if WORKER in (process.info["cmdline"] or ())]
        mine = [environment for environment in workers if environment.get("SMALL_CALLS") == str(nodes.calls("gpus"))]
        assert sorted(environment["CUDA_VISIBLE_DEVICES"] for environment in mine) == ["0", "0", "1"]
    finally:
        cluster.leave()
        nodes.cluster.remove_node(node)
