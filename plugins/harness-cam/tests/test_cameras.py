import pytest
import torch
from cam_networks import PooledNet, SmallNet, TokenNet, images, seeded
from harness_cam.cameras import cameras, passes
from harness_cam.capture import capture
from torch.nn import functional

from tests.support.networks import counted

TARGETS = torch.tensor([0, 3, 1])


def enlarge(tensor, size, mode="bilinear"):
    return functional.interpolate(tensor, size=(size, size), mode=mode, align_corners=False)


def test_factors_are_averaged_over_sizes_before_they_are_multiplied(monkeypatch):
    monkeypatch.setattr("harness_cam.cameras.CHANNELS", 4)
    model, batch = seeded(PooledNet), images(3)
    found = cameras(model, batch, TARGETS, sizes=3, growth=0.5, layer="act", relu=False).map
    captured = [capture(model, batch if size == 16 else enlarge(batch, size, "bicubic"), TARGETS, "act") for size in (16, 24, 32)]
    means = [torch.stack([enlarge(each[part], 16) for each in captured]).mean(0) for part in (0, 1)]
    torch.testing.assert_close(found, (means[0] * means[1]).sum(1))


def test_with_one_size_it_is_hires_cam_of_enlarged_factors():
    model, batch = seeded(PooledNet), images(3)
    activations, gradients = capture(model, batch, TARGETS, "act")
    found = cameras(model, batch, TARGETS, sizes=1, layer="act").map
    torch.testing.assert_close(found, (activations * gradients).sum(1).relu())


@pytest.mark.parametrize("module_type", [SmallNet, TokenNet])
def test_a_network_of_one_size_says_so(module_type):
    model = seeded(module_type, cam_layer="tokens" if module_type is TokenNet else None)
    assert "one size only" in cameras.applicable(model)
    assert cameras.applicable(seeded(PooledNet)) is None
    with pytest.raises(ValueError, match="one size only"):
        cameras(model, images(1), torch.tensor([0]))


def test_as_many_passes_as_declared():
    model, batch = seeded(PooledNet), images(3)
    cameras(model, batch, TARGETS, sizes=1, layer="act")
    with counted(model) as rows:
        cameras(model, batch, TARGETS, sizes=3, layer="act")
    assert sum(rows) == 3 * passes({"sizes": 3})
