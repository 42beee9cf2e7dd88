"""Outputs of networks: where the logits are in them, and what makes probabilities of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

OutputKind = Literal["softmax", "sigmoid", "probabilities"]
"""How logits become probabilities: over the classes, for each class by itself, or they are probabilities already."""

LogitsSelector = str | int | Callable[[Any], Tensor]
"""A choice of what is taken for the logits: a key or attribute, a position, or a function of what the network returns."""

LOGITS_NAMES = (
    "logits",
    "class_logits",
    "cls_logits",
    "out",
    "output",
    "outputs",
    "scores",
    "pred",
    "preds",
    "prediction",
    "predictions",
    "y",
)
_RESHAPING_OPERATIONS = (
    "View",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "ToCopy",
    "Alias",
    "Select",
    "Slice",
    "Flatten",
    "UnsafeView",
    "Clone",
    "Cat",
)


@dataclass(frozen=True)
class PathStep:
    """One step into a structure: ``output[name]``, or ``output.name``."""

    name: str | int
    attribute: bool = False

    def __call__(self, output: Any) -> Any:
        """Return what is there."""
        return getattr(output, str(self.name)) if self.attribute else output[self.name]

    def __str__(self) -> str:
        return f".{self.name}" if self.attribute else f"[{self.name!r}]"


@dataclass(frozen=True)
class LogitsPath:
    """The path to the logits in what a network returns; without steps they are all of it."""

    steps: tuple[Callable[[Any], Any], ...] = ()

    def __call__(self, output: Any) -> Any:
        """Return what is there."""
        for step in self.steps:
            output = step(output)
        return output

    @property
    def identity(self) -> str:
        """A text that paths have in common only if they lead to the same; a function is known by its code and what it closes over."""
        return "".join(str(step) if isinstance(step, PathStep) else _function_identity(step) for step in self.steps)

    def __str__(self) -> str:
        return "".join(
            str(step) if isinstance(step, PathStep) else f" through {getattr(step, '__name__', 'the function given')}"
            for step in self.steps
        )


WHOLE_OUTPUT = LogitsPath()
"""All that a network returns."""


def find_logits(output: object, batch: int, chosen: LogitsSelector | None = None) -> LogitsPath:
    """Path to the logits in ``output``, which a network returned for ``batch`` images.

    Of a dictionary, dataclass or named tuple it is what is called ``logits`` (or one of `LOGITS_NAMES`), else its only matrix; of a
    tuple or list the first matrix; also of those nested in them. Raises ``ValueError`` that says what there is where there is no such
    thing.
    """
    if chosen is not None:
        return _path_of_selector(output, batch, chosen)
    if isinstance(output, Tensor):
        if not is_logits(output, batch):
            raise ValueError(_missing_logits_message(output, batch))
        return WHOLE_OUTPUT
    entries = [(steps, tensor) for steps, tensor in _iter_tensors(output) if is_logits(tensor, batch)]
    for name in LOGITS_NAMES:
        named = [steps for steps, _ in entries if any(step.name == name for step in steps)]
        if named:
            return LogitsPath(min(named, key=len))
    matrices = [steps for steps, tensor in entries if tensor.ndim > 1]
    matrices = [steps for steps in matrices if not any("aux" in str(step.name) for step in steps)] or matrices
    if not matrices or (len(matrices) > 1 and not isinstance(output, tuple | list)):
        raise ValueError(_missing_logits_message(output, batch))
    return LogitsPath(matrices[0])


def is_logits(value: object, batch: int) -> bool:
    """Whether it is a floating tensor ``(batch, K)``, ``(batch,)`` or ``(batch, K, 1, …)``."""
    return (
        isinstance(value, Tensor)
        and value.is_floating_point()
        and value.ndim > 0
        and len(value) == batch
        and all(size == 1 for size in value.shape[2:])
        and value.numel() > 0
    )


def describe_output(output: object) -> str:
    """Describe what a network returned, for a message."""
    if isinstance(output, Tensor):
        return f"a tensor {tuple(output.shape)} of {str(output.dtype).removeprefix('torch.')}"
    kind = "dict" if type(output) is dict else type(output).__name__
    entries = [
        f"{step.name} {tuple(value.shape) if isinstance(value, Tensor) else f'({type(value).__name__})'}"
        for step, value in _iter_entries(output)
    ]
    listed = ", ".join(entries[:6]) + (f" and {len(entries) - 6} more" if len(entries) > 6 else "")
    article = "an" if kind[0] in "AEIOUaeiou" else "a"
    return f"{article} {kind}" + (f" with {listed}" if entries else "")


def probabilities_of(logits: Tensor, output: OutputKind) -> Tensor:
    """Probabilities ``(B, K)`` in float32 of logits ``(B, K)``."""
    logits = logits.float()
    if output == "softmax":
        return logits.softmax(dim=1)
    return logits.sigmoid() if output == "sigmoid" else logits


def log_probabilities_of(logits: Tensor, output: OutputKind) -> Tensor:
    """Their logarithms, as exact as float32 lets them be; a probability of 0 counts as the least normal number."""
    logits = logits.float()
    if output == "softmax":
        return logits.log_softmax(dim=1)
    if output == "sigmoid":
        return nn.functional.logsigmoid(logits)
    return logits.clamp_min(torch.finfo(torch.float32).tiny).log()


def are_probabilities(values: Tensor) -> bool:
    """Whether rows ``(B, K)`` are ≥ 0 and sum to 1, K > 1."""
    sums = values.float().sum(dim=1)
    return values.shape[1] > 1 and bool((values >= 0).all()) and bool(((sums - 1).abs() < 1e-3).all())


def in_unit_interval(values: Tensor) -> bool:
    """Whether all are in [0, 1]."""
    return bool(((values >= 0) & (values <= 1)).all())


def last_operation_name(logits: Tensor) -> str:
    """The operation that made a tensor with a graph, before those that only reshape it: ``Sigmoid``, ``Softmax``, …; "" if unknown."""
    function = logits.grad_fn
    while function is not None:
        name = function.name().rpartition(":")[2].partition("Backward")[0]
        if not name.startswith(_RESHAPING_OPERATIONS):
            return name
        function = next((earlier for earlier, _ in function.next_functions if earlier is not None), None)
    return ""


def is_linear_map(operation: str) -> bool:
    """Whether an operation that `last_operation_name` names is a matrix product or convolution, which keeps to no range."""
    return operation.startswith(("Addmm", "Mm", "Bmm", "Baddbmm", "Convolution"))


class TwoClasses(nn.Linear):
    """Two logits of one: −z/2 and z/2, so that class 1 has the probability sigmoid(z) under a softmax; of a probability p, 1 − p and p.

    It is a linear layer with fixed weights (buffers: nothing to draw anew or to disturb), so that explainers have a rule for it. The two
    classes have opposite gradients; relevance that starts at a class goes to z as it would have to a network of two outputs.
    """

    def __init__(self, probability: bool = False) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = 1, 2
        scale = 1.0 if probability else 0.5
        self.register_buffer("weight", torch.tensor([[-scale], [scale]]), persistent=False)
        self.register_buffer("bias", torch.tensor([1.0, 0.0]) if probability else None, persistent=False)

    def reset_parameters(self) -> None:
        """Nothing: its weights are what it is."""


def _path_of_selector(output: object, batch: int, chosen: LogitsSelector) -> LogitsPath:
    """The path of a choice of one's own; a key goes before an attribute of the same name."""
    step: Callable[[Any], Any]
    if callable(chosen):
        step = chosen
    else:
        step = PathStep(chosen, attribute=isinstance(chosen, str) and not (isinstance(output, Mapping) and chosen in output))
    try:
        found = step(output)
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"logits={chosen!r} is nothing that the network returns, which is {describe_output(output)}") from error
    if not is_logits(found, batch):
        raise ValueError(f"logits={chosen!r} must be logits (B, K): for {batch} images it is {describe_output(found)}")
    return LogitsPath((step,))


