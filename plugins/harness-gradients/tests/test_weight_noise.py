import torch
from harness_gradients.smoothing import image_range
from harness_gradients.weight_noise import fusion_grad, noise_grad

from harness.api import Attribution
from harness.api.network_copies import noisy_networks
from tests.support.networks import TARGETS, Convolutions, context, images, linear, made, state


def test_of_a_linear_network_it_is_the_mean_of_noisy_weights():
    model, weights = linear()
    factors = [1 + 0.2 * context(f"network {draw}", size=8).noise(model.module[1].weight.shape)[0] for draw in range(6)]
    expected = weights[TARGETS] * torch.stack(factors).mean(dim=0).view(3, 3, 8, 8)[TARGETS]
    found = noise_grad(model, images(size=8), TARGETS, draws=6, ctx=context(size=8))
    torch.testing.assert_close(found, expected)


def test_every_network_is_drawn_from_the_trained_weights_which_stay():
    model = made(Convolutions)
    before = state(model)
    spreads, digests = [], {model.digest}
    for noisy in noisy_networks(model, [0.1] * 30, context()):
        ratio = noisy.module.head[1].weight / model.module.head[1].weight
        spreads.append(float((ratio - 1).std()))
        digests.add(noisy.digest)
    assert len(digests) == 31
    assert max(spreads) < 0.11  # noise on top of noise would be five times as large
    assert min(spreads) > 0.09
    assert state(model) == before


def test_without_noise_it_is_the_base():
    model, inputs = made(), images()
    own = noise_grad(model, inputs, TARGETS, draws=2, weight_noise=0.0, ctx=context())
    fused = fusion_grad(model, inputs, TARGETS, draws=2, image_draws=2, weight_noise=0.0, noise=0.0, ctx=context())
    base = torch.autograd.grad(model(x := inputs.clone().requires_grad_()).gather(1, TARGETS[:, None]).sum(), x)[0]
    torch.testing.assert_close(own, base)
    torch.testing.assert_close(fused, base)


def test_fusion_adds_noise_to_the_image_anew_for_every_network():
    seen = []

    def note(model, noisy, targets, *, ctx):
        seen.append((model, noisy))
        return Attribution(noisy.sum(dim=1))

    model, inputs = made(), images()
    fusion_grad(model, inputs, TARGETS, draws=3, image_draws=2, noise=0.1, over=note, ctx=context())
    assert len({noisy.sum().item() for _, noisy in seen}) == 6
    for _, noisy in seen:
        share = (noisy - inputs).flatten(1).std(dim=1) / image_range(inputs).view(4)
        torch.testing.assert_close(share, torch.full_like(share, 0.1), rtol=0.15, atol=0)


def test_weights_that_are_drawn_in_several_lots_have_noise_of_their_own(monkeypatch):
    model = made(Convolutions)
    monkeypatch.setattr("harness.api.network_copies.DRAWN_AT_ONCE", 100)
    (noisy,) = noisy_networks(model, [0.3], context())
    pairs = list(zip(model.module.parameters(), noisy.module.parameters(), strict=True))
    assert len(pairs) > 2 and all(own.shape == other.shape for own, other in pairs)
    factors = torch.cat([(other / own).flatten()[own.flatten() != 0] for own, other in pairs])
    assert abs(float(factors.mean()) - 1) < 0.05 and abs(float(factors.std()) - 0.3) < 0.05
    assert len(factors.unique()) > 0.99 * len(factors)
