"""Explains one image with one or several explainers, as a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.complaints import UserError
from harness.planning.notes import model_notes, takes_cam_layer
from harness.registry.card import singular
from harness.registry.errors import ReferenceProblems, RegistryError
from harness.registry.learning import without_training
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.runs.blame import blamed
from harness.runs.shorthand import number, reference, short
from harness.store.atomic import write_atomically
from harness.words import counted

if TYPE_CHECKING:
    from torch import Tensor

    from harness.api.classifiers import Classifier
    from harness.api.declarations import Kind
    from harness.api.sample import Sample
    from harness.execution.workbench import Workbench
    from harness.figures.panel import PanelMap

NO_TRAINING = "needs training data: name a dataset with --training NAME,param=value,… (of its training split)"


def _nothing(stage: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class ExplainedImage:
    """What was made of one image.

    Attributes:
        sentence: what is in the picture, and where that is.
        notes: what the model and the dataset want a person to know.
        failures: a line for each explainer that could not run.
    """

    sentence: str
    notes: Sequence[str]
    failures: Sequence[str]


@dataclass(frozen=True)
class _Image:
    """The image to explain: what it is called, and of a dataset's sample its label's name and what the dataset notes."""

    name: str
    sample: Sample
    label: str | None = None
    notes: Sequence[str] = ()


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
    stage: Callable[[str], object] = _nothing,
) -> ExplainedImage:
    """Write the panel to ``out`` and say what is in it; an explainer that cannot run costs its own map, and is named.

    ``image`` is a file, or ``DATASET#INDEX`` for a sample of an installed dataset, whose mask is then outlined. Where no explainer can run
    there is no picture. ``stage`` is told what is being done.

    Raises:
        UserError: the image cannot be read, there is no such component, parameter or class, or the model or the dataset raises.
    """
    model_recipe = _resolved(registry, "models", model, "--model")
    recipes = [_resolved(registry, "explainers", text, "--explainer") for text in explainers]
    background = _training(registry, training, model_recipe)
    stage("importing torch")
    from harness.execution.workbench import Workbench
    from harness.figures.panel import panel, png

    bench = Workbench(registry)
    stage(f"loading {model_recipe.label}")
    with blamed(model_recipe.label):
        classifier = bench.model(model_recipe)
    stage(f"reading {image}")
    found = _image(image, bench, registry)
    with blamed(model_recipe.label):
        inputs = classifier.preprocess(found.sample.image)[None].to(bench.device)
        probabilities = classifier.probabilities(bench.forward(classifier, inputs))[0]
    predicted = int(probabilities.argmax())
    explained = predicted if target is None else _class(target, classifier)
    maps: list[PanelMap] = []
    failures: list[str] = []
    for recipe in recipes:
        stage(f"explaining with {recipe.label}")
        try:
            with blamed(recipe.label):
                maps += _maps(bench, model_recipe, recipe, inputs, explained, background, seed, found.sample.id)
        except UserError as error:
            failures.append(str(error))
    notes = [*model_notes(classifier.notes, classifier.cam_layer, recipes), *found.notes]
    if background is None:
        for recipe in recipes:
            notes += [f"{recipe.label}: without training images, {otherwise}" for otherwise in sorted(without_training(registry, recipe))]
    if not maps:
        return ExplainedImage("no explainer could run: there is no picture", notes, failures)
    with blamed(model_recipe.label):
        shown = classifier.denormalise(inputs[0]).clamp(0, 1).permute(1, 2, 0).cpu().numpy()
        mask = None if found.sample.mask is None else classifier.geometry.mask(found.sample.mask).numpy()
    classes = _classes(classifier, probabilities, predicted, explained, found.label)
    seen = list(_seen(found.sample, classifier))
    caption = "\n".join([found.name, model, *classes, *seen])
    write_atomically(out, png(panel(shown, maps, caption=caption, mask=mask)))
    return ExplainedImage(f"{'; '.join([*classes, *seen])}; {counted(len(maps), 'map')} in {out}", notes, failures)


def _classes(classifier: Classifier, probabilities: Tensor, predicted: int, explained: int, label: str | None) -> list[str]:
    """What was predicted and how surely, what is true where that is known, and what is explained where that is another class."""

    def said(what: str, index: int) -> str:
        share = float(probabilities[index])
        return f"{what}: {_name(classifier, index)} ({share:.0%})" if share >= 0.01 else f"{what}: {_name(classifier, index)} ({share:.1%})"

    true = [] if label is None else [f"true: {label}"]
    return [said("predicted", predicted), *true, *([said("explained", explained)] if explained != predicted else [])]


def _seen(sample: Sample, classifier: Classifier) -> Iterator[str]:
    """How much of the image the model sees, where its preprocessing cuts something off."""
    height, width = sample.image.shape[1:]
    scaled, size = classifier.geometry.scaled((height, width)), classifier.geometry.size
    cut = [max(whole - kept, 0) / whole for whole, kept in zip(scaled, size, strict=True)]
    sides = [f"{share:.0%} of the {name}" for share, name in zip(cut, ("height", "width"), strict=True) if share >= 0.005]
    if sides:
        yield f"cropped to its middle: {' and '.join(sides)} is cut off"


def _maps(
    bench: Workbench, model: Recipe, recipe: Recipe, inputs: Any, target: int, training: Recipe | None, seed: int, name: str
) -> list[PanelMap]:
    """The explainer's map as a panel, after those of its parts."""
    import torch

    from harness.api.context import Context, NoTrainingData
    from harness.execution.guard import unchanged
    from harness.execution.inspection import verdict
    from harness.execution.training import background_images
    from harness.figures.panel import PanelMap

    reason = verdict(bench, model, recipe)["reason"]
    if reason is not None:
        raise UserError(f"{recipe.label} is not applicable: {reason}")
    classifier = bench.model(model)
    background = None if training is None else partial(background_images, classifier, bench.dataset(training), seed)
    context = Context(seed, [name], device=bench.device, training=background)
    try:
        with unchanged(classifier.module):
            found = bench.explainer(recipe)(classifier, inputs, torch.tensor([target], device=bench.device), ctx=context)
    except NoTrainingData as error:
        raise UserError(f"{recipe.label} {NO_TRAINING}") from error
    group = recipe.label if found.parts else None
    nested = dict(_parts(recipe))
    parts = [
        PanelMap(title, part[0].cpu().numpy(), title in nested and _signed(bench, nested[title]), group)
        for title, part in found.parts.items()
    ]
    layer = f" at {classifier.cam_layer}" if takes_cam_layer(recipe) and not found.parts else ""
    return [*parts, PanelMap(recipe.label + layer, found.map[0].cpu().numpy(), _signed(bench, recipe), group)]


