"""What a component gets that declares that it learns from training samples with their labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import harness
from harness.api import Case, Context, NoTrainingData, Sample, metric
from harness.planning.class_matching import ClassMismatch
from harness.worker.training_data import MAX_BACKGROUND, labelled_images, training_classes, training_facts, training_order
from tests.support.small import SIDE, Squares, pools
from tests.support.spec import SMALL, small_spec


def run(folder: Path, **changes: Any) -> Any:
    spec = small_spec(**{"explainers": ["slope"], "nulls": [], **changes})
    return harness.run(spec, out=folder / "out", store=folder / "store", plugins=[SMALL])


class Named:
    """Squares whose labels have other names, in another order."""

    def __init__(self, *names: str) -> None:
        self.class_names = names
        self._squares = Squares(6, 500)

    def __len__(self) -> int:
        return len(self._squares)

    def __getitem__(self, index: int) -> Sample:
        return self._squares[index]


def learner(seen: list[tuple[torch.Tensor, torch.Tensor]], wanted: int = 10, **options: Any) -> Any:
    @metric(category="randomisation", direction="lower", needs={"training-labels"}, **options)
    def learning(case: Case) -> torch.Tensor:
        """Counts how often it learns."""
        _, labels = case.ctx.lasting("learned", lambda: seen.append(case.ctx.training_samples(wanted)) or seen[-1])
        return labels.float().mean().expand(len(case.images))

    return learning


def test_labels_are_the_models_classes_of_the_images_and_learning_lasts_over_batches(tmp_path: Path) -> None:
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    result = run(tmp_path, metrics=[learner(seen)], explainers=["slope", "contrast"], execution={"executor": "inline", "shard": 3})
    assert result.failures == []
    ((images, labels),) = seen
    assert images.shape == (10, 3, SIDE, SIDE) and labels.dtype == torch.int64
    brighter = images[:, :, :, SIDE // 2 :].mean(dim=(1, 2, 3)) > images[:, :, :, : SIDE // 2].mean(dim=(1, 2, 3))
    assert torch.equal(brighter.long(), labels)


def test_more_than_there_are_is_all_of_them(tmp_path: Path) -> None:
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    assert run(tmp_path, metrics=[learner(seen, wanted=4000)]).failures == []
    assert len(seen[0][0]) == 16


def test_without_a_training_split_it_is_not_applicable(tmp_path: Path) -> None:
    class Unsplit:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Sample:
            if not 0 <= index < 2:
                raise IndexError(index)
            return Sample(torch.full((3, SIDE, SIDE), 0.5), index, f"unsplit-{index}")

    ((*_, state, reason),) = run(tmp_path, datasets=[{"use": Unsplit(), "label": "unsplit"}], metrics=[learner([]), "drop"]).failures
    assert state == "not-applicable" and "no training split" in reason


def test_what_does_not_declare_it_gets_none(tmp_path: Path) -> None:
    @metric(category="randomisation", direction="lower", needs={"training-data"})
    def greedy(case: Case) -> torch.Tensor:
        """Asks for labels without saying so."""
        return case.ctx.training_samples(2)[1]

    assert any("NoTrainingData" in reason for *_, reason in run(tmp_path, metrics=[greedy, "drop"]).failures)


def test_it_may_be_needed_by_the_value_of_a_parameter_that_is_none(tmp_path: Path) -> None:
    @metric(category="randomisation", direction="lower", by={"given": {"null": {"needs": {"training-labels"}}}})
    def given_or_learned(case: Case, *, given: str | None = None) -> torch.Tensor:
        """Learns what it is not given."""
        return torch.zeros(len(case.images)) if given else case.ctx.training_samples(2)[1].float().mean().expand(len(case.images))

    class Unsplit(Named):
        pass

    uses = [{"use": given_or_learned, "label": "learned"}, {"use": given_or_learned, "label": "given", "params": {"given": "x"}}]
    result = run(tmp_path, datasets=[{"use": Unsplit("left", "right"), "label": "unsplit"}], metrics=uses)
    assert [(metric, state) for _, _, _, metric, state, _ in result.failures] == [("learned", "not-applicable")]


def test_labels_of_other_training_data_are_matched_by_name() -> None:
    model, dataset = pools(), Squares(4, 0)
    assert training_classes(model, Named("right", "left"), dataset, None) == [1, 0]
    swapped = labelled_images(model, Named("right", "left"), [1, 0], 0, 6)[1]
    assert torch.equal(swapped, 1 - labelled_images(model, Named("left", "right"), None, 0, 6)[1])
    renamed = Named("L", "R")
    assert training_classes(model, Named("L", "R"), renamed, [1, 0]) == [1, 0], "a class map holds for training data too"
    with pytest.raises(ClassMismatch, match="no class 'up'"):
        training_classes(model, Named("up", "left"), dataset, None)


def test_a_digest_with_labels_is_over_all_that_are_drawn_and_over_their_names() -> None:
    class Changed(Squares):
        """The samples that come after the background differ."""

        def __init__(self, last: float) -> None:
            super().__init__(200, 0)
            self.last = last

        def __getitem__(self, index: int) -> Sample:
            return Sample(torch.full((1, 2, 2), self.last if self.tail(index) else 0.5), 0, str(index))

        def tail(self, index: int) -> bool:
            return index in training_order(200, 0)[MAX_BACKGROUND:]

    def digest(data: object, labelled: int) -> str:
        return training_facts(data, 0, labelled, {}).digest  # type: ignore[arg-type]

    assert digest(Changed(0.1), 0) == digest(Changed(0.2), 0)
    assert digest(Changed(0.1), 100) == digest(Changed(0.2), 100)
    assert digest(Changed(0.1), 200) != digest(Changed(0.2), 200)
    assert digest(Named("a", "b"), 6) != digest(Named("b", "a"), 6)


def test_a_context_without_training_data_says_so_and_remembers_through_its_kin() -> None:
    ctx = Context(0, ["a", "b"])
    with pytest.raises(NoTrainingData, match="name one with"):
        ctx.training_samples(3)
    calls: list[int] = []
    for kin in (ctx, ctx.fresh("other"), ctx.select([1])):
        assert kin.lasting("key", lambda: calls.append(1) or 7) == 7
    assert len(calls) == 1


def test_more_samples_than_keys_hold_are_refused(tmp_path: Path) -> None:
    @metric(category="randomisation", direction="lower", needs={"training-labels"}, labelled="draws")
    def learning(case: Case, *, draws: int = 5, more: int = 0) -> torch.Tensor:
        """Draws as many as it says, or more."""
        return torch.full((len(case.images),), float(len(case.ctx.training_samples(draws + more)[0])))

    uses = [{"use": learning, "label": label, "params": {"more": more}} for label, more in (("honest", 0), ("greedy", 1))]
    result = run(tmp_path, metrics=uses)
    ((*_, failed, _, reason),) = result.failures
    assert failed == "greedy" and "6 labelled samples are wanted, and at most 5 may be" in reason
    row = next(row for row in result.leaderboard.groups[0].rows if row.label == "slope")
    assert row.cells["honest"].mean == 5
