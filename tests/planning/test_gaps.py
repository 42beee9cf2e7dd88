"""What a plan says before it is run: cells without a number, by reason, with the line to write; and what is noted."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor, nn

import harness
from harness.api import Case, Classifier, Sample, classifier
from harness.api.declarations import dataset, explainer, metric
from harness.planning.estimate import CellEstimate, Estimate
from harness.planning.facts import DatasetFacts, ModelFacts
from harness.planning.gaps import find_gaps, training_remedy
from harness.planning.group_plan import ExplanationColumn, GroupPlan, ScoreColumn
from harness.planning.notes import all_notes, group_notes
from harness.planning.plan import Plan
from harness.planning.training_splits import NO_TRAINING
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.runs.plan_report import plan_table, preflight_lines
from harness.runs.run import Run
from harness.spec.load import load_spec
from harness.text_format import format_count, format_some
from tests.support.spec import SMALL, small_spec

NO_MASKS = "needs masks, and the dataset has none"
DATA = DatasetFacts(["a"], ["d"], [0], None, {}, ["2 files are no images"])
MODEL = ModelFacts("m", 2, None, (3, 20, 10), None, "layer4", (), 1, ["its output is a softmax"])


@dataset()
def folder(*, masks: str | None = None) -> list[int]:
    """Images, with masks where there are any."""
    return []


def registry() -> tuple[Registry, Recipe]:
    found = Registry()
    card = found.add("datasets", "folder", folder)
    return found, Recipe("datasets", "folder", card.distribution, card.identity, {"masks": None}, "mine")


def column(label: str, reason: str | None = None, layer: str | None = "given") -> ExplanationColumn:
    recipe = Recipe("explainers", label, "x", "1", {"layer": layer}, label)
    reasons = {"inside": NO_MASKS, "drop": None}
    return ExplanationColumn(label, recipe, label, [ScoreColumn(name, recipe, name, why) for name, why in reasons.items()], reason=reason)


def group(model: str, columns: list[ExplanationColumn], blocked: str | None = None) -> GroupPlan:
    recipe = Recipe("models", model, "x", "1", label=model)
    facts = (None, None) if blocked else (DATA, MODEL)
    return GroupPlan(registry()[1], recipe, None, *facts, columns=columns, blocked=blocked)


PLAN = Plan(
    [
        group("net", [column("cam", layer=None), column("shap", NO_TRAINING), column("lrp")]),
        group("vit", [column("cam"), column("shap", NO_TRAINING), column("lrp", "attends")]),
        group("gone", [column("cam"), column("shap"), column("lrp")], blocked="the model gone cannot be loaded: no file"),
    ]
)


def test_cells_without_a_number_are_told_by_reason_with_the_line_to_write() -> None:
    found = {gap.reason: gap for gap in find_gaps(PLAN, registry()[0])}
    assert found[NO_TRAINING].places == ("shap on mine · net, mine · vit",)
    assert found[NO_TRAINING].cells == 4
    assert found[NO_TRAINING].remedy == "write under the dataset mine: training: {use: …}"
    assert found[NO_MASKS].places == ("inside on mine · net, mine · vit",)
    assert found[NO_MASKS].cells == 2 + 1
    assert found[NO_MASKS].remedy is not None and "params: {masks: …}" in found[NO_MASKS].remedy
    assert found["attends"].places == ("lrp on mine · vit",)
    assert found["attends"].remedy is None
    (blocked,) = (gap for gap in found.values() if gap.state == "blocked")
    assert (blocked.cells, blocked.places) == (6, ("mine · gone",))


def test_rows_that_lack_all_for_the_reason_for_which_the_others_lack_a_metric_are_told_apart() -> None:
    shap, cam = column("shap", NO_TRAINING), column("cam", "attends")
    lrp, fast = (
        replace(column(name), scores=[replace(score, reason=NO_TRAINING) if score.label == "drop" else score for score in shap.scores])
        for name in ("lrp", "fast")
    )
    (training,) = (gap for gap in find_gaps(Plan([group("net", [shap, cam, lrp, fast])]), registry()[0]) if gap.reason == NO_TRAINING)
    assert training.places == ("shap, drop on mine · net",)
    assert training.cells == 2 + 2
    (part,) = (gap for gap in find_gaps(Plan([group("net", [shap, cam, lrp, column("fast")])]), registry()[0]) if gap.reason == NO_TRAINING)
    assert part.places == ("shap, drop of lrp on mine · net",)


def test_an_explainer_whose_part_does_not_apply_is_told_with_that_part() -> None:
    inner = Recipe("explainers", "cam", "x", "1", {"layer": None})
    fused = Recipe("explainers", "fused", "x", "1", {"over": inner})
    rows = [
        replace(column("triad", "fused: cam: attends"), recipe=replace(fused, name="triad", params={"over": [fused]})),
        column("cam", "attends"),
    ]
    (gap,) = (gap for gap in find_gaps(Plan([group("vit", rows)]), registry()[0]) if gap.state == "not applicable")
    assert (gap.reason, gap.places) == ("attends", ("triad (its cam), cam on mine · vit",))


def test_the_line_on_training_images_has_what_the_kind_of_dataset_requires() -> None:
    known = Registry()
    cards = [known.add("datasets", name, each) for name, each in {"folder": folder, "rooted": rooted}.items()]
    made = {card.name: Recipe("datasets", card.name, card.distribution, card.identity, {}, card.name) for card in cards}
    assert training_remedy({"mine": made["rooted"]}, known) == "write under the dataset mine: training: {use: rooted, params: {root: …}}"
    assert training_remedy({"mine": made["folder"]}, known) == "write under the dataset mine: training: {use: …}"
    assert training_remedy(made, known) == "write under the dataset folder, rooted: training: {use: …}"
    line = "  " * 2 + "→ for training images, write under the dataset mine: training: {use: …}"
    compared = replace(column("shap"), notes=("without training images, compared with black",))
    noted = replace(column("triad"), notes=("attn-lrp in place of lrp: the model attends over tokens",))
    told = list(preflight_lines(Plan([group("net", [compared, noted])]), registry()[0]))
    assert told.index(line) == told.index("  shap: without training images, compared with black") + 1
    told = list(preflight_lines(Plan([group("net", [noted])]), registry()[0]))
    assert "  triad: attn-lrp in place of lrp: the model attends over tokens" in told
    assert not any("training" in each for each in told)


@dataset()
def rooted(*, root: str) -> list[int]:
    """Images below a folder."""
    return []


def test_every_cell_that_lacks_a_number_is_in_one_gap() -> None:
    lacking = sum(
        bool(group.blocked or column.reason or score.reason) for group in PLAN.groups for column in group.columns for score in column.scores
    )
    assert sum(gap.cells for gap in find_gaps(PLAN, registry()[0])) == lacking


def test_a_metric_that_only_some_rows_lack_is_told_with_them() -> None:
    scores = [ScoreColumn("drop", Recipe("metrics", "drop", "x", "1"), "k", "no parts")]
    odd = replace(column("cam"), scores=[*scores, ScoreColumn("inside", scores[0].recipe, "i")])
    even = replace(column("lrp"), scores=[replace(scores[0], reason=None), ScoreColumn("inside", scores[0].recipe, "i")])
    (gap,) = find_gaps(Plan([group("net", [odd, even])]), registry()[0])
    assert gap.places == ("drop of cam on mine · net",)


def test_notes_are_said_once_and_name_whom_they_are_about() -> None:
    notes = all_notes(PLAN.groups)
    assert notes.count("mine: 2 files are no images") == 1
    assert "net: its output is a softmax" in notes and "vit: its output is a softmax" in notes
    layer = "class activation maps are taken at layer4"
    assert f"net: {layer}" in notes
    assert f"vit: {layer}" not in notes, "its explainers are given a layer"
    assert group_notes(PLAN.groups[2]) == []
    rows = [replace(column(label), notes=("it compares with black",)) for label in ("shap", "triad")]
    assert "shap, triad: it compares with black" in all_notes([group("net", rows), group("vit", rows)])


def test_a_model_that_says_itself_where_class_activation_maps_are_taken_is_not_repeated() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    model = classifier(network, input_shape=(3, 8, 8))
    assert model.cam_layer == "1" and len(model.notes) == 1
    plain = PLAN.groups[0]
    assert plain.model_facts is not None
    found = replace(plain, model_facts=replace(plain.model_facts, cam_layer=model.cam_layer, notes=model.notes))
    assert sum("class activation maps" in note for note in group_notes(found)) == 1


def test_the_layer_of_class_activation_maps_is_said_once() -> None:
    """As by a model that found the layer itself and says how."""
    found = "class activation maps are taken at layer4 (512 × 7 × 7), the last feature map that all of the classification goes through"
    whole = group("net", [column("cam", layer=None)])
    assert group_notes(replace(whole, model_facts=replace(MODEL, notes=[found]))) == ["mine: 2 files are no images", f"net: {found}"]
    other = found.replace("layer4", "layer40")
    assert group_notes(replace(whole, model_facts=replace(MODEL, notes=[other])))[-1] == "net: class activation maps are taken at layer4"


def test_the_lines_before_a_run_count_cells_and_are_grouped() -> None:
    lines = list(preflight_lines(PLAN, registry()[0]))
    assert lines[0] == "notes:"
    assert "blocked: 6 of 18 cells" in lines
    assert "not applicable: 9 of 18 cells" in lines
    assert sum("gone" in line for line in lines) == 1
    assert list(preflight_lines(Plan([]), registry()[0])) == []


def test_of_very_many_only_some_are_told() -> None:
    many = [group(f"net-{k}", [column("cam")], blocked=f"no file {k}") for k in range(50)]
    lines = list(preflight_lines(Plan(many), registry()[0]))
    assert lines[0] == "blocked: 100 of 100 cells"
    assert len(lines) == 1 + 20 + 1
    assert lines[-1].strip() == "and 30 more: harness plan --json has them all"


def test_words() -> None:
    assert [format_count(0, "cell"), format_count(1, "pass", "passes"), format_count(1200, "pass", "passes")] == [
        "0 cells",
        "1 pass",
        "1,200 passes",
    ]
    assert format_some(list("abc"), 2) == "a, b and 1 more"


def test_what_to_write_is_said_of_what_the_planner_finds_lacking(tmp_path: Path) -> None:
    """The reasons are the planner's own: one that were worded otherwise there would lose its remedy."""
    spec = small_spec(datasets=[{"use": unmarked, "label": "images"}], metrics=["inside", "drop"])
    known = Registry.discover([SMALL])
    lines = "\n".join(
        preflight_lines(Run(load_spec(spec, known), known, tmp_path / "out", tmp_path / "store", plugins=[SMALL]).plan(), known)
    )
    assert "inside on images · pools: needs masks, and the dataset has none\n    → take a dataset that has masks, or leave" in lines
    assert "contrast on images · pools: needs training data" in lines
    assert "→ write under the dataset images: training: {use: …}" in lines


