"""Components made from their recipes; what that reads is heard of, and what it changes of the process is put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from torch import nn

from harness.api.classifiers import Classifier
from harness.api.sample import Dataset
from harness.api.training import Training
from harness.registry import native_readers
from harness.registry.binding import bind
from harness.registry.declared_needs import is_trained
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.worker.contracts import ContractError
from harness.worker.file_access import FileAccessRecorder
from harness.worker.samples import require_bounded_length
from harness.worker.shared_state import restore_shared_state

T = TypeVar("T")


class ComponentFactory:
    """Imports components and binds their parameters.

    Attributes:
        registry: where components are looked up.
        reading: which files were read to make what was made.
        trained: makes the classifier of what is trained when it is first needed (`harness.worker.trained_models`).
        explaining: binds an explainer that is a parameter of such a model.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.reading = FileAccessRecorder(registry)
        self.trained: Callable[[Recipe, Training], Classifier] = _refuse_training
        self.explaining: Callable[[Recipe], Any] = _refuse_explainer
        native_readers.audit_native_readers()

    def component(self, recipe: Recipe) -> Any:
        """The imported component; what its libraries change of shared state when they are imported is put back, and no fault."""
        with restore_shared_state():
            return self.registry.component(recipe)

    def bind(self, recipe: Recipe, components: Callable[[Recipe], Any]) -> Callable[..., Any]:
        """The component with its parameters bound, nested ones as what ``components`` makes of their recipes."""
        component = self.component(recipe)
        with self.reading.of(recipe):
            return bind(component, recipe, components)

    def make(self, recipe: Recipe, kind: type[T]) -> T:
        """The model or dataset of a recipe; raises `ContractError` for another thing."""
        component = self.component(recipe)
        with restore_shared_state(), self.reading.of(recipe):
            made = bind(component, recipe, self.nested if not is_trained(self.registry, recipe) else self._nested_of_training)()
        if isinstance(made, Training) and issubclass(Classifier, kind):
            made = self.trained(recipe, made)
        if not isinstance(made, kind):
            how = ": harness.classifier(module, input_shape=(C, H, W)) makes one of a network" if isinstance(made, nn.Module) else ""
            raise ContractError(f"{recipe.name} must make a {kind.__name__}, not {type(made).__name__}{how}")
        return made

    def _nested_of_training(self, recipe: Recipe) -> Any:
        """A component that is a parameter of a model that is trained, which may explain what it learns from."""
        return self.explaining(recipe) if recipe.kind == "explainers" else self.nested(recipe)

    def nested(self, recipe: Recipe) -> Classifier | Dataset:
        """A dataset or a model that is a parameter, made for that alone; a model on the CPU.

        Raises `ContractError` for an explainer: only explainers and metrics take those, and models that are trained.
        """
        if recipe.kind == "models":
            return self.make(recipe, Classifier)
        if recipe.kind == "datasets":
            make: type = Dataset
            return require_bounded_length(self.make(recipe, make), recipe.label or recipe.name)
        return _refuse_explainer(recipe)


def _refuse_explainer(recipe: Recipe) -> NoReturn:
    raise ContractError(f"{recipe.name}: only explainers and metrics take explainers as parameters, and models that are trained")


def _refuse_training(recipe: Recipe, training: Training) -> Classifier:
    raise ContractError(f"{recipe.label or recipe.name} is trained when it is first needed, and there is no store here to keep it in")
