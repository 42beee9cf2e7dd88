"""ImageNet, PASCAL VOC, birds and rendered scenes: labels, boxes, outlines and parts as their publishers have them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from harness_published_data.clevr_xai import clevr_xai, read_truth
from harness_published_data.cub import cub, draw_parts
from harness_published_data.funnybirds import COLOURS, funnybirds
from harness_published_data.imagenet_val import imagenet_val
from harness_published_data.pascal_voc import CLASSES, pascal_voc
from scipy.io import savemat

from harness.api import Sample
from harness.api.image_files.dataset import ImageFiles
from tests.support import published_trees as trees


def samples(data: ImageFiles) -> dict[str, Sample]:
    return {data[i].id: data[i] for i in range(len(data))}


def boxes(sample: Sample) -> list[list[float]]:
    assert sample.boxes is not None
    return sample.boxes.tolist()


def as_image_net_has_it(root: Path, kaggle: Path) -> None:
    """The same images with the devkit, and XML files in the archive's folder."""
    shutil.copytree(kaggle / "ILSVRC" / "Data" / "CLS-LOC" / "val", root / "ILSVRC2012_img_val")
    shutil.copytree(kaggle / "ILSVRC" / "Annotations" / "CLS-LOC" / "val", root / "ILSVRC2012_bbox_val_v3" / "val")
    devkit = root / "ILSVRC2012_devkit_t12" / "data"
    devkit.mkdir(parents=True)
    order = np.random.default_rng(0).permutation(1000)  # numbers of the devkit are in no order of text
    rows = [(place + 1, trees.SYNSETS[synset], 0) for place, synset in enumerate(order)] + [(1001, "n00001740", 4)]
    synsets = np.array(rows, dtype=[("ILSVRC2012_ID", object), ("WNID", object), ("num_children", object)])
    savemat(devkit / "meta.mat", {"synsets": synsets[:, None]})
    number_of = {trees.SYNSETS[synset]: place + 1 for place, synset in enumerate(order)}
    truth = [str(number_of[trees.imagenet_truth(number)]) for number in range(1, 13)]
    (devkit / "ILSVRC2012_validation_ground_truth.txt").write_text("\n".join(truth) + "\n")


def in_folders(root: Path, kaggle: Path) -> None:
    """A folder for each of the thousand synsets."""
    for synset in trees.SYNSETS:
        (root / "val" / synset).mkdir(parents=True)
    for path in (kaggle / "ILSVRC" / "Data" / "CLS-LOC" / "val").iterdir():
        synset = trees.imagenet_truth(int(path.stem[-8:]))
        shutil.copy(path, root / "val" / synset / path.name)


def test_imagenet_labels_are_places_among_the_sorted_synsets_in_each_layout(tmp_path: Path) -> None:
    kaggle = tmp_path / "kaggle"
    trees.imagenet_val(kaggle)
    as_image_net_has_it(tmp_path / "published", kaggle)
    expected = {f"ILSVRC2012_val_{number:08d}": (number * 37) % 1000 for number in range(1, 13)}
    for root in (kaggle, tmp_path / "published"):
        data = imagenet_val(root=root)
        assert data.class_names is None and {id: sample.label for id, sample in samples(data).items()} == expected
    found = samples(imagenet_val(root=kaggle))
    assert boxes(found["ILSVRC2012_val_00000003"]) == [[1, 2, 13, 20], [4, 4, 8, 8]], "of the CSV file"
    assert boxes(found["ILSVRC2012_val_00000004"]) == [[0, 1, 9, 9]], "of the XML file, which goes before"
    published = imagenet_val(root=tmp_path / "published")
    assert published.notes == ["6 of 12 images have no boxes"] and samples(published)["ILSVRC2012_val_00000003"].boxes is None


