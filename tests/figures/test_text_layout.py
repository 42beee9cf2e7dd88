import re

import pytest

from harness.figures.text_layout import text_width, wrap_text

TEXTS = [
    "grad-cam",
    "integrated-gradients of a very deep network at the last of its convolutions",
    "layer=features.denseblock4.denselayer16.conv2_with_no_place_to_break_at_all",
    "W" * 200,
    "Größe des Effekts – Übermaß",
    "two\nlines",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("width", [0.8, 2.2])
def test_lines_fit_and_nothing_is_lost(text, width):
    lines = wrap_text(text, width, 9)
    assert all(text_width(line, 9) <= width for line in lines)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)


def test_words_stay_whole_where_there_is_room():
    assert wrap_text("a title that is long", 0.7, 9) == ["a title", "that is", "long"]


def test_a_width_too_small_for_a_letter_still_ends():
    assert wrap_text("abc", 0.01, 9) == ["a", "b", "c"]
