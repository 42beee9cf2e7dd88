import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import harness
from harness.planning.notes import takes_cam_layer
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.runs.component_shorthand import parse_component
from harness.runs.explain import explain_image
from harness.runs.image_files import read_image_file
from harness.runs.map_export import export_maps
from harness.spec.load import load_spec
from harness.user_errors import UserError
from tests.support.spec import SMALL, small_spec

RAMP = np.linspace(0, 65535, 20 * 16).reshape(16, 20)
PECULIAR = """
import torch
from harness.api import Explainer, explainer

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

@explainer(wants={"training-data"}, otherwise="compared with black")
def compares(model, images, targets):
    "Would learn from training images."
    return images

@explainer()
def spoils(model, images, targets):
    "Changes the model."
    with torch.no_grad():
        next(model.module.parameters()).mul_(3)
    return images

@explainer(needs={"training-labels"})
def learns(model, images, targets, *, ctx):
    "Learns from images with their labels."
    seen, labels = ctx.training_samples(4)
    return images * seen[labels == 1].mean() + labels.sum()

@explainer(needs={"token-grid"})
def tokens(model, images, targets):
    "Looks at tokens, which the network has not."
    raise RuntimeError("there are none")

@explainer(alternatives="among")
def either(model, images, targets, *, among: list[Explainer] = ["tokens", "slope"], ctx):
    "Is the first of two that is applicable."
    return next(each for each in among if each.applicable(model) is None)(model, images, targets, ctx=ctx)

@explainer()
def interrupted(model, images, targets):
    "As if somebody pressed Ctrl-C."
    raise KeyboardInterrupt
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    file = tmp_path_factory.mktemp("plugin") / "peculiar.py"
    file.write_text(PECULIAR)
    return Registry.discover([SMALL, file])


@pytest.mark.parametrize(
    ("dtype", "name"), [(np.uint16, "a.png"), (np.uint16, "a.tiff"), (np.int32, "a.tiff"), (">u2", "big.tiff"), (np.uint16, "a.pgm")]
)
def test_sixteen_bits_keep_their_shades(tmp_path: Path, dtype: str, name: str) -> None:
    Image.fromarray(RAMP.astype(dtype)).save(tmp_path / name)
    picture = read_image_file(tmp_path / name)
    assert picture.shape == (1, 16, 20)
    np.testing.assert_allclose(picture[0].numpy(), RAMP / 65535, atol=1 / 65535)


def test_eight_bits_are_three_channels(tmp_path: Path) -> None:
    Image.new("L", (5, 4), 51).save(tmp_path / "a.png")
    torch.testing.assert_close(read_image_file(tmp_path / "a.png"), torch.full((3, 4, 5), 0.2))


@pytest.mark.parametrize(("values", "said"), [(RAMP.astype(np.float32), "floating"), (RAMP.astype(np.int32) * 9, "neither 8 nor 16 bit")])
def test_values_without_a_known_range_are_refused(tmp_path: Path, values: np.ndarray, said: str) -> None:
    Image.fromarray(values).save(tmp_path / "a.tiff")
    with pytest.raises(UserError, match=said):
        read_image_file(tmp_path / "a.tiff")


def test_damaged_exif_does_no_harm_and_floats_of_the_unit_range_are_read(tmp_path: Path) -> None:
    Image.new("RGB", (5, 4), (51, 0, 255)).save(tmp_path / "a.png", exif=b"Exif\0\0rubbish")
    torch.testing.assert_close(read_image_file(tmp_path / "a.png").mean(dim=(1, 2)), torch.tensor([0.2, 0.0, 1.0]))
    Image.new("F", (5, 4), 0.2).save(tmp_path / "a.tiff")
    torch.testing.assert_close(read_image_file(tmp_path / "a.tiff"), torch.full((1, 4, 5), 0.2))


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 10_000, 10_000, 1, 0, 0, 0, 0)  # above Pillow's warning, below its error
    data = zlib.compress(bytes(10_000 * 1251), 9)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    with pytest.raises(UserError, match="decompression bomb"):
        read_image_file(tmp_path / "a.png")


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
            assert read_image_file(path).shape[0] in (1, 3)
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
def test_whatever_a_component_raises_is_said_in_one_line_and_costs_its_own_map(name: str, registry: Registry, tmp_path: Path) -> None:
    made = explain_image("squares#0", "pools", ["slope", name], registry=registry, out=tmp_path / "a.png")
    assert [line.partition(": ")[0] for line in made.failures] == [name]
    assert len(made.failures[0].splitlines()) == 1
    assert f"1 map in {tmp_path / 'a.png'}" in made.sentence
    assert (tmp_path / "a.png").is_file()


def test_where_no_explainer_can_run_there_is_no_picture(registry: Registry, tmp_path: Path) -> None:
    made = explain_image("squares#0", "pools", ["contrast"], registry=registry, out=tmp_path / "a.png")
    assert made.failures == ["contrast needs training data: name a dataset with --training NAME,param=value,… (of its training split)"]
    assert not (tmp_path / "a.png").exists()
    made = explain_image("squares#0", "pools", ["contrast"], registry=registry, training="squares,split=train", out=tmp_path / "a.png")
    assert (made.failures, (tmp_path / "a.png").exists()) == ([], True)


def test_what_an_explainer_does_without_training_images_is_said(registry: Registry, tmp_path: Path) -> None:
    for training, notes in ((None, ["compares: without training images, compared with black"]), ("squares,split=train", [])):
        made = explain_image("squares#0", "pools", ["slope", "compares"], registry=registry, training=training, out=tmp_path / "a.png")
        assert [note for note in made.notes if "training" in note] == notes


@pytest.mark.parametrize(
    ("explainer", "takes"), [("grad-cam", True), ("triad", True), ("shap-gradient", False), ("shap-gradient,layer=features.3", False)]
)
def test_a_layer_is_named_of_those_alone_that_are_taken_there(explainer: str, takes: bool) -> None:
    assert takes_cam_layer(resolve(Registry.discover(), "explainers", parse_component(explainer))) is takes


@pytest.mark.parametrize(
    ("model", "explainer", "option"), [("pool", "slope", "--model 'pool'"), ("pools", "slope,steps=3", "--explainer 'slope,steps=3'")]
)
def test_what_is_wrong_is_told_of_the_option(model: str, explainer: str, option: str, registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        explain_image("squares#0", model, [explainer], registry=registry, out=tmp_path / "a.png")
    assert str(caught.value).startswith(f"{option}: ")


def written(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the next panel is drawn of."""
    import harness.figures.panel as panels

    drawn: dict[str, Any] = {}

    def panel(image: Any, maps: Any, **options: Any) -> Any:
        drawn.update(maps=maps, **options)
        return whole(image, maps, **options)

    whole = panels.draw_panels
    monkeypatch.setattr(panels, "draw_panels", panel)
    return drawn


