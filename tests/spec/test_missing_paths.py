"""Files and folders that parameters name and that are not there are told with their places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import DirectoryPath, FilePath

from harness.api import Explainer
from harness.registry.registry import Registry
from harness.spec.load import load_spec
from harness.spec.problems import SpecError
from tests.spec.conftest import card

Write = Callable[[str], Path]


def pictures(
    *,
    root: Path,
    manifest: Path | None = None,
    masks: Path = Path("masks"),
    label: str = "x",
    behind: Literal["snow", "sand"] | Path = "snow",
) -> None: ...
def network(*, weights: str | Path | None = None, names: list[str] | Path | None = None, table: FilePath | None = None) -> None: ...
def blurred(model: Any, images: Any, targets: Any, *, over: Explainer = "random", kernels: list[Path] = []) -> None: ...  # noqa: B006
def plain(model: Any, images: Any, targets: Any) -> None: ...
def mass(case: Any, *, folder: DirectoryPath | None = None) -> None: ...


@pytest.fixture
def registry() -> Registry:
    known = {"datasets": {"pictures": pictures}, "models": {"network": network}, "metrics": {"mass": mass}}
    cards = [card(kind, name, component) for kind, group in known.items() for name, component in group.items()]
    return Registry([*cards, card("explainers", "blurred", blurred), card("explainers", "random", plain)])


SPEC = """\
name: x
datasets:
  - use: pictures
    params: {{{dataset}}}
models:
  - {{use: network, params: {{{model}}}}}
explainers:
  - {{use: blurred, params: {{{explainer}}}}}
metrics:
  - {{use: mass, params: {{{metric}}}}}
nulls: []
"""


@pytest.fixture
def problems(write: Write, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in ("photos", "home/data", "photos/masks"):
        Path(folder).mkdir(parents=True)
    for file in ("photos/list.csv", "home/net.pt", "names.txt"):
        Path(file).touch()

    def told(dataset: str = "root: photos", model: str = "", explainer: str = "", metric: str = "", more: str = "") -> list[str]:
        text = SPEC.format(dataset=dataset, model=model, explainer=explainer, metric=metric)
        try:
            load_spec(write(text + more), registry, files=True)
        except SpecError as error:
            return [str(problem).removeprefix(f"{tmp_path}/") for problem in error.problems]
        return []

    return told


def test_what_is_there_is_no_problem(problems: Callable[..., list[str]], tmp_path: Path) -> None:
    assert problems("root: photos, manifest: list.csv, masks: masks") == []
    assert problems("root: ~/data, label: no/such/file.txt", "weights: ~/net.pt, names: names.txt, table: names.txt") == []
    assert problems(f"root: {tmp_path}/photos", "weights: DEFAULT", "kernels: [names.txt]", "folder: photos") == []
    for name in ("IMAGENET1K_V1", "ResNet18_Weights.IMAGENET1K_V1", "timm/resnet18", "https://a.b/c.pt"):
        assert problems(model=f'weights: "{name}"') == []
    assert problems(model="names: [a.txt, b.txt]") == [], "a list of texts names no files"
    assert problems("root: photos, behind: sand") == problems("root: photos, behind: masks") == [], "a word of its own, or a folder"


def test_what_is_not_there_is_told_with_its_place(problems: Callable[..., list[str]], tmp_path: Path) -> None:
    missing = f'there is no file or folder "{{}}" in {tmp_path}'
    assert problems("root: photoz") == [f'spec.yaml:4:20: pictures: root: {missing.format("photoz")}; did you mean "photos"?']
    (tmp_path / "photos" / "left").mkdir()
    assert problems("root: photos/lefd")[0].endswith('; did you mean "photos/left"?'), "what to write, and not a part of it"
    assert problems("root: photos, manifest: lists.csv") == [f"spec.yaml:4:38: pictures: manifest: {missing.format('lists.csv')}"]
    assert len(problems("root: nowhere, manifest: list.csv, masks: masks")) == 1, "what hangs on a folder that is not there is not told"
    assert len(problems("root: nowhere, manifest: /no/list.csv")) == 2
    assert problems(model="weights: ../x/net.pt")[0].startswith(
        'spec.yaml:6:38: network: weights: there is no file or folder "../x/net.pt"'
    )
    assert problems(model="weights: best.pth, names: none.txt")[0].endswith(f"weights: {missing.format('best.pth')}")
    assert problems("root: photos, behind: ice") == [f"spec.yaml:4:36: pictures: behind: {missing.format('ice')}"]
    assert problems(model="table: photos") == ['spec.yaml:6:36: network: table: "photos" is no file']
    assert problems(metric="folder: names.txt") == ['spec.yaml:10:34: mass: folder: "names.txt" is no folder']


def test_nested_components_training_data_and_overrides_are_looked_at(problems: Callable[..., list[str]]) -> None:
    (told,) = problems(explainer="over: {use: blurred, params: {kernels: [gone.npy]}}")
    assert told.startswith("spec.yaml:8:") and "blurred: kernels: there is no file or folder" in told
    (told,) = problems("root: photos}\n    training: {use: pictures, params: {root: train}")
    assert told.startswith("spec.yaml:5:") and '"train"' in told
    (told,) = problems(more="overrides:\n  - {model: network, params: {weights: gone.pt}}\n")
    assert told.startswith("spec.yaml:13:") and "weights: there is no file or folder" in told


def test_a_run_blocks_what_it_cannot_have_instead(write: Write, registry: Registry) -> None:
    assert (
        load_spec(write(SPEC.format(dataset="root: nowhere", model="", explainer="", metric="")), registry)
        .recipes.datasets[0]
        .params["root"]
        == "nowhere"
    )


def test_a_mapping_is_checked_too(problems: Callable[..., list[str]], registry: Registry) -> None:
    data = {"name": "x", "datasets": [{"use": "pictures", "params": {"root": "nowhere"}}], "models": ["network"]}
    with pytest.raises(SpecError, match=r"^spec: datasets\.0\.params\.root: pictures: root: there is no file or folder \"nowhere\""):
        load_spec({**data, "explainers": ["random"], "metrics": ["mass"], "nulls": []}, registry, files=True)
