from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from harness_torchvision.image_folder import image_folder
from harness_torchvision.manifest import ManifestError
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.api import Sample
from harness.api.image_files.dataset import ImageFiles
from harness.api.image_files.decoding import decode_image, decode_mask
from harness.api.image_files.traits import Unreadable


def save(path: Path, values: np.ndarray | None = None, mode: str | None = None, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if values is None:
        values = np.random.default_rng(sum(str(path.name).encode())).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, count in {"cat": 5, "ant": 3, "owl": 7}.items():
        for number in range(count):
            save(tmp_path / name / f"{number}.png")
    mask = np.zeros((9, 12), dtype=np.uint8)
    mask[2:4, 3:8] = 255
    save(tmp_path / "masks" / "cat" / "1.png", mask)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def samples(data: ImageFiles) -> list[Sample]:
    return [data[i] for i in range(len(data))]


def test_class_folders_give_labels_ids_and_images(folder: Path) -> None:
    data = image_folder(root=folder)
    assert data.class_names == ["ant", "cat", "owl"]
    assert Counter(sample.label for sample in samples(data)) == {0: 3, 1: 5, 2: 7}
    assert data[0].id == "ant/0.png"
    expected = np.asarray(Image.open(folder / "ant" / "0.png")) / 255
    np.testing.assert_allclose(data[0].image.permute(1, 2, 0), expected, atol=1e-6)
    assert data.notes == [
        "passed over, as no images of a class: cat/notes.txt (1 in all)",
        "1 of 15 images have a mask; one without is ant/0.png",
    ]


def test_masks_lie_in_a_parallel_folder(folder: Path) -> None:
    found = {sample.id: sample.mask for sample in samples(image_folder(root=folder)) if sample.mask is not None}
    assert found.keys() == {"cat/1.png"}
    rows, columns = torch.where(found["cat/1.png"])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 3, 3, 7)
    (folder / "masks").rename(folder / "truth")
    save(folder / "truth" / "owl" / "2.jpg", np.full((9, 12), 255, dtype=np.uint8))
    data = image_folder(root=folder, masks=Path("truth"))
    assert data.class_names == ["ant", "cat", "owl"]
    assert {sample.id for sample in samples(data) if sample.mask is not None} == {"cat/1.png", "owl/2.png"}


