"""A registry of components that exist on cards only, named as the real ones are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from harness.api import Explainer
from harness.registry.card import Card
from harness.registry.component_facts import describe_component
from harness.registry.registry import Registry


def lesions(*, split: Literal["train", "test"] = "test", samples: int | None = None, size: int = 96) -> None: ...
def lesions_vgg(*, seed: int = 0) -> None: ...
def torchvision(*, arch: str, seed: int = 0) -> None: ...
def grad_cam(model: Any, images: Any, targets: Any, *, layer: str | None = None, relu: bool = True) -> None: ...
def lrp(
    model: Any,
    images: Any,
    targets: Any,
    *,
    rule: Literal["epsilon", "epsilon-plus-flat"] = "epsilon",
    epsilon: Annotated[float, Field(gt=0)] = 1e-6,
) -> None: ...
def integrated_gradients(model: Any, images: Any, targets: Any, *, steps: Annotated[int, Field(ge=1)] = 50) -> None: ...
def triad(
    model: Any,
    images: Any,
    targets: Any,
    *,
    parts: dict[str, Explainer] = {"cam": "grad-cam", "lrp": "lrp"},  # noqa: B006
    fusion: Literal["mean", "product"] = "mean",
) -> None: ...
def null(model: Any, images: Any, targets: Any) -> None: ...
def road(case: Any, *, fractions: list[Annotated[float, Field(gt=0, lt=1)]] = [0.2, 0.4]) -> None: ...  # noqa: B006
def deletion(case: Any, *, steps: int = 224) -> None: ...


def card(kind: Any, name: str, component: Any, distribution: str = "acme", **more: Any) -> Card:
    return Card(
        kind,
        name,
        distribution,
        "1.0",
        f"acme:{name}",
        identity=f"{distribution}/{name}",
        **{**describe_component(kind, component), **more},
    )


@pytest.fixture(scope="session")
def cards() -> list[Card]:
    return [
        card("datasets", "lesions", lesions),
        card("models", "lesions-vgg", lesions_vgg),
        card("models", "torchvision", torchvision),
        card("explainers", "grad-cam", grad_cam),
        card("explainers", "lrp", lrp),
        card("explainers", "integrated-gradients", integrated_gradients),
        card("explainers", "triad", triad),
        *(card("explainers", name, null) for name in ("random", "sobel", "laplace")),
        card("explainers", "twice", null, "one"),
        card("explainers", "twice", grad_cam, "two"),
        card("explainers", "broken", null, error="ImportError: no moon"),
        card("explainers", "future", null, error="built for plugin API 9", api="9"),
        card("metrics", "road", road),
        card("metrics", "deletion", deletion),
    ]


@pytest.fixture
def registry(cards: list[Card]) -> Registry:
    return Registry(cards)


QUICKSTART = """\
name: quickstart
seed: 0
datasets:
  - use: lesions
    params: {split: test, samples: 48}
models:
  - use: lesions-vgg
explainers:
  - grad-cam
  - {use: lrp, params: {rule: epsilon-plus-flat}}
  - {use: integrated-gradients, label: IG}
  - triad
metrics: [road, deletion]
explain: {target: predicted, samples: correct}
reference: triad
nulls: [random, sobel, laplace]
execution: {executor: local, timeout: 10m}
"""


@pytest.fixture
def quickstart() -> str:
    """The form of the embedded default."""
    return QUICKSTART


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write ``spec.yaml``."""

    def make(content: str | bytes) -> Path:
        file = tmp_path / "spec.yaml"
        file.write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
        return file

    return make
