"""Networks of ReLUs: whether a method that changes what happens at ReLUs says anything of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.api.gradients import no_gradient_reason
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.network_features import nonlinearities

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier

GATES = {"Sigmoid", "Hardsigmoid", "Softmax"}


def without_relu(model: Classifier) -> str | None:
    """Reason why a method that changes ReLUs' gradients says nothing of ``model``: no ReLU, or one no hook sees. None where it does."""
    hidden = no_gradient_reason(model) or hidden_operations_reason(model, additions=False)
    if hidden is not None:
        return hidden
    found = nonlinearities(model)
    if "ReLU" in found:
        return None
    return (
        f"the model has no ReLU (its activations: {', '.join(sorted(found)) or 'none'}), so that the method would equal the plain gradient"
    )


def other_activations(model: Classifier) -> list[str]:
    """Class names of the model's activations beside ReLUs, which keep their plain gradient; gates are left out."""
    return sorted(nonlinearities(model) - GATES - {"ReLU"})
