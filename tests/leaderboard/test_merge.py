import dataclasses

import numpy as np
import pytest

from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.merge import MergeError, merge_results
from harness.results.components import ComponentInfo
from harness.results.data_model import Cell, CostsEntry, ExplainerNotes, ExplanationSettings, Group, Results
from harness.results.variant_info import VariantInfo
from tests.support.synthetic_results import complete_cell, explainer, group_of, leaderboard_results, metric

RNG = np.random.default_rng(0)
SCORES = {label: {name: RNG.normal(size=8) for name in ("m", "n")} for label in "abc"}


def recipes(dataset: str, model: str) -> dict[str, ComponentInfo]:
    return {"dataset": ComponentInfo(component="data", digest=dataset), "model": ComponentInfo(component="net", digest=model)}


def part(labels: str, metrics: str = "mn", **changes: object) -> Group:
    scores = {label: {name: SCORES[label][name] for name in metrics} for label in labels}
    return group_of(scores, [metric(name) for name in metrics], **{"recipes": recipes("D", "M"), **changes})


def run(*groups: Group, **changes: object) -> Results:
    return Results(provenance={"name": "run"}, groups=list(groups), **{"bootstrap": 100, **changes})  # type: ignore[arg-type]


def test_rows_of_several_runs_are_as_if_they_had_run_together() -> None:
    merged = merge_results([run(part("a")), run(part("bc"))])
    together = run(part("abc"))
    assert build_leaderboard(merged).groups == build_leaderboard(together).groups
    assert [entry["name"] for entry in merged.provenance["merged"]] == ["run", "run"]


def test_columns_of_several_runs_are_as_if_they_had_run_together() -> None:
    assert (
        build_leaderboard(merge_results([run(part("abc", "m")), run(part("abc", "n"))])).groups
        == build_leaderboard(run(part("abc"))).groups
    )


def test_a_run_merged_with_itself_is_itself() -> None:
    results = leaderboard_results()
    assert build_leaderboard(merge_results([results, results])).groups == build_leaderboard(results).groups
    assert merge_results([results]) is results


def test_samples_in_another_order_are_put_in_order() -> None:
    order = RNG.permutation(8)
    second = part("b")
    turned = dataclasses.replace(
        second,
        samples=[second.samples[k] for k in order],
        digests=[second.digests[k] for k in order],
        cells={pair: complete_cell(cell.values[order]) for pair, cell in second.cells.items()},
    )
    merged = merge_results([run(part("a")), run(turned)])
    assert np.array_equal(merged.groups[0].cells["b", "m"].values, SCORES["b"]["m"])


def test_of_two_cells_the_one_that_is_ok_stays() -> None:
    broken = part("a")
    broken.cells["a", "m"] = Cell.missing(8, "timeout", "slow")
    for runs in ([broken, part("a")], [part("a"), broken]):
        assert merge_results([run(each) for each in runs]).groups[0].cells["a", "m"].status == "ok"
    halves = [part("a"), part("a")]
    for half, computed in zip(halves, (np.arange(8) < 4, np.arange(8) >= 4), strict=True):
        half.cells["a", "m"] = Cell(status="ok", values=np.where(computed, SCORES["a"]["m"], np.nan), computed=computed)
    joined = merge_results([run(half) for half in halves]).groups[0].cells["a", "m"]
    assert joined.computed.all()
    assert np.array_equal(joined.values, SCORES["a"]["m"])


def test_a_further_model_of_a_run_that_shares_one_comes_along() -> None:
    merged = merge_results([run(part("a")), run(part("b"), part("a", model="other"))])
    assert [(group.model, group.explainer_labels) for group in merged.groups] == [("net", ["a", "b"]), ("other", ["a"])]


