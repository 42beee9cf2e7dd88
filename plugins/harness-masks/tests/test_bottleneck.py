import pytest
import torch
from harness_masks.bottleneck import InformationBottleneck, information_of, statistics
from torch import nn
from torch.distributions import Normal, kl_divergence

import harness
from harness.api import Sample, classifier
from tests.support.networks import TARGETS, context, counted, images, made, state


def fitted(model, **params):
    found = InformationBottleneck(InformationBottleneck.Params(**params))
    found.fit(model, context())
    return found


def test_information_is_the_divergence_from_noise():
    gates = torch.rand(5, 4, generator=torch.Generator().manual_seed(0)) * 0.98
    normal = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    expected = kl_divergence(Normal(gates * normal, 1 - gates), Normal(0.0, 1.0))
    torch.testing.assert_close(information_of(gates, normal), expected, rtol=1e-4, atol=1e-5)


def test_statistics():
    values = torch.tensor([0.0, 1, 0, 3]).view(4, 1, 1, 1) * torch.tensor([1.0, 0.0, 1e-4]).view(3, 1, 1)
    found = statistics(values, 0.01)
    torch.testing.assert_close(found.mean.flatten(), torch.tensor([1.0, 0, 1e-4]))
    torch.testing.assert_close(found.deviation.flatten(), torch.tensor([2**0.5, 0.01, 0.01]))
    assert found.active.flatten().tolist() == [1, 0, 1]


def smoothed(gates):
    """The authors' kernel: five positions at σ 1, borders reflected."""
    line = torch.exp(-0.5 * torch.arange(-2.0, 3) ** 2)
    kernel = (line[:, None] * line / line.sum() ** 2).expand(gates.shape[1], 1, 5, 5)
    return nn.functional.conv2d(nn.functional.pad(gates, (2,) * 4, mode="reflect"), kernel, groups=gates.shape[1])


def test_is_the_authors_bottleneck_of_each_image():
    """Layer by layer as their code has it, with the loss of all draws at once, and the noise that the image's own stream gives.

    One channel is dead, and takes no part.
    """
    model, inputs, steps, draws = made(), images(), 6, 3
    with torch.no_grad():
        model.module.features[0].weight[3], model.module.features[0].bias[3] = 0, 0
    active = (torch.arange(8) != 3).float().view(8, 1, 1)
    found = fitted(model, layer="features.0", steps=steps, draws=draws, beta=0.3)(model, inputs, TARGETS, ctx=context())
    assert found.coarse and found.map.shape == (4, 14, 14) and found.map.min() >= 0
    first, rest = model.module.features[0], list(model.module.features)[1:]
    with torch.no_grad():
        known = first(context().training(64))
    mean, deviation = known.mean(0), known.std(0).clamp(min=0.01)
    for i in range(4):
        stream = context("abcd"[i])
        alpha = torch.full((1, 8, 14, 14), 5.0, requires_grad=True)
        search = torch.optim.Adam([alpha], lr=1.0)
        with torch.no_grad():
            normal = (first(inputs[i : i + 1]) - mean) / deviation
        for _ in range(steps):
            search.zero_grad()
            gates = smoothed(alpha.sigmoid())
            noise = stream.noise((8, 14, 14), draws=draws)[:, 0]
            x = ((gates * normal + (1 - gates) * noise) * deviation + mean) * active
            for layer in rest:
                x = layer(x)
            missed = -model.module.head(x).log_softmax(1)[:, TARGETS[i]].mean()
            information = -0.5 * (1 + (1 - gates).square().log() - (gates * normal).square() - (1 - gates).square())
            (missed + 0.3 * (information * active).mean()).backward()
            search.step()
        with torch.no_grad():
            gates = smoothed(alpha.sigmoid())
            bits = kl_divergence(Normal(gates * normal, 1 - gates), Normal(0.0, 1.0)) / torch.log(torch.tensor(2.0))
            expected = (bits * active).sum(1)[0]
        torch.testing.assert_close(found.map[i], expected, rtol=1e-2, atol=1e-2)


class Halves(nn.Module):
    """Logits of the left and of the right half of a feature map."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 2, 1)

    def forward(self, x):
        x = self.first(x).square()
        return torch.stack([x[:, :, :, :8].mean((1, 2, 3)), x[:, :, :, 8:].mean((1, 2, 3))], dim=1) * 4


def test_bits_pass_where_the_classification_needs_them():
    """At a high price nothing passes; at a low one what does lies where the logits are made."""

    class Left(Halves):
        def forward(self, x):
            logits = super().forward(x)
            return torch.stack([logits[:, 0], torch.ones_like(logits[:, 0])], dim=1)

    torch.manual_seed(0)
    model, inputs = classifier(Left(), input_shape=(3, 16, 16), mean=[0.5] * 3, std=[0.25] * 3), images()
    dear = fitted(model, layer="first", beta=1e4, steps=40)(model, inputs, TARGETS * 0, ctx=context()).map
    assert dear.mean() < 0.2
    cheap = fitted(model, layer="first", beta=0.3, steps=40)(model, inputs, TARGETS * 0, ctx=context()).map
    assert (cheap[:, :, :6].mean((1, 2)) > 2 * cheap[:, :, 10:].mean((1, 2))).all()


def test_it_says_what_it_lacks_and_leaves_the_model_alone():
    model = made()
    explain = InformationBottleneck(InformationBottleneck.Params(layer="features.0", steps=1, draws=1))
    with pytest.raises(RuntimeError, match="fit"):
        explain(model, images(), TARGETS, ctx=context())
    before = state(model)
    fitted(model, steps=1, draws=1)(model, images(), TARGETS, ctx=context())
    assert state(model) == before


def test_as_many_passes_as_declared():
    model = made()
    explain = fitted(model, steps=3, draws=2)
    with counted(model) as rows:
        explain(model, images(), TARGETS, ctx=context())
    assert sum(rows) == 4 * (2 * 3 * 2 + 1)


def test_its_defaults_can_be_had_of_as_many_training_images_as_there_are():
    training = [Sample(torch.rand(3, 16, 16), i % 3, str(i)) for i in range(300)]
    explain = harness.explainer("information-bottleneck", steps=1, draws=1)
    for count in (300, 20):
        found = harness.attribute(explain, made(), images(), TARGETS, training=training[:count])
        assert found.isfinite().all() and (found.amax((1, 2)) > 0).all()
    with pytest.raises(ValueError, match="two training images, and there is 1"):
        harness.attribute(explain, made(), images(), TARGETS, training=training[:1])