def test_imagenet_folders_of_synsets_tell_them_if_there_are_all(tmp_path: Path) -> None:
    trees.imagenet_val(tmp_path / "kaggle")
    in_folders(tmp_path / "folders", tmp_path / "kaggle")
    with pytest.raises(ValueError, match=r"the folders of the images should name the 1000 synsets .* and has 12"):
        imagenet_val(root=tmp_path / "folders")
    shutil.copy(tmp_path / "kaggle" / "LOC_synset_mapping.txt", tmp_path / "folders")
    found = samples(imagenet_val(root=tmp_path / "folders"))
    assert {id: sample.label for id, sample in found.items()} == {f"ILSVRC2012_val_{n:08d}": (n * 37) % 1000 for n in range(1, 13)}


def test_imagenet_faults_are_named(tmp_path: Path) -> None:
    trees.imagenet_val(tmp_path)
    solution = tmp_path / "LOC_val_solution.csv"
    whole = solution.read_text()
    solution.write_text(whole.replace(" 1 2 11 20 ", " 1 2 11 ", 1))
    with pytest.raises(ValueError, match=r"LOC_val_solution\.csv: ILSVRC2012_val_00000001 has no synsets with four numbers each"):
        imagenet_val(root=tmp_path)
    solution.write_text("\n".join(whole.splitlines()[:-1]))
    with pytest.raises(ValueError, match="tells no synset of 1 of 12 images, such as ILSVRC2012_val_00000012"):
        imagenet_val(root=tmp_path)
    solution.write_text(whole)
    annotation = tmp_path / "ILSVRC" / "Annotations" / "CLS-LOC" / "val" / "ILSVRC2012_val_00000002.xml"
    annotation.write_text(annotation.read_text()[:60])
    with pytest.raises(ValueError, match=r"ILSVRC2012_val_00000002\.xml is no annotation in the format of PASCAL VOC"):
        imagenet_val(root=tmp_path)


def test_voc_boxes_and_outlines_are_of_the_class(tmp_path: Path) -> None:
    trees.pascal_voc(tmp_path)
    data = pascal_voc(root=tmp_path)
    found = samples(data)
    assert sorted(found) == [f"2007_{number:06d}" for number in range(10) if number % 3]
    assert len(CLASSES) == 20 and list(CLASSES) == sorted(CLASSES)
    assert CLASSES[found["2007_000001"].label] == "cat" and CLASSES[found["2007_000002"].label] == "dog"
    # the corners 5, 4 and 16, 12, counted from 1 and included, are columns 4 to 15 and rows 3 to 11 counted from 0
    assert boxes(found["2007_000002"]) == [[4, 3, 16, 12], [4, 3, 16, 12]] and found["2007_000001"].mask is None
    outline = found["2007_000002"].mask
    assert outline is not None and np.array_equal(outline, trees.block(3, 4, 12, 16) > 0)


def test_voc_images_of_several_classes_are_a_sample_each(tmp_path: Path) -> None:
    trees.pascal_voc(tmp_path)
    found = samples(pascal_voc(root=tmp_path, images="each"))
    assert len(found) == 14 and boxes(found["2007_000006#person"]) == [[19, 1, 30, 9]]
    person = found["2007_000006#person"].mask
    assert person is not None and person.sum() == 7 * 11, "a row is a rim that is not labelled"
    outlined = samples(pascal_voc(root=tmp_path, images="each", outlined=True))
    assert {id[:11] for id in outlined} == {f"2007_{number:06d}" for number in range(0, 10, 2)}
    assert all(sample.mask is not None for id, sample in outlined.items() if not id.endswith("#cat"))


def test_voc_faults_are_named(tmp_path: Path) -> None:
    trees.pascal_voc(tmp_path)
    with pytest.raises(ValueError, match=r"there is no .*test\.txt, the list of the split 'test';\nexpected, as"):
        pascal_voc(root=tmp_path, split="test")
    with pytest.raises(ValueError, match=r"images: single, and there are none in .*train\.txt"):
        pascal_voc(root=tmp_path, split="train")
    trees.annotation(tmp_path / "Annotations" / "2007_000001.xml", [("unicorn", (1, 1, 2, 2))])
    with pytest.raises(ValueError, match=r"2007_000001\.xml has an object 'unicorn'"):
        pascal_voc(root=tmp_path)


