"""Data randomisation test (Adebayo et al. 2018)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Case, Classifier, metric
from harness.api.randomness import stream_seed
from harness_metrics.citations import ADEBAYO_2018
from harness_metrics.randomisation.comparison import Constant, comparison
from harness_metrics.randomisation.training import loaded, trained
from harness_metrics.similarity import Similarity


@metric(
    category="randomisation",
    direction="lower",
    needs={"explainer"},
    by={"checkpoint": {"null": {"needs": {"explainer", "training-labels"}}}},
    labelled="samples",
    bounds=(-1, 1),
    passes=1,  # times what explaining takes; training comes once per model
    cite=ADEBAYO_2018,
)
def data_randomisation(
    case: Case,
    *,
    checkpoint: Path | None = None,
    samples: Annotated[int, Field(ge=2, le=4096)] = 1024,
    epochs: Annotated[int, Field(ge=1)] = 100,
    accuracy: Annotated[float, Field(gt=0, le=1)] = 0.95,
    rate: Annotated[float, Field(gt=0)] = 1e-3,
    batch: Annotated[int, Field(ge=2)] = 64,
    similarity: Similarity = "spearman",
    absolute: bool = True,
    constant: Constant = "zero",
) -> Tensor:
    """Similarity of the map with the map of a network trained on permuted labels.

    Adebayo et al. 2018: an explanation that stays similar where the labels that the network learned say nothing does not
    explain what images and labels have to do with each other.

    Args:
        case: the samples; their explainer explains the other network for the same targets with the same random streams.
        checkpoint: a state dict file (read with ``weights_only``) of a network of the same architecture, trained on permuted labels. None
            trains one: fresh weights under the spec's seed, once per model and training split.
        samples: training samples, or all where there are fewer; their labels are permuted once.
        epochs: after which training ends at the latest, with a warning.
        accuracy: on the permuted labels at which training ends; the authors' networks know more than 95 % of them.
        rate: Adam's learning rate.
        batch: samples per step of training.
        similarity: as in ``mprt``; the authors show Spearman's rank correlation and SSIM.
        absolute: compare absolute values; the authors show both.
        constant: what a similarity is where the other network's map is constant: ``zero``, or ``undefined``, which makes the score NaN.

    Returns:
        ``(B,)`` in [-1, 1], lower is better; NaN for a map that is constant.
    """
    recipe = ("harness-metrics", "trained on permuted labels", checkpoint, samples, epochs, accuracy, rate, batch)

    def other() -> Classifier:
        if checkpoint is not None:
            return loaded(case.model, checkpoint)
        images, labels = case.ctx.training_samples(samples)
        permuted = labels[case.ctx.on("cpu").about(["training"]).fresh("permuted labels").permutation(len(labels))[0]]
        seed = stream_seed(case.ctx.seed, "training", "weights") % 2**32
        return trained(case.model, images, permuted, seed=seed, epochs=epochs, accuracy=accuracy, rate=rate, batch=batch)

    changed = case.shared(recipe, lambda: case.explain(model=case.ctx.lasting(recipe, other)))
    return comparison(case.attributions, similarity, absolute, constant)(changed)
