"""Pictures of one image under every explainer: ``python -m tests.support.contact_sheet`` writes ``docs/explainers-*.png``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from PIL import Image

from harness.api.declarations import Family
from harness.registry.plugin_listing import NULLS, card_groups
from harness.registry.registry import Registry
from harness.runs.explain import explain_image
from tests.support.shipped import ROOT, names


class Sheet(NamedTuple):
    """An image of a dataset, the model that explainers are asked about, and what they learn from."""

    image: str
    model: str
    training: str

    def write(self, path: Path, registry: Registry, explainers: Sequence[str]) -> Sequence[str]:
        """Draw the explainers that can run, and return why the others cannot."""
        made = explain_image(self.image, self.model, explainers, registry=registry, training=self.training, out=path, stage=print)
        shrink(path)
        return made.failures


FEWER = {
    "adversarial-gradient-integration": "classes=5",
    "extremal-perturbation": "steps=200",
    "is-cam": "steps=5",
    "meaningful-perturbation": "steps=150",
    "prediction-difference": "stride=4,patches=5000",
    "rise": "masks=2000",
    "shapley-sampling": "permutations=10",
    "smallest-destroying-region": "steps=100",
    "smallest-sufficient-region": "steps=100",
    "ss-cam": "draws=5",
}
"""Fewer steps of those that take most of the time."""
SHEETS = {
    "digit": Sheet("digits#3", "digits-cnn", "digits,split=train"),
    "lesion": Sheet("lesions#0", "lesions-vgg", "lesions,split=train"),
}


def shrink(path: Path) -> None:
    """Half as wide, of 256 colours: all its bytes stay in the repository."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
    small.quantize(256).save(path, optimize=True)


def by_family(registry: Registry) -> list[str]:
    """The names of the explainers of this repository's packages, a family after the other, nulls last."""
    shipped, order = set(names("explainers")), [*get_args(Family), NULLS]
    cards = [card for card in registry.cards("explainers") if card.qualified in shipped]
    return [card.name for card in sorted(cards, key=lambda card: (min(map(order.index, card_groups(card))), card.name))]


if __name__ == "__main__":
    known = Registry.discover()
    chosen = [",".join(filter(None, (each, FEWER.get(each)))) for each in by_family(known)]
    for name in sys.argv[1:] or SHEETS:
        for line in SHEETS[name].write(ROOT / "docs" / f"explainers-{name}.png", known, chosen):
            print(line)
