"""The same explainers on two models."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from harness.analysis.multiplicity import benjamini_hochberg, holm
from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import Group, Results
from harness.results.document import ModelsEntry
from tests.support.synthetic_results import group_of, metric

RNG = np.random.default_rng(0)
HARDNESS = RNG.normal(size=40)


def net(model: str, shift: float = 0.0, size: int = 40, **changes: object) -> Group:
    """Scores that share the samples' hardness, as those of two models on the same images do."""
    noise = np.random.default_rng(list(model.encode()))
    scores = {label: {"m": HARDNESS[:size] + k + shift + 0.2 * noise.normal(size=size)} for k, label in enumerate("ab")}
    return group_of(scores, [metric(direction="lower")], model=model, **changes)


def compared(*groups: Group, **changes: object) -> list[ModelsEntry]:
    return build_leaderboard(Results(provenance={}, groups=list(groups), bootstrap=400, **changes)).models  # type: ignore[arg-type]


def test_the_difference_is_paired_over_samples() -> None:
    first, second = net("first"), net("second one", shift=0.3)
    (found,) = compared(first, second)
    assert (found.first, found.second, found.samples) == (["first"], ["second one"], 40)
    cell, differences = found.cells["a"]["m"], second.cells["a", "m"].values - first.cells["a", "m"].values
    assert cell.low is not None and cell.high is not None
    assert cell.difference == pytest.approx(differences.mean())
    assert cell.low < 0.3 < cell.high
    assert cell.high - cell.low < 0.25, "the images' hardness, of variance 1, is not in it"
    assert cell.verdict == "worse", "lower is better"
    values = [(second.cells[label, "m"].values, first.cells[label, "m"].values) for label in "ab"]
    wilcoxon = [stats.wilcoxon(after - before, method="exact").pvalue for after, before in values]
    t_tests = [stats.ttest_rel(after, before).pvalue for after, before in values]
    (by_holm,) = compared(first, second, correction="holm")
    for entry, adjust in ((found, benjamini_hochberg), (by_holm, holm)):
        cells = [entry.cells[label]["m"] for label in "ab"]
        assert [cell.p_wilcoxon for cell in cells] == pytest.approx(wilcoxon)
        assert [cell.p_ttest for cell in cells] == pytest.approx(t_tests)
        assert [cell.p_wilcoxon_adjusted for cell in cells] == pytest.approx(adjust(wilcoxon))
        assert [cell.p_ttest_adjusted for cell in cells] == pytest.approx(adjust(t_tests))


def test_only_samples_that_count_for_both_are_compared() -> None:
    right, other = np.arange(40) < 30, np.arange(40) >= 5
    (found,) = compared(net("first", correct=right), net("second one", correct=other), samples_rule="correct")
    assert found.samples == 25
    other_content = net("third model", digests=[f"d{k:04d}" if k % 2 else "changed" for k in range(40)])
    assert compared(net("first"), other_content)[0].samples == 20


def test_every_further_model_is_held_against_the_first_of_its_dataset() -> None:
    elsewhere = net("first", dataset="elsewhere")
    found = compared(net("first"), elsewhere, net("second one"), net("third model"))
    assert [(each.dataset, each.first, each.second) for each in found] == [
        ("data", ["first"], ["second one"]),
        ("data", ["first"], ["third model"]),
    ]
    assert compared(net("first"), elsewhere) == []


def test_replicates_are_averaged_and_not_held_against_each_other() -> None:
    seeds = [net(str(k), shift=k, replicate_of="net") for k in range(3)]
    assert compared(*seeds) == []
    (found,) = compared(*seeds, net("other"))
    assert (found.first, found.second) == (["0", "1", "2"], ["other"])
    mean = np.mean([seed.cells["b", "m"].values for seed in seeds], axis=0)
    assert found.cells["b"]["m"].difference == pytest.approx((net("other").cells["b", "m"].values - mean).mean())


def test_what_only_one_model_has_is_left_out() -> None:
    second = net("second one")
    lacking = dataclasses.replace(second, explainers=second.explainers[:1], cells={("a", "m"): second.cells["a", "m"]})
    assert {label: set(cells) for label, cells in compared(net("first"), lacking)[0].cells.items()} == {"a": {"m"}}
    (empty,) = compared(net("first"), net("second one", samples=[f"other-{k}" for k in range(40)]))
    assert (empty.samples, empty.cells) == (0, {})


def test_few_large_losses_beside_many_small_gains_are_mixed() -> None:
    changes = np.repeat([-0.01, 1.0], [34, 6]) * np.linspace(1, 1.01, 40)
    second = net("second one")
    for label in "ab":
        second.cells[label, "m"] = dataclasses.replace(second.cells[label, "m"], values=net("first").cells[label, "m"].values + changes)
    (found,) = compared(net("first"), second)
    assert {cells["m"].verdict for cells in found.cells.values()} == {"mixed"}


def test_models_alike_are_seldom_told_apart() -> None:
    generator = np.random.default_rng(3)
    told = 0
    for _ in range(200):
        one, two = ({label: {"m": generator.normal(size=20)} for label in "abc"} for _ in range(2))
        (found,) = compared(group_of(one, [metric()]), group_of(two, [metric()], model="other"))
        told += any(cell.verdict is not None for cells in found.cells.values() for cell in cells.values())
    assert told <= 20, "the family-wise error is 5 %"
