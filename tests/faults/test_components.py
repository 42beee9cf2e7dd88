"""Components that leave the process changed, or want more memory than there is: each costs its own cells, with the reason."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch

import harness
from tests.support.driver import FAULTY, driver
from tests.support.spec import SMALL, small_spec

SAID = {
    "moves": ("failed", "left changed: the working folder"),
    "doubles": ("failed", "left changed: the default dtype"),
    "threads": ("failed", "left changed: the number of threads"),
    "gluttonous": ("out-of-memory", "can't allocate memory"),
    "crowded": ("out-of-memory", "CUDA out of memory"),
}


def test_each_costs_its_own_cells_and_the_process_is_as_it_was(tmp_path: Path) -> None:
    before = (Path.cwd(), torch.get_default_dtype(), torch.get_num_threads(), torch.get_rng_state().tolist())
    spec = small_spec(explainers=[*SAID, "slope"], metrics=["inside"], nulls=[])
    found = harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL, FAULTY])
    assert (Path.cwd(), torch.get_default_dtype(), torch.get_num_threads(), torch.get_rng_state().tolist()) == before
    told = {explainer: (state, reason) for _, _, explainer, _, state, reason in found.failures}
    assert set(told) == set(SAID)
    for name, (state, reason) in SAID.items():
        assert told[name][0] == state
        assert reason in told[name][1]
    stored = {row["explainer"] for row in found.scores.to_pylist()}
    assert stored == {"slope"}


@pytest.mark.slow
def test_what_leaks_runs_out_of_memory_and_the_others_do_not(tmp_path: Path) -> None:
    run = driver(tmp_path, explainers=["leaks", "slope"], metrics=["inside"], execution={"batch": 1, "shard": 8})
    done = run.run(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (9 * 2**30, 9 * 2**30)))
    assert done.returncode == 1, done.stderr
    assert run.states() == {("leaks", "inside"): "out-of-memory", ("slope", "inside"): "ok"}


@pytest.mark.slow
def test_what_lacks_memory_that_another_keeps_is_tried_alone(tmp_path: Path) -> None:
    names = ["hoards", "modest", "gluttonous", "slope"]
    run = driver(tmp_path, explainers=names, metrics=["inside"], execution={"shard": 8})
    done = run.run(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (9 * 2**30, 9 * 2**30)))
    assert done.returncode == 1, done.stderr
    assert run.states() == {(name, "inside"): "out-of-memory" if name == "gluttonous" else "ok" for name in names}
    assert len(list((run.folder / run.out / "workers").glob("*.log"))) == 3, "one more for modest, and for gluttonous"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_full_device_is_out_of_memory_and_is_given_back(tmp_path: Path) -> None:
    run = driver(tmp_path, explainers=["gluttonous-there", "slope"], metrics=["inside"], execution={"devices": ["cuda:0"]})
    done = run.run()
    assert done.returncode == 1, done.stderr
    assert run.states() == {("gluttonous-there", "inside"): "out-of-memory", ("slope", "inside"): "ok"}
