"""What every explainer of the package must stand."""

import pytest
import torch
from harness_captum.deep_lift import deep_lift
from harness_captum.gradients import input_x_gradient, saliency
from harness_captum.modified_relu import deconvolution, guided_backprop
from harness_captum.path import gradient_shap, integrated_gradients
from torch import nn

from harness.api.declarations import declaration_of
from tests.support.networks import TARGETS, context, counted, images, made, maps, state

EXPLAINERS = [saliency, input_x_gradient, guided_backprop, deconvolution, deep_lift, integrated_gradients, gradient_shap]
SMALL = {integrated_gradients: {"steps": 4}, gradient_shap: {"draws": 3, "background": 5, "noise": 0.1}}
DRAWING = (integrated_gradients, gradient_shap)


def explain(function, model, rows=(0, 1, 2, 3)):
    rows = list(rows)
    options = dict(SMALL.get(function, {}))
    if function in DRAWING:
        options["ctx"] = context(*("abcd"[row] for row in rows))
    return maps(function(model, images()[rows], TARGETS[rows], **options))


@pytest.mark.parametrize("function", EXPLAINERS)
def test_a_map_depends_on_no_neighbour(function):
    model = made()
    together = explain(function, model)
    assert together.shape[0] == 4 and together.shape[-2:] == (16, 16) and together.isfinite().all()
    for rows in ([2], [3, 0]):
        torch.testing.assert_close(explain(function, model, rows), together[rows], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("function", EXPLAINERS)
def test_everything_is_left_as_it_was_and_the_same_comes_again(function):
    model = made()
    inputs, before, generator = images(), state(model), torch.get_rng_state()
    options = SMALL.get(function, {}) | ({"ctx": context()} if function in DRAWING else {})
    first = maps(function(model, inputs, TARGETS, **options))
    assert state(model) == before
    assert torch.equal(inputs, images()) and not inputs.requires_grad and inputs.grad is None
    assert torch.equal(torch.get_rng_state(), generator)
    assert not first.requires_grad
    for other in (gradient_shap, deep_lift, guided_backprop):
        explain(other, model)
    assert torch.equal(explain(function, model), first)


class Fails(nn.Module):
    """A layer that lets some forward passes through, then raises; or raises in the backward pass."""

    def __init__(self):
        super().__init__()
        self.left, self.backward = 10**6, False

    def forward(self, x):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("broken")
        if self.backward and x.requires_grad:
            x.register_hook(self.fail)
        return x * 1

    def fail(self, gradient):
        raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("function", "passes"),
    [
        *((function, 0) for function in EXPLAINERS),
        *((function, 1) for function in (deep_lift, integrated_gradients, gradient_shap)),
        *((function, None) for function in EXPLAINERS),
    ],
)
def test_everything_is_left_as_it_was_after_an_exception(function, passes):
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.relu, self.fails, self.last = nn.Conv2d(3, 2, 3), nn.ReLU(), Fails(), nn.Linear(2, 3)

        def forward(self, x):
            return self.last(self.fails(self.relu(self.first(x))).amax((2, 3)))

    model = made(Broken)
    assert explain(function, model).isfinite().all()
    fails = next(layer for layer in model.module.modules() if isinstance(layer, Fails))
    before = state(model)
    fails.left, fails.backward = (10**6, True) if passes is None else (passes, False)
    with pytest.raises(RuntimeError, match="broken"):
        explain(function, model)
    assert state(model) == before


@pytest.mark.parametrize(
    ("function", "params", "declared_for"),
    [
        *((function, {}, {}) for function in (saliency, input_x_gradient, guided_backprop, deconvolution)),
        (deep_lift, {}, {"rule": "rescale"}),
        (integrated_gradients, {"steps": 6}, {"steps": 6, "over": None, "baseline": "black"}),
        (gradient_shap, {"draws": 6, "background": 16}, {"draws": 6, "background": 16}),
    ],
)
def test_as_many_passes_as_declared(function, params, declared_for):
    model = made()

    def run():
        ctx = {"ctx": context(*"abcdefgh")} if function in DRAWING else {}
        function(model, images(8), TARGETS.repeat(2), **params, **ctx)

    run()  # what a model is made of is found out once
    with counted(model) as rows:
        run()
    declared = declaration_of(function, "explainers").passes
    assert sum(rows) / 8 == pytest.approx(declared(declared_for) if callable(declared) else declared)
