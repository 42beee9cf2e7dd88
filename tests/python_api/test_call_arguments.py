"""What the Python face takes for images, targets, maps and evidence, and what it says of the rest."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import harness
from harness.api import Attribution, Case, Classifier, Context
from harness.api.evidence import EVIDENCE_KINDS, EvidenceKind

NAMES = ["cat", "dog", "cow"]
NET = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
MODEL = harness.classifier(NET, input_shape=(3, 6, 6), class_names=NAMES)
IMAGES, TARGETS = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 2, 1, 2])
MASKS = torch.zeros(4, 6, 6, dtype=torch.bool)
MASKS[:, 1:3, 2:5] = True


def told(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """The first channel plus ten times the class: a map that says what it was made of."""
    return images[:, 0] + 10 * targets[:, None, None]


def seen(case: Case) -> Tensor:
    """What a metric is given, as a number."""
    boxes = torch.zeros(len(case.images)) if case.boxes is None else torch.stack([box.sum() for box in case.boxes])
    masks = torch.zeros(len(case.images)) if case.masks is None else case.masks.flatten(1).sum(dim=1)
    return case.attributions.double().sum(dim=(1, 2)) + 1e3 * case.targets + 1e5 * masks + 1e7 * boxes + 0.5 * len(case.parts)


def background(model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Tensor:
    """The difference from a training image."""
    return (images - ctx.background(1)).sum(dim=1)


def expected(images: Tensor, targets: Tensor) -> Tensor:
    return images[:, 0].float() + 10 * targets[:, None, None]


@pytest.mark.parametrize(
    "given",
    [
        TARGETS.tolist(),
        tuple(TARGETS.tolist()),
        TARGETS.numpy(),
        TARGETS.int(),
        TARGETS.byte(),
        TARGETS[:, None],
        TARGETS.double(),
        TARGETS.numpy().astype(">i4"),
        torch.eye(3)[TARGETS],
        np.eye(3, dtype=bool)[TARGETS.numpy()],
        [NAMES[target] for target in TARGETS],
        np.array([NAMES[target] for target in TARGETS]),
    ],
    ids=str,
)
def test_targets_of_every_kind_are_the_same_classes(given: object) -> None:
    assert torch.equal(harness.attribute(told, MODEL, IMAGES, given), expected(IMAGES, TARGETS))


@pytest.mark.parametrize("given", [1, np.int32(1), torch.tensor(1), [1], "dog"], ids=repr)
def test_one_class_is_that_of_every_image(given: object) -> None:
    assert torch.equal(harness.attribute(told, MODEL, IMAGES, given), expected(IMAGES, torch.ones(4)))


def test_a_name_that_two_classes_have_is_neither() -> None:
    model = harness.classifier(torch.nn.Flatten(), input_shape=(3, 1, 1), class_names=["crane", "dog", "crane"])
    images = torch.rand(2, 3, 1, 1)
    assert torch.equal(harness.attribute(told, model, images, "dog"), expected(images, torch.ones(2)))
    with pytest.raises(ValueError, match="'crane' is the name of classes 0, 2: give its index"):
        harness.attribute(told, model, images, "crane")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (7, "targets must be classes 0 to 2, not 7"),
        ([0, 1, 2, -1], "targets must be classes 0 to 2, not -1"),
        ([0, 1], r"targets must be \(4,\), one class per image, not \(2,\)"),
        ([], r"targets must be \(4,\), one class per image, not \(0,\)"),
        (torch.rand(4, 3), r"targets must be \(4,\), one class per image, not \(4, 3\)"),
        ([0.5, 1, 2, 0], "as whole numbers, not torch.float64"),
        (float("nan"), "as whole numbers"),
        (float("inf"), "as whole numbers"),
        (torch.zeros(4, dtype=torch.bool), "as whole numbers, not torch.bool"),
        ("dogg", "not 'dogg'; did you mean \"dog\""),
        ({}, "one class per image, not dict"),
    ],
)
def test_what_cannot_be_classes_is_told(given: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        harness.attribute(told, MODEL, IMAGES, given)


@pytest.mark.parametrize(
    "given",
    [
        IMAGES.numpy(),
        IMAGES.numpy().astype(">f4"),
        np.flip(IMAGES.flip(-1).numpy(), -1),
        list(IMAGES),
        IMAGES.tolist(),
        IMAGES.double(),
        IMAGES.clone().requires_grad_(),
    ],
    ids=lambda given: type(given).__name__,
)
def test_images_of_every_kind_are_explained(given: object) -> None:
    assert torch.equal(harness.attribute(told, MODEL, given, TARGETS), expected(IMAGES, TARGETS))


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_images_of_few_bits_are_explained_in_float32(dtype: torch.dtype) -> None:
    found = harness.attribute("saliency", MODEL, IMAGES.to(dtype), TARGETS)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, harness.attribute("saliency", MODEL, IMAGES.to(dtype).float(), TARGETS))


def test_one_image_is_a_batch_of_one_and_none_is_an_empty_batch() -> None:
    assert torch.equal(harness.attribute(told, MODEL, IMAGES[1], 2), expected(IMAGES[1:2], TARGETS[1:2]))
    assert harness.attribute(told, MODEL, IMAGES[:0], []).shape == harness.attribute(told, MODEL, IMAGES[:0]).shape == (0, 6, 6)
    assert harness.score(seen, MODEL, IMAGES[:0], [], MASKS[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (IMAGES[0, 0], r"images must be \(B, C, H, W\), not \(6, 6\)"),
        (IMAGES[None], r"images must be \(B, C, H, W\), not \(1, 4, 3, 6, 6\)"),
        (IMAGES[:, :1], r"images must be \(B, 3, H, W\), .* not \(4, 1, 6, 6\)$"),
        (IMAGES.permute(0, 2, 3, 1), r"not \(4, 6, 6, 3\): channels come before height and width"),
        (IMAGES[0].permute(1, 2, 0).numpy(), r"not \(6, 6, 3\): channels come before height and width"),
        (IMAGES[:, :, :2, :2], r"images must be \(B, 3, 6, 6\), not \(4, 3, 2, 2\): model.preprocess"),
        ((IMAGES * 255).byte(), "images must be floats, as the model takes them, not torch.uint8: .* dividing by 255"),
        ([IMAGES[0], IMAGES[1, :, :5]], r"not a list of 2 with shapes \(3, 5, 6\) and \(3, 6, 6\)"),
        ("cat.png", "not 'cat.png'"),
        (None, "not None"),
        (IMAGES.to_sparse(), r"not a sparse tensor \(4, 3, 6, 6\)"),
        (IMAGES.to("meta"), r"not a tensor without values \(4, 3, 6, 6\)"),
        (np.ma.masked_less(IMAGES.numpy(), 0.5), r"not an array with masked values \(4, 3, 6, 6\)"),
        ([*IMAGES, IMAGES[0].numpy().astype(object)], "not a list of 5"),
    ],
)
def test_what_cannot_be_images_is_told(given: object, said: str) -> None:
    for ask in (
        lambda: harness.attribute(told, MODEL, given, 0),
        lambda: harness.score(seen, MODEL, given, 0, MASKS),
        lambda: harness.explainer(told)(MODEL, given, 0),
    ):
        with pytest.raises(ValueError, match=said):
            ask()


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_values_that_are_not_finite_are_named_by_sample(value: float) -> None:
    images, maps = IMAGES.clone(), IMAGES[:, 0].clone()
    images[1, 0, 0, 0] = maps[2, 0, 0] = value
    for ids, image, of_map in ((None, "number 1", "number 2"), (list("abcd"), "b", "c")):
        with pytest.raises(ValueError, match=f"the images are not finite for 1 of 4 samples: {image}"):
            harness.attribute(told, MODEL, images, TARGETS, ids=ids)
        with pytest.raises(ValueError, match=f"the maps are not finite for 1 of 4 samples: {of_map}"):
            harness.score(seen, MODEL, IMAGES, TARGETS, maps, ids=ids)
    with pytest.raises(ValueError, match="not finite for 4 of 4 samples: number 0, number 1, number 2 and 1 more"):
        harness.attribute(told, MODEL, IMAGES * value, TARGETS)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_modes_without_gradients_change_nothing(mode: type) -> None:
    with mode():
        images = IMAGES.clone()
        maps = harness.attribute("saliency", MODEL, images)
        scores = harness.score("max-sensitivity", MODEL, images, TARGETS, maps, explainer="saliency")
    right = harness.attribute("saliency", MODEL, IMAGES)
    assert torch.equal(maps, right) and torch.equal(harness.attribute("saliency", MODEL, images), right)
    assert torch.equal(scores, harness.score("max-sensitivity", MODEL, IMAGES, TARGETS, right, explainer="saliency"))


def test_a_network_of_any_size_explains_images_of_another_size() -> None:
    assert harness.attribute("saliency", MODEL, torch.rand(2, 3, 9, 7), 0).shape == (2, 9, 7)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": NET}, r"model must be a classifier, not Sequential: harness.classifier\(module"),
        ({"model": "torchvision"}, "model must be a classifier, not 'torchvision'"),
        ({"explainer": "salience"}, 'unknown explainer "salience"; did you mean "saliency"'),
        ({"explainer": 3}, "explainer must be the name of a component, .* not 3"),
        ({"explainer": MODEL}, "explainer must be an explainer, not a Classifier"),
        ({"seed": 1.5}, "seed must be a whole number, not float"),
        ({"seed": -1}, "seed must be from 0"),
        ({"ids": "abcd"}, "1 ids for 4 images"),
        ({"ids": [1, 2]}, "2 ids for 4 images"),
        ({"ids": 2.5}, "ids must be 4 texts, one per image, not float"),
        ({"training": "lesions"}, r"training must be a dataset .*, not 'lesions'"),
    ],
)
def test_the_rest_of_an_explanation_is_checked(changes: dict[str, object], said: str) -> None:
    given = {"explainer": told, "model": MODEL, "images": IMAGES, "targets": TARGETS} | changes
    with pytest.raises(ValueError, match=said):
        harness.attribute(**given)


def test_a_metric_is_no_explainer() -> None:
    with pytest.raises(ValueError, match="explainer must be an explainer, not a BoundMetric"):
        harness.attribute(harness.metric("sparseness"), MODEL, IMAGES, TARGETS)


def test_an_explainer_is_no_metric() -> None:
    with pytest.raises(ValueError, match="metric must be a metric, not a BoundExplainer"):
        harness.score(harness.explainer("random"), MODEL, IMAGES, TARGETS, IMAGES[:, 0])


def test_ids_are_taken_as_texts() -> None:
    maps = [harness.attribute("random", MODEL, IMAGES, 0, ids=ids) for ids in (["1", "2", "3", "4"], np.arange(1, 5), torch.arange(1, 5))]
    assert torch.equal(maps[0], maps[1]) and torch.equal(maps[0], maps[2])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"maps": IMAGES[:, 0].numpy(), "masks": MASKS.numpy(), "targets": TARGETS.tolist()},
        {"maps": IMAGES[:, :1].double(), "masks": MASKS[:, None]},
        {"masks": MASKS.float()},
        {"masks": MASKS.byte() * 255},
        {"masks": MASKS.tolist()},
        {"boxes": [[[2, 1, 5, 3]]] * 4},
        {"boxes": np.array([[2, 1, 5, 3]] * 4)},
        {"boxes": torch.tensor([[[2.0, 1, 5, 3]]] * 4)},
    ],
    ids=str,
)
def test_a_metric_is_given_the_same_whatever_it_is_written_in(changes: dict[str, object]) -> None:
    given = {"targets": TARGETS, "maps": IMAGES[:, 0], "masks": MASKS} | changes
    found = harness.score(seen, MODEL, IMAGES, **given)
    right = IMAGES[:, 0].double().sum(dim=(1, 2)) + 1e3 * TARGETS + 1e5 * 6 + 1e7 * (2 + 1 + 5 + 3)  # boxes are those round the masks
    torch.testing.assert_close(found, right)


def test_what_an_explainer_returns_is_scored_with_its_parts() -> None:
    attribution = Attribution(IMAGES, {"one": IMAGES[:, 0], "two": IMAGES[:, 1]})
    found = harness.score(seen, MODEL, IMAGES, 0, attribution)
    torch.testing.assert_close(found, IMAGES.sum(dim=1).double().sum(dim=(1, 2)) + 1)


def test_one_image_is_scored_with_its_map_mask_and_boxes() -> None:
    found = harness.score(seen, MODEL, IMAGES[1], 2, IMAGES[1, 0], masks=MASKS[1], boxes=[[2, 1, 5, 3], [0, 0, 0, 1]])
    torch.testing.assert_close(found, IMAGES[1:2, 0].double().sum(dim=(1, 2)) + 2e3 + 6e5 + 12e7)


@pytest.mark.parametrize(
    ("kind", "given", "right"),
    [
        ("boxes", [], torch.zeros(0, 4)),
        ("boxes", np.zeros((0, 4)), torch.zeros(0, 4)),
        ("boxes", [2, 1, 5, 3], torch.tensor([[2.0, 1, 5, 3]])),
        ("boxes", [[2, 1, 5, 3], [0, 0, 0, 1]], torch.tensor([[2.0, 1, 5, 3], [0, 0, 0, 1]])),
        ("mask", MASKS[1].tolist(), MASKS[1]),
        ("mask", MASKS[1:2, None].int(), MASKS[1]),
        ("parts", MASKS[1], MASKS[1]),
        ("parts", MASKS[:3], MASKS[:3]),
        ("parts", [MASKS[:3]], MASKS[:3]),
        ("parts", MASKS[:1].long(), MASKS[0].float()),
    ],
    ids=str,
)
def test_evidence_of_one_image_is_read_however_it_is_written(kind: str, given: object, right: Tensor) -> None:
    found = read_evidence(IMAGES[1], 2, {kind: given})[kind]
    assert found[0].dtype == right.dtype and torch.equal(found[0], right)


def read_evidence(images: Tensor, targets: object, evidence: dict[str, object]) -> dict[str, Any]:
    """What a metric is given of evidence."""
    found: dict[str, Any] = {}

    def look(case: Case) -> Tensor:
        found.update(case.evidence)
        return torch.zeros(len(case.images))

    harness.score(look, MODEL, images, targets, torch.zeros(images.shape[:-3] + images.shape[-2:]), evidence=evidence)
    return found


class Points:
    """Any number N of points ``x, y``."""

    shape = "(N, 2)"

    def read(self, given: Tensor, size: tuple[int, int]) -> Tensor:
        if given.shape[-1] != 2:
            raise ValueError(f"must be {self.shape}, not {tuple(given.shape)}")
        return given.reshape(-1, 2).float()

    def layout(self, value: Tensor) -> str:
        return self.shape


def test_a_form_that_nobody_knew_is_read_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EVIDENCE_KINDS, "gaze", EvidenceKind("gaze", need="gazes", form=Points()))  # type: ignore[arg-type]
    found = read_evidence(IMAGES, TARGETS, {"gaze": [[1, 2], [[3, 4], [5, 6]], np.zeros((0, 2)), torch.ones(1, 2)]})
    assert [points.tolist() for points in found["gaze"]] == [[[1, 2]], [[3, 4], [5, 6]], [], [[1, 1]]]
    with pytest.raises(ValueError, match=r"^gazes must be \(N, 2\), not \(3,\) \(image 1\)$"):
        read_evidence(IMAGES, TARGETS, {"gaze": [[1, 2], [1, 2, 3], [1, 2], [1, 2]]})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "deletoin"}, 'unknown metric "deletoin"; did you mean "deletion"'),
        ({"metric": told}, "expected the signature"),
        ({"targets": None}, r"targets must be \(4,\)"),
        ({"maps": IMAGES}, r"maps must be \(4, 6, 6\), .* not \(4, 3, 6, 6\): add its channels up first"),
        ({"maps": IMAGES[:2, 0]}, r"maps must be \(4, 6, 6\), at the size of the images, not \(2, 6, 6\)"),
        (
            {"masks": IMAGES[:, 0]},
            r"^masks must be bool \(6, 6\), .* image, not torch.float32 \(6, 6\), with other values than 0 and 1 \(image 0\)$",
        ),
        (
            {"masks": [*MASKS[:3], MASKS[3, 1:]]},
            r"^masks must be bool \(6, 6\), at the size of the image, not torch.bool \(5, 6\) \(image 3\)$",
        ),
        ({"masks": MASKS[:2]}, r"^masks must be \(H, W\) of each image, and there are 2 for 4 images$"),
        ({"masks": "lesions"}, r"^masks must be \(H, W\) of each image, not 'lesions'$"),
        ({"boxes": [[[1, 2, 3]]] * 4}, r"^boxes must be \(N, 4\): x0, y0, x1, y1, not \(1, 3\) \(image 0\)$"),
        ({"boxes": [[1, 2, 3, 4], [[5, 2, 3, 4]], [], []]}, r"with x0 ≤ x1 and y0 ≤ y1, not \[5, 2, 3, 4\] \(image 1\)$"),
        ({"boxes": [[[1, 2, 3, float("nan")]]] * 4}, r"with x0 ≤ x1 and y0 ≤ y1, not \[1.0, 2.0, 3.0, nan\] \(image 0\)$"),
        ({"boxes": [[[1, 2, 3, 4]]]}, r"^boxes must be \(N, 4\) of each image, and there are 1 for 4 images$"),
        ({"boxes": 3}, r"boxes must be \(N, 4\)"),
        ({"evidence": {"parts": [MASKS[:2], *MASKS[:3].float()]}}, "^parts must have as many dimensions for each image, not 2 and 3$"),
        ({"evidence": "mask"}, r"evidence must be by kind, \{name: tensor\}, not 'mask'"),
        ({"evidence": {"parts": MASKS[:, None, None]}}, r"parts must be .* not torch.bool \(1, 1, 6, 6\) \(image 0\)"),
    ],
)
def test_what_cannot_be_scored_is_told(changes: dict[str, object], said: str) -> None:
    given = {"metric": seen, "targets": TARGETS, "maps": IMAGES[:, 0], "masks": MASKS} | changes
    with pytest.raises((ValueError, TypeError), match=said):
        harness.score(model=MODEL, images=IMAGES, **given)


@pytest.mark.parametrize(
    ("metric", "given", "reason"),
    [
        ("pointing-game", {}, "needs masks, and none are given"),
        ("max-sensitivity", {}, r"needs the explainer that made the maps, and none is given \(explainer=\)"),
        ("max-sensitivity", {"explainer": background}, r"needs training data, and none is given \(training="),
    ],
)
def test_a_metric_says_what_it_lacks(metric: str, given: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=f"{metric} is not applicable: {reason}"):
        harness.score(metric, MODEL, IMAGES, TARGETS, IMAGES[:, 0], **given)


def test_an_explainer_says_that_it_lacks_training_data() -> None:
    with pytest.raises(ValueError, match=r"background is not applicable: needs training data, and none is given \(training="):
        harness.attribute(background, MODEL, IMAGES, TARGETS)


def test_a_metric_called_by_hand_wants_a_case() -> None:
    with pytest.raises(ValueError, match=r"called with a harness.api.Case, not Tensor"):
        harness.metric(seen)(IMAGES)


def test_an_explainer_called_by_hand_needs_no_context() -> None:
    found = harness.explainer("random")(MODEL, IMAGES.numpy(), 1)
    assert torch.equal(found.map, harness.attribute("random", MODEL, IMAGES, 1))
    assert harness.explainer(told)(MODEL, IMAGES[:0], []).map.shape == (0, 6, 6)


# values that preprocessing never makes

NORMALISED = harness.classifier(NET, input_shape=(3, 6, 6), mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
FULL = torch.linspace(0, 1, 36).view(1, 1, 6, 6).repeat(4, 3, 1, 1)  # from black to white


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (NORMALISED.normalise(NORMALISED.normalise(FULL)), "normalised twice"),
        (NORMALISED.normalise(FULL) * 2, "lie outside of what model.preprocess makes"),
        (FULL, "lie between 0 and 1, as before normalising"),
    ],
)
def test_what_may_be_meant_is_warned_of(given: Tensor, said: str) -> None:
    with pytest.warns(UserWarning, match=said) as noted:
        harness.attribute(told, NORMALISED, given, 0)
    assert noted[0].filename == __file__
    with pytest.warns(UserWarning, match=said):
        harness.score(seen, NORMALISED, given, 0, given[:, 0])


@pytest.mark.parametrize("given", [255 * FULL, NORMALISED.normalise(255 * FULL), -255 * FULL])
def test_what_cannot_be_meant_is_refused(given: Tensor) -> None:
    with pytest.raises(ValueError, match="look like values of 0 … 255: before normalising they would go from"):
        harness.attribute(told, NORMALISED, given, 0)


def test_model_inputs_and_small_perturbations_of_them_are_taken_without_a_word() -> None:
    inputs = NORMALISED.normalise(FULL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        harness.attribute(told, NORMALISED, inputs, 0)
        harness.attribute(told, NORMALISED, inputs + 0.03 / 0.229 * inputs.sign(), 0)  # an adversarial perturbation of 8/255
        harness.attribute(told, NORMALISED, NORMALISED.normalise(0.9 * torch.ones_like(FULL)), 0)
        harness.attribute(told, MODEL, 255 * FULL, 0)  # nothing is known of what this network takes