def test_nobody_is_told_to_find_training_images_for_what_the_network_rules_out(tmp_path: Path) -> None:
    spec = small_spec(datasets=[{"use": unmarked, "label": "images"}], explainers=[learner], metrics=["drop"])
    known = Registry.discover([SMALL])
    lines = "\n".join(
        preflight_lines(Run(load_spec(spec, known), known, tmp_path / "out", tmp_path / "store", plugins=[SMALL]).plan(), known)
    )
    assert "learner on images · pools: the network adds" in lines
    assert "training" not in lines


def test_a_metric_that_refuses_the_network_is_not_applicable_and_is_not_run(tmp_path: Path) -> None:
    easy = {"use": choosy, "label": "easy", "params": {"size": 1}}
    spec = small_spec(datasets=[{"use": unmarked, "label": "images"}], explainers=["slope"], metrics=["drop", choosy, easy])
    known = Registry.discover([SMALL])
    plan = Run(load_spec(spec, known), known, tmp_path / "out", tmp_path / "store", plugins=[SMALL]).plan()
    assert "choosy on images · pools: takes no 2 x 2" in "\n".join(preflight_lines(plan, known))
    done = harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL])
    assert {(column, state, reason) for _, _, _, column, state, reason in done.failures} == {("choosy", "not-applicable", "takes no 2 x 2")}


@metric(category="faithfulness", direction="higher")
def choosy(case: Case, *, size: int = 2) -> Tensor:
    """Raises where it is run on a network that it refuses."""
    assert size == 1
    return torch.ones(len(case.targets))


choosy.applicable = lambda model, size: None if size == 1 else f"takes no {size} x {size}"  # type: ignore[attr-defined]


@explainer(needs={"training-data"})
def learner(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """What no network of this test can be explained by."""
    return images


learner.applicable = lambda model: "the network adds"  # type: ignore[attr-defined]


def unmarked() -> Unmarked:
    """Images without masks, class names or splits."""
    return Unmarked()


class Unmarked:
    """Two of them."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < 2:
            raise IndexError(index)
        return Sample(torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(index)), index, f"image-{index}")


def test_a_plan_counts_cells_and_nothing_else() -> None:
    cells = [CellEstimate("mine", "net", "cam", metric, "to do", 8, 8) for metric in ("", "drop")]
    console = Console(width=300, record=True, file=StringIO())
    console.print(plan_table(Estimate(cells, unknown=2, passes=8)))
    text = console.export_text()
    assert "1 cell to do" in text
    assert "(without those of components that do not say how many they take)" in text
