from pathlib import Path

from PIL import Image

from harness.registry.registry import Registry
from tests.support.contact_sheet import SHEETS, by_family
from tests.support.shipped import names


def test_a_sheet_has_every_explainer_once_and_says_which_cannot_run(tmp_path: Path) -> None:
    registry = Registry.discover()
    ordered = by_family(registry)
    assert sorted(ordered) == sorted(name.partition("/")[2] for name in names("explainers"))
    assert ordered[0] == "adversarial-gradient-integration" and "random" in ordered[-5:], "a family after the other, nulls last"
    (refused,) = SHEETS["digit"].write(tmp_path / "sheet.png", registry, ["gradient", "attention-rollout", "sobel"])
    assert refused.startswith("attention-rollout is not applicable")
    with Image.open(tmp_path / "sheet.png") as picture:
        width, height = picture.size
    assert width > height, "the digit and two maps side by side"
