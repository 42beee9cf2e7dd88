"""Image, mask and boxes move together, for any sizes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.api.geometry import Geometry, masks_to_boxes

sizes = st.tuples(st.integers(12, 70), st.integers(12, 70))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Geometry, tuple[int, int], tuple[int, int, int, int]]:
    native = draw(sizes)
    geometry = Geometry(draw(sizes), channels=1, resize=draw(st.none() | st.integers(12, 80)))
    top, left = draw(st.integers(0, native[0] - 6)), draw(st.integers(0, native[1] - 6))
    height, width = draw(st.integers(6, native[0] - top)), draw(st.integers(6, native[1] - left))
    return geometry, native, (left, top, left + width, top + height)


def rectangle(native: tuple[int, int], box: tuple[int, int, int, int]) -> torch.Tensor:
    mask = torch.zeros(native, dtype=torch.bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


@settings(max_examples=150, deadline=None)
@given(cases())
def test_image_mask_and_boxes_move_together(case: tuple[Geometry, tuple[int, int], tuple[int, int, int, int]]) -> None:
    geometry, native, box = case
    mask = rectangle(native, box)
    image, moved = geometry.image(mask[None].float()), geometry.mask(mask)
    assert image.shape == (1, *geometry.size) and moved.shape == geometry.size
    scale = max(1.0, geometry.scaled(native)[0] / native[0], geometry.scaled(native)[1] / native[1])
    boxes = geometry.boxes(torch.tensor([box], dtype=torch.float32), native)
    if moved.any():
        rows, columns = torch.where(moved)
        assert len(boxes) == 1
        tight = torch.tensor([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], dtype=torch.float32)
        assert (tight - boxes[0]).abs().max() <= 1.0
    # Where an antialiased edge is far, the image of the mask is the mask.
    inside, outside = image[0] > 0.9, image[0] < 0.1
    disagreement = (inside & ~moved) | (outside & moved)
    if disagreement.any():
        rows, columns = torch.where(disagreement)
        assert len(boxes) == 1
        x0, y0, x1, y1 = boxes[0].tolist()
        distance = torch.stack([(columns + 0.5 - e).abs() for e in (x0, x1)] + [(rows + 0.5 - e).abs() for e in (y0, y1)]).amin(dim=0)
        assert distance.max() <= 1 + scale


@settings(max_examples=50, deadline=None)
@given(sizes, st.integers(1, 4))
def test_an_image_of_the_model_s_size_is_left(size: tuple[int, int], seed: int) -> None:
    image = torch.rand(3, *size, generator=torch.Generator().manual_seed(seed))
    geometry = Geometry(size)
    assert torch.equal(geometry.image(image), image)
    assert torch.equal(geometry.mask(image[0] > 0.5), image[0] > 0.5)
    box = torch.tensor([[1.0, 2.0, 7.0, 9.0]])
    assert torch.equal(geometry.boxes(box, size), box)


@settings(max_examples=50, deadline=None)
@given(sizes, sizes)
def test_boxes_stay_in_the_image(native: tuple[int, int], size: tuple[int, int]) -> None:
    geometry = Geometry(size)
    boxes = geometry.boxes(torch.tensor([[0.0, 0.0, native[1], native[0]], [-5.0, -5.0, 3.0, 3.0]]), native)
    assume(len(boxes))
    assert (boxes >= 0).all() and (boxes[:, 0::2] <= size[1]).all() and (boxes[:, 1::2] <= size[0]).all()


def test_a_mask_and_a_box_that_are_cropped_away_are_gone() -> None:
    geometry = Geometry((20, 20), resize=20)
    mask = rectangle((20, 100), (0, 0, 10, 20))
    assert not geometry.mask(mask).any()
    assert len(geometry.boxes(torch.tensor([[0.0, 0.0, 10.0, 20.0]]), (20, 100))) == 0


def test_grey_and_colour_are_converted_and_other_channels_refused() -> None:
    grey, colour = torch.rand(1, 8, 8), torch.rand(3, 8, 8)
    assert torch.equal(Geometry((8, 8), 3).image(grey), grey.expand(3, 8, 8))
    torch.testing.assert_close(Geometry((8, 8), 1).image(colour)[0], 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2])
    with pytest.raises(ValueError, match="2 channels"):
        Geometry((8, 8), 3).image(torch.rand(2, 8, 8))


def test_nearest_images_move_as_masks_do() -> None:
    mask = torch.rand(31, 45, generator=torch.Generator().manual_seed(0)) > 0.5
    geometry = Geometry((17, 24), channels=1, interpolation="nearest")
    assert torch.equal(geometry.image(mask[None].float())[0] > 0.5, geometry.mask(mask))


def test_the_box_round_a_mask_holds_all_of_it_and_no_empty_row_or_column() -> None:
    masks = torch.stack([rectangle((17, 24), (5, 3, 9, 11)), rectangle((17, 24), (0, 0, 24, 17)), torch.zeros(17, 24, dtype=torch.bool)])
    masks[0, 14, 20] = True
    assert masks_to_boxes(masks).tolist() == [[5, 3, 21, 15], [0, 0, 24, 17], [0, 0, 0, 0]]
