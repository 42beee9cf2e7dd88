import pytest
import torch
from cam_networks import PooledNet, SmallNet, images, seeded
from captum import attr
from harness_cam.class_weights import cam
from harness_cam.explainers import grad_cam
from harness_cam.guided import guided_grad_cam
from torchvision import models

from harness.api import Attribution, Context, classifier

TARGETS = torch.tensor([0, 3, 1])


def test_it_is_the_activations_weighted_by_the_row_of_the_head_and_grad_cam_times_the_cells():
    model, batch = seeded(PooledNet), images(3)
    activations = model.module.act(model.module.conv(batch))
    found = cam(model, batch, TARGETS, layer="act").map
    torch.testing.assert_close(found, torch.einsum("bk,bkhw->bhw", model.module.head.weight[TARGETS], activations))
    torch.testing.assert_close(found, 256 * grad_cam(model, batch, TARGETS, layer="act", relu=False).map)
    assert found.min() < 0


@pytest.mark.parametrize("arch", ["resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_the_mean_is_the_logit_less_its_bias(arch):
    torch.manual_seed(0)
    model, batch = classifier(models.get_model(arch, num_classes=5), input_shape=(3, 64, 64)), images(2, (64, 64))
    if arch == "mobilenet_v3_small":  # has a hidden layer behind its pooling
        assert "linear layer of the means" in cam.applicable(model)
        return
    assert cam.applicable(model) is None
    targets = torch.tensor([4, 2])
    head = [layer for layer in model.module.modules() if isinstance(layer, torch.nn.Linear)][-1]
    expected = (model(batch) - head.bias).gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(cam(model, batch, targets).map.mean((1, 2)), expected, rtol=1e-4, atol=1e-4)


def test_where_something_else_stands_behind_the_layer_it_says_so():
    model = seeded(SmallNet)
    assert "linear layer of the means" in cam.applicable(model)
    with pytest.raises(ValueError, match="Grad-CAM is its generalisation"):
        cam(model, images(1), torch.tensor([0]))


def test_guided_grad_cam_is_captums():
    torch.manual_seed(0)
    model, batch, targets = classifier(SmallNet(), input_shape=(3, 16, 16), cam_layer="features.4"), images(3), torch.tensor([0, 4, 2])

    def guided(model, images, targets, *, ctx):
        return Attribution(attr.GuidedBackprop(model.module).attribute(images.clone().requires_grad_(), target=targets).detach().sum(1))

    found = guided_grad_cam(model, batch, targets, over=guided, ctx=Context(0, list("abc")))
    method = attr.GuidedGradCam(model.module, model.layer("features.4"))
    expected = method.attribute(batch.clone().requires_grad_(), target=targets, interpolate_mode="bilinear").detach().sum(1)
    assert expected.abs().max() > 0
    torch.testing.assert_close(found.map, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
