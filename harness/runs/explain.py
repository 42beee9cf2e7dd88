"""Explains one image with one or several explainers, as a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.planning.notes import fallback_notes, model_notes, takes_cam_layer
from harness.registry.card import singular
from harness.registry.errors import ReferenceProblems, RegistryError
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.runs.component_shorthand import parse_component, parse_natural, quote_shortened
from harness.runs.image_files import describe_image_file, is_file, read_image_file, to_picture
from harness.spec.loaded_spec import LoadedSpec
from harness.store.address import default_address
from harness.store.atomic import write_atomically
from harness.text_format import format_count, format_some
from harness.user_errors import UserError, as_user_error

if TYPE_CHECKING:
    from torch import Tensor

    from harness.api.classifiers import Classifier
    from harness.api.declarations import Kind
    from harness.api.sample import Sample
    from harness.figures.panel import PanelMap
    from harness.worker.component_cache import ComponentCache

NO_TRAINING = "needs training data: name a dataset with --training NAME,param=value,… (of its training split)"


@dataclass(frozen=True)
class ExplainedImage:
    """A sentence on what is in the picture and where it is, notes for a reader, and a line for each explainer that could not run."""

    sentence: str
    notes: Sequence[str]
    failures: Sequence[str]


@dataclass(frozen=True)
class _ImageToExplain:
    """Its name, and of a dataset's sample its label's name and what the dataset notes."""

    name: str
    sample: Sample
    label: str | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class _Names:
    """Names of components on the command line: labels of a spec, if there is one, and what is installed."""

    registry: Registry
    spec: LoadedSpec | None = None

    def resolve(self, kind: Kind, text: str, option: str) -> Recipe:
        """The recipe of a component as the command line names it; what is wrong with it is told of the option."""
        labelled: list[Recipe] = []
        if self.spec is not None:
            labelled += self.spec.recipes.rows if kind == "explainers" else getattr(self.spec.recipes, kind)
        for recipe in labelled:
            if recipe.label == text:
                return recipe
        there = f"; labels of the spec: {format_some([recipe.label for recipe in labelled])}" if labelled else ""
        try:
            return resolve(self.registry, kind, parse_component(text))
        except ReferenceProblems as error:
            told = "; ".join(dict.fromkeys(problem.message for problem in error.problems))
            raise UserError(f"{option} {quote_shortened(text)}: {told}{there}") from error
        except RegistryError as error:
            raise UserError(f"{option} {quote_shortened(text)}: {error} (a {singular(kind)}{there})") from error


def explain_image(
    image: str,
    model: str,
    explainers: Sequence[str],
    *,
    registry: Registry,
    target: str | None = None,
    training: str | None = None,
    out: Path = Path("explanation.png"),
    seed: int = 0,
    spec: LoadedSpec | None = None,
    stage: Callable[[str], object] = str,
) -> ExplainedImage:
    """Write the panel to ``out`` and say what is in it; an explainer that cannot run costs its own map, and is named.

    ``image`` is a file, or ``DATASET#INDEX`` for a sample of an installed dataset, whose mask is then outlined. Where no explainer can run
    there is no picture. Labels of a ``spec`` name its models, explainers and datasets. ``stage`` is told what is being done.

    Raises:
        UserError: the image cannot be read, there is no such component, parameter or class, or the model or the dataset raises.
    """
    named = _Names(registry, spec)
    model_recipe = named.resolve("models", model, "--model")
    recipes = [named.resolve("explainers", text, "--explainer") for text in explainers]
    background = _training_recipe(named, training, model_recipe)
    stage("importing torch")
    from harness.figures.figure_file import to_png
    from harness.figures.panel import draw_panels
    from harness.store.store import Store
    from harness.worker.component_cache import ComponentCache
    from harness.worker.trained_models import TrainedModels

    components = ComponentCache(registry)
    TrainedModels(components, lambda: Store(default_address()), lambda done, of: stage(f"training: {done:,} of {of:,} images"))
    stage(f"loading {model_recipe.label}")
    with as_user_error(model_recipe.label):
        classifier = components.model(model_recipe)
    stage(f"reading {image}")
    found = _load_image(image, components, named)
    with as_user_error(model_recipe.label):
        inputs = classifier.preprocess(found.sample.image)[None].to(components.device)
        probabilities = classifier.probabilities(components.models.forward(classifier, inputs))[0]
    predicted = int(probabilities.argmax())
    explained = predicted if target is None else _class_index(target, classifier)
    maps: list[PanelMap] = []
    failures: list[str] = []
    chosen: list[str] = []
    for recipe in recipes:
        stage(f"explaining with {recipe.label}")
        try:
            with as_user_error(recipe.label):
                chosen += [f"{recipe.label}: {note}" for note in _notes_of_applicable(components, model_recipe, recipe)]
                maps += _panel_maps(components, model_recipe, recipe, inputs, explained, background, seed, found.sample.id)
        except UserError as error:
            failures.append(str(error))
    notes = [*model_notes(classifier.notes, classifier.cam_layer, recipes), *found.notes, *chosen]
    for recipe in recipes if background is None else []:
        notes += [f"{recipe.label}: {note}" for note in fallback_notes(registry, recipe)]
    if not maps:
        return ExplainedImage("no explainer could run: there is no picture", notes, failures)
    with as_user_error(model_recipe.label):
        shown = to_picture(classifier, inputs[0])
        mask = None if found.sample.mask is None else classifier.geometry.mask(found.sample.mask).numpy()
    classes = _class_lines(classifier, probabilities, predicted, explained, found.label)
    seen = list(_crop_notes(found.sample, classifier))
    caption = "\n".join([found.name, model, *classes, *seen])
    write_atomically(out, to_png(draw_panels(shown, maps, caption=caption, mask=mask)))
    return ExplainedImage(f"{'; '.join([*classes, *seen])}; {format_count(len(maps), 'map')} in {out}", notes, failures)


def _class_lines(classifier: Classifier, probabilities: Tensor, predicted: int, explained: int, label: str | None) -> list[str]:
    """What was predicted and how surely, what is true where that is known, and what is explained where that is another class."""

    def said(what: str, index: int) -> str:
        share = float(probabilities[index])
        name = classifier.class_names[index] if classifier.class_names else f"class {index}"
        return f"{what}: {name} ({share:.{0 if share >= 0.01 else 1}%})"

    true = [] if label is None else [f"true: {label}"]
    return [said("predicted", predicted), *true, *([said("explained", explained)] if explained != predicted else [])]


def _crop_notes(sample: Sample, classifier: Classifier) -> Iterator[str]:
    """How much of the image the model sees, where its preprocessing cuts something off."""
    height, width = sample.image.shape[1:]
    scaled, size = classifier.geometry.scaled((height, width)), classifier.geometry.size
    cut = [max(whole - kept, 0) / whole for whole, kept in zip(scaled, size, strict=True)]
    sides = [f"{share:.0%} of the {name}" for share, name in zip(cut, ("height", "width"), strict=True) if share >= 0.005]
    if sides:
        yield f"cropped to its middle: {' and '.join(sides)} is cut off"


def _panel_maps(
    components: ComponentCache, model: Recipe, recipe: Recipe, inputs: Any, target: int, training: Recipe | None, seed: int, name: str
) -> list[PanelMap]:
    """The explainer's map as a panel, after those of its parts."""
    import torch

    from harness.api.context import NoTrainingData
    from harness.figures.panel import PanelMap
    from harness.worker.training_data import call_context

    data, targets = None if training is None else components.dataset(training), torch.tensor([target], device=components.device)
    try:
        with components.unchanged_model(model) as classifier:
            context = call_context(classifier, data, seed, [name], components.device)
            found = components.explainer(recipe)(classifier, inputs, targets, ctx=context)
    except NoTrainingData as error:
        raise UserError(f"{recipe.label} {NO_TRAINING}") from error
    group = recipe.label if found.parts else None
    nested = dict(_part_recipes(recipe))
    parts = [
        PanelMap(title, part[0].cpu().numpy(), title in nested and _is_signed(components, nested[title]), group)
        for title, part in found.parts.items()
    ]
    layer = f" at {classifier.cam_layer}" if takes_cam_layer(recipe) and not found.parts else ""
    return [*parts, PanelMap(recipe.label + layer, found.map[0].cpu().numpy(), _is_signed(components, recipe), group)]


