"""Small folders in the layouts in which data sets are published, made of noise."""

from __future__ import annotations

import atexit
import csv
import json
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = (24, 32)
"""Height and width of every image."""


def noise(name: str, channels: int | None = None) -> NDArray[np.uint8]:
    """Levels ``(H, W)`` or ``(H, W, channels)`` that are the name's own."""
    shape = SIZE if channels is None else (*SIZE, channels)
    return np.random.default_rng(zlib.crc32(name.encode())).integers(0, 256, shape, dtype=np.uint8)


def block(y0: int, x0: int, y1: int, x1: int, value: int = 255) -> NDArray[np.uint8]:
    """``(H, W)``, a value in a rectangle and 0 elsewhere."""
    mask = np.zeros(SIZE, dtype=np.uint8)
    mask[y0:y1, x0:x1] = value
    return mask


def picture(path: Path, values: NDArray[np.uint8] | None = None, channels: int | None = None) -> Path:
    """A file of values, or of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise("/".join(path.parts[-3:]), channels) if values is None else values).save(path)
    return path


def table(path: Path, heading: str, rows: Iterable[Sequence[object]]) -> None:
    """A CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        file.write(heading + "\n")
        csv.writer(file, lineterminator="\n").writerows(rows)


def brain_tumour_mri(root: Path, names: Sequence[str] = ("glioma", "meningioma", "notumor", "pituitary"), images: int = 5) -> None:
    """Ten images of a class at ``images`` 5 for training, five for testing."""
    for part, count in (("Training", 2 * images), ("Testing", images)):
        for name in names:
            for number in range(count):
                picture(root / part / name / f"{part[:2]}-{name[:2]}_{number:04d}.jpg")


def cheng_slice(path: Path, label: int, patient: str, values: NDArray[np.int16], mask: NDArray[np.uint8]) -> None:
    """A file as MATLAB 7.3 writes one: HDF5, arrays transposed, texts as numbers."""
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        data = file.create_group("cjdata")
        data["label"] = np.array([[float(label)]])
        data["PID"] = np.array([[ord(letter)] for letter in patient], dtype=np.uint16)
        data["image"] = values.T
        data["tumorMask"] = mask.T


def cheng_tumours(root: Path, patients: int = 15, slices: int = 2) -> None:
    """Slices of patients; patient p has label p % 3 + 1 and is in fold p % 5 + 1."""
    import h5py

    root.mkdir(parents=True, exist_ok=True)
    folds = []
    for number in range(1, patients * slices + 1):
        patient = (number - 1) // slices
        values = (noise(f"cheng-{number}").astype(np.int16) * 7 - 300).astype(np.int16)
        folder = "brainTumorDataPublic_1-20" if number <= 20 else "brainTumorDataPublic_21-30"
        cheng_slice(root / folder / f"{number}.mat", patient % 3 + 1, f"10{patient:04d}", values, block(4, 6, 9 + number % 7, 20))
        folds.append(patient % 5 + 1)
    with h5py.File(root / "cvind.mat", "w", userblock_size=512) as file:
        file["cvind"] = np.array([folds], dtype=float).T


def ham10000(root: Path, lesions: int = 10) -> None:
    """Lesions of each kind, every second photographed twice; those with an even number have an outline."""
    rows = []
    number = 24306
    for kind in ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"):
        for lesion in range(lesions):
            for _ in range(1 + lesion % 2):
                name = f"ISIC_{number:07d}"
                picture(root / f"HAM10000_images_part_{1 + number % 2}" / f"{name}.jpg", channels=3)
                if number % 2 == 0:
                    outline = block(3, 4, 20, 10 + number % 20)
                    picture(root / "HAM10000_segmentations_lesion_tschandl" / f"{name}_segmentation.png", outline)
                rows.append((f"HAM_{kind}{lesion:04d}", name, kind, "histo", "80.0", "male", "scalp"))
                number += 1
    table(root / "HAM10000_metadata.csv", "lesion_id,image_id,dx,dx_type,age,sex,localization", rows)


