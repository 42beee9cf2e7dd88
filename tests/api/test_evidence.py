"""Kinds of evidence: they follow their image, make batches, and are refused if they do not belong to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harness.api import Case, Context, Sample, metric
from harness.api.evidence import batched, layouts, moved
from harness.api.geometry import Geometry

IMAGE = torch.rand(3, 20, 30)
MASK = torch.rand(20, 30, generator=torch.Generator().manual_seed(0)) > 0.5
PLANES = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(1))


def test_rasters_of_any_kind_move_as_masks_do() -> None:
    geometry = Geometry((8, 9), resize=11)
    sample = Sample(IMAGE, 0, "a", MASK, evidence={"parts": torch.stack([MASK, ~MASK]), "human": PLANES, "levels": (PLANES * 9).long()})
    found = moved(sample.evidence, geometry, (20, 30))
    assert torch.equal(found["mask"], geometry.mask(MASK)) and torch.equal(found["parts"][0], found["mask"])
    assert torch.equal(found["parts"][1], geometry.mask(~MASK))
    assert found["human"].shape == (3, 8, 9) and found["human"].dtype == found["levels"].dtype == torch.float32
    assert torch.equal((found["human"] * 9).floor(), found["levels"]), "every pixel is one of the raster's, the same in all"
    assert torch.equal(found["boxes"], torch.tensor([[0.0, 0.0, 9.0, 8.0]]))


def test_a_batch_has_all_kinds_of_its_dataset_for_all_samples() -> None:
    dataset_has = {"mask": "bool (H, W)", "boxes": "(N, 4)", "parts": "bool (K, H, W)", "human": "float (H, W)"}
    one, other = {"human": PLANES[0], "parts": PLANES > 0.5}, {"mask": MASK}
    assert layouts(one) | layouts(other) == dataset_has
    found = batched([one, other], (20, 30), dataset_has)
    assert torch.equal(found["human"], torch.stack([PLANES[0], torch.zeros(20, 30)]))
    assert [tuple(planes.shape) for planes in found["parts"]] == [(3, 20, 30), (0, 20, 30)]
    without = batched([{}], (20, 30), dataset_has)
    assert without.keys() == found.keys() and not any(tensor.any() for value in without.values() for tensor in value)
    assert [value.dtype for value in (without["mask"], without["human"])] == [torch.bool, torch.float32]


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ({"mask": PLANES[0]}, "mask must be bool (20, 30), at the size of the image, not torch.float32 (20, 30)"),
        ({"mask": MASK[1:]}, "mask must be bool (20, 30), at the size of the image, not torch.bool (19, 30)"),
        ({"boxes": torch.zeros(4)}, "boxes must be (N, 4): x0, y0, x1, y1, not (4,)"),
        ({"human": PLANES[:, 1:]}, "human must be real (20, 30) or (K, 20, 30), at the size of the image, not torch.float32 (3, 19, 30)"),
        ({"human": PLANES.numpy()}, "human must be a torch tensor (H, W) or (K, H, W), not ndarray"),
    ],
)
def test_what_is_not_its_images_is_refused_in_words(evidence: dict[str, torch.Tensor], said: str) -> None:
    with pytest.raises(ValueError) as refused:
        Sample(IMAGE, 0, "mine", evidence=evidence)
    assert str(refused.value) == f"sample mine: {said}"


def test_masks_and_boxes_may_be_given_and_replaced_by_themselves() -> None:
    boxes = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    sample = Sample(IMAGE, label=0, id="a", mask=MASK, boxes=boxes)
    assert sample.mask is MASK and sample.boxes is boxes and sample.evidence == {"mask": MASK, "boxes": boxes}
    assert replace(sample, mask=None).evidence == {"boxes": boxes}
    assert replace(sample, evidence={}).mask is None
    maps = torch.zeros(1, 4, 4)
    case = Case(None, maps[:, None], torch.zeros(1), maps, Context(0, ["a"]), masks=maps > 0, boxes=[boxes])  # type: ignore[arg-type]
    assert case.masks is case.evidence["mask"] and case.boxes is case.evidence["boxes"]
    assert replace(case, masks=None).evidence.keys() == {"boxes"}
    assert replace(case, evidence={}).masks is replace(case, evidence={}).boxes is None
    assert replace(case, targets=maps).evidence == case.evidence


@pytest.mark.parametrize(
    ("need", "said"),
    [("mask", "did you mean 'masks'"), ("box-es", "did you mean 'boxes'"), ("a need", "choose from"), ("Parts", "choose from")],
)
def test_a_need_that_seems_misspelt_is_refused(need: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"unknown needs '{need}'; {said}"):
        metric(category="localisation", direction="higher", needs={need})


def test_pictures_move_as_images_do() -> None:
    """Of one that is the image itself the input is the image's to the last bit, whatever becomes of the image."""
    geometry = Geometry((16, 12), channels=1, resize=17)
    sample = Sample(IMAGE, 0, "a", evidence={"counterfactuals": torch.stack([IMAGE, IMAGE.flip(2)])})
    found = moved(sample.evidence, geometry, (20, 30))["counterfactuals"]
    assert torch.equal(found, torch.stack([geometry.image(IMAGE), geometry.image(IMAGE.flip(2))]))
    assert moved({"counterfactuals": torch.zeros(0, 3, 20, 30)}, geometry, (20, 30))["counterfactuals"].shape == (0, 1, 16, 12)
    together = batched([{"counterfactuals": found}, {}], (16, 12), {})["counterfactuals"]
    assert [len(each) for each in together] == [2, 0]
    with pytest.raises(ValueError, match=r"must be float \(K, C, 20, 30\), at the size of the image, not torch.float32 \(3, 20, 30\)"):
        Sample(IMAGE, 0, "a", evidence={"counterfactuals": PLANES})
