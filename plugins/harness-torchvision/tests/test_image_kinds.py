"""Kinds of images and masks, against values that were put into them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_torchvision.image_folder import image_folder
from PIL import Image

from harness.api.image_files.decoding import check, decode_image, decode_mask
from harness.api.image_files.traits import Unreadable

SQUARE = np.zeros((16, 24), dtype=bool)
SQUARE[4:9, 5:17] = True
GREY = SQUARE.astype(np.uint8)


def palette(colours: list[int]) -> Image.Image:
    image = Image.fromarray(GREY, mode="P")
    image.putpalette(colours)
    return image


def rgba(inside: tuple[int, ...], outside: tuple[int, ...]) -> Image.Image:
    return Image.fromarray(np.where(SQUARE[..., None], np.array(inside), np.array(outside)).astype(np.uint8))


MASKS: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
    "0 and 1": (Image.fromarray(GREY), "png", {}),
    "0 and 255": (Image.fromarray(GREY * 255), "png", {}),
    "classes": (Image.fromarray(GREY * 7), "tif", {}),
    "1 bit": (Image.fromarray(GREY * 255).convert("1"), "png", {}),
    "16 bit": (Image.fromarray(GREY.astype(np.uint16) * 3), "png", {}),
    "32 bit": (Image.fromarray(GREY.astype(np.int32)), "tif", {}),
    "float": (Image.fromarray(GREY.astype(np.float32)), "tif", {}),
    "red": (rgba((255, 0, 0), (0, 0, 0)), "png", {}),
    "dark blue": (rgba((0, 0, 1), (0, 0, 0)), "bmp", {}),
    "opaque alpha": (rgba((255, 255, 255, 255), (0, 0, 0, 255)), "png", {}),
    "white on nothing": (rgba((255, 255, 255, 255), (255, 255, 255, 0)), "png", {}),
    "black on nothing": (rgba((0, 0, 0, 255), (0, 0, 0, 0)), "png", {}),
    "half transparent colour": (rgba((200, 0, 0, 128), (0, 0, 0, 0)), "png", {}),
    "grey with alpha": (Image.fromarray(np.stack([GREY * 255, np.full_like(GREY, 255)], axis=2), mode="LA"), "png", {}),
    "grey alpha alone": (Image.fromarray(np.stack([GREY * 0 + 255, GREY * 255], axis=2), mode="LA"), "png", {}),
    "palette": (palette([0, 0, 0, 128, 0, 0]), "png", {}),
    "palette of one colour": (palette([9, 9, 9, 9, 9, 9]), "png", {}),
    "palette, coloured background": (palette([120, 120, 0, 180, 0, 0]), "png", {}),
    "palette with transparency": (palette([255, 0, 0, 0, 255, 0]), "png", {"transparency": 0}),
    "inverse palette": (Image.fromarray(1 - GREY, mode="P"), "png", {}),
    "gif": (Image.fromarray(GREY * 255), "gif", {}),
    "jpeg": (Image.fromarray(GREY * 255), "jpg", {"quality": 60}),
    "webp": (Image.fromarray(GREY * 255), "webp", {"quality": 60}),
    "lossless webp": (Image.fromarray(GREY).convert("RGB"), "webp", {"lossless": True}),
}
MASKS["inverse palette"][0].putpalette([255, 255, 255, 0, 0, 0])


@pytest.mark.parametrize("kind", MASKS)
def test_every_kind_of_mask_is_the_same_mask(tmp_path: Path, kind: str) -> None:
    image, suffix, options = MASKS[kind]
    image.save(tmp_path / f"m.{suffix}", **options)
    found = decode_mask(tmp_path / f"m.{suffix}").numpy()
    if suffix in ("jpg",) or (suffix == "webp" and "quality" in options):
        assert (found != SQUARE).mean() < 0.03, "edges of a lossy format may move"
    else:
        assert np.array_equal(found, SQUARE)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_a_mask_of_nothing_is_empty(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (4, 3)).save(tmp_path / "m.png")
    assert not decode_mask(tmp_path / "m.png").any()


def deep_png(colour: int, samples: np.ndarray) -> bytes:
    """A PNG of 16 bit and one row, which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", len(samples), 1, 16, colour, 0, 0, 0)
    content = zlib.compress(b"\0" + samples.astype(">u2").tobytes())
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("colour", "channels", "step"), [(0, 1, 1 / 65535), (2, 3, 1 / 255), (6, 4, 1 / 255), (4, 2, 1 / 255)])
def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path, colour: int, channels: int, step: float) -> None:
    values = np.array([0, 300, 30000, 65535])
    (tmp_path / "deep.png").write_bytes(deep_png(colour, values[:, None].repeat(channels, axis=1)))
    np.testing.assert_allclose(decode_image(tmp_path / "deep.png")[0, 0], values / 65535, atol=step)


