import pytest
import torch
from cam_networks import PooledNet, SmallNet, images, seeded
from grad_cam_reference import reference
from harness_cam.capture import activations_at
from harness_cam.eigen import eigen_cam, eigen_grad_cam
from harness_cam.explainers import grad_cam, hires_cam
from harness_cam.maps import first_component_map, hires_cam_map
from pytorch_grad_cam import EigenCAM, EigenGradCAM, HiResCAM

TARGETS = torch.tensor([0, 1, 4, 4])


@pytest.mark.parametrize(("ours", "theirs"), [(eigen_cam, EigenCAM), (eigen_grad_cam, EigenGradCAM)])
@pytest.mark.parametrize("layer", ["features.1", "features.2", "features.4"])
def test_centred_it_is_grad_cams_up_to_the_sign_that_a_singular_vector_has_not(ours, theirs, layer):
    model, batch = seeded(SmallNet), images(4)
    found = ours(model, batch, TARGETS, layer=layer, centred=True, relu=False).map
    expected = reference(theirs, model, batch, TARGETS, layer)
    sign = (found * expected).sum((1, 2), keepdim=True).sign()
    torch.testing.assert_close(found, sign * expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_hires_cam_is_grad_cams():
    model, batch = seeded(SmallNet), images(4)
    found = hires_cam(model, batch, TARGETS, layer="features.2", relu=False).map
    torch.testing.assert_close(found, reference(HiResCAM, model, batch, TARGETS, "features.2"), rtol=1e-3, atol=1e-4)


def test_hires_cam_is_grad_cam_behind_global_average_pooling():
    model, batch, targets = seeded(PooledNet), images(3), torch.tensor([0, 3, 1])
    found = hires_cam(model, batch, targets, layer="act", relu=False).map
    torch.testing.assert_close(found, grad_cam(model, batch, targets, layer="act", relu=False).map)
    with torch.no_grad():
        expected = (model(batch) - model.module.head.bias).gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(found.sum((1, 2)), expected)


def test_of_features_of_rank_one_the_map_is_their_pattern():
    """A = u vᵀ has the first right singular vector v / |v|: the projection is u |v|, with the sign of the features' sum."""
    pattern, weights = torch.tensor([[1.0, -2.0], [3.0, 0.5]]), torch.tensor([2.0, -1.0, -3.0])
    features = (weights.view(3, 1, 1) * pattern)[None]
    found = first_component_map(torch.cat([features, -features]), centred=False)
    torch.testing.assert_close(found, torch.stack([-pattern, pattern]) * 14**0.5)


def test_of_activations_that_are_not_negative_no_value_of_the_map_is_and_the_class_does_not_matter():
    model, batch = seeded(SmallNet), images(4)
    found = eigen_cam(model, batch, TARGETS, layer="features.4", relu=False).map
    assert found.min() >= -1e-5
    assert torch.equal(found, eigen_cam(model, batch, TARGETS.flip(0), layer="features.4", relu=False).map)
    norms = activations_at(model, batch, "features.4").flatten(2).norm(dim=(1, 2))
    assert (found.flatten(1).norm(dim=1) <= norms * 1.0001).all()


def test_eigen_grad_cam_sides_with_hires_cam():
    model, batch = seeded(SmallNet), images(4)
    for targets in (TARGETS, (TARGETS + 1) % 5):
        found = eigen_grad_cam(model, batch, targets, layer="features.4", relu=False).map
        assert ((found * hires_cam(model, batch, targets, layer="features.4", relu=False).map).sum((1, 2)) > 0).all()


def test_zero_features_give_a_zero_map():
    zero = torch.zeros(2, 3, 4, 4)
    assert torch.equal(first_component_map(zero, centred=True), torch.zeros(2, 4, 4))
    assert torch.equal(hires_cam_map(zero + 1, zero), torch.zeros(2, 4, 4))
