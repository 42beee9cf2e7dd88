import pytest
import torch
from cam_networks import PooledNet, SmallNet, images, seeded
from grad_cam_reference import reference
from harness_cam.capture import activations_at
from harness_cam.scored import is_cam, passes, score_cam, ss_cam, unit_masks
from pytorch_grad_cam import ScoreCAM
from torch import nn

from harness.api import Context
from tests.support.networks import counted

TARGETS = torch.tensor([0, 1, 4, 4])


def context(count=4):
    return Context(0, list("abcd")[:count])


def by_hand(model, batch, targets, layer, shares=(1.0,)):
    """One channel of one image at a time."""
    activations = activations_at(model, batch, layer)
    maps = []
    for i, target in enumerate(targets):
        scores = []
        for channel in activations[i]:
            large = nn.functional.interpolate(channel[None, None], size=batch.shape[2:], mode="bilinear", align_corners=False)
            mask = (large - large.min()) / (large.max() - large.min())
            with torch.no_grad():
                scores.append(torch.stack([model(batch[i : i + 1] * mask * share)[0, target] for share in shares]).mean())
        maps.append(torch.einsum("k,khw->hw", torch.stack(scores).softmax(0), activations[i]))
    return torch.stack(maps)


def test_score_cam_is_grad_cams(monkeypatch):
    monkeypatch.setattr(nn, "UpsamplingBilinear2d", lambda size: nn.Upsample(size, mode="bilinear"))  # as the authors' code has it
    model, batch = seeded(SmallNet), images(4)
    found = score_cam(model, batch, TARGETS, layer="features.4").map
    torch.testing.assert_close(found, reference(ScoreCAM, model, batch, TARGETS, "features.4"), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("count", [1, 4])
def test_it_is_one_channel_at_a_time_however_many_go_together(count):
    model, batch, targets = seeded(PooledNet), images(4)[:count], torch.tensor([0, 3, 1, 2])[:count]
    torch.testing.assert_close(score_cam(model, batch, targets, layer="act").map, by_hand(model, batch, targets, "act"))


def test_is_cam_has_the_mean_over_growing_masks():
    model, batch, targets = seeded(PooledNet), images(4), torch.tensor([0, 3, 1, 2])
    found = is_cam(model, batch, targets, steps=4, layer="act").map
    torch.testing.assert_close(found, by_hand(model, batch, targets, "act", (0.25, 0.5, 0.75, 1.0)))


def test_with_one_step_or_without_noise_it_is_score_cam():
    model, batch = seeded(SmallNet), images(4)
    plain = score_cam(model, batch, TARGETS, layer="features.4").map
    torch.testing.assert_close(is_cam(model, batch, TARGETS, steps=1, layer="features.4").map, plain)
    for place in ("masks", "images"):
        found = ss_cam(model, batch, TARGETS, draws=2, noise=0.0, noise_on=place, layer="features.4", ctx=context()).map
        torch.testing.assert_close(found, plain)


@pytest.mark.parametrize("place", ["masks", "images"])
def test_noise_is_each_channels_own_and_of_the_size_asked_for(place):
    model, batch, targets = seeded(PooledNet), images(4).abs() + 1, torch.tensor([0, 3, 1, 2])
    seen = []
    handle = model.module.register_forward_hook(lambda module, args, output: seen.append(args[0]))
    found = ss_cam(model, batch, targets, draws=2, noise=0.5, noise_on=place, layer="act", ctx=context()).map
    handle.remove()
    inputs = torch.stack(seen[1:]).unflatten(1, (4, 6)).transpose(1, 2)  # (draws, channels, images, …)
    masks = unit_masks(activations_at(model, batch, "act"), (16, 16)).transpose(0, 1)[None, :, :, None]
    noise = inputs / batch - masks if place == "masks" else inputs - batch * masks
    noise = noise[:, :, :, 0].flatten(3)
    torch.testing.assert_close(noise.std(3), torch.full((2, 6, 4), 0.5), rtol=0.2, atol=0)
    assert noise.flatten(0, 2).corrcoef().triu(1).abs().max() < 0.35
    scores = torch.stack([model(each).gather(1, targets[:, None])[:, 0] for each in inputs.flatten(0, 1)]).view(2, 6, 4).mean(0)
    expected = torch.einsum("kb,bkhw->bhw", scores.softmax(0), activations_at(model, batch, "act"))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_noise_does_not_depend_on_the_batch():
    model, batch = seeded(SmallNet), images(4)
    together = ss_cam(model, batch, TARGETS, draws=2, layer="features.4", ctx=context()).map
    alone = ss_cam(model, batch[:1], TARGETS[:1], draws=2, layer="features.4", ctx=context(1)).map
    torch.testing.assert_close(together[:1], alone)


def test_a_channel_that_is_the_same_everywhere_masks_all():
    masks = unit_masks(torch.stack([torch.full((2, 2), 3.0), torch.tensor([[0.0, 1.0], [2.0, 4.0]])])[None], (4, 4))
    assert masks[0, 0].abs().max() == 0
    assert (masks[0, 1].min(), masks[0, 1].max()) == (0, 1)


@pytest.mark.parametrize(("explain", "options"), [(score_cam, {}), (is_cam, {"steps": 3}), (ss_cam, {"draws": 2, "ctx": context()})])
def test_as_many_passes_as_declared(explain, options):
    model, batch = seeded(SmallNet), images(4)
    with counted(model) as rows:
        explain(model, batch, TARGETS, layer="features.4", **options)
    assert sum(rows) == 4 * passes(options, channels=12)
