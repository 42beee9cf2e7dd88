"""``docs/families.md``, what explainers do on each family of networks; ``python -m tests.support.families_page`` writes it again."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

import harness
from harness.api import Context
from harness.registry.registry import Registry
from harness.worker.bound_components import BoundExplainer
from tests.support.contact_sheet import by_family
from tests.support.families import CLASSES, FAMILIES, family_images, family_network
from tests.support.shipped import PARAMS, ROOT

PAGE = ROOT / "docs" / "families.md"
HEAD = """# Explainers on families of networks

Made by `python -m tests.support.families_page`, which calls every explainer on a small network of each family: torchvision's classes,
narrow and shallow, with random weights, two images of 32 pixels. `harness plan` says the same of your own network.

- **✓**: it runs, and its map is finite. **0 %**, **3 %**: it runs, and says what its map should sum to; by how much the sum misses that, as
  a share of it, over both images (with a path it is the number of steps that misses, with draws their number).
- A number in brackets is the reason, below, why it does not apply.
"""
EXTRA: dict[str, tuple[str, dict[str, Any]]] = {
    "lrp, zero_bias": ("lrp", {"zero_bias": True}),
    "lrp, zero_bias, conserve": ("lrp", {"zero_bias": True, "conserve": True}),
}
"""Rows besides those of the parameters that the tests take."""


def bound(name: str, params: Mapping[str, Any] | None = None) -> BoundExplainer:
    """An explainer with few steps, or with these parameters."""
    usual = PARAMS.get(Registry.discover().card("explainers", name).qualified, {})
    return harness.explainer(name, **(usual if params is None else params))


def cell(explainer: BoundExplainer, family: str) -> str:
    """What a family's network is explained with: ✓, an error, or the reason why it is not."""
    model, images = family_network(family), family_images()
    try:
        explainer.require_applicable(model)
    except ValueError as error:
        return general(str(error).partition(": ")[2])
    context = Context(0, ["a", "b"], training=learned_from, labelled=lambda count: (learned_from(count), torch.arange(count) % CLASSES))
    found = explainer(model, images, torch.tensor([0, 2]), ctx=context)
    if not found.map.isfinite().all():
        return "its map is not finite"
    if found.expected is None:
        return "✓"
    missed = float((found.map.sum((1, 2)) - found.expected).abs().sum() / found.expected.abs().sum())
    return f"{float(f'{100 * missed:.1g}'):g} %" if missed >= 5e-4 else "0 %"


def learned_from(count: int) -> Tensor:
    """So many training images: noise, as what is explained."""
    return family_images(count, seed=2)


def general(reason: str) -> str:
    """A reason without what is of this network alone: names of layers and figures."""
    return re.sub(r"'[\w.]+'|[\d.]+%", "…", reason)


def rows() -> Iterator[tuple[str, list[str]]]:
    """Each explainer that is no null with its cells."""
    registry = Registry.discover()
    for name in by_family(registry):
        if registry.declaration("explainers", name).get("null"):
            continue
        yield name, [cell(bound(name), family) for family in FAMILIES]
        for label, (other, params) in EXTRA.items():
            if other == name:
                yield label, [cell(bound(name, params), family) for family in FAMILIES]


def page(found: Iterable[tuple[str, list[str]]]) -> str:
    """The table, with reasons as numbers, and what these are."""
    reasons: dict[str, int] = {}

    def short(text: str) -> str:
        return text if text == "✓" or text.endswith(" %") else f"({reasons.setdefault(text, len(reasons) + 1)})"

    lines = [f"| explainer | {' | '.join(FAMILIES)} |", f"| --- |{' --- |' * len(FAMILIES)}"]
    lines += [f"| `{name}` | {' | '.join(map(short, cells))} |" for name, cells in found]
    return "\n".join([HEAD, *lines, "", *(f"{number}. {reason}" for reason, number in reasons.items())]) + "\n"


def read_page() -> dict[str, dict[str, str]]:
    """The cells of the page by explainer and family, numbers as the reasons that they stand for."""
    lines = PAGE.read_text().splitlines()
    reasons = {f"({number})": reason for number, dot, reason in (line.partition(". ") for line in lines) if dot and number.isdigit()}
    found = {}
    for line in lines:
        if line.startswith("| `"):
            name, *cells = (text.strip() for text in line.strip("|").split("|"))
            found[name.strip("`")] = dict(zip(FAMILIES, (reasons.get(text, text) for text in cells), strict=True))
    return found


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    made = []
    for name, cells in rows():
        made.append((name, cells))
        print(name, cells, flush=True)
    PAGE.write_text(page(made))