def _iter_tensors(output: object, steps: tuple[PathStep, ...] = ()) -> Iterator[tuple[tuple[PathStep, ...], Tensor]]:
    """Every tensor in a structure and how to get there, depth first."""
    if isinstance(output, Tensor):
        yield steps, output
        return
    for step, value in _iter_entries(output):
        yield from _iter_tensors(value, (*steps, step))


def _iter_entries(output: object) -> Iterator[tuple[PathStep, object]]:
    if isinstance(output, Mapping):
        yield from ((PathStep(key), value) for key, value in output.items() if isinstance(key, str | int))
    elif is_dataclass(output):
        yield from ((PathStep(field.name, attribute=True), getattr(output, field.name)) for field in fields(output))
    elif isinstance(output, tuple) and hasattr(output, "_fields"):
        yield from ((PathStep(name, attribute=True), getattr(output, name)) for name in output._fields)
    elif isinstance(output, tuple | list):
        yield from ((PathStep(place), value) for place, value in enumerate(output))
    elif hasattr(output, "logits"):
        yield PathStep("logits", attribute=True), output.logits


def _function_identity(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    if code is None:
        return f"{type(function).__qualname__} {function!r}".partition(" at 0x")[0]
    closed = [repr(cell.cell_contents).partition(" at 0x")[0] for cell in getattr(function, "__closure__", None) or ()]
    constants = [constant for constant in code.co_consts if not hasattr(constant, "co_code")]
    return f"{code.co_code.hex()} {code.co_names} {constants} {getattr(function, '__defaults__', None)} {closed}"


def _missing_logits_message(output: object, batch: int) -> str:
    return (
        f"the network must return logits (B, K), not {describe_output(output)} for {batch} images; wrap it in a module that does, "
        f"or name them with logits="
    )
