import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from harness.complaints import UserError
from harness.registry.registry import Registry
from harness.runs.explain import explain_image
from harness.runs.pictures import read_picture
from tests.support.spec import SMALL

RAMP = np.linspace(0, 65535, 20 * 16).reshape(16, 20)
DEADLY = """
from harness.api import explainer

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no")

class Stop(KeyboardInterrupt):
    pass

@explainer()
def leaves(model, images, targets):
    "Exits."
    raise SystemExit(3)

@explainer()
def stops(model, images, targets):
    "Pretends an interrupt."
    raise Stop("enough")

@explainer()
def mute(model, images, targets):
    "Has no message."
    raise Mute

@explainer()
def bare(model, images, targets):
    "Raises what nobody catches."
    raise BaseException("bare")

@explainer()
def interrupted(model, images, targets):
    "As if somebody pressed Ctrl-C."
    raise KeyboardInterrupt
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    file = tmp_path_factory.mktemp("plugin") / "deadly.py"
    file.write_text(DEADLY)
    return Registry.discover([SMALL, file])


@pytest.mark.parametrize(
    ("dtype", "name"), [(np.uint16, "a.png"), (np.uint16, "a.tiff"), (np.int32, "a.tiff"), (">u2", "big.tiff"), (np.uint16, "a.pgm")]
)
def test_sixteen_bits_keep_their_shades(tmp_path: Path, dtype: str, name: str) -> None:
    Image.fromarray(RAMP.astype(dtype)).save(tmp_path / name)
    picture = read_picture(tmp_path / name)
    assert picture.shape == (1, 16, 20)
    np.testing.assert_allclose(picture[0].numpy(), RAMP / 65535, atol=1 / 65535)


def test_eight_bits_are_three_channels(tmp_path: Path) -> None:
    Image.new("L", (5, 4), 51).save(tmp_path / "a.png")
    torch.testing.assert_close(read_picture(tmp_path / "a.png"), torch.full((3, 4, 5), 0.2))


@pytest.mark.parametrize(("values", "said"), [(RAMP.astype(np.float32), "floating"), (RAMP.astype(np.int32) * 9, "neither 8 nor 16 bit")])
def test_values_without_a_known_range_are_refused(tmp_path: Path, values: np.ndarray, said: str) -> None:
    Image.fromarray(values).save(tmp_path / "a.tiff")
    with pytest.raises(UserError, match=said):
        read_picture(tmp_path / "a.tiff")


def test_damaged_exif_does_no_harm_and_floats_of_the_unit_range_are_read(tmp_path: Path) -> None:
    Image.new("RGB", (5, 4), (51, 0, 255)).save(tmp_path / "a.png", exif=b"Exif\0\0rubbish")
    torch.testing.assert_close(read_picture(tmp_path / "a.png").mean(dim=(1, 2)), torch.tensor([0.2, 0.0, 1.0]))
    Image.new("F", (5, 4), 0.2).save(tmp_path / "a.tiff")
    torch.testing.assert_close(read_picture(tmp_path / "a.tiff"), torch.full((1, 4, 5), 0.2))


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 10_000, 10_000, 1, 0, 0, 0, 0)  # above Pillow's warning, below its error
    data = zlib.compress(bytes(10_000 * 1251), 9)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    with pytest.raises(UserError, match="decompression bomb"):
        read_picture(tmp_path / "a.png")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["png", "tiff", "gif", "bmp", "webp", "jpeg", "ppm"])
def test_a_damaged_file_is_a_picture_or_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    Image.fromarray((RAMP / 257).astype(np.uint8)).convert("RGB").save(path)
    whole, random = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        data = bytearray(whole[: random.integers(1, len(whole) + 1)])
        for place in random.integers(0, min(len(data), 60), size=3):
            data[place] = random.integers(256)
        path.write_bytes(data)
        try:
            assert read_picture(path).shape[0] in (1, 3)
        except UserError as error:
            refused += 1
            assert len(str(error).splitlines()) == 1
    assert refused


@pytest.mark.parametrize("image", ["squares#²", f"squares#{'9' * 5000}", "squares#99", "absent.png", "."])
def test_an_image_that_is_not_there_is_named(image: str, registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no") as caught:
        explain_image(image, "pools", ["slope"], registry=registry, out=tmp_path / "a.png")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("target", ["²", "9" * 5000, "-1", "2"])
def test_a_target_that_is_no_class_is_refused_briefly(target: str, registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no class") as caught:
        explain_image("squares#0", "pools", ["slope"], registry=registry, target=target, out=tmp_path / "a.png")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["leaves", "stops", "mute", "bare"])
def test_whatever_a_component_raises_is_said_in_one_line(name: str, registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{name}: ") as caught:
        explain_image("squares#0", "pools", [name], registry=registry, out=tmp_path / "a.png")
    assert len(str(caught.value).splitlines()) == 1


def test_an_interrupt_is_an_interrupt(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        explain_image("squares#0", "pools", ["interrupted"], registry=registry, out=tmp_path / "a.png")
