"""What the README shows works as it stands there."""

import re
import runpy
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
APART = {"harness-quantus", "harness-ray"}
"""Plugins that need large packages, and sections of their own."""
NETWORK = """
from torch import nn

def Network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
"""


def test_the_file_with_a_network_of_ones_own_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if block.startswith("# my_model.py"))
    (tmp_path / "my_model.py").write_text(code)
    (tmp_path / "my_training.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = runpy.run_path(str(tmp_path / "my_training.py"))["Network"]().eval()
    torch.save(module.state_dict(), tmp_path / "network.pt")

    made = runpy.run_path(str(tmp_path / "my_model.py"))["my_network"](weights=tmp_path / "network.pt")

    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert list(made.class_names) == ["benign", "malignant"]
    torch.testing.assert_close(made(images), module(images))


def test_all_plugins_are_installed_but_those_that_are_told_of_apart() -> None:
    (block,) = (block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if block.startswith("pip install -c "))
    named = re.findall(r"\./plugins/(\S+)", block)
    assert named == sorted(named)
    assert set(named) == {folder.name for folder in (ROOT / "plugins").iterdir() if (folder / "pyproject.toml").is_file()} - APART