def test_the_panel_names_sample_model_and_truth(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = written(monkeypatch)
    explain_image("squares#3", "pools,scale=2", ["slope"], registry=registry, target="left", out=tmp_path / "a.png")
    sample, model, predicted, true, explained = drawn["caption"].splitlines()
    assert (sample, model, true) == ("squares#3 (square-3)", "pools,scale=2", "true: right")
    assert predicted.startswith("predicted: right (") and explained.startswith("explained: left (")


def test_what_the_model_does_not_see_of_an_image_is_said(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = written(monkeypatch)
    Image.new("RGB", (80, 60), (200, 30, 30)).save(tmp_path / "wide.png")
    made = explain_image(str(tmp_path / "wide.png"), "pools", ["slope"], registry=registry, out=tmp_path / "a.png")
    said = "cropped to its middle: 25% of the width is cut off"  # 80 × 60 → 16 × 12, of which 12 × 12 are taken
    assert said in made.sentence and said in drawn["caption"]
    assert "true:" not in drawn["caption"]
    Image.new("RGB", (60, 60), (200, 30, 30)).save(tmp_path / "square.png")
    assert (
        "cropped" not in explain_image(str(tmp_path / "square.png"), "pools", ["slope"], registry=registry, out=tmp_path / "a.png").sentence
    )


def test_a_part_is_drawn_in_the_palette_of_its_own_explainer(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = written(monkeypatch)
    explain_image("squares#0", "pools", ["slope", "speckle", "both"], registry=registry, out=tmp_path / "a.png")
    signed = {each.title: each.signed for each in drawn["maps"] if each.group == "both"}
    assert (signed["first"], signed["second"]) == (True, False)
    assert [each.signed for each in drawn["maps"][:2]] == [True, False]


def test_a_map_is_that_of_a_run_bit_for_bit_whatever_was_explained_before(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, explainers, plugins = written(monkeypatch), ["slope", "speckle", "contrast", "learns"], list(registry.plugins)
    spec = small_spec(explainers=explainers, nulls=[], metrics=["inside"], seed=3, execution={"executor": "inline", "batch": 1})
    assert harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=plugins).failures == []
    export_maps(tmp_path / "out", tmp_path / "maps", plugins=plugins)
    training, out = "squares,split=train,samples=", tmp_path / "a.png"
    made = explain_image("squares#3", "pools", ["spoils", *explainers], registry=registry, training=training, out=out, seed=3)
    assert [line.partition(":")[0] for line in made.failures] == ["spoils"]
    assert [each.title for each in drawn["maps"]] == explainers
    for each in drawn["maps"]:
        exported = np.load(tmp_path / "maps" / "squares" / "pools" / each.title / "000003-square-3.npy")
        assert exported.any() and np.array_equal(each.map, exported), each.title


def test_what_the_model_lacks_for_an_explainer_is_said_before_that_is_called(registry: Registry, tmp_path: Path) -> None:
    made = explain_image("squares#0", "pools", ["tokens"], registry=registry, out=tmp_path / "a.png")
    assert made.failures == ["tokens is not applicable: needs token-grid, and the model has none that hooks see"]


def test_which_explainer_stands_in_for_another_is_said(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = written(monkeypatch)
    made = explain_image("squares#0", "pools", ["either", "slope"], registry=registry, out=tmp_path / "a.png")
    assert made.failures == []
    assert "either: slope in place of tokens: needs token-grid, and the model has none that hooks see" in made.notes
    assert np.array_equal(drawn["maps"][0].map, drawn["maps"][1].map)


def test_an_interrupt_is_an_interrupt(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        explain_image("squares#0", "pools", ["interrupted"], registry=registry, out=tmp_path / "a.png")


def test_labels_of_a_spec_name_components_too(tmp_path: Path) -> None:
    registry = Registry.discover([SMALL])
    spec = load_spec(small_spec(models=[{"use": "pools", "label": "mine"}], explainers=[{"use": "slope", "label": "my slope"}]), registry)
    out = tmp_path / "panel.png"
    made = explain_image("squares#1", "mine", ["my slope", "speckle"], registry=registry, spec=spec, out=out)
    assert made.failures == [] and "2 maps" in made.sentence and out.is_file()
    with pytest.raises(UserError, match=r'--model .mien.: unknown model "mien" \(installed: .*\); labels of the spec: mine$'):
        explain_image("squares#1", "mien", ["slope"], registry=registry, spec=spec, out=out)