def _parts(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    """The recipes of a composed explainer's parts, by the names that its parameters give them."""
    for name, value in recipe.params.items():
        named = value if isinstance(value, Mapping) else {name: value}
        yield from ((key, item) for key, item in named.items() if isinstance(item, Recipe))


def _signed(bench: Workbench, recipe: Recipe) -> bool:
    """Whether an explainer declares that its negative values are evidence: its maps are drawn alike, whatever is in them."""
    return bool(bench.registry.card("explainers", recipe.qualified).declaration.get("signed"))


def _image(image: str, bench: Workbench, registry: Registry) -> _Image:
    from harness.api.sample import Sample
    from harness.execution.samples import read
    from harness.runs.pictures import is_file, read_picture

    name, hash_sign, digits = image.rpartition("#")
    index = number(digits)
    if not hash_sign or index is None or is_file(Path(image)):
        return _Image(Path(image).name, Sample(read_picture(Path(image)), 0, Path(image).name))
    recipe = _resolved(registry, "datasets", name, "the image's dataset")
    with blamed(recipe.label):
        dataset = bench.dataset(recipe)
        if index >= len(dataset):
            raise UserError(f"{name} has {counted(len(dataset), 'sample')}: there is no number {index}")
        sample = read(dataset, index)
        names = getattr(dataset, "class_names", None)
        label = str(names[int(sample.label)]) if names else f"class {int(sample.label)}"
        notes = [str(note) for note in getattr(dataset, "notes", ())]
    shown = image if sample.id in image else f"{image} ({sample.id})"
    return _Image(shown, sample, label, notes)


def _class(text: str, classifier: Classifier) -> int:
    names = classifier.class_names or []
    if text in names:
        return names.index(text)
    index = number(text)
    if index is not None and index < classifier.num_classes:
        return index
    listed = f" ({', '.join(names[:12])}{', …' if len(names) > 12 else ''})" if names else ""
    raise UserError(f"--target: the model has no class {short(text)}; it has {classifier.num_classes}{listed}")


def _name(classifier: Classifier, index: int) -> str:
    return classifier.class_names[index] if classifier.class_names else f"class {index}"


def _training(registry: Registry, training: str | None, model: Recipe) -> Recipe | None:
    """The training data that was named, else what the model declares that it was trained on."""
    declared = registry.card("models", model.qualified).declaration.get("training")
    named = training or declared
    return None if named is None else _resolved(registry, "datasets", named, "--training")


def _resolved(registry: Registry, kind: Kind, text: str, option: str) -> Recipe:
    """The recipe of a component as the command line names it; what is wrong with it is told of the option."""
    try:
        return resolve(registry, kind, reference(text))
    except ReferenceProblems as error:
        told = "; ".join(dict.fromkeys(problem.message for problem in error.problems))
        raise UserError(f"{option} {short(text)}: {told}") from error
    except RegistryError as error:
        raise UserError(f"{option} {short(text)}: {error} (a {singular(kind)})") from error