def chest_xray(root: Path, patients: int = 8) -> None:
    """Patients, two images each of those with pneumonia; in ``val`` two."""
    for part, count in (("train", patients), ("val", 2), ("test", patients // 2)):
        first = 1900 if part == "val" else 1
        for patient in range(first, first + count):
            picture(root / part / "NORMAL" / f"IM-{patient:04d}-0001.jpeg")
            cause = "bacteria" if patient % 2 else "virus"
            for number in range(2):
                picture(root / part / "PNEUMONIA" / f"person{patient}_{cause}_{2 * patient + number}.jpeg")


def nih_chest_xray(root: Path) -> None:
    """Twelve patients of two images, the last four for testing; three of these have boxes."""
    findings = ["Cardiomegaly", "No Finding", "Infiltration", "Cardiomegaly|Effusion"]
    rows, names = [], []
    for patient in range(1, 13):
        for number in range(2):
            name = f"{patient:08d}_{number:03d}.png"
            picture(root / f"images_{1 + patient // 7:03d}" / "images" / name)
            rows.append((name, findings[(patient + number) % 4], number, patient, "58", "M", "PA", 24, 32, 0.1, 0.1, ""))
            names.append(name)
    columns = "Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
    table(root / "Data_Entry_2017.csv", f"Image Index,Finding Labels,{columns}", rows)
    boxes = [
        ("00000011_000.png", "Cardiomegaly", 2.5, 3, 10, 8, "", "", ""),
        ("00000011_000.png", "Effusion", 20, 3, 5.5, 8, "", "", ""),
        ("00000011_000.png", "Effusion", 1, 1, 4, 4, "", "", ""),
        ("00000010_000.png", "Infiltrate", 4, 5, 6, 7, "", "", ""),
        ("00000012_000.png", "Cardiomegaly", 8, 8, 8, 8, "", "", ""),
    ]
    table(root / "BBox_List_2017.csv", "Image Index,Finding Label,Bbox [x,y,w,h],,,", boxes)
    (root / "train_val_list.txt").write_text("\n".join(names[:16]) + "\n")
    (root / "test_list.txt").write_text("\n".join(names[16:]))


SYNSETS = [f"n{number:08d}" for number in range(1440764, 1440764 + 7 * 1000, 7)]
"""A thousand, as ImageNet has."""


def annotation(path: Path, objects: Iterable[tuple[str, Sequence[float]]]) -> None:
    """An XML file of PASCAL VOC: names and corners."""
    path.parent.mkdir(parents=True, exist_ok=True)
    corners = ("xmin", "ymin", "xmax", "ymax")
    its = [
        f"<object><name>{name}</name><bndbox>{''.join(f'<{corner}>{value}</{corner}>' for corner, value in zip(corners, box, strict=True))}"
        "</bndbox></object>"
        for name, box in objects
    ]
    path.write_text(f"<annotation><filename>{path.stem}</filename>{''.join(its)}</annotation>")


def imagenet_truth(number: int) -> str:
    """The synset of an image."""
    return SYNSETS[(number * 37) % 1000]


def imagenet_val(root: Path, images: int = 12) -> None:
    """As Kaggle has it; every second image has an XML file too."""
    rows = []
    for number in range(1, images + 1):
        name = f"ILSVRC2012_val_{number:08d}"
        picture(root / "ILSVRC" / "Data" / "CLS-LOC" / "val" / f"{name}.JPEG", channels=3)
        rows.append((name, f"{imagenet_truth(number)} 1 2 {10 + number} 20 {imagenet_truth(number)} 4 4 8 8 "))
        if number % 2 == 0:
            objects = [(imagenet_truth(number), (0, 1, 9, 9)), (SYNSETS[0], (2, 2, 5, 5))]  # the other is not of the image's class
            annotation(root / "ILSVRC" / "Annotations" / "CLS-LOC" / "val" / f"{name}.xml", objects)
    table(root / "LOC_val_solution.csv", "ImageId,PredictionString", rows)
    (root / "LOC_synset_mapping.txt").write_text("".join(f"{synset} a thing, or another\n" for synset in reversed(SYNSETS)))


def pascal_voc(root: Path, images: int = 10) -> None:
    """Cats (1-based box), every third image with a person too; in the validation list, outlines of every second image."""
    names = []
    for number in range(images):
        name = f"2007_{number:06d}"
        picture(root / "JPEGImages" / f"{name}.jpg", channels=3)
        objects = [("cat" if number % 2 else "dog", (5, 4, 16, 12))] + [("person", (20, 2, 30, 9))] * (number % 3 == 0)
        annotation(root / "Annotations" / f"{name}.xml", [*objects, *objects[:1]])
        if number % 2 == 0:
            indices = block(3, 4, 12, 16, value=12) + block(1, 19, 9, 30, value=15 if number % 3 == 0 else 0)
            indices[2, :] = 255
            outline = Image.fromarray(indices, mode="P")
            outline.putpalette([value for index in range(256) for value in (index, index, index)])
            (root / "SegmentationClass").mkdir(exist_ok=True)
            outline.save(root / "SegmentationClass" / f"{name}.png")
        names.append(name)
    for folder, chosen in (("Main", names), ("Segmentation", names[::2])):
        (root / "ImageSets" / folder).mkdir(parents=True)
        (root / "ImageSets" / folder / "val.txt").write_text("\n".join(chosen) + "\n")
        (root / "ImageSets" / folder / "train.txt").write_text("")


def cub(root: Path, classes: int = 3, images: int = 8) -> None:
    """Images of each class, every second for training; outlines with rims that one of five drew."""
    lists: dict[str, list[str]] = {name: [] for name in ("images", "image_class_labels", "train_test_split", "bounding_boxes", "part_locs")}
    number = 0
    for label in range(1, classes + 1):
        for place in range(images):
            number += 1
            path = f"{label:03d}.Bird_{label}/Bird_{label}_{place:04d}_{number}.jpg"
            picture(root / "images" / path, channels=3)
            outline = np.maximum(block(4, 6, 16, 22, value=51), block(5, 7, 15, 20 + label - 1, value=204))
            picture(root / "segmentations" / Path(path).with_suffix(".png"), outline)
            lists["images"].append(f"{number} {path}")
            lists["image_class_labels"].append(f"{number} {label}")
            lists["train_test_split"].append(f"{number} {place % 2}")
            lists["bounding_boxes"].append(f"{number} 6.0 4.0 16.0 12.0")
            lists["part_locs"] += [f"{number} {part} {6.5 + part} 8.5 {int(part % 4 != 0)}" for part in range(1, 16)]
    (root / "parts").mkdir()
    for name, lines in lists.items():
        (root / ("parts" if name == "part_locs" else ".") / f"{name}.txt").write_text("\n".join(lines) + "\n")
    (root / "classes.txt").write_text("".join(f"{label} {label:03d}.Bird_{label}\n" for label in range(1, classes + 1)))
    (root / "parts" / "parts.txt").write_text("1 back\n2 beak\n")


def funnybirds(root: Path, classes: int = 4, images: int = 16) -> None:
    """Birds of classes in turn, with an alpha channel as rendered ones have.

    A beak, two eyes and one wing are in each part map; of the test images there is what is left without each part.
    """
    root.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        params = []
        for place in range(images):
            label = place % classes
            params.append({"class_idx": label, "beak_model": "beak01.glb"})
            path = root / part / str(label) / f"{place:06d}.png"
            pixels = noise(f"{part}-{place}", 4)
            pixels[..., 3] = 255
            picture(path, pixels)
            drawn = np.zeros((*SIZE, 4), dtype=np.uint8)
            drawn[..., 3] = 255
            drawn[2:5, 3:9, :3] = (255, 255, 0)
            drawn[7:8, 3:5, :3], drawn[7:8, 8:10, :3] = (255, 255, 253), (255, 255, 254)
            drawn[10:20, 10 : 12 + label, :3] = (0, 255, 2)
            picture(root / f"{part}_part_map" / str(label) / f"{place:06d}.png", drawn)
            if part == "test":
                for kept in ("beak_eye_foot_tail", "beak_eye_foot_wing", "beak_eye_tail_wing", "beak_foot_tail_wing", "eye_foot_tail_wing"):
                    picture(root / "test_interventions" / str(label) / f"{place:06d}" / f"body_{kept}.png", noise(f"{kept}-{place}", 4))
        (root / f"dataset_{part}.json").write_text(json.dumps(params))
    (root / "classes.json").write_text(json.dumps([{"class_idx": label, "parts": {"beak": 0}} for label in range(classes)]))


def clevr_xai(root: Path, images: int = 4) -> None:
    """Three questions about each image: the shape of the large thing, its colour, and the shape of the small one, which has no mask."""
    shapes, colours = ("cube", "sphere", "cylinder"), ("red", "gray")
    asked: list[dict[str, object]] = []
    for image in range(images):
        name = f"CLEVR_unique_{image:06d}.png"
        picture(root / "images" / name, channels=3)
        for text, answer in (
            ("What is the shape of the large thing?", shapes[image % 3]),
            ("The large thing is what color?", colours[image % 2]),
            ("There is a small thing; what is its shape?", shapes[(image + 1) % 3]),
        ):
            asked.append({"question": text, "answer": answer, "question_index": len(asked), "image_filename": name})
    folder = root / "ground_truth_simple_questions_single_object"
    folder.mkdir()
    for one in asked:
        if "small" not in str(one["question"]):
            mask = np.zeros((128, 128), dtype=bool)
            mask[32:64, 64:96] = True
            np.save(folder / f"{one['question_index']}.npy", mask)
    (root / "CLEVR-XAI_simple_questions.json").write_text(json.dumps({"info": {}, "questions": asked}))


BUILDERS: dict[str, Callable[[Path], None]] = {
    "brain-tumour-mri": brain_tumour_mri,
    "cheng-tumours": cheng_tumours,
    "chest-xray": chest_xray,
    "clevr-xai": clevr_xai,
    "cub": cub,
    "funnybirds": funnybirds,
    "ham10000": ham10000,
    "imagenet-val": imagenet_val,
    "nih-chest-xray": nih_chest_xray,
    "pascal-voc": pascal_voc,
}
"""By the name of the dataset that reads what they make."""


@cache
def made(name: str) -> str:
    """A folder of a published data set, which is there until this process ends."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with suppress(ImportError):  # without h5py: the folder stays empty, which only the tests of that data set notice
        BUILDERS[name](folder)
    return str(folder)
