"""Explains one image with one or several explainers, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.complaints import UserError
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.runs.blame import blamed
from harness.runs.shorthand import number, reference, short
from harness.store.atomic import write_atomically

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier
    from harness.api.sample import Sample
    from harness.execution.workbench import Workbench
    from harness.figures.panel import PanelMap
    from harness.registry.recipe import Recipe


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
) -> str:
    """Write the panel to ``out`` and return a sentence on what is in it.

    ``image`` is a file, or ``DATASET#INDEX`` for a sample of an installed dataset, whose mask is then outlined.

    Raises:
        UserError: the image cannot be read, there is no such class, or a component raises.
        RegistryError, ReferenceProblems: no such component, or a parameter is wrong.
    """
    model_recipe = resolve(registry, "models", reference(model))
    recipes = [resolve(registry, "explainers", reference(text)) for text in explainers]
    background = _training(registry, training, model_recipe)
    from harness.execution.workbench import Workbench
    from harness.figures.panel import panel, png

    bench = Workbench(registry)
    with blamed(model_recipe.label):
        classifier = bench.model(model_recipe)
    sample = _sample(image, bench, registry)
    with blamed(model_recipe.label):
        inputs = classifier.preprocess(sample.image)[None].to(bench.device)
        probabilities = classifier.probabilities(bench.forward(classifier, inputs))[0]
    predicted = int(probabilities.argmax())
    explained = predicted if target is None else _class(target, classifier)
    maps = []
    for recipe in recipes:
        with blamed(recipe.label):
            maps += _maps(bench, model_recipe, recipe, inputs, explained, background, seed, sample.id)
    with blamed(model_recipe.label):
        shown = classifier.denormalise(inputs[0]).clamp(0, 1).permute(1, 2, 0).cpu().numpy()
        mask = None if sample.mask is None else classifier.geometry.mask(sample.mask).numpy()
    caption = f"predicted: {_name(classifier, predicted)} ({float(probabilities[predicted]):.0%})"
    if explained != predicted:
        caption += f"; explained: {_name(classifier, explained)} ({float(probabilities[explained]):.0%})"
    write_atomically(out, png(panel(shown, maps, caption=caption, mask=mask)))
    return f"{caption}; {len(maps)} maps in {out}"


def _maps(
    bench: Workbench, model: Recipe, recipe: Recipe, inputs: Any, target: int, training: Recipe | None, seed: int, name: str
) -> list[PanelMap]:
    """The explainer's map as a panel, after those of its parts."""
    import torch

    from harness.api.context import Context
    from harness.execution.guard import unchanged
    from harness.execution.inspection import verdict
    from harness.execution.training import background_images
    from harness.figures.panel import PanelMap

    reason = verdict(bench, model, recipe)["reason"]
    if reason is not None:
        raise UserError(f"{recipe.name} is not applicable: {reason}")
    classifier = bench.model(model)
    background = None if training is None else partial(background_images, classifier, bench.dataset(training), seed)
    context = Context(seed, [name], device=bench.device, training=background)
    with unchanged(classifier.module):
        found = bench.explainer(recipe)(classifier, inputs, torch.tensor([target], device=bench.device), ctx=context)
    signed = bool(bench.registry.card("explainers", recipe.qualified).declaration.get("signed"))
    group = recipe.name if found.parts else None
    parts = [PanelMap(title, part[0].cpu().numpy(), bool((part < 0).any()), group) for title, part in found.parts.items()]
    return [*parts, PanelMap(recipe.label, found.map[0].cpu().numpy(), signed, group)]


def _sample(image: str, bench: Workbench, registry: Registry) -> Sample:
    from harness.api.sample import Sample
    from harness.execution.samples import read
    from harness.runs.pictures import is_file, read_picture

    name, hash_sign, digits = image.rpartition("#")
    index = number(digits)
    if not hash_sign or index is None or is_file(Path(image)):
        return Sample(read_picture(Path(image)), 0, Path(image).name)
    recipe = resolve(registry, "datasets", reference(name))
    with blamed(recipe.label):
        dataset = bench.dataset(recipe)
        if index >= len(dataset):
            raise UserError(f"{name} has {len(dataset)} samples: there is no number {index}")
        return read(dataset, index)


def _class(text: str, classifier: Classifier) -> int:
    names = classifier.class_names or []
    if text in names:
        return names.index(text)
    index = number(text)
    if index is not None and index < classifier.num_classes:
        return index
    listed = f" ({', '.join(names[:12])}{', …' if len(names) > 12 else ''})" if names else ""
    raise UserError(f"the model has no class {short(text)}; it has {classifier.num_classes}{listed}")


def _name(classifier: Classifier, index: int) -> str:
    return classifier.class_names[index] if classifier.class_names else f"class {index}"


def _training(registry: Registry, training: str | None, model: Recipe) -> Recipe | None:
    """The training data that was named, else what the model declares that it was trained on."""
    declared = registry.card("models", model.qualified).declaration.get("training")
    named = training or declared
    return None if named is None else resolve(registry, "datasets", reference(named))
