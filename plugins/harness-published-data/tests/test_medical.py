"""Brain tumours, skin lesions and chest X-rays: labels, evidence and splits as their publishers have them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from harness_published_data.brain_tumour_mri import brain_tumour_mri
from harness_published_data.cheng_tumours import cheng_tumours
from harness_published_data.chest_xray import chest_xray, patient_of
from harness_published_data.ham10000 import ham10000
from harness_published_data.nih_chest_xray import nih_chest_xray
from PIL import Image

from harness.api import Sample
from harness.api.image_files.dataset import ImageFiles
from harness.api.image_files.entries import Entry
from tests.support import published_trees as trees


def samples(data: ImageFiles) -> dict[str, Sample]:
    return {data[i].id: data[i] for i in range(len(data))}


def labels(data: ImageFiles) -> Counter[str]:
    assert data.class_names is not None
    return Counter(data.class_names[sample.label] for sample in samples(data).values())


@pytest.mark.parametrize(
    "names", [("glioma", "meningioma", "notumor", "pituitary"), ("glioma_tumor", "meningioma_tumor", "no_tumor", "pituitary_tumor")]
)
def test_brain_tumours_in_either_spelling(tmp_path: Path, names: tuple[str, ...]) -> None:
    trees.brain_tumour_mri(tmp_path, names)
    data = brain_tumour_mri(root=tmp_path)
    assert data.class_names == ["glioma", "meningioma", "notumor", "pituitary"] and set(labels(data).values()) == {5}
    found = samples(data)[f"Testing/{names[2]}/Te-no_0003.jpg"]
    expected = np.asarray(Image.open(tmp_path / "Testing" / names[2] / "Te-no_0003.jpg")) / 255
    np.testing.assert_allclose(found.image[0], expected, atol=1e-6)
    assert found.label == 2 and not found.evidence
    parts = [samples(brain_tumour_mri(root=tmp_path, split=split)) for split in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [32, 8, 20] and len({id for part in parts for id in part}) == 60
    assert len(brain_tumour_mri(root=tmp_path, split="train", validation_share=0)) == 40
    (tmp_path / "Training" / names[0] / "notes.txt").write_text("")
    assert brain_tumour_mri(root=tmp_path, split="train").notes == [f"passed over, as no images: Training/{names[0]}/notes.txt (1 in all)"]


def test_cheng_slices_have_their_outline_the_right_way_round(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    trees.cheng_tumours(tmp_path)
    data = cheng_tumours(root=tmp_path, fold=2)
    assert list(samples(data)) == ["3", "4", "13", "14", "23", "24"]  # patients 1, 6 and 11
    assert labels(data) == {"glioma": 2, "meningioma": 2, "pituitary": 2}
    sample = samples(data)["13"]
    values = trees.noise("cheng-13").astype(np.float64) * 7 - 300
    np.testing.assert_allclose(sample.image[0], (values - values.min()) / (values.max() - values.min()), atol=1e-6)
    assert sample.mask is not None and np.array_equal(sample.mask, trees.block(4, 6, 9 + 13 % 7, 20) > 0)


def test_cheng_patients_are_in_one_split(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    trees.cheng_tumours(tmp_path)
    parts = [samples(cheng_tumours(root=tmp_path, split=split, fold=5)) for split in ("train", "validation", "test")]
    patients = [{(int(id) - 1) // 2 for id in part} for part in parts]
    assert sum(map(len, patients)) == 15 and set.union(*patients) == set(range(15))
    assert patients[2] == {4, 9, 14} and sum(map(len, parts)) == 30
    # a patient whom the folds put into two: what is not tested is left out
    for number in (9, 10):
        trees.cheng_slice(tmp_path / "brainTumorDataPublic_1-20" / f"{number}.mat", 2, "100000", *cheng_values(number))
    assert not {"1", "2"} & samples(cheng_tumours(root=tmp_path, split="train", fold=5, validation_share=0)).keys()


def cheng_values(number: int) -> tuple[np.ndarray, np.ndarray]:
    return trees.noise(f"cheng-{number}").astype(np.int16), trees.block(4, 6, 9, 20)


def test_cheng_faults_are_named(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    trees.cheng_tumours(tmp_path)
    folder = tmp_path / "brainTumorDataPublic_1-20"
    trees.cheng_slice(folder / "3.mat", 7, "x", *cheng_values(3))
    trees.cheng_slice(folder / "4.mat", 2, "x", cheng_values(4)[0], np.ones((3, 3), dtype=np.uint8))
    with h5py.File(folder / "13.mat", "a") as file:
        del file["cjdata/image"]
    with pytest.raises(ValueError, match="3 images cannot be read") as error:
        cheng_tumours(root=tmp_path, fold=2)
    message = str(error.value)
    assert "3: its label is 7, and labels are 1 to 3" in message and "13: " in message and "a mask of (3, 3)" in message
    (tmp_path / "cvind.mat").write_bytes(b"MATLAB 5.0")
    with pytest.raises(ValueError, match=r"cvind\.mat: no file of MATLAB 7\.3"):
        cheng_tumours(root=tmp_path)


def test_skin_lesions_have_outlines_and_are_in_one_split(tmp_path: Path) -> None:
    trees.ham10000(tmp_path)
    parts = {split: samples(ham10000(root=tmp_path, split=split)) for split in ("train", "validation", "test")}
    rows = [line.split(",") for line in (tmp_path / "HAM10000_metadata.csv").read_text().splitlines()[1:]]
    lesion = {row[1]: row[0] for row in rows}
    lesions = [{lesion[id] for id in part} for part in parts.values()]
    assert sum(map(len, lesions)) == 70 == len(set.union(*lesions)) and sum(map(len, parts.values())) == 105
    assert len(parts["test"]) == pytest.approx(0.15 * 105, abs=7) and len(parts["validation"]) == pytest.approx(0.2 * 0.85 * 105, abs=7)
    data = ham10000(root=tmp_path)
    assert data.class_names == ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc") and len(labels(data)) == 7
    kinds = {row[1]: row[2] for row in rows}
    for id, sample in parts["train"].items():
        number = int(id.removeprefix("ISIC_"))
        assert data.class_names[sample.label] == kinds[id] and sample.image.shape == (3, 24, 32)
        assert (sample.mask is None) == (number % 2 == 1)
        assert sample.mask is None or np.array_equal(sample.mask, trees.block(3, 4, 20, 10 + number % 20) > 0)
    assert data.notes == ["53 of 105 images have an outline (ISIC_…_segmentation.png)"]


def test_a_skin_lesion_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    trees.ham10000(tmp_path)
    table = tmp_path / "HAM10000_metadata.csv"
    table.write_text(table.read_text().replace(",mel,", ",melanoma,", 1))
    with pytest.raises(ValueError, match=r"HAM10000_metadata\.csv: ISIC_\d+ is 'melanoma', which is none of akiec"):
        ham10000(root=tmp_path)
    table.write_text(table.read_text().replace("image_id", "image", 1))
    with pytest.raises(ValueError, match=r"HAM10000_metadata\.csv:1: there is no column 'image_id'"):
        ham10000(root=tmp_path)
    table.unlink()
    table.mkdir()
    with pytest.raises(ValueError, match=r"root: HAM10000_metadata\.csv in .* is no file;\nexpected, as"):
        ham10000(root=tmp_path)


def test_chest_x_rays_of_two_classes_and_of_three(tmp_path: Path) -> None:
    trees.chest_xray(tmp_path)
    assert labels(chest_xray(root=tmp_path)) == {"NORMAL": 4, "PNEUMONIA": 8}
    three = chest_xray(root=tmp_path, classes=3)
    assert labels(three) == {"NORMAL": 4, "BACTERIA": 4, "VIRUS": 4}
    assert all(("virus" in id) == (sample.label == 2) for id, sample in samples(three).items())
    published = [len(chest_xray(root=tmp_path, split=split, validation_share=0)) for split in ("train", "validation", "test")]
    assert published == [24, 6, 12]
    parts = [chest_xray(root=tmp_path, split=split, validation_share=0.5).entries for split in ("train", "validation")]
    patients = [{patient_of(entry) for entry in part} for part in parts]
    assert not patients[0] & patients[1] and sum(map(len, parts)) == 30 and len(parts[1]) == pytest.approx(15, abs=1)
    trees.picture(tmp_path / "test" / "PNEUMONIA" / "someone.jpeg")
    with pytest.raises(ValueError, match=r"classes: 3, and the name of .*someone\.jpeg tells neither"):
        chest_xray(root=tmp_path, classes=3)


@pytest.mark.parametrize(
    ("name", "patient"),
    [("person1_bacteria_1.jpeg", "person1"), ("person1_virus_6.jpeg", "person1"), ("person1945_bacteria_4872.jpeg", "person1945"),
     ("IM-0115-0001.jpeg", "im-0115"), ("NORMAL2-IM-0927-0001-0002.jpeg", "normal2-im-0927"),
     ("BACTERIA-1135262-0003.jpeg", "bacteria-1135262"),
     ("other.jpeg", "other")],
)  # fmt: skip
def test_patients_by_the_names_of_files(name: str, patient: str) -> None:
    assert patient_of(Entry(Path(name), "x", name)) == patient


def test_nih_boxes_are_of_the_finding_that_is_the_label(tmp_path: Path) -> None:
    trees.nih_chest_xray(tmp_path)
    data = nih_chest_xray(root=tmp_path)
    found = samples(data)
    assert {id: sample.boxes.tolist() for id, sample in found.items() if sample.boxes is not None} == {
        "00000010_000.png#Infiltration": [[4, 5, 10, 12]],
        "00000011_000.png#Cardiomegaly": [[2.5, 3, 12.5, 11]],
        "00000011_000.png#Effusion": [[20, 3, 25.5, 11], [1, 1, 5, 5]],
        "00000012_000.png#Cardiomegaly": [[8, 8, 16, 16]],
    }
    assert [data.class_names[sample.label] for sample in found.values()] == ["Infiltration", "Cardiomegaly", "Effusion", "Cardiomegaly"]
    assert len(data.class_names) == 15


def test_nih_images_of_one_finding(tmp_path: Path) -> None:
    trees.nih_chest_xray(tmp_path)
    single = samples(nih_chest_xray(root=tmp_path, images="single"))
    boxed = {id for id, sample in single.items() if sample.boxes is not None}
    assert len(single) == 6 and boxed == {"00000010_000.png", "00000012_000.png"}
    parts = [
        samples(nih_chest_xray(root=tmp_path, images="single", split=split, validation_share=0.3)) for split in ("train", "validation")
    ]
    patients = [{id[:8] for id in part} for part in parts]
    assert sum(map(len, parts)) == 12 and not patients[0] & patients[1] and all(patients)
    with pytest.raises(ValueError, match="images: boxed, and there are none in the split 'train'"):
        nih_chest_xray(root=tmp_path, split="train")


def test_nih_faults_are_named(tmp_path: Path) -> None:
    trees.nih_chest_xray(tmp_path)
    boxes = tmp_path / "BBox_List_2017.csv"
    boxes.write_text(boxes.read_text() + "00000012_000.png,Mass,1,2,3\n")
    with pytest.raises(ValueError, match=r"BBox_List_2017\.csv:7: no image, finding, x, y, width and height"):
        nih_chest_xray(root=tmp_path)
    boxes.write_text(boxes.read_text().replace("Mass,1,2,3", "Tumour,1,2,3,3"))
    with pytest.raises(
        ValueError, match=r"BBox_List_2017\.csv:7: 00000012_000\.png has the finding 'Tumour', which is none of Atelectasis"
    ):
        nih_chest_xray(root=tmp_path)
    boxes.write_text(boxes.read_text().replace("Tumour,1,2,3,3", "Cardiomegaly,50,2,3,3"))
    with pytest.raises(ValueError, match=r"boxes must be in pixels of the image"):
        nih_chest_xray(root=tmp_path)
