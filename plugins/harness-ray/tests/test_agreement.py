"""What differs between a node and the driver, in words."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from harness_ray.agreement import components, differences
from harness_ray.inventory import inventory

from harness.api.executors import Recipe, Registry

OURS: dict[str, Any] = {
    "core": ["0.1.0", "c0"],
    "components": {"explainers/harness-cam/grad-cam": "i1", "metrics/harness-metrics/deletion": "i2", "models/mine.py/net": "i3"},
    "distributions": {
        "harness-cam": {"version": "0.1.0", "requires": {"torch": "2.15.0"}},
        "harness-metrics": {"version": "0.1.0", "requires": {"scipy": "1.17.1"}},
    },
}
CAM = "explainers/harness-cam/grad-cam"
NET = "models/mine.py/net"


def theirs(**changes: Any) -> dict[str, Any]:
    found = deepcopy(OURS)
    for path, value in changes.items():
        part, _, name = path.partition("__")
        if name:
            found[part][name.replace("_", "-")] = value
        else:
            found[part] = value
    return found


def told(wanted: str, other: dict[str, Any]) -> list[str]:
    return differences({wanted}, OURS, other)


def test_the_same_is_the_same_and_what_is_not_wanted_does_not_count() -> None:
    assert differences(set(OURS["components"]), OURS, deepcopy(OURS)) == []
    other = theirs()
    del other["components"]["metrics/harness-metrics/deletion"], other["distributions"]["harness-metrics"]
    assert told(CAM, other) == []


def test_versions_are_named() -> None:
    other = theirs(distributions__harness_cam={"version": "0.2.0", "requires": {"torch": "2.15.0"}})
    other["components"][CAM] = "i9"
    assert told(CAM, other) == ["it has harness-cam 0.2.0, and the driver 0.1.0"]
    other["distributions"]["harness-cam"] = {"version": "0.1.0", "requires": {"torch": "2.11.0"}}
    assert told(CAM, other) == ["its harness-cam 0.1.0 runs on torch 2.11.0 (the driver: 2.15.0)"]
    other["distributions"]["harness-cam"] = OURS["distributions"]["harness-cam"]
    assert told(CAM, other) == ["its harness-cam 0.1.0 has other files"]


def test_what_is_missing_is_named() -> None:
    other = theirs()
    del other["components"][CAM], other["components"][NET], other["distributions"]["harness-cam"]
    assert told(CAM, other) == ["it has no harness-cam (the driver: 0.1.0)"]
    assert told(NET, other) == ["its mine.py has no model net"]


def test_a_plugin_file_with_other_content_is_named() -> None:
    other = theirs()
    other["components"][NET] = "i9"
    assert told(NET, other) == ["its mine.py is not the driver's"]


def test_the_harness_itself_counts() -> None:
    assert told(CAM, theirs(core=["0.2.0", "c1"])) == ["it has xai-harness 0.2.0, and the driver 0.1.0"]
    assert "the versions of what it requires" in told(CAM, theirs(core=["0.1.0", "c1"]))[0]


def test_an_object_of_a_notebook_cannot_be_elsewhere() -> None:
    ours = theirs()
    ours["components"]["explainers/session/ones"] = "x"
    (said,) = differences({"explainers/session/ones"}, ours, OURS)
    assert said.startswith("ones is an object of this session")


def test_parts_of_recipes_count() -> None:
    part = Recipe("explainers", "lrp", "harness-zennit", "i")
    whole = Recipe("explainers", "triad", "harness-triad", "i", {"parts": {"lrp": part}})
    assert components([whole, None]) == {"explainers/harness-triad/triad", "explainers/harness-zennit/lrp"}


def test_this_machine_agrees_with_itself() -> None:
    one, other = (inventory(Registry.discover()) for _ in range(2))
    assert one["components"]
    assert differences(set(one["components"]), one, other) == []
