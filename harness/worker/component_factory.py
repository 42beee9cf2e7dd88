"""Components made from their recipes; what that reads is heard of, and what it changes of the process is put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

from harness.api.explainers import Explainer
from harness.registry import native_readers
from harness.registry.binding import bind
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.worker.contracts import ContractError
from harness.worker.file_access import FileAccessRecorder
from harness.worker.shared_state import restore_shared_state

T = TypeVar("T")


class ComponentFactory:
    """Imports components and binds their parameters.

    Attributes:
        registry: where components are looked up.
        reading: which files were read to make what was made.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.reading = FileAccessRecorder(registry)
        native_readers.audit_native_readers()

    def component(self, recipe: Recipe) -> Any:
        """The imported component; what its libraries change of shared state when they are imported is put back, and no fault."""
        with restore_shared_state():
            return self.registry.component(recipe)

    def bind(self, recipe: Recipe, explainers: Callable[[Recipe], Explainer]) -> Callable[..., Any]:
        """The component with its parameters bound, nested ones as the ``explainers`` of their recipes."""
        component = self.component(recipe)
        with self.reading.of(recipe):
            return bind(component, recipe, explainers)

    def make(self, recipe: Recipe, kind: type[T]) -> T:
        """The model or dataset of a recipe; raises `ContractError` for another thing."""
        component = self.component(recipe)
        with restore_shared_state(), self.reading.of(recipe):
            made = bind(component, recipe, _reject_explainers)()
        if not isinstance(made, kind):
            how = ": harness.classifier(module, input_shape=(C, H, W)) makes one of a network" if isinstance(made, nn.Module) else ""
            raise ContractError(f"{recipe.name} must make a {kind.__name__}, not {type(made).__name__}{how}")
        return made


def _reject_explainers(recipe: Recipe) -> Explainer:
    raise ContractError(f"{recipe.name}: only explainers and metrics take explainers as parameters")