@pytest.mark.parametrize("suffix", ["tif", "pgm"])
def test_sixteen_bits_in_other_formats(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 1, 256], [4095, 32768, 65535]], dtype=np.uint16)
    if suffix == "pgm":
        (tmp_path / "x.pgm").write_bytes(b"P5 3 2 65535\n" + values.astype(">u2").tobytes())
    else:
        Image.fromarray(values).save(tmp_path / "x.tif")
    np.testing.assert_allclose(decode_image(tmp_path / f"x.{suffix}")[0], values / 65535, atol=1e-7)


def test_ink_is_not_light(tmp_path: Path) -> None:
    for suffix in ("tif", "jpg"):
        Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / f"red.{suffix}")
        np.testing.assert_allclose(decode_image(tmp_path / f"red.{suffix}").mean(dim=(1, 2)), [1, 0, 0], atol=0.02)


@pytest.mark.parametrize(
    ("mode", "colour", "suffix", "expected"),
    [("1", 1, "png", [1]), ("L", 51, "gif", [0.2]), ("LA", (51, 0), "png", [0.2]), ("P", 0, "png", [0, 0, 0]),
     ("I;16", 13107, "png", [0.2]), ("LAB", (0, 128, 128), "tif", [0, 0, 0]),
     ("F", 0.2, "tif", [0.2]), ("RGBA", (51, 102, 255, 0), "png", [0.2, 0.4, 1]), ("RGB", (51, 102, 255), "bmp", [0.2, 0.4, 1])],
)  # fmt: skip
def test_values_of_every_mode(tmp_path: Path, mode: str, colour: Any, suffix: str, expected: list[float]) -> None:
    Image.new(mode, (4, 3), colour).save(tmp_path / f"x.{suffix}")
    found = decode_image(tmp_path / f"x.{suffix}")
    np.testing.assert_allclose(found.mean(dim=(1, 2)), expected * (len(found) // len(expected)), atol=0.005 if mode == "LAB" else 1e-6)


def test_what_has_no_range_is_refused_with_what_to_do(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 200]], dtype=np.int32)).save(tmp_path / "wide.tif")
    with pytest.raises(Unreadable, match="32 bit that may be of 8 or of 16: save it with 8 or 16 bit"):
        decode_image(tmp_path / "wide.tif")
    Image.fromarray(np.array([[0, 13107]], dtype=np.int32)).save(tmp_path / "wide.tif")
    assert decode_image(tmp_path / "wide.tif").max().item() == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<html>", "no image of a kind that is read"),
    ],
)
def test_what_is_no_image_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(Unreadable, match=said):
        check(tmp_path / "x.png")


def test_damaged_exif_does_no_harm(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3)).save(tmp_path / "x.png", exif=b"Exif\0\0rubbish")
    assert decode_image(tmp_path / "x.png").shape == (3, 3, 4) and check(tmp_path / "x.png").size == (3, 4)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_the_first_frame_counts_and_is_noted_and_so_is_transparency(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "a").mkdir()
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("white", "black")]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / "a" / f"m.{suffix}", save_all=True, append_images=frames[1:], **options)
    rgba((0, 0, 0, 255), (0, 0, 0, 255)).save(tmp_path / "a" / "opaque.png")
    rgba((0, 0, 0, 255), (0, 0, 0, 9)).save(tmp_path / "a" / "clear.png")
    data = image_folder(root=tmp_path)
    assert data[1].id == f"a/m.{suffix}" and data[1].image.min() == 1
    first = [] if suffix == "png" else [f"the first picture is taken of a/m.{suffix}"]
    assert data.notes == ["transparency is dropped, as torchvision drops it, of a/clear.png", *first]
