"""Operations of a network that no hook sees, so that explainers which work by hooks would explain another function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from harness.api.gradients import no_gradient_reason, once_per_network, probe_backward
from harness.api.preparation import unprepared_modules
from harness.api.preparation.functional_equivalents import FUNCTION_EQUIVALENTS, METHOD_EQUIVALENTS
from harness.api.preparation.graph_tracing import IS_EXPORTED_PROGRAM, SWITCHES_AUTOCAST
from harness.api.preparation.hook_points import iter_scripted, watch_calls, watch_strangers
from harness.api.preparation.modules import is_sequence

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier

_NONLINEAR = (
    {function.__name__ for function in FUNCTION_EQUIVALENTS}
    | set(METHOD_EQUIVALENTS)
    | {"scaled_dot_product_attention", "multi_head_attention_forward"}
)
_ADDITIONS = {"add", "__add__", "__radd__", "__iadd__"}


def hidden_operations_reason(model: Classifier, *, additions: bool = True) -> str | None:
    """Reason why explainers that hook activations would explain another function than the model; None if they would not.

    That is so if a module that could not be prepared (`harness.api.preparation.unprepared_modules`) calls activations, poolings or
    additions of activations in its own forward, if layers are called that are not among the model's modules, and if a backward
    pass calls layers once more. An explainer that needs hooks returns the reason from its ``applicable``; one to which sums are nothing
    special does without ``additions``. One pass each, once per module.
    """
    reasons = unprepared_modules(model.module)
    for name, called in find_hidden_operations(model).items():
        operations = called if additions else called - {"add"}
        if not operations:
            continue
        where = f"{name!r}" if name else "the network's own forward"
        reason = reasons.get(name, "it calls layers that are none of its children")
        return f"{where} could not be prepared ({reason}), and hooks do not see its {', '.join(sorted(operations))}"
    if again := probe_backward(model).again:
        return f"the backward pass calls {', '.join(again[:3])} once more (gradient checkpointing), which confuses hooks: switch it off"
    return None


def unwatched_reason(model: Classifier) -> str | None:
    """Reason why not all that ``model`` computes can be watched, or be differentiated; None where it can.

    For explainers that give torch's functions other rules by a ``TorchFunctionMode``.
    """
    if (reason := no_gradient_reason(model)) is not None:
        return reason
    if hidden := [name for name, called in find_hidden_operations(model).items() if "operations" in called]:
        return f"what {hidden[0]!r} computes cannot be watched (TorchScript, an exported program, or an autocast of its own)"
    if again := probe_backward(model).again:
        return f"the backward pass calls {', '.join(again[:3])} once more (gradient checkpointing): switch it off"
    return None


@once_per_network
def find_hidden_operations(model: Classifier) -> dict[str, set[str]]:
    """By the name of the module that calls them, what is called that no hook sees."""
    reasons = unprepared_modules(model.module)
    whole = {name for name, reason in reasons.items() if reason in (SWITCHES_AUTOCAST, IS_EXPORTED_PROGRAM)}
    found: dict[str, set[str]] = {name: {"operations"} for name in (*dict(iter_scripted(model.module)), *whole)}
    watch = _OperationRecorder(set(reasons), found)

    def foreign(layer: nn.Module) -> None:
        if not is_sequence(layer):
            found.setdefault(watch.innermost_module, set()).add(type(layer).__name__)

    image = torch.zeros(1, *model.input_shape, device=model.device, dtype=model.dtype).requires_grad_()
    calls = watch_calls(model.module, watch.enter_module, watch.leave_module)
    with watch_strangers(model.module, foreign), calls, watch, torch.enable_grad():
        model(image)
    return found


class _OperationRecorder(TorchFunctionMode):
    """Notes the functions that modules of these names call themselves on what depends on the image."""

    def __init__(self, names: set[str], found: dict[str, set[str]]) -> None:
        super().__init__()
        self._names, self._found = names, found
        self._stack: list[str] = []

    @property
    def innermost_module(self) -> str:
        """The module whose forward is running."""
        return self._stack[-1] if self._stack else ""

    def enter_module(self, name: str, *_: object) -> None:
        """Note whose forward is running."""
        self._stack.append(name)

    def leave_module(self, *_: object) -> None:
        """Note that it has ended."""
        self._stack.pop()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if self._stack and self.innermost_module in self._names and _needs_hook(func, args, kwargs or {}):
            self._found.setdefault(self.innermost_module, set()).add(func.__name__.strip("_").removeprefix("i"))
        return func(*args, **(kwargs or {}))


def _needs_hook(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether it is an activation or pooling of something that depends on the image, or the sum of two such things."""
    name = getattr(function, "__name__", "")
    dependent = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor) and value.requires_grad]
    if name in _ADDITIONS or name == "add_":
        return len(dependent) > 1
    return bool(dependent) and (name in _NONLINEAR or name.rstrip("_") in _NONLINEAR)
