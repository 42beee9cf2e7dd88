import pytest
import torch
from cam_networks import SmallNet, TokenNet, images, seeded
from grad_cam_reference import reference
from harness_cam.explainers import grad_cam, grad_cam_plus_plus
from harness_cam.fused import fused_cam, refine_cam
from harness_cam.poly import levelled, passes, poly_cam
from harness_cam.stages import stage_layers
from pytorch_grad_cam import GradCAMPlusPlus, RefineCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn
from torch.nn import functional
from torchvision import models

from harness.api import Attribution, Context, classifier
from tests.support.networks import counted

TARGETS = torch.tensor([0, 1, 4, 4])
LAYERS = ["features.1", "features.4"]


class Over:
    """An explainer with its parameters bound, as the harness gives one to another."""

    def __init__(self, function, **params):
        self.function, self.params = function, params

    def with_params(self, **changes):
        return Over(self.function, **{**self.params, **changes})

    def __call__(self, model, batch, targets, *, ctx):
        return Attribution(self.function(model, batch, targets, **self.params).at(batch.shape[-2:]))


def context():
    return Context(0, list("abcd"))


def test_stages_are_the_last_layers_of_each_resolution():
    torch.manual_seed(0)
    model = classifier(models.resnet18(num_classes=3), input_shape=(3, 64, 64))
    grids = {name: [] for name in stage_layers(model)}
    handles = [model.layer(name).register_forward_hook(lambda m, a, out, n=name: grids[n].append(tuple(out.shape[1:]))) for name in grids]
    model(images(1, (64, 64)))
    for handle in handles:
        handle.remove()
    assert list(grids.values()) == [[(64, 32, 32)], [(64, 16, 16)], [(128, 8, 8)], [(256, 4, 4)], [(512, 2, 2)]]
    vgg = classifier(models.vgg11(num_classes=3), input_shape=(3, 32, 32), cam_layer="features.19")
    assert stage_layers(vgg) == ["features.1", "features.4", "features.9", "features.14", "features.19"]
    assert stage_layers(seeded(TokenNet, cam_layer="tokens")) == ["tokens"]
    assert "names no cam_layer" in fused_cam.applicable(classifier(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), input_shape=(3, 4, 4)))


def test_fused_maps_are_of_unit_size_and_keep_their_sign():
    model, batch = seeded(SmallNet), images(4)
    maps = [grad_cam(model, batch, TARGETS, layer=layer, relu=False).at((16, 16)) for layer in LAYERS]
    maps = torch.stack([each / each.abs().amax((1, 2), keepdim=True) for each in maps])
    over = Over(grad_cam, relu=False)
    torch.testing.assert_close(fused_cam(model, batch, TARGETS, over=over, layers=LAYERS, ctx=context()).map, maps.mean(0))
    torch.testing.assert_close(fused_cam(model, batch, TARGETS, over=over, layers=LAYERS, fusion="max", ctx=context()).map, maps.amax(0))


def test_refine_cam_is_grad_cams_where_both_bring_maps_to_the_images_size_alike():
    """Theirs scales maps before it enlarges them, so that only layers of the image's own resolution are scaled alike."""
    model, batch = seeded(SmallNet), images(4)
    layers = ["features.0", "features.1"]
    found = refine_cam(model, batch, TARGETS, over=Over(grad_cam_plus_plus), layers=layers, ctx=context()).map
    theirs = RefineCAM(model.module, [model.layer(name) for name in layers])
    expected = theirs(batch.clone().requires_grad_(), [ClassifierOutputTarget(int(target)) for target in TARGETS])
    for cam in theirs.base_cam_per_layer:
        cam.activations_and_grads.release()
    largest = found.amax((1, 2), keepdim=True)
    torch.testing.assert_close(found / largest, torch.from_numpy(expected), rtol=0, atol=1e-2)
    single = reference(GradCAMPlusPlus, model, batch, TARGETS, "features.1").relu()
    assert (found / largest - single / single.amax((1, 2), keepdim=True)).abs().max() > 0.1


def test_refine_cam_shows_what_every_layer_shows():
    model, batch = seeded(SmallNet), images(4)
    found = refine_cam(model, batch, TARGETS, over=Over(grad_cam), layers=LAYERS, ctx=context()).map
    for layer in LAYERS:
        single = grad_cam(model, batch, TARGETS, layer=layer).at((16, 16))
        assert found[single == single.amin((1, 2), keepdim=True)].abs().max() == 0
    assert found.amax() <= 1


def test_levelled_leaves_how_a_map_varies_within_a_cell():
    """What is the same within every cell becomes 1; a factor of the whole map does not matter."""
    coarse = torch.rand(2, 4, 4) + 0.5
    flat = torch.full((2, 16, 16), 3.0)
    torch.testing.assert_close(levelled(flat, coarse), torch.ones(2, 16, 16))
    varied = torch.rand(2, 16, 16) + 0.1
    torch.testing.assert_close(levelled(7 * varied, coarse), levelled(varied, coarse))
    assert levelled(torch.zeros(2, 16, 16), coarse).abs().max() == 0


@pytest.mark.parametrize("scores", ["plus", "minus", "plus-minus"])
def test_poly_cam_is_the_authors_recursion_one_channel_at_a_time(scores):
    model, batch, targets = seeded(SmallNet), images(2), torch.tensor([1, 2])
    model.module.head[3].bias.zero_()  # probabilities far from 0 and 1
    model.module.head[3].weight.mul_(0.1)
    found = poly_cam(model, batch, targets, scores=scores, layers=LAYERS).map

    def probability(inputs, target):
        with torch.no_grad():
            return model(inputs).softmax(1)[0, target]

    for i, target in enumerate(targets):
        image, result = batch[i : i + 1], None
        whole = probability(image, target)
        for depth in (5, 2):
            activations = model.module.features[:depth](image)
            total = torch.zeros_like(activations[:, :1])
            for channel in activations[0]:
                large = functional.interpolate(channel[None, None], size=(16, 16), mode="bilinear")
                mask = (large - large.min()) / (large.max() - large.min()).clamp(min=1e-12)
                kept, removed = probability(image * mask, target), probability(image * (1 - mask), target)
                weight = {"plus": kept, "minus": whole - removed, "plus-minus": kept + whole - removed}[scores].relu()
                total = total + weight * channel
            if result is None:
                result = total
            else:
                level = functional.interpolate(functional.interpolate(total, size=(8, 8), mode="bilinear"), size=(16, 16), mode="bilinear")
                result = total / level * functional.interpolate(result, size=(16, 16), mode="bilinear")
        torch.testing.assert_close(found[i], result.detach()[0, 0].nan_to_num(0), rtol=1e-3, atol=1e-3 * float(found[i].abs().max()))


def test_as_many_passes_as_declared():
    model, batch = seeded(SmallNet), images(4)
    for scores in ("plus", "plus-minus"):
        with counted(model) as rows:
            poly_cam(model, batch, TARGETS, scores=scores, layers=LAYERS)
        assert sum(rows) == 4 * passes({"scores": scores}, (8, 12))
