"""What metrics share whatever the explainer: computed once for each sample, bounded, and out of reach of who writes into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from harness.api import Case, Context, Unexplained, classifier
from harness.planning.jobs import SampleRef
from harness.registry.recipe import Recipe
from harness.store.store import Store
from harness.worker.job_context import JobContext
from harness.worker.shared_values import MAX_COMPRESSED_BYTES, JobSharing, SharedValues
from tests.support.jobs import composed

KEY = ["sums", 2]


class Asked:
    """Sums of images over pixels, times the target plus one; notes the samples that it is asked about."""

    def __init__(self) -> None:
        self.ids: list[list[str]] = []

    def __call__(self, samples: Unexplained) -> Tensor:
        self.ids.append(list(samples.ctx.ids))
        return samples.images.sum(dim=(1, 2, 3))[:, None] * (samples.targets + 1)[:, None] * torch.ones(2)


@pytest.fixture
def case_of() -> Callable[..., Case]:
    """A case of these samples, 0 to 9, explained by anything."""
    model = classifier(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), input_shape=(3, 2, 2))
    images = torch.rand(10, 3, 2, 2, generator=torch.Generator().manual_seed(0))

    def make(rows: list[int], sharing: JobSharing | None = None, targets: Tensor | None = None) -> Case:
        chosen = torch.tensor(rows) % 3 if targets is None else targets
        case = Case(model, images[rows], chosen, torch.randn(len(rows), 2, 2), Context(0, [f"s{i}" for i in rows]), sharing=sharing)
        if sharing is not None:
            sharing.share(case)
        return case

    return make


@pytest.fixture
def sharing_in(tmp_path: Path) -> Callable[..., JobSharing]:
    store = Store(tmp_path)

    def make(kept: SharedValues, version: str = "1", seed: int = 0) -> JobSharing:
        names = {f"s{i}": (f"s{i}", f"d {i % 3}") for i in range(10)}
        return JobSharing([["model and data"], seed, "plugin"], version, names, kept, store)

    return make


def expected(case: Case) -> Tensor:
    return Asked()(case)


def test_only_samples_that_nobody_asked_about_are_computed(case_of, sharing_in) -> None:
    kept, asked = SharedValues(), Asked()
    for rows, computed in (([0, 1, 2], ["s0", "s1", "s2"]), ([2, 0], None), ([4, 1, 3], ["s4", "s3"]), ([3, 2, 1, 0, 4], None)):
        sharing = sharing_in(kept)
        case = case_of(rows, sharing)
        assert torch.equal(case.for_all_explainers(KEY, asked), expected(case))
        assert (asked.ids.pop() if computed else None) == computed
        assert asked.ids == []
        sharing.settle("m", storable=False)


def test_another_worker_finds_in_the_store_what_is_small(case_of, sharing_in) -> None:
    first, asked = sharing_in(SharedValues()), Asked()
    values = case_of([0, 1, 2], first).for_all_explainers(KEY, asked)
    first.settle("m", storable=True)()
    second = SharedValues()
    assert torch.equal(case_of([2, 1, 0], sharing_in(second)).for_all_explainers(KEY, asked), values.flip(0))
    assert len(asked.ids) == 1
    third = sharing_in(second)
    third.store = Store("memory://nothing-is-here")  # what was read is in memory now
    assert torch.equal(case_of([1], third).for_all_explainers(KEY, asked), values[1:2])
    assert len(asked.ids) == 1
    for other in ({"version": "2"}, {"seed": 1}):
        asked.ids.clear()
        case_of([0], sharing_in(SharedValues(), **other)).for_all_explainers(KEY, asked)
        assert len(asked.ids) == 1


def test_metrics_of_one_plugin_share_in_a_process_whatever_code_each_has(case_of, sharing_in) -> None:
    kept, asked = SharedValues(), Asked()
    for version in "12":
        sharing = sharing_in(kept, version)
        case_of([0, 1], sharing).for_all_explainers(KEY, asked)
        sharing.settle("m", storable=True)()
    assert len(asked.ids) == 1
    case_of([0, 1], sharing_in(kept, seed=1)).for_all_explainers(KEY, asked)
    assert len(asked.ids) == 2


@pytest.mark.parametrize("storable", [False, True])
def test_nothing_is_shared_of_a_metric_that_did_not_end_well_or_may_not_store(case_of, sharing_in, storable: bool) -> None:
    kept, asked = SharedValues(), Asked()
    broken = sharing_in(kept)
    case = case_of([0, 1], broken)
    for _ in range(2):  # the metric itself has it at once
        case.for_all_explainers(KEY, asked)
    assert len(asked.ids) == 1
    whole = sharing_in(kept)
    case_of([0, 1], whole).for_all_explainers(KEY, asked)
    assert len(asked.ids) == 2
    whole.settle("m", storable)()
    case_of([0, 1], sharing_in(SharedValues())).for_all_explainers(KEY, asked)
    assert len(asked.ids) == (2 if storable else 3)


def test_who_writes_into_what_is_shared_changes_it_for_nobody(case_of, sharing_in) -> None:
    kept, inside = SharedValues(), []

    def view(samples: Unexplained) -> Tensor:
        inside.append(Asked()(samples))
        return inside[-1][:, :1].expand(-1, 4)  # four times one number in memory

    for sharing in (None, sharing_in(kept)):
        case = case_of([0, 1, 2], sharing)
        right = expected(case)[:, :1].expand(-1, 4)
        for _ in range(2):
            value = case.for_all_explainers(KEY, view)
            assert torch.equal(value, right)
            value.zero_()
            inside[-1].zero_()
    sharing.settle("m", storable=True)()
    for again in (sharing_in(kept), sharing_in(kept), sharing_in(SharedValues()), sharing_in(SharedValues())):
        value = case_of([0, 1, 2], again).for_all_explainers(KEY, view)
        assert torch.equal(value, right)
        value.zero_()


def test_what_was_used_longest_ago_goes_first(case_of, sharing_in) -> None:
    kept, asked = SharedValues(limit=2 * 3 * 2 * 4), Asked()  # six samples of two float32

    def ask(rows: list[int]) -> None:
        sharing = sharing_in(kept)
        case_of(rows, sharing).for_all_explainers(KEY, asked)
        sharing.settle("m", storable=False)

    for rows in ([0, 1, 2], [3, 4, 5], [0, 1, 2], [6, 7, 8], [0, 1], [3]):
        ask(rows)
    assert [len(ids) for ids in asked.ids] == [3, 3, 3, 1]
    assert sum(values.numel() for _, _, values in kept.blocks()) <= 12
    ask(list(range(9)))
    assert asked.ids[-1] != [f"s{i}" for i in range(9)]
    ask([0])
    asked.ids.clear()
    kept.clear()
    ask([0])
    ask([0])
    assert asked.ids == [["s0"]] and sum(values.numel() for _, _, values in kept.blocks()) == 2


def test_a_sample_that_is_kept_twice_stays_when_the_first_goes() -> None:
    """As when a worker keeps what another has written meanwhile."""
    kept = SharedValues(limit=3 * 4)
    for first in (0.0, 1.0):
        kept.keep("group", [("s0", "d")], torch.tensor([first]))
    kept.keep("group", [("s1", "d"), ("s2", "d")], torch.tensor([2.0, 3.0]))
    assert kept.find("group", [("s0", "d"), ("s2", "d")]) == {("s0", "d"): 1.0, ("s2", "d"): 3.0}


@pytest.mark.parametrize(
    "values", [torch.ones(2, 3, dtype=torch.bfloat16), torch.ones(2, MAX_COMPRESSED_BYTES // 4 + 1)], ids=["type", "size"]
)
def test_what_no_file_holds_is_shared_in_memory_alone(case_of, sharing_in, values: Tensor, tmp_path: Path) -> None:
    kept, computed = SharedValues(limit=2**30), []
    for sharing in (sharing_in(kept), sharing_in(kept)):
        case = case_of([0, 1], sharing)
        assert torch.equal(case.for_all_explainers(KEY, lambda samples: computed.append(1) or values), values)
        sharing.settle("m", storable=True)()
    assert computed == [1] and not list(tmp_path.rglob("*.parquet"))


def test_values_are_known_by_all_that_they_are_of(case_of, tmp_path: Path) -> None:
    job, kept, asked = composed(0, [], range(3)), SharedValues(), Asked()
    mine = Recipe("metrics", "m", "plugin", "1")

    def ask(metric: Recipe, targets: Sequence[int] = (0, 1, 2), rows: Sequence[SampleRef] = job.rows, **changes: object) -> bool:
        """Whether they are computed."""
        about = replace(job, subject=replace(job.subject, **changes), rows=rows)
        case = case_of([0, 1, 2], targets=torch.tensor(targets))
        context = JobContext(about, None, Store(tmp_path), None, case.targets, kept)
        sharing = context.sharing(metric)
        case.sharing = sharing
        sharing.share(case)
        asked.ids.clear()
        assert torch.equal(case.for_all_explainers(KEY, asked), expected(case))
        sharing.settle("m", storable=True)()
        return bool(asked.ids)

    assert ask(mine)
    for same in (mine, replace(mine, params={"a": 1}), replace(mine, name="n", identity="2")):
        assert not ask(same)
    other_label = [row._replace(digest="other") for row in job.rows]
    assert ask(replace(mine, distribution="another"))
    assert ask(mine, targets=(0, 2, 1))
    assert ask(mine, rows=other_label)
    for changes in ({"prediction_key": "other"}, {"variant_prediction_key": "disturbed"}, {"seed": 1}):
        assert ask(mine, **changes)
        assert not ask(mine, **changes)
    session = replace(mine, distribution="session")
    for each in (session, replace(session, params={"a": 1}), replace(session, identity="2")):
        assert ask(each)
        assert not ask(each)


def test_of_other_samples_than_the_jobs_nothing_is_shared(case_of, sharing_in) -> None:
    """A metric may ask about changed images, targets or models of its own."""
    kept = SharedValues()
    sharing = sharing_in(kept)
    case = case_of([0, 1], sharing)
    asked = Asked()
    case.for_all_explainers(KEY, asked)
    others = [
        replace(case, images=case.images + 1),
        replace(case, targets=case.targets + 1),
        replace(case, ctx=case.ctx.select([1, 0])),
        replace(case, ctx=Context(1, case.ctx.ids)),
        replace(case, forward=lambda model, inputs: case.forward(model, inputs)),
        replace(case, model=classifier(nn.Flatten(), input_shape=(3, 2, 2))),
    ]
    for other in others:
        assert torch.equal(other.for_all_explainers(KEY, asked), expected(other))
    assert len(asked.ids) == 7
    alone = case_of([0, 1])
    alone.for_all_explainers(KEY, asked)
    other = replace(alone, images=alone.images + 1)
    assert torch.equal(other.for_all_explainers(KEY, asked), expected(other))


def halved_in_place(case: Case) -> Iterator[None]:
    case.images.mul_(0.5)
    yield
    case.images.mul_(2)


def other_targets_in_place(case: Case) -> Iterator[None]:
    case.targets.add_(1)
    yield
    case.targets.sub_(1)


def in_half_precision(case: Case) -> Iterator[None]:
    with torch.autocast("cpu", torch.bfloat16):
        yield


def in_double_precision(case: Case) -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("otherwise", [halved_in_place, other_targets_in_place, in_half_precision, in_double_precision])
def test_what_is_asked_while_something_is_otherwise_is_nobody_elses(
    case_of, sharing_in, otherwise: Callable[[Case], Iterator[None]]
) -> None:
    def compute(samples: Unexplained) -> Tensor:
        weights = torch.full((12, 1), 0.3)  # in the default type
        return samples.images.flatten(1).to(weights.dtype) @ weights * (1 + samples.targets[:, None])

    kept = SharedValues()
    for first in (True, False):  # who asks otherwise is right too, whether others have asked before or not
        sharing = sharing_in(kept)
        case = case_of([0, 1], sharing)
        with contextmanager(otherwise)(case):
            assert torch.equal(case.for_all_explainers(KEY, compute), compute(case))
        sharing.settle("m", storable=True)()
        usual = sharing_in(kept if first else SharedValues())
        case = case_of([0, 1], usual)
        assert torch.equal(case.for_all_explainers(KEY, compute), compute(case))
        usual.settle("m", storable=False)


def test_values_computed_without_gradients_are_of_use_to_who_has_some(case_of, sharing_in) -> None:
    kept, asked = SharedValues(), Asked()
    for rows in ([0], [0, 1]):
        sharing = sharing_in(kept)
        case = case_of(rows, sharing)
        with torch.inference_mode():
            case.for_all_explainers(KEY, asked)
        sharing.settle("m", storable=False)
    case = case_of([0, 1], sharing_in(kept))
    value = case.for_all_explainers(KEY, asked)
    weight = torch.ones_like(value, requires_grad=True)
    (value * weight).sum().backward()
    assert weight.grad is not None and torch.equal(weight.grad, expected(case))
    assert asked.ids == [["s0"], ["s1"]]


def test_values_are_where_the_images_are_whoever_computed_them(case_of, sharing_in) -> None:
    sharing = sharing_in(SharedValues())
    case = replace(case_of([0, 1]), images=torch.zeros(2, 3, 2, 2, device="meta"), sharing=sharing)
    sharing.share(case)
    assert case.for_all_explainers(KEY, lambda samples: torch.zeros(len(samples.images))).is_meta


def test_values_of_values_are_shared_for_the_samples_that_miss_them(case_of, sharing_in) -> None:
    kept, inner, outer = SharedValues(), Asked(), Asked()

    def doubled(samples: Unexplained) -> Tensor:
        outer(samples)
        return 2 * samples.for_all_explainers(["inner"], inner)

    first = sharing_in(kept)
    case_of([0, 1], first).for_all_explainers(["inner"], inner)
    first.settle("m", storable=False)
    for rows in ([1, 2], [0, 1, 2, 3]):
        sharing = sharing_in(kept)
        case = case_of(rows, sharing)
        assert torch.equal(case.for_all_explainers(["outer"], doubled), 2 * expected(case))
        sharing.settle("m", storable=False)
    assert inner.ids == [["s0", "s1"], ["s2"], ["s3"]]
    assert outer.ids == [["s1", "s2"], ["s0", "s3"]]


def test_draws_belong_to_the_sample_and_the_key_alone(case_of) -> None:
    def draw(samples: Unexplained) -> Tensor:
        return samples.ctx.uniform((3,))

    case = case_of([0, 1])
    other = replace(case_of([1, 2]), ctx=Context(0, ["s1", "s2"], "score/another-metric"))
    other.ctx.noise((4,))  # wherever the metric's own stream is
    assert torch.equal(case.for_all_explainers(KEY, draw)[1], other.for_all_explainers(KEY, draw)[0])
    assert not torch.equal(case.for_all_explainers(KEY, draw), case.for_all_explainers([*KEY, 1], draw))


def test_what_is_no_key_and_no_value_is_refused(case_of, sharing_in) -> None:
    case, kept = case_of([0, 1]), SharedValues()
    with pytest.raises(TypeError, match="not JSON serializable"):
        case.for_all_explainers([object()], Asked())
    for value in (torch.zeros(3), torch.zeros(()), [1, 2]):
        with pytest.raises(ValueError, match=r'what all explainers share under \["sums", 2\] is not one value per sample'):
            case.for_all_explainers(KEY, lambda samples, value=value: value)
    for rows in ([0], [0, 1, 2]):
        sharing = sharing_in(kept)
        ragged = case_of(rows, sharing)
        if rows == [0]:
            ragged.for_all_explainers(KEY, lambda samples: torch.zeros(len(samples.images), len(samples.images)))
            sharing.settle("m", storable=False)
    with pytest.raises(ValueError, match="another shape or type in another batch"):
        ragged.for_all_explainers(KEY, lambda samples: torch.zeros(len(samples.images), len(samples.images)))


def test_a_store_that_fails_costs_time_alone(case_of, sharing_in, tmp_path: Path) -> None:
    asked, sharing = Asked(), sharing_in(SharedValues())
    (tmp_path / "shared").write_text("no folder")
    case = case_of([0, 1], sharing)
    assert torch.equal(case.for_all_explainers(KEY, asked), expected(case))
    sharing.settle("m", storable=True)()
    assert not (tmp_path / "rows").exists()
