"""Variants: one subject explained as it is, or altered to find out what explanations and metrics are worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.registry.recipe import Recipe
from harness.results.variant_info import MetaVariantKind, Strength
from harness.spec.run_spec import MetaOptions

VariantKind = Literal["as it is", "random model", MetaVariantKind]
ORACLE = Recipe("explainers", "oracle", "xai-harness", "1", label="oracle")
ORACLE_EVIDENCE = "mask"  # the kind of evidence that its maps are made of


@dataclass(frozen=True)
class Variant:
    """A difference between what is explained and the dataset, the model and the explainer that the spec names.

    Attributes:
        kind: ``"random model"``: explainers, and they alone, are given a copy of the model with fresh weights. ``"inputs"``, ``"weights"``:
            noise on these, in what is explained and scored. ``"oracle"``: maps are made of the samples' masks, not by an explainer.
        strength: whether noise should leave predictions as they are (``"minor"``) or change them (``"disruptive"``), else None.
        scale: of the noise (see `harness.meta.disturbances`).
        repeat: counts the draws of one kind and strength from 1.
        seed: of what is drawn.
    """

    kind: VariantKind = "as it is"
    strength: Strength | None = None
    scale: float = 0.0
    repeat: int = 0
    seed: int = 0

    @property
    def altered(self) -> bool:
        """Whether anything is."""
        return self.kind != "as it is"

    @property
    def alters_model(self) -> bool:
        """Whether a copy of the model is explained in its place."""
        return self.kind in ("random model", "weights")

    @property
    def alters_predictions(self) -> bool:
        """Whether what is scored is altered too, and so predicts something else."""
        return self.kind in ("inputs", "weights")

    @property
    def evidence(self) -> tuple[str, ...]:
        """The kinds of evidence that its maps are made of; explainers are given none."""
        return (ORACLE_EVIDENCE,) if self.kind == "oracle" else ()

    @property
    def identity(self) -> list[object]:
        """The part of it that is in keys: nothing if nothing is altered."""
        return [self.kind, self.scale, self.repeat, self.seed] if self.altered else []

    def label(self, of: str, *, repeat: bool = True) -> str:
        """Label of a row or a model of this label under the variant; without ``repeat`` all draws are called the same."""
        name = " ".join(filter(None, [self.strength, self.kind, str(self.repeat) if repeat and self.repeat else None]))
        return f"{of} ({name})" if self.altered else of


AS_IS = Variant()


def random_model_variant(seed: int) -> Variant:
    """The variant of the null ``random-model`` under a spec's seed."""
    return Variant("random model", seed=seed % 2**31 + 1)


def iter_meta_variants(meta: MetaOptions, seed: int, masks: bool) -> Iterator[Variant]:
    """The variants by which metrics are evaluated: of each kind, strength and repeat one, and an oracle if there are masks."""
    scales: dict[tuple[VariantKind, Strength], float] = {
        ("inputs", "minor"): meta.inputs.minor,
        ("inputs", "disruptive"): meta.inputs.disruptive,
        ("weights", "minor"): meta.weights.minor,
        ("weights", "disruptive"): meta.weights.disruptive,
    }
    for (kind, strength), scale in scales.items():
        yield from (Variant(kind, strength, scale, repeat, seed) for repeat in range(1, meta.repeats + 1))
    if masks:
        yield Variant("oracle")