def test_cub_boxes_outlines_and_parts(tmp_path: Path) -> None:
    trees.cub(tmp_path)
    data = cub(root=tmp_path, part_radius=0.125)  # two pixels of sixteen
    found = samples(data)
    assert data.class_names == ["001.Bird_1", "002.Bird_2", "003.Bird_3"] and len(found) == 12
    sample = found["003.Bird_3/Bird_3_0002_19.jpg"]
    assert sample.label == 2 and boxes(sample) == [[6, 4, 22, 16]]
    assert sample.mask is not None and np.array_equal(sample.mask, trees.block(5, 7, 15, 22) > 0), "what more than half drew"
    parts = sample.evidence["parts"]
    assert parts.shape == (15, 24, 32) and [bool(part.any()) for part in parts] == [number % 4 != 0 for number in range(1, 16)]
    rows, columns = torch.where(parts[0])  # its place is 7.5, 8.5: the middle of the pixel in row 8 and column 7
    assert (rows.float().mean(), columns.float().mean(), len(rows)) == (8, 7, 13)


def test_a_disc_has_the_pixels_within_its_radius() -> None:
    discs = draw_parts([(16.0, 12.0), None], 8.0, (24, 32))
    assert discs is not None and discs.shape == (2, 24, 32) and not discs[1].any()
    assert discs[0].sum() == pytest.approx(np.pi * 64, rel=0.05)  # of whole pixels
    tiny = draw_parts([(5.9, 7.1)], 0.01, (24, 32))
    assert tiny is not None and tiny[0, 7, 5], "the pixel that it is in at least"
    assert draw_parts([], 1.0, (24, 32)) is None


