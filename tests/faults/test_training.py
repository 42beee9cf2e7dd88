"""Trainings that are killed: an epoch at most is lost, and what is learnt is what it would have been."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from harness.store.store import Store
from harness.worker.trained_models import decode_state
from tests.support.driver import Driver, driver, killed
from tests.support.spec import SMALL

LEARNER = SMALL.with_name("learner.py")
PARTS = {
    "models": [{"use": "learner", "params": {"data": {"use": "squares", "params": {"split": "train"}}}}],
    "explainers": ["speckle"],
    "metrics": ["inside"],
}


def learning(folder: Path, out: str = "out", store: str = "store") -> Driver:
    run = driver(folder, out=out, store=store, **PARTS)
    run.plugins.append(LEARNER)
    return run


def weights(run: Driver) -> dict[str, list[float]]:
    """The tensors of the one training in a run's store."""
    store = Store(run.folder / run.store)
    (found,) = store.trainings()
    content = store.weights(found.key)
    assert found.finished and content is not None
    return {name: tensor.flatten().tolist() for name, tensor in decode_state(content).tensors.items()}


def epochs(run: Driver) -> list[str]:
    return [line.split()[1] for line in run.calls() if line.startswith("epoch")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    run = learning(tmp_path_factory.mktemp("undisturbed"))
    assert run.run().returncode == 0
    assert epochs(run) == ["1", "2", "3", "4"]
    return weights(run)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_no_finished_epoch(tmp_path: Path, undisturbed: dict[str, list[float]]) -> None:
    run = learning(tmp_path)
    run.arm("epoch-3")
    process = run.start()
    killed(run.mark("epoch-3", process))
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert epochs(run) == ["1", "2", "3", "4"]
    assert weights(run) == undisturbed
    assert run.states() == {("speckle", "inside"): "ok"}


@pytest.mark.slow
def test_workers_that_are_killed_at_one_epoch_after_another_are_no_failure(tmp_path: Path, undisturbed: dict[str, list[float]]) -> None:
    run = learning(tmp_path)
    for epoch in (2, 3, 4):
        run.arm(f"epoch-{epoch}")
    process = run.start()
    for epoch in (2, 3, 4):
        killed(run.mark(f"epoch-{epoch}", process))
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert epochs(run) == ["1", "2", "3", "4"]
    assert weights(run) == undisturbed


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_with_its_training(tmp_path: Path, undisturbed: dict[str, list[float]]) -> None:
    run = learning(tmp_path)
    run.arm("epoch-3")
    process = run.start()
    run.mark("epoch-3", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert [training.finished for training in Store(tmp_path / "store").trainings()] == [False]
    assert epochs(run) == ["1", "2"]
    assert run.run().returncode == 0
    assert epochs(run) == ["1", "2", "3", "4"]
    assert weights(run) == undisturbed


@pytest.mark.slow
def test_what_is_trained_is_trained_once(tmp_path: Path, undisturbed: dict[str, list[float]]) -> None:
    """And again when its weights are gone."""
    run = learning(tmp_path)
    assert run.run().returncode == 0
    again = learning(tmp_path, out="again")
    again.spec["explainers"] = ["speckle", "slope"]
    assert again.run().returncode == 0
    assert epochs(run) == ["1", "2", "3", "4"]
    (file,) = (tmp_path / "store" / "weights").rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-8])
    third = learning(tmp_path, out="third")
    third.spec["explainers"] = ["contrast"]
    assert third.run().returncode == 0
    assert epochs(run) == ["1", "2", "3", "4"] * 2
    assert weights(run) == undisturbed


@pytest.mark.slow
def test_weights_that_are_altered_are_set_aside_and_learnt_again_by_the_next_run(
    tmp_path: Path, undisturbed: dict[str, list[float]]
) -> None:
    run = learning(tmp_path)
    assert run.run().returncode == 0
    (file,) = (tmp_path / "store" / "weights").rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    again = learning(tmp_path, out="again")
    again.spec["explainers"] = ["contrast"]
    done = again.run()
    assert done.returncode == 1
    assert "learner is not trained, or its weights are gone; run again" in done.stderr + done.stdout
    assert again.run().returncode == 0
    assert epochs(run) == ["1", "2", "3", "4"] * 2
    assert weights(run) == undisturbed