REFUSED = {
    "model": (
        part("b", recipes=recipes("D", "X")),
        "another model",
    ),
    "dataset": (
        part("b", recipes=recipes("X", "M")),
        "another dataset",
    ),
    "nothing shared": (part("b", dataset="elsewhere"), "shares no dataset and model: it has elsewhere / net, and the others data / net"),
    "samples": (part("b", samples=[f"t{k}" for k in range(8)]), "8 of its 8 are not among the 8"),
    "content": (part("b", digests=["x"] * 8), "8 samples have other content, the first being 's0000'"),
    "correct": (part("b", correct=np.zeros(8, dtype=bool)), "not the same model"),
    "explainer": (
        part("a", explainers=[dataclasses.replace(explainer("a"), digest="new", params={"steps": 3})]),
        r"explainer 'a' is a\(steps=3\) 1 \[new\] there and a\(\) 1 \[explainer-a\] before",
    ),
    "metric": (dataclasses.replace(part("a", "m"), metrics=[dataclasses.replace(metric("m"), digest="new")]), "metric 'm' is m"),
}


def test_of_a_row_that_failed_in_one_run_the_other_says_what_must_be_known() -> None:
    whole = part("ab")
    whole.notes["b"] = ExplainerNotes(zero_maps=2, completeness=np.full(8, 0.5), broken=True)
    whole.costs["b"] = CostsEntry(passes_per_sample=3.0)
    broken = part("ab", costs={"b": CostsEntry()}, notes={"b": ExplainerNotes()})
    broken.cells.update({("b", name): Cell.missing(8, "crashed", "died") for name in "mn"})
    for runs in ([broken, whole], [whole, broken]):
        merged = merge_results([run(each) for each in runs]).groups[0]
        assert (merged.notes["b"].zero_maps, merged.notes["b"].median_error, merged.notes["b"].broken) == (2, 0.5, True)
        assert merged.costs["b"] == whole.costs["b"]


def test_a_run_that_was_ended_early_knows_less_of_the_model_and_is_merged_all_the_same() -> None:
    correct, done = np.arange(8) != 6, np.arange(8) < 3
    early = part("a", correct=correct & done, accuracy=1.0)
    for pair, cell in early.cells.items():
        early.cells[pair] = Cell(status="blocked", values=np.where(done, cell.values, np.nan), computed=done, reason="ended")
    for runs in ([early, part("b", correct=correct, accuracy=7 / 8)], [part("b", correct=correct, accuracy=7 / 8), early]):
        merged = merge_results([run(each) for each in runs]).groups[0]
        assert merged.correct.tolist() == correct.tolist() and merged.accuracy == 7 / 8
    other = part("b", correct=np.arange(8) != 1)
    with pytest.raises(MergeError, match="not the same model"):
        merge_results([run(early), run(other)])


def test_a_group_that_could_not_be_had_in_one_run_is_that_of_the_other() -> None:
    """Nobody knew its samples there, nor the weights of its model."""
    blocked = Group(
        dataset="data",
        model="net",
        samples=[],
        digests=[],
        correct=np.zeros(0, dtype=bool),
        accuracy=None,
        explainers=[explainer("a"), explainer("b")],
        metrics=[metric("m")],
        cells={(row, "m"): Cell.missing(0, "blocked", "the folder is gone") for row in "ab"},
        notes={"a": ExplainerNotes()},
        recipes=recipes("D", "recipe of M"),
    )
    for runs in ([blocked, part("a")], [part("a"), blocked]):
        merged = merge_results([run(each) for each in runs]).groups[0]
        assert merged.recipes == recipes("D", "M") and merged.accuracy == 1.0 and merged.correct.all()
        assert np.array_equal(merged.cells["a", "m"].values, SCORES["a"]["m"]) and merged.cells["a", "m"].status == "ok"
        assert (merged.cells["b", "m"].reason, merged.cells["b", "m"].computed.tolist()) == ("the folder is gone", [False] * 8)
    with pytest.raises(MergeError, match="another dataset"):
        merge_results([run(part("a")), run(dataclasses.replace(blocked, recipes=recipes("X", "M")))])


def variant_of(labels: str, scale: float, known: np.ndarray) -> Group:
    kept = np.arange(8) % 2 == 0
    condition = VariantInfo(model="net", kind="inputs", strength="minor", repeat=1, scale=scale, kept=kept & known, known=known)
    return part(labels, model="net (minor inputs 1)", variant=condition)


