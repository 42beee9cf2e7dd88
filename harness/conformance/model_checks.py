"""Checks of models: a prepared classifier whose logits depend on the image alone."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api.classifier_checks import TOLERANCE, batch_dependence_reason, nondeterminism_reason, relative_difference
from harness.api.classifiers import Classifier
from harness.api.randomness import seeded_generators
from harness.conformance.component_under_test import ModelUnderTest
from harness.conformance.measuring import require_generators_untouched
from harness.conformance.results import require
from harness.worker.contracts import checked_logits, require_finite_logits


def _logits(model: Classifier, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return model(inputs)


def check_classifier(tested: ModelUnderTest) -> None:
    """It makes a `harness.api.Classifier`, which a run takes."""
    made = tested.make()
    require(isinstance(made, Classifier), f"makes a {type(made).__name__}: return harness.api.classifier(module, input_shape=…)")
    require(made.refused is None, f"no run takes it: {made.refused}")


def check_logits(tested: ModelUnderTest) -> None:
    """Logits are finite (B, K), for one image and for several."""
    model = tested.classifier
    for count in (1, 3):
        require_finite_logits(checked_logits(_logits(model, tested.inputs(model, count)), count, model.num_classes))


def check_deterministic(tested: ModelUnderTest) -> None:
    """The same image has the same logits at every call."""
    model = tested.make_classifier()
    inputs = tested.inputs(model, 2)

    def logits(rows: Tensor, seed: int) -> Tensor:
        with seeded_generators(seed):
            return _logits(model, rows)

    first, _, again = logits(inputs[:1], 0), logits(inputs, 0), logits(inputs[:1], 1)
    reason = nondeterminism_reason(first, again, lambda: logits(inputs[:1], 1))
    require(reason is None, reason or "")


def check_batch_independent(tested: ModelUnderTest) -> None:
    """An image's logits do not depend on the other images in its batch."""
    model = tested.make_classifier()
    inputs = tested.inputs(model, 3)
    reason = batch_dependence_reason(torch.cat([_logits(model, inputs[i : i + 1]) for i in range(3)]), _logits(model, inputs), model.module)
    require(reason is None, reason or "")


def check_digest(tested: ModelUnderTest) -> None:
    """Made again it has the same digest, so that nothing is computed twice."""
    first, second = tested.classifier, tested.make_classifier()
    require(first.digest == second.digest, "its digest differs when it is made again: draw weights under a seed that is a parameter")


def check_frozen(tested: ModelUnderTest) -> None:
    """It is in evaluation mode and its parameters are frozen."""
    model = tested.classifier
    training = [name or "the module" for name, layer in model.module.named_modules() if layer.training]
    require(not training, f"{', '.join(training[:3])} in training mode")
    trainable = [name for name, parameter in model.module.named_parameters() if parameter.requires_grad]
    require(not trainable, f"{', '.join(trainable[:3])} not frozen")


def check_differentiable(tested: ModelUnderTest) -> None:
    """Gradients of the logits reach the image."""
    model = tested.classifier
    inputs = tested.inputs(model, 1).requires_grad_()
    (gradient,) = torch.autograd.grad(model(inputs).amax(), inputs, allow_unused=True)
    require(gradient is not None and bool(gradient.abs().sum() > 0), "no gradient reaches the image: it cannot be explained by gradients")


def check_preprocess(tested: ModelUnderTest) -> None:
    """Images of any size, of one or three channels, become inputs of its shape; normalising has an inverse."""
    model = tested.classifier
    channels, height, width = model.input_shape
    for size in ((channels, height, width), (channels, 2 * height, height + width), (1, max(height // 2, 4), width)):
        image = torch.rand(size, generator=torch.Generator().manual_seed(0))
        shape = tuple(model.preprocess(image).shape)
        require(shape == model.input_shape, f"an image of {size} becomes {shape}, not {model.input_shape}")
    image = torch.rand(model.input_shape, generator=torch.Generator().manual_seed(1))
    require(torch.allclose(model.denormalise(model.normalise(image)), image, atol=1e-5), "denormalise is not the inverse of normalise")


def check_cam_layer(tested: ModelUnderTest) -> str | None:
    """The layer for class activation maps exists, is reached, and yields activations in space."""
    model = tested.classifier
    if model.cam_layer is None:
        return "has no cam_layer: no class activation maps"
    seen: list[Tensor] = []
    handle = model.layer(model.cam_layer).register_forward_hook(lambda layer, args, output: seen.append(output))
    try:
        _logits(model, tested.inputs(model, 1))
    finally:
        handle.remove()
    require(seen, f"an image never reaches the cam_layer {model.cam_layer!r}")
    require(isinstance(seen[0], Tensor) and seen[0].ndim >= 3, f"the cam_layer {model.cam_layer!r} yields no activations (B, channels, …)")
    return None


def check_class_names(tested: ModelUnderTest) -> str | None:
    """Whether its classes have names (reported)."""
    names = tested.classifier.class_names
    if names is None:
        return "names no classes: labels are taken as they are"
    require(len(set(names)) == len(names), "class names are there twice")
    return None


def check_randomised(tested: ModelUnderTest) -> None:
    """Its randomised twin has other logits, the same under the same seed, and leaves it as it is."""
    model = tested.make_classifier()
    inputs = tested.inputs(model, 2)
    before = _logits(model, inputs)
    twin, again = model.randomised(1), model.randomised(1)
    require(relative_difference(before, _logits(twin, inputs)) > TOLERANCE, "randomising its weights changes no logit")
    require(relative_difference(_logits(twin, inputs), _logits(again, inputs)) <= TOLERANCE, "two twins of one seed differ")
    require(relative_difference(before, _logits(model, inputs)) <= TOLERANCE, "making a twin changed the model")


def check_generators_untouched(tested: ModelUnderTest) -> None:
    """Making it leaves global generators, threads and default types as they were."""
    require_generators_untouched(tested.make_classifier, remedy="draw weights inside torch.random.fork_rng()")


def check_unprepared(tested: ModelUnderTest) -> str | None:
    """Layers that preparing had to leave as they were, on which explainers built on hooks may fail (reported)."""
    left = tested.classifier.unprepared
    return f"left as they were: {', '.join(left)}" if left else None