def test_cub_splits_and_faults(tmp_path: Path) -> None:
    trees.cub(tmp_path)
    parts = [samples(cub(root=tmp_path, split=split, validation_share=0.25)) for split in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [9, 3, 12] and len({id for part in parts for id in part}) == 24
    (tmp_path / "segmentations").rename(tmp_path.parent / "segmentations")
    assert samples(cub(root=tmp_path))["001.Bird_1/Bird_1_0000_1.jpg"].mask is not None, "beside it"
    shutil.rmtree(tmp_path.parent / "segmentations")
    assert any(note.startswith("no masks: ") for note in cub(root=tmp_path).notes)
    labels = tmp_path / "image_class_labels.txt"
    labels.write_text(labels.read_text().replace("\n7 1\n", "\n"))
    with pytest.raises(ValueError, match=r"the lists say nothing of 001\.Bird_1/Bird_1_0006_7\.jpg \(image 7, '7'\)"):
        cub(root=tmp_path)
    (tmp_path / "parts" / "part_locs.txt").write_text("")
    labels.write_text(labels.read_text() + "7 1\n")
    assert any(note.startswith("no parts: ") for note in cub(root=tmp_path).notes)
    (tmp_path / "images.txt").write_text("")
    with pytest.raises(ValueError, match="have no image of the split 'test'"):
        cub(root=tmp_path)


def test_funnybirds_parts_are_known_by_their_colours(tmp_path: Path) -> None:
    trees.funnybirds(tmp_path)
    data = funnybirds(root=tmp_path)
    found = samples(data)
    assert data.class_names == ["0", "1", "2", "3"] and len(found) == 16 and list(COLOURS) == ["beak", "eye", "foot", "tail", "wing"]
    sample = found["test/3/000007.png"]
    assert sample.label == 3 and sample.image.shape == (3, 24, 32), "without its alpha channel"
    np.testing.assert_allclose(sample.image.permute(1, 2, 0), trees.noise("test-7", 4)[..., :3] / 255, atol=1e-6)
    assert sample.evidence["parts"].flatten(1).sum(dim=1).tolist() == [18, 4, 0, 0, 50]
    assert sample.mask is not None and sample.mask.sum() == 72
    without = sample.evidence["counterfactuals"]
    assert without.shape == (5, 3, 24, 32)
    for place, kept in enumerate(
        ("eye_foot_tail_wing", "beak_foot_tail_wing", "beak_eye_tail_wing", "beak_eye_foot_wing", "beak_eye_foot_tail")
    ):
        np.testing.assert_allclose(without[place].permute(1, 2, 0), trees.noise(f"{kept}-7", 4)[..., :3] / 255, atol=1e-6)
    parts = [samples(funnybirds(root=tmp_path, split=split)) for split in ("train", "validation")]
    assert [len(part) for part in parts] == [12, 4] and all(id.startswith("train/") for part in parts for id in part)
    missing = tmp_path / "test_interventions" / "3" / "000007" / "body_eye_foot_tail_wing.png"
    missing.unlink()
    with pytest.raises(ValueError, match=r"test/3/000007\.png \(counterfactuals\): .*body_eye_foot_tail_wing\.png: there is no such file"):
        funnybirds(root=tmp_path)
    (tmp_path / "classes.json").write_text('[{"class_idx": 0}]')
    with pytest.raises(ValueError, match=r"dataset_test\.json: number 1 is of the class 1, which classes\.json has not"):
        funnybirds(root=tmp_path)
    (tmp_path / "dataset_test.json").write_text("[]")
    with pytest.raises(ValueError, match=r"dataset_test\.json lists no image"):
        funnybirds(root=tmp_path)


def test_clevr_answers_are_labels_and_masks_are_scaled(tmp_path: Path) -> None:
    trees.clevr_xai(tmp_path)
    data = clevr_xai(root=tmp_path, question="SHAPE of the large thing")
    found = samples(data)
    assert data.class_names == ("cube", "cylinder", "sphere") and data.notes == []
    assert {id: data.class_names[sample.label] for id, sample in found.items()} == {
        "0": "cube",
        "3": "sphere",
        "6": "cylinder",
        "9": "cube",
    }
    mask = found["0"].mask  # a quarter of 128 rows from 32 on, and as many columns from 64 on
    assert mask is not None and np.array_equal(mask, trees.block(6, 16, 12, 24) > 0)
    every = clevr_xai(root=tmp_path)
    assert len(every) == 8 and samples(every)["2"].mask is None
    assert every.notes == [
        "2 questions are asked, and a model sees only the image: choose one by `question`",
        "4 of 8 questions have no mask in ground_truth_simple_questions_single_object",
    ]
    assert clevr_xai(root=tmp_path, about="colour").class_names[0] == "blue"  # type: ignore[index]


def test_clevr_masks_are_scaled_by_the_middles_of_pixels(tmp_path: Path) -> None:
    values = np.eye(4, dtype=bool)
    np.save(tmp_path / "0.npy", values)
    nearest = [0, 1, 1, 2, 3, 3]  # (i + 1/2) · 4/6, rounded down
    mask = read_truth(tmp_path / "0.npy", (6, 6))
    assert mask is not None and np.array_equal(mask, values[np.ix_(nearest, nearest)])


def test_clevr_faults_are_named(tmp_path: Path) -> None:
    trees.clevr_xai(tmp_path)
    with pytest.raises(ValueError, match="truth: union, and simple questions have single_object, all_objects"):
        clevr_xai(root=tmp_path, truth="union")
    with pytest.raises(ValueError, match="has no folder ground_truth_complex_questions_unique_firstnonempty;\nexpected, as"):
        clevr_xai(root=tmp_path, questions="complex")
    with pytest.raises(ValueError, match="about: size, question: None: there is no such question among the simple ones"):
        clevr_xai(root=tmp_path, about="size")
    (tmp_path / "ground_truth_simple_questions_single_object" / "0.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(ValueError, match=r"0 \(mask\): .*0\.npy is no array of NumPy"):
        clevr_xai(root=tmp_path)