def test_variants_are_merged_with_what_either_run_knows_and_refused_for_another_disturbance() -> None:
    half = np.arange(8) < 4
    runs = [run(part("a"), variants=[variant_of("a", 0.1, half)]), run(part("b"), variants=[variant_of("b", 0.1, ~half)])]
    condition = merge_results(runs).variants[0].variant
    assert condition is not None and condition.known.all() and condition.kept.tolist() == [True, False] * 4
    with pytest.raises(MergeError, match=r"run 2, data / net \(minor inputs 1\): disturbed with scale 0.2, and the others with 0.1"):
        merge_results([runs[0], run(part("b"), variants=[variant_of("b", 0.2, half)])])


@pytest.mark.parametrize("name", REFUSED)
def test_runs_that_do_not_match_are_refused_with_the_reason(name: str) -> None:
    second, message = REFUSED[name]
    with pytest.raises(MergeError, match=message) as caught:
        merge_results([run(part("a")), run(second)], ["runs/a", "runs/b"])
    assert "runs/b" in str(caught.value)


KNOWN = ExplanationSettings(target="predicted", seed=0, precision="fp32", dtype="float32")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"target": "label"}, "explained with target 'label', and the others with 'predicted'"),
        ({"target": 0}, "explained with target 0, and the others with 'predicted'"),
        ({"seed": 7}, "explained with seed 7, and the others with 0"),
        ({"precision": "bf16"}, "explained with precision 'bf16', and the others with 'fp32'"),
        ({"dtype": "float16"}, "explained with dtype 'float16', and the others with 'float32'"),
    ],
)
def test_runs_that_explain_otherwise_are_refused(other: dict[str, object], message: str) -> None:
    second = part("b", explained=dataclasses.replace(KNOWN, **other))
    with pytest.raises(MergeError, match=f"runs/b, data / net: {message}"):
        merge_results([run(part("a", explained=KNOWN)), run(second)], ["runs/a", "runs/b"])


def test_what_a_run_does_not_say_may_be_anything_but_two_things() -> None:
    unknown, known = run(part("a")), run(part("b", explained=KNOWN))
    for runs in ([unknown, known], [known, unknown]):
        assert merge_results(runs).groups[0].explained == KNOWN
    third = run(part("c", explained=ExplanationSettings(seed=1)))
    with pytest.raises(MergeError, match=r"run 3, .* seed 1"):
        merge_results([unknown, known, third])


def keyed(key: str) -> Group:
    found = part("a", "m")
    found.cells["a", "m"] = dataclasses.replace(found.cells["a", "m"], key=key)
    return found


def test_cells_of_another_column_are_refused() -> None:
    with pytest.raises(MergeError, match="run 2, data / net: a on m: computed otherwise: its column is two, and that of the others one"):
        merge_results([run(keyed("one")), run(keyed("two"))])
    for runs in ([keyed("one"), keyed("")], [keyed(""), keyed("one")], [keyed("one"), keyed("one")]):
        assert merge_results([run(each) for each in runs]).groups[0].cells["a", "m"].key == "one"


def test_a_family_of_models_stays_one_whichever_run_knows_of_it() -> None:
    alone, one_of_two = run(part("a")), run(part("b", replicate_of="net 0"), part("b", model="net-1", replicate_of="net 0"))
    for runs in ([alone, one_of_two], [one_of_two, alone]):
        assert [group.replicate_of for group in merge_results(runs).groups] == ["net 0", "net 0"]


def test_runs_that_count_other_samples_are_refused() -> None:
    with pytest.raises(MergeError, match="'correct' instead of 'all'"):
        merge_results([run(part("a")), run(part("b"), samples_rule="correct")])
    with pytest.raises(MergeError, match="no run"):
        merge_results([])


def test_reference_and_nulls_are_joined() -> None:
    merged = merge_results([run(part("a"), nulls=["a"]), run(part("bc"), reference="b", nulls=["c", "a"])])
    assert (merged.reference, merged.nulls) == ("b", ["a", "c"])


def test_the_gaps_of_a_merge_are_shown() -> None:
    merged = merge_results([run(part("a", "mn")), run(part("b", "m"))])
    row = next(row for row in build_leaderboard(merged).groups[0].rows if row.label == "b")
    assert "n" not in row.cells
    assert not row.complete
