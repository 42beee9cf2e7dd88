"""Where workers are, from what the nodes have."""

from __future__ import annotations

from collections import Counter

import pytest
from harness_ray.places import Node, places

from harness.api.executors import ExecutorError

HEAD = Node("h" * 56, "10.0.0.1", 0.0, 0.0)
SMALL = Node("s" * 56, "10.0.0.2", 4.0, 0.0)
LARGE = Node("l" * 56, "10.0.0.3", 64.0, 0.0)
GPUS = Node("g" * 56, "10.0.0.4", 16.0, 4.0)


def test_without_gpus_a_node_has_as_many_workers_as_suit_its_cpus() -> None:
    found = places([HEAD, SMALL, LARGE], "auto", "auto", None)
    assert Counter(place.node.address for place in found) == {"10.0.0.2": 4, "10.0.0.3": 8}
    assert {(place.cpus, place.gpus, place.device) for place in found} == {(1, 0, "cpu"), (8, 0, "cpu")}
    assert {place.environment["OMP_NUM_THREADS"] for place in found if place.node == LARGE} == {"8"}
    assert all(place.environment["CUDA_VISIBLE_DEVICES"] == "" for place in found)


def test_with_gpus_there_is_one_worker_for_each_and_none_beside() -> None:
    found = places([SMALL, GPUS], "auto", "auto", None)
    assert [(place.node.address, place.gpus, place.device) for place in found] == [("10.0.0.4", 1, "cuda:0")] * 4
    assert all("CUDA_VISIBLE_DEVICES" not in place.environment for place in found), "which GPU it is is Ray's to say"


def test_workers_are_dealt_out_in_turn_and_share_what_they_are_on() -> None:
    found = places([SMALL, LARGE], "auto", 5, None)
    assert Counter(place.node.address for place in found) == {"10.0.0.2": 3, "10.0.0.3": 2}
    shared = places([GPUS], ["cuda"], 6, None)
    assert len(shared) == 6
    for node, has in (("10.0.0.4", 4.0),):
        assert sum(place.gpus for place in shared if place.node.address == node) <= has
    assert Counter(round(place.gpus, 2) for place in shared) == {0.5: 4, 1: 2}


def test_a_worker_may_claim_several_cpus() -> None:
    assert [place.cpus for place in places([SMALL, HEAD], ["cpu"], "auto", 2)] == [2, 2]
    assert len(places([SMALL], ["cpu"], 9, 2)) == 2, "no more than the CPUs suffice for"
    assert places([SMALL], ["cpu"], "auto", 5) == []


def test_the_cpus_claimed_on_a_node_are_there() -> None:
    for workers in (1, 3, 7, 20):
        for node in (SMALL, LARGE):
            claimed = sum(round(10_000 * place.cpus) for place in places([node], "cpu", workers, None))
            assert claimed <= 10_000 * node.cpus, "Ray counts in ten thousandths"


@pytest.mark.parametrize("devices", [["cuda:1"], ["cpu", "cuda"], ["mps"]])
def test_other_devices_are_refused(devices: list[str]) -> None:
    with pytest.raises(ExecutorError, match="`auto`, `cpu` or `cuda`"):
        places([GPUS], devices, "auto", None)
