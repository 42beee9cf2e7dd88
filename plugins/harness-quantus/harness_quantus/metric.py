"""The component: any of Quantus's metrics, one sample at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from harness.api import Case, Classifier, metric
from harness_quantus.arguments import NORMALISATIONS, conditions, normalisation, resolved
from harness_quantus.catalogue import CLASSES, MASKED, MOSAICS, POPULATION, MetricName, by_metric
from harness_quantus.citations import QUANTUS
from harness_quantus.mending import classifier_of, mend, mended, network_for
from harness_quantus.mosaics import target_quadrants
from harness_quantus.population import population
from harness_quantus.reduction import reduced

Array = NDArray[Any]


class RefusedMap(ValueError):
    """A map that Quantus refuses: constant, or negative everywhere."""


@dataclass(frozen=True)
class Given:
    """Arrays that Quantus is given as a batch, the sample first."""

    images: Array
    targets: Array
    maps: Array
    masks: Array | None = None
    quadrants: Array | None = None


@metric(
    category="faithfulness",
    direction="higher",
    by={"metric": by_metric()},
    no_inverse="Quantus decides of each metric whether it takes |a|, which has another inverse: ask for the harness's own metric",
    cite=QUANTUS,
)
class Quantus:
    """Any of Quantus's 37 metrics, computed by Quantus itself, one sample at a time.

    For those who want exactly Quantus (version 0.6; Hedström et al. 2023); ``docs/quantus.md`` says for each metric how it compares with
    the harness's own, which is faster. A metric object is made for every sample, so that a number depends neither on the batch nor on what
    was scored before; the global generators stand at the sample's seed, and are restored. Maps are given as one channel; ``y_batch`` is the
    target that was explained. Where Quantus explains again it asks the case's explainer, also for a changed network. Mended around it:
    names that NumPy 2 has lost, IROF, ROAD and Completeness on RGB images, the smooth parameter randomisation test (which ignores the
    explainer it is given), and InputInvariance on networks whose first module is no convolution with a bias.

    What is no number per sample is made one: of a curve (Pixel-Flipping, Region Segmentation, Selectivity) the area, by the trapezoidal
    rule with steps of 1; of ROAD the mean over its percentages; of MPRT and Smooth MPRT the mean over the layers, without the one at
    which nothing is randomised; SensitivityN correlates the steps of each sample, where Quantus correlates the samples of each step.
    Sufficiency and Consistency, which compare samples, compare each one with ``population`` training images.

    Returns:
        ``(B,)``. NaN where Quantus says so, where a mask is empty, where the map, or one that it explains again, is constant or negative
        everywhere (which Quantus refuses), and for Focus where the mask is not made of whole quadrants: Focus is defined on mosaics of
        four images, and the mask of a mosaic is where the images of the target class are.
    """

    class Params(BaseModel):
        """Parameters: which metric, and how.

        Args:
            metric: Quantus's name of it, as in ``quantus.AVAILABLE_METRICS``.
            arguments: of its constructor, by Quantus's names; a function is given by its name in ``quantus.functions``.
            normalise: of maps before they are scored, always of each map on its own. ``default``: what Quantus does for this metric, which
                is ``max``, but nothing for Infidelity, Efficient MPRT, InputInvariance, both sensitivities and the relative stabilities.
                ``max``: by the greatest absolute value. ``negative``: positive values by the greatest, negative ones by the least.
                ``second-moment``: by the root of the mean square.
            softmax: whether the network's output goes through a softmax; null: what Quantus does for this metric,
                and no softmax where the model's outputs are probabilities, or sigmoids of each class.
            population: training images that a sample is compared with by Sufficiency and Consistency.
        """

        metric: MetricName
        arguments: dict[str, Any] = {}
        normalise: Literal["default", "none", "max", "negative", "second-moment"] = "default"
        softmax: bool | None = None
        population: Annotated[int, Field(ge=1)] = 32

        model_config = ConfigDict(json_schema_extra=lambda schema: schema.update(allOf=conditions()))

    def __init__(self, params: Params) -> None:
        self.params = params

    def __call__(self, case: Case) -> Tensor:
        """Scores ``(B,)``."""
        if self.params.metric in (*MASKED, *MOSAICS) and case.masks is None:
            raise LookupError(f"Quantus's {self.params.metric} needs masks, and the samples have none")
        scores = [self._score(case, row) for row in range(len(case.images))]
        return torch.tensor(scores, dtype=torch.float32, device=case.images.device)

    def _score(self, case: Case, row: int) -> float:
        try:
            given = self._given(case, row)
            nowhere = any(where is not None and not where.any() for where in (given.masks, given.quadrants))
            return float("nan") if nowhere else reduced(self._returned(case, row, given))
        except RefusedMap:
            return float("nan")

    def _returned(self, case: Case, row: int, given: Given) -> Any:
        """What the metric object returns."""
        network = network_for(self.params.metric, case.model)
        explain = _explainer(case, row)
        with mended(explain), case.ctx.seeded(row):
            made = CLASSES[self.params.metric](**self._constructed(case, row))
            mend(made, self.params.metric, tuple(case.images.shape[1:]))
            return made(
                model=network,
                x_batch=given.images,
                y_batch=given.targets,
                a_batch=given.maps,
                s_batch=given.masks,
                channel_first=True,
                explain_func=explain,
                device=str(next((p.device for p in network.parameters()), "cpu")),
                **self._softmax(case.model),
                **({} if given.quadrants is None else {"custom_batch": given.quadrants}),
            )

    def _softmax(self, model: Classifier) -> dict[str, bool]:
        """What Quantus is told of the softmax: nothing where it is to do what it does, which it may where that makes probabilities."""
        if self.params.softmax is not None:
            return {"softmax": self.params.softmax}
        seen = isinstance(list(model.module.modules())[-1], nn.Softmax)  # which Quantus puts no other behind
        return {} if model.output == "softmax" or (model.output == "probabilities" and seen) else {"softmax": False}

    def _constructed(self, case: Case, row: int) -> dict[str, Any]:
        """The arguments of the constructor."""
        name = self.params.metric
        own: dict[str, Any] = {}
        if name == "Random Logit":
            draw = torch.randint(2**31, (1,), generator=case.ctx.fresh("random logit").generator(row))
            own = {"num_classes": case.model.num_classes, "seed": int(draw)}
        how = {"normalise": False} if name in POPULATION else normalisation(self.params.normalise)
        return {**own, **resolved(self.params.arguments), **how, "return_aggregate": False, "disable_warnings": True}

    def _given(self, case: Case, row: int) -> Given:
        name, one = self.params.metric, slice(row, row + 1)
        images, targets, maps = case.images[one], case.targets[one], case.attributions[one]
        if name in POPULATION:
            others = population(case, self.params.population)
            pairs = ((images, others.images), (targets, others.targets), (maps, others.maps))
            images, targets, maps = (torch.cat([mine, theirs.to(mine)]) for mine, theirs in pairs)
        numbers = _accepted(_array(maps)[:, None])
        if name in POPULATION and self.params.normalise != "none":  # each map on its own, where Quantus would take them together
            scale = NORMALISATIONS["max" if self.params.normalise == "default" else self.params.normalise]
            numbers = np.stack([scale(each) for each in numbers])
        masks = None if name not in (*MASKED, *MOSAICS) or case.masks is None else _array(case.masks[one])[:, None]
        if name in MOSAICS and masks is not None:
            return Given(_array(images), _array(targets), numbers, quadrants=target_quadrants(masks[:, 0]))
        if name == "Completeness":  # which replaces as many values of the image as the map has: the map, and zeros for the other channels
            numbers = np.concatenate([numbers, np.zeros_like(numbers).repeat(images.shape[1] - 1, axis=1)], axis=1)
        return Given(_array(images), _array(targets), numbers, masks)


def _array(tensor: Tensor) -> Array:
    """A copy that may be written into."""
    return np.array(tensor.detach().cpu().numpy())


def _explainer(case: Case, row: int) -> Callable[..., Array]:
    """The function that Quantus explains by: the case's explainer, on one sample's stream, for whatever network it is given."""

    def explain(model: nn.Module, inputs: Array, targets: Array, **_: Any) -> Array:
        images = torch.as_tensor(np.asarray(inputs)).to(case.images)
        classes = torch.as_tensor(np.asarray(targets)).to(case.targets)
        index = torch.full((len(images),), row)
        maps = case.explain(images=images, targets=classes, model=classifier_of(model, case.model), index=index)
        return _accepted(_array(maps)[:, None])

    return explain


def _accepted(maps: Array) -> Array:
    """The maps, unless Quantus refuses the first."""
    if maps[0].min() == maps[0].max() or np.all(maps[0] < 0):
        raise RefusedMap("Quantus takes no map that is constant, or negative everywhere")
    return maps
