"""An explainer leaves everything as it found it, keeps nothing, and says clearly what it cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from harness.api.attribution import Attribution
from harness.api.classifiers import Classifier
from harness.conformance import networks
from harness.conformance.explainer_under_test import ExplainerUnderTest
from harness.conformance.measuring import TOLERANCE, map_difference
from harness.conformance.results import CheckFailed, CheckSkipped, require
from harness.worker.contracts import ContractError
from harness.worker.mutation_guard import caused_mutation, forbid_changes

Explain = Callable[..., Attribution]
Stage = Literal["first forward", "second forward", "first backward"]
STAGES: tuple[Stage, ...] = ("first forward", "second forward", "first backward")
CRYPTIC_ERRORS = (AttributeError, IndexError, KeyError, NameError, TypeError, ZeroDivisionError, AssertionError)


class InjectedFailure(RuntimeError):
    """Raised inside a model."""


@dataclass
class FailureHook:
    """A hook on a classifier's last layer that raises `InjectedFailure` at one stage, while it is armed.

    Attributes:
        tripped: whether it has raised.
    """

    armed: Stage | None = None
    tripped: bool = False
    _calls: int = field(default=0)

    def on(self, model: Classifier) -> FailureHook:
        """Lay it; the hook stays."""
        last = [layer for layer in model.module.modules() if not list(layer.children())][-1]
        last.register_forward_hook(self._forward)
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FailureHook:
        """Itself, so that an explainer that runs a copy of the model meets it too."""
        return self

    def arm(self, stage: Stage | None) -> None:
        """Have it raise at this stage, or not at all."""
        self.armed, self.tripped, self._calls = stage, False, 0

    def _forward(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        self._calls += 1
        if self.armed == ("first forward", "second forward")[min(self._calls, 2) - 1]:
            self._trip()
        if self.armed == "first backward" and isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(lambda gradient: self._trip())  # type: ignore[no-untyped-call]

    def _trip(self) -> None:
        self.tripped = True
        raise InjectedFailure(f"a test of what happens when the model raises in its {self.armed} pass")


def check_images_untouched(tested: ExplainerUnderTest) -> None:
    """The images are not written into, nor left with a gradient."""
    images, before = tested.watched.after.images, tested.watched.before.images
    require(torch.equal(images, before), "wrote into its images: work on a copy")
    require(not images.requires_grad and images.grad is None, "left its images with a gradient: detach a copy first")


def check_targets_untouched(tested: ExplainerUnderTest) -> None:
    """The targets are not written into."""
    require(torch.equal(tested.watched.after.targets, tested.watched.before.targets), "wrote into its targets: work on a copy")


def check_untouched_after_exception(tested: ExplainerUnderTest) -> None:
    """An exception inside the model comes out, and leaves everything as it was; the next call gives the same map."""
    model = tested.network()
    wire, explain = FailureHook().on(model), tested.make_explain_function()
    images, targets = networks.make_images(2), networks.make_targets(2)
    before = explain(model, images, targets).map
    stages = [stage for stage in STAGES if _fails_and_restores(wire, stage, explain, model)]
    if not stages:
        raise CheckSkipped("it never ran the model's last layer, so that no exception could be raised there")
    wire.arm(None)
    difference = map_difference(before, explain(model, images, targets).map)
    require(
        difference <= TOLERANCE,
        f"after exceptions in the model maps differ by {difference:.2g} of their magnitude",
    )


def _fails_and_restores(wire: FailureHook, stage: Stage, explain: Explain, model: Classifier) -> bool:
    """Whether the wire was reached; raises `CheckFailed` if something is not as it was."""
    wire.arm(stage)
    images, targets = networks.make_images(2), networks.make_targets(2)
    try:
        with forbid_changes(model.module, [("the images", images), ("the targets", targets)]):
            explain(model, images, targets)
    except Exception as error:
        if caused_mutation(error):
            notes = "; ".join(getattr(error, "__notes__", [])) or str(error)
            raise CheckFailed(f"after an exception in the model's {stage} pass: {notes}; use a finally block") from error
        if not wire.tripped:
            raise
        return True
    require(not wire.tripped, f"swallowed an exception ({InjectedFailure.__name__}) of the model's {stage} pass and returned a map")
    return False


def check_unsupported_model(tested: ExplainerUnderTest) -> str:
    """On every kind of network it works, says beforehand why it does not apply, or raises an error that a user understands."""
    told = []
    for name in networks.NAMES:
        model = networks.make_network(name)
        reason = tested.why_not_applicable(model)
        if reason is not None:
            require(reason.strip(), f"{name}: `applicable` gives an empty reason")
            told.append(f"{name}: not applicable ({reason})")
            continue
        try:
            tested.maps(model, networks.make_images(2), networks.make_targets(2))
        except CRYPTIC_ERRORS as error:
            raise CheckFailed(
                f"{name}: raised {type(error).__name__}: {error}. Declare `needs`, offer `applicable(model)`, or raise a ValueError that "
                "says what the model lacks"
            ) from error
        except ContractError as error:
            raise CheckFailed(f"{name}: {error}") from error
        except Exception as error:
            require(len(str(error)) >= 15, f"{name}: {type(error).__name__}({str(error)!r}) does not say what the model lacks")
            told.append(f"{name}: raised {type(error).__name__}: {error}")
        else:
            told.append(f"{name}: works")
    return "; ".join(told)
