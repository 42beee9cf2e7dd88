import torch
from cam_networks import PooledNet, SmallNet, images, seeded
from harness_cam.capture import activations_at
from harness_cam.opti import opti_cam, passes
from harness_cam.scored import unit_masks
from torch import nn

from harness.api import classifier
from tests.support.networks import counted, state

TARGETS = torch.tensor([0, 1, 4, 4])


def masked_logits(model, batch, targets, maps):
    with torch.no_grad():
        return model(batch * unit_masks(maps[:, None], (16, 16))).gather(1, targets[:, None])[:, 0]


def test_without_steps_all_channels_weigh_the_same_and_steps_raise_the_logit():
    model, batch = seeded(SmallNet), images(4)
    start = opti_cam(model, batch, TARGETS, steps=0, layer="features.4").map
    torch.testing.assert_close(start, activations_at(model, batch, "features.4").mean(1))
    found = opti_cam(model, batch, TARGETS, layer="features.4").map
    assert (masked_logits(model, batch, TARGETS, found) > masked_logits(model, batch, TARGETS, start)).all()


class ReadsOneChannel(nn.Module):
    """Two channels, what is positive and what is negative; the classes are for and against the first."""

    def __init__(self):
        super().__init__()
        self.conv, self.act, self.head = nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(), nn.Linear(2, 2)
        self.conv.weight = nn.Parameter(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        self.head.weight = nn.Parameter(torch.tensor([[9.0, 0.0], [-9.0, 0.0]]))

    def forward(self, x):
        return self.head(self.act(self.conv(x)).mean((2, 3)))


def test_a_channel_that_shows_what_hurts_loses_its_weight_and_one_that_shows_what_helps_does_not():
    model = classifier(ReadsOneChannel(), input_shape=(1, 12, 12))
    image = torch.cat([torch.ones(1, 1, 12, 4), -torch.ones(1, 1, 12, 4), torch.zeros(1, 1, 12, 4)], dim=3)
    helps, hurts = opti_cam(model, image.expand(2, -1, -1, -1), torch.tensor([0, 1]), layer="act").map[:, 0, [0, 4]]
    assert helps[0] > 0.9 * helps[1]
    assert hurts[0] < 0.1 * hurts[1]


def test_it_is_a_search_of_adams_for_every_image_alone():
    model, batch, targets = seeded(PooledNet), images(3), torch.tensor([0, 3, 1])
    found = opti_cam(model, batch, targets, steps=5, layer="act").map
    for i in range(3):
        activations = activations_at(model, batch[i : i + 1], "act")
        u, mean, square, small = torch.full((1, 6, 1, 1), 0.5), 0.0, 0.0, 0.0
        for step in range(1, 6):
            u.requires_grad_()
            large = (u.softmax(1) * activations).sum(1, keepdim=True)
            mask = (large - large.min()) / (large.max() - large.min())
            (gradient,) = torch.autograd.grad(model(batch[i : i + 1] * mask)[0, targets[i]], u)
            small = 1e-3 * gradient.abs().max() if step == 1 else small
            mean, square = 0.9 * mean - 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            u = u.detach() - 0.1 * (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)).sqrt() + small)
        torch.testing.assert_close(found[i], (u.softmax(1) * activations).sum(1)[0], rtol=1e-3, atol=1e-5)


def test_as_many_passes_as_declared_and_nothing_is_changed():
    model, batch = seeded(SmallNet), images(4)
    opti_cam(model, batch, TARGETS, steps=0, layer="features.4")
    before = state(model)
    with counted(model) as rows:
        opti_cam(model, batch, TARGETS, steps=3, layer="features.4")
    assert sum(rows) == 4 * passes({"steps": 3})
    assert state(model) == before
