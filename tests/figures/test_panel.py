import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib import rcParams
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from harness.figures.figure_file import to_png
from harness.figures.panel import EMPTY_MAP_NOTE, PanelMap, draw_panels

RNG = np.random.default_rng(0)


def maps(count, size=(32, 32)):
    return [PanelMap(f"explainer-{i}", RNG.normal(size=size), signed=True) for i in range(count)]


def triad(size=(32, 32)):
    names = ["grad-cam", "lrp", "shap-gradient", "fused"]
    return [PanelMap(name, RNG.normal(size=size), signed=True, group="triad") for name in names]


def words(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def pictures(figure, shape):
    """Axes that show an image of ``shape``: the panels, not the legend's strips."""
    return [axes for axes in figure.axes if axes.images and axes.images[0].get_array().shape == (*shape, 3)]


@pytest.mark.parametrize("shape", [(32, 32), (60, 120), (120, 60), (5, 200)])
@pytest.mark.parametrize("count", [0, 1, 4, 12])
def test_every_panel_is_there_in_shape_inside_the_page_and_alone(shape, count):
    figure = draw_panels(np.zeros((*shape, 3)), maps(count, shape))
    found = pictures(figure, shape)
    assert len(found) == 1 + count
    boxes = [axes.get_position() for axes in found]
    inches = figure.get_size_inches()
    for box in boxes:
        assert (box.width * inches[0]) / (box.height * inches[1]) == pytest.approx(shape[1] / shape[0])
        assert 0 < box.x0 < box.x1 < 1
        assert 0 < box.y0 < box.y1 < 1
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


@pytest.mark.parametrize("shape", [(32, 32), (60, 120), (120, 60)])
@pytest.mark.parametrize("count", [1, 4, 12])
def test_every_word_is_drawn_on_the_page_and_on_no_picture(shape, count):
    titles = ["grad-cam", "a title far too long for the width of one panel, whatever its shape", "W" * 60, "cost: $5 _or_ $6 \\alpha"]
    given = [
        PanelMap(titles[i % 4], RNG.normal(size=shape), signed=bool(i % 2), group="a group whose name is long" if i == 2 else None)
        for i in range(count)
    ]
    caption = "predicted: a class with a name of many words (97.3 %)\nexplained: another"
    figure = draw_panels(RNG.random((*shape, 3)), given, caption=caption, mask=np.eye(*shape, dtype=bool))
    together = "".join("".join(words(figure)).split())
    assert all("".join(text.split()) in together for text in (caption, *(each.title for each in given)))
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [axes.get_window_extent(renderer) for axes in pictures(figure, shape)]
    for text in figure.findobj(Text):
        extent = text.get_window_extent(renderer)
        if text.get_text():
            assert extent.x0 >= 0
            assert extent.y0 >= 0
            assert extent.x1 <= figure.bbox.x1
            assert extent.y1 <= figure.bbox.y1
            assert not any(box.shrunk(0.98, 0.98).overlaps(extent) for box in boxes)


def test_the_image_keeps_its_colours():
    image = RNG.random((32, 32, 3))
    assert np.allclose(pictures(draw_panels(image, maps(1)), (32, 32))[0].images[0].get_array(), image)


def test_colours_in_the_file():
    """In the PNG itself: the left half of the map is warm, the right half cold, and the image is its own colour."""
    values = np.repeat([1.0, -1.0], 16)[None].repeat(32, axis=0)
    figure = draw_panels(np.full((32, 32), 0.6), [PanelMap("m", values, signed=True)])
    pixels = np.asarray(Image.open(io.BytesIO(to_png(figure, dpi=100))).convert("RGB")).astype(int)
    image, drawn = (axes.get_position() for axes in pictures(figure, (32, 32)))
    row = round((1 - (drawn.y0 + drawn.y1) / 2) * pixels.shape[0])

    def at(box, part):
        return pixels[row, round((box.x0 + part * box.width) * pixels.shape[1])]

    assert at(drawn, 0.25)[0] > at(drawn, 0.25)[2] + 80
    assert at(drawn, 0.75)[2] > at(drawn, 0.75)[0] + 80
    assert at(image, 0.5).tolist() == [153, 153, 153]


def test_a_zero_map_says_so():
    figure = draw_panels(np.zeros((32, 32)), [PanelMap("a", np.zeros((32, 32)), False), PanelMap("b", np.ones((32, 32)), False)])
    said = [[text.get_text() for text in axes.texts] for axes in pictures(figure, (32, 32))]
    assert said == [[], [EMPTY_MAP_NOTE], []]


def test_a_group_stands_together_on_shaded_ground_under_its_name():
    figure = draw_panels(np.zeros((32, 32)), [*maps(3), *triad(), *maps(2)])
    assert words(figure).count("triad") == 1
    (shade,) = (artist for artist in figure.artists if isinstance(artist, Rectangle))
    ground = shade.get_window_extent()
    inside = [ground.containsx(box.x0) and ground.containsy(box.y0) for box in (a.get_window_extent() for a in pictures(figure, (32, 32)))]
    assert inside == [False] * 4 + [True] * 4 + [False] * 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([PanelMap("a", np.ones((4, 4)), True)], {"evidence against", "evidence for"}),
        ([PanelMap("a", np.ones((4, 4)), False)], {"least evidence", "most evidence"}),
        ([PanelMap("a", -np.ones((4, 4)), False)], {"evidence against", "evidence for"}),
        ([], set()),
    ],
)
def test_the_legend_names_the_scales_in_use(given, expected):
    said = set(words(draw_panels(np.zeros((32, 32)), given)))
    assert said & {"evidence against", "evidence for", "least evidence", "most evidence"} == expected


def test_a_mask_is_outlined_and_the_view_stays():
    mask = np.zeros((32, 32), dtype=bool)
    mask[:4, 10:20] = True
    figure = draw_panels(np.zeros((32, 32)), maps(1), mask=mask)
    assert "ground truth" in words(figure)
    for axes in pictures(figure, (32, 32)):
        assert axes.get_xlim() == (-0.5, 31.5)
        assert axes.get_ylim() == (31.5, -0.5)
        corners = np.concatenate([path.vertices for lines in axes.collections for path in lines.get_paths()])
        assert corners[:, 0].min() == 9.5
        assert corners[:, 0].max() == 19.5
        assert corners[:, 1].max() == 3.5


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"a mask of \(8, 8\) for an image of \(32, 32\)"):
        draw_panels(np.zeros((32, 32)), [], mask=np.zeros((8, 8), dtype=bool))


def test_the_file_is_a_png_of_the_figures_size_and_always_the_same():
    image, given = RNG.random((32, 32, 3)), maps(2)
    figure = draw_panels(image, given, caption="predicted: a")
    first = to_png(figure, dpi=50)
    assert first == to_png(draw_panels(image, given, caption="predicted: a"), dpi=50)
    with Image.open(io.BytesIO(first)) as file:
        assert file.format == "PNG"
        assert np.allclose(file.size, figure.get_size_inches() * 50, atol=1)


def test_pyplot_is_left_alone():
    before, backend = dict(rcParams), rcParams["backend"]
    to_png(draw_panels(np.zeros((32, 32)), maps(1)), dpi=30)
    assert plt.get_fignums() == []
    assert dict(rcParams) == before
    assert rcParams["backend"] == backend


def test_drawing_needs_neither_torch_nor_pyplot():
    code = "import sys, harness.figures.panel; print(sorted({'torch', 'matplotlib.pyplot'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