def _notes_of_applicable(components: ComponentCache, model: Recipe, recipe: Recipe) -> list[str]:
    """What a reader of the explanation must know; raises ``UserError`` if the explainer is not applicable."""
    from harness.worker.inspection import check_applicability

    verdict = check_applicability(components, model, recipe)
    if verdict["reason"] is not None:
        raise UserError(f"{recipe.label} is not applicable: {verdict['reason']}")
    return list(verdict["notes"])


def _part_recipes(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    """The recipes of a composed explainer's parts, by the names that its parameters give them."""
    for name, value in recipe.params.items():
        named = value if isinstance(value, Mapping) else {name: value}
        yield from ((key, item) for key, item in named.items() if isinstance(item, Recipe))


def _is_signed(components: ComponentCache, recipe: Recipe) -> bool:
    """Whether an explainer declares that its negative values are evidence: its maps are drawn alike, whatever is in them."""
    return bool(components.registry.card("explainers", recipe.qualified).declaration.get("signed"))


def _load_image(image: str, components: ComponentCache, named: _Names) -> _ImageToExplain:
    from harness.api.sample import Sample
    from harness.worker.samples import read_sample

    name, hash_sign, digits = image.rpartition("#")
    index = parse_natural(digits)
    if not hash_sign or index is None or is_file(Path(image)):
        return _ImageToExplain(describe_image_file(Path(image)), Sample(read_image_file(Path(image)), 0, Path(image).name))
    recipe = named.resolve("datasets", name, "the image's dataset")
    with as_user_error(recipe.label):
        dataset = components.dataset(recipe)
        if index >= len(dataset):
            raise UserError(f"{name} has {format_count(len(dataset), 'sample')}: there is no number {index}")
        sample = read_sample(dataset, index)
        names = getattr(dataset, "class_names", None)
        label = str(names[int(sample.label)]) if names else f"class {int(sample.label)}"
        notes = [str(note) for note in getattr(dataset, "notes", ())]
    shown = image if sample.id in image else f"{image} ({sample.id})"
    return _ImageToExplain(shown, sample, label, notes)


def _class_index(text: str, classifier: Classifier) -> int:
    names = classifier.class_names or []
    places = [place for place, name in enumerate(names) if name == text]
    if len(places) > 1:
        raise UserError(f"--target: {quote_shortened(text)} is the name of classes {', '.join(map(str, places))}: give its index")
    if places:
        return places[0]
    index = parse_natural(text)
    if index is not None and index < classifier.num_classes:
        return index
    listed = f" ({', '.join(names[:12])}{', …' if len(names) > 12 else ''})" if names else ""
    raise UserError(f"--target: the model has no class {quote_shortened(text)}; it has {classifier.num_classes}{listed}")


def _training_recipe(named: _Names, training: str | None, model: Recipe) -> Recipe | None:
    """The training data that was named, else what the model declares that it was trained on."""
    text = training or named.registry.card("models", model.qualified).declaration.get("training")
    return None if text is None else named.resolve("datasets", text, "--training")