def test_a_mask_of_another_size_is_refused_by_name(folder: Path) -> None:
    save(folder / "masks" / "ant" / "0.png", np.ones((3, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"0\.png: a mask of \(3, 3\) for an image of \(9, 12\)"):
        image_folder(root=folder)[0]


def test_splits_are_folders_above_the_classes(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("splits")
    for split in ("train", "test"):
        for name in ("a", "b"):
            save(root / split / name / "x.png")
    save(root / "masks" / "test" / "b" / "x.png", np.ones((9, 12), dtype=np.uint8))
    data = image_folder(root=root, split="test")
    assert [sample.id for sample in samples(data)] == ["test/a/x.png", "test/b/x.png"]
    assert data[0].mask is None and data[1].mask is not None
    with pytest.raises(ValueError, match="are splits, not classes; choose one with split"):
        image_folder(root=root)
    with pytest.raises(ValueError, match=r"has no folder 'val' \(it has test, train\)"):
        image_folder(root=root, split="val")


def test_fewer_samples_are_balanced_and_part_of_more(folder: Path) -> None:
    def ids(count: int, seed: int = 0) -> list[str]:
        return [sample.id for sample in samples(image_folder(root=folder, samples=count, seed=seed))]

    assert Counter(name.split("/")[0] for name in ids(9)) == {"ant": 3, "cat": 3, "owl": 3}
    assert Counter(name.split("/")[0] for name in ids(13)) == {"ant": 3, "cat": 5, "owl": 5}
    assert ids(12)[:6] == ids(6)
    assert ids(6, seed=1) != ids(6) == ids(6)
    assert set(ids(15)) == {sample.id for sample in samples(image_folder(root=folder))}
    with pytest.raises(ValueError, match="samples: 16, and there are 15 images: write that many or fewer"):
        ids(16)


def damaged(folder: Path) -> dict[str, str]:
    """Damage three images; returns their ids."""
    (folder / "ant" / "1.png").write_bytes(b"")
    jpeg = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(jpeg, "JPEG")
    (folder / "cat" / "0.jpg").write_bytes(jpeg.getvalue()[: len(jpeg.getvalue()) // 2])
    (folder / "owl" / "3.png").write_bytes((folder / "owl" / "3.png").read_bytes()[:60])
    return {"ant/1.png", "cat/0.jpg", "owl/3.png"}


def test_unreadable_images_stop_the_run_and_are_all_listed(folder: Path) -> None:
    names = damaged(folder)
    with pytest.raises(ValueError, match="3 images cannot be read") as error:
        image_folder(root=folder)
    assert all(f"{name}: " in str(error.value) for name in names)


def test_unreadable_images_are_skipped_and_listed(folder: Path) -> None:
    names = damaged(folder)
    data = image_folder(root=folder, unreadable="skip")
    assert {sample.id for sample in samples(data)}.isdisjoint(names)
    assert len(data) == 13
    assert {note.removeprefix("skipped ").split(":")[0] for note in data.notes if note.startswith("skipped ")} == names
    assert len(image_folder(root=folder, unreadable="skip", samples=13)) == 13
    with pytest.raises(ValueError, match="14 of 13 images that can be read"):
        image_folder(root=folder, unreadable="skip", samples=14)


def test_an_unreadable_mask_counts_as_unreadable(folder: Path) -> None:
    (folder / "masks" / "cat" / "1.png").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"cat/1\.png \(mask 1\.png\)"):
        image_folder(root=folder)


def test_a_folder_that_is_none_or_is_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no folder"):
        image_folder(root=tmp_path / "gone")
    with pytest.raises(ValueError, match="has no class folders"):
        image_folder(root=tmp_path)
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match=r"no images in the class folders .*\(a\)"):
        image_folder(root=tmp_path)


def test_an_image_that_disappears_is_named(folder: Path) -> None:
    data = image_folder(root=folder)
    (folder / "ant" / "0.png").unlink()
    with pytest.raises(ValueError, match=r"0\.png: there is no such file"):
        data[0]


@pytest.mark.parametrize(
    ("values", "mode", "suffix", "channels"),
    [
        (np.arange(256, dtype=np.uint8).reshape(16, 16), None, ".png", 1),
        (np.arange(256, dtype=np.uint8).reshape(16, 16), "1", ".png", 1),
        (np.arange(256, dtype=np.uint8).reshape(16, 16), "LA", ".png", 1),
        (np.zeros((4, 4, 3), dtype=np.uint8), "P", ".png", 3),
        (np.zeros((4, 4, 4), dtype=np.uint8), None, ".png", 3),
        (np.zeros((4, 4, 3), dtype=np.uint8), "CMYK", ".tif", 3),
        (np.zeros((4, 4, 3), dtype=np.uint8), None, ".webp", 3),
        (np.zeros((4, 4), dtype=np.float32), None, ".tif", 1),
    ],
)
def test_kinds_of_images(tmp_path: Path, values: np.ndarray, mode: str | None, suffix: str, channels: int) -> None:
    image = decode_image(save(tmp_path / f"x{suffix}", values, mode))
    assert image.shape == (channels, *values.shape[:2]) and image.dtype == torch.float32
    assert image.min() >= 0 and image.max() <= 1


def test_sixteen_bits_keep_their_depth(tmp_path: Path) -> None:
    values = np.array([[0, 1, 257], [32768, 65534, 65535]], dtype=np.uint16)
    np.testing.assert_allclose(decode_image(save(tmp_path / "deep.png", values))[0], values / 65535, atol=1e-7)


def test_transparency_is_dropped_as_torchvision_drops_it(tmp_path: Path) -> None:
    values = np.zeros((2, 2, 4), dtype=np.uint8)
    values[..., 0] = 200
    assert decode_image(save(tmp_path / "clear.png", values))[0].unique().item() == pytest.approx(200 / 255)


def test_images_are_turned_upright(tmp_path: Path) -> None:
    values = np.zeros((10, 20, 3), dtype=np.uint8)
    values[:, :10] = 255
    image = Image.fromarray(values)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter clockwise
    image.save(tmp_path / "turned.png", exif=exif)
    upright = decode_image(tmp_path / "turned.png")
    assert upright.shape == (3, 20, 10)
    assert upright[:, :10].min() == 1 and upright[:, 10:].max() == 0


def test_floats_out_of_range_are_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"not in \[0, 1\]"):
        decode_image(save(tmp_path / "f.tif", np.full((2, 2), 7, dtype=np.float32)))


def png_that_claims(width: int, height: int) -> bytes:
    """A small file whose header promises a huge image."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_decompression_bombs_are_not_unpacked(folder: Path, side: int) -> None:
    (folder / "ant" / "bomb.png").write_bytes(png_that_claims(side, side))
    with pytest.raises(ValueError, match=r"ant/bomb\.png: .*pixels"):
        image_folder(root=folder)


def test_masks_are_what_is_not_zero(tmp_path: Path) -> None:
    palette = Image.fromarray(np.array([[0, 1], [2, 0]], dtype=np.uint8), mode="P")
    palette.putpalette([0, 0, 0] * 256)
    palette.save(tmp_path / "p.png")
    assert decode_mask(tmp_path / "p.png").tolist() == [[False, True], [True, False]]
    assert decode_mask(save(tmp_path / "m.png", np.array([[0, 1], [255, 0]], dtype=np.uint8))).tolist() == [[False, True], [True, False]]
    colour = np.zeros((2, 2, 3), dtype=np.uint8)
    colour[0, 1, 2] = 9
    assert decode_mask(save(tmp_path / "c.png", colour)).tolist() == [[False, True], [False, False]]
    square = np.zeros((16, 16), dtype=np.uint8)
    square[4:12, 4:12] = 255
    assert torch.equal(decode_mask(save(tmp_path / "j.jpg", square)), torch.from_numpy(square > 0))


def write(folder: Path, *rows: str, header: str = "path,label") -> Path:
    (folder / "list.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return Path("list.csv")


def boxes_json(*boxes: list[float]) -> str:
    return '"' + json.dumps([list(box) for box in boxes]).replace('"', '""') + '"'


def test_a_manifest_lists_everything(folder: Path) -> None:
    manifest = write(
        folder,
        f"owl/0.png,bird,first,,{boxes_json([1, 2, 5, 6], [0, 0, 3.5, 2])},test",
        "cat/1.png,mammal,,masks/cat/1.png,,test",
        "ant/0.png,insect,,,,train",
        header="path,label,id,mask,boxes,split",
    )
    data = image_folder(root=folder, manifest=manifest)
    assert data.class_names == ["bird", "insect", "mammal"]
    assert [sample.id for sample in samples(data)] == ["first", "cat/1.png", "ant/0.png"]
    assert [sample.label for sample in samples(data)] == [0, 2, 1]
    assert data[0].boxes.tolist() == [[1, 2, 5, 6], [0, 0, 3.5, 2]] and data[1].boxes is None
    assert data[1].mask.sum() == 10 and data[0].mask is None
    tested = image_folder(root=folder, manifest=manifest, split="test")
    assert len(tested) == 2 and tested.class_names == data.class_names


def test_whole_numbers_are_classes_of_the_model(folder: Path) -> None:
    data = image_folder(root=folder, manifest=write(folder, "owl/0.png,10", "owl/1.png,9"))
    assert data.class_names is None
    assert [sample.label for sample in samples(data)] == [10, 9]


@pytest.mark.parametrize(
    ("row", "header", "message"),
    [
        ("../x.png,a", "path,label", r"list\.csv:2: the path '\.\./x\.png' leads out of"),
        ("/etc/passwd,a", "path,label", r"list\.csv:2: the path '/etc/passwd' leads out of"),
        ("cat/../../x.png,a", "path,label", "leads out of"),
        ("cat/0.png,a,../secret.png", "path,label,mask", "leads out of"),
        ("link/x.png,a", "path,label", "leads out of"),
        ("cat/0.png,a,cat/none.png", "path,label,mask", r"list\.csv:2: there is no mask 'cat/none\.png'"),
        ("cat/0.png", "path,class", r"list\.csv:1: there is no column 'label' \(the columns are path, class\)"),
        ("cat/0.png,", "path,label", r"list\.csv:2: no label"),
        ("cat/0.png,a,b", "path,label", r"list\.csv:2: more values than columns"),
        ("cat/0.png,a,[[1;2]]", "path,label,boxes", r"list\.csv:2: boxes must be JSON"),
        ('cat/0.png,a,"[1,2,3,4]"', "path,label,boxes", "boxes must be JSON"),
        ('cat/0.png,a,"[[5,2,3,4]]"', "path,label,boxes", "is empty; boxes are x0, y0, x1, y1"),
        ('cat/0.png,a,"[[0,0,NaN,4]]"', "path,label,boxes", "is empty"),
        ("cat/0.png,a\ncat/./0.png,a", "path,label", r"list\.csv:3: the id 'cat/0\.png' is used twice"),
        ('"cat/0.png,a', "path,label", "cannot be read as CSV"),
    ],
)
def test_what_is_wrong_in_a_manifest_is_said_with_its_line(folder: Path, row: str, header: str, message: str) -> None:
    (folder / "link").symlink_to(folder.parent)
    with pytest.raises(ManifestError, match=message):
        image_folder(root=folder, manifest=write(folder, row, header=header))


def test_a_manifest_s_splits_must_be_there(folder: Path) -> None:
    with pytest.raises(ManifestError, match="no column 'split'"):
        image_folder(root=folder, manifest=write(folder, "cat/0.png,a"), split="test")
    with pytest.raises(ManifestError, match=r"no row is of the split 'val' \(there are 'test'\)"):
        image_folder(root=folder, manifest=write(folder, "cat/0.png,a,test", header="path,label,split"), split="val")


def test_a_manifest_that_is_no_text_or_is_not_there_is_named(folder: Path) -> None:
    (folder / "list.csv").write_bytes(b"path,label\n\xff\xfe\x00")
    with pytest.raises(ManifestError, match=r"list\.csv: cannot be read as CSV"):
        image_folder(root=folder, manifest=Path("list.csv"))
    with pytest.raises(ManifestError, match=r"gone\.csv: cannot be read"):
        image_folder(root=folder, manifest=Path("gone.csv"))
    with pytest.raises(ValueError, match="masks: a manifest names each mask"):
        image_folder(root=folder, manifest=Path("list.csv"), masks=Path("masks"))


def test_images_that_a_manifest_names_and_are_not_there_are_unreadable(folder: Path) -> None:
    manifest = write(folder, "cat/0.png,a", "cat/none.png,a")
    with pytest.raises(ValueError, match=r"cat/none\.png: there is no such file"):
        image_folder(root=folder, manifest=manifest)
    assert image_folder(root=folder, manifest=manifest, unreadable="skip").notes == ["skipped cat/none.png: there is no such file"]


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ([20, 0, 30, 5], r"list\.csv:2: the box .* lies outside of an image of 12 × 9"),
        ([0.1, 0.2, 0.5, 0.6], "is in fractions of the image"),
    ],
)
def test_boxes_that_cannot_be_in_pixels_of_the_image_are_listed(folder: Path, box: list[float], said: str) -> None:
    manifest = write(folder, f"owl/0.png,a,{boxes_json(box)}", header="path,label,boxes")
    with pytest.raises(ValueError, match=f"boxes must be in pixels of the image as it is shown:\n.*{said}"):
        image_folder(root=folder, manifest=manifest)


def test_boxes_that_reach_beyond_the_image_are_noted(folder: Path) -> None:
    rows = [f"owl/{k}.png,a,{boxes_json([6, 6, 12 + over, 9])}" for k, over in ((0, 0.5), (1, 5))]
    (note,) = image_folder(root=folder, manifest=write(folder, *rows, header="path,label,boxes")).notes
    assert note.startswith("boxes reach beyond the image") and note.endswith("of owl/1.png")


def test_samples_with_boxes_move_with_the_model_s_geometry(folder: Path) -> None:
    from harness.api.geometry import Geometry

    data = image_folder(root=folder, manifest=write(folder, f"owl/0.png,a,{boxes_json([0, 0, 12, 9])}", header="path,label,boxes"))
    moved = Geometry((18, 24)).boxes(data[0].boxes, (9, 12))
    assert moved.tolist() == [[0, 0, 24, 18]]


@given(st.binary(max_size=200))
def test_rubbish_is_unreadable_and_nothing_worse(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.png")
        path.write_bytes(content)
        with pytest.raises(Unreadable):
            decode_image(path)
