"""bfloat16 and compiled models give almost the numbers of fp32, which are not taken for them."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import harness
from harness.api import Classifier, Sample, classifier
from harness.registry.registry import Registry
from harness.results.run_folder import read_results
from harness.runs.run import Run
from harness.spec.load import load_spec
from harness.worker.arithmetic import Arithmetic, cast_passes, exact_fp32, set_plain_fp32
from harness.worker.fast_forward import CompiledNetwork, optimize_forward
from tests.support.spec import SMALL, small_spec


@pytest.fixture(autouse=True)
def _plain() -> Iterator[None]:
    """Leave the process's arithmetic as every other test expects it."""
    yield
    set_plain_fp32()


def network() -> Classifier:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4))
    return classifier(layers, input_shape=(3, 8, 8))


def logits_of(precision: Any) -> Tensor:
    """Of a network that computes in it."""
    model = network()
    if Arithmetic(precision).autocast is not None:
        cast_passes(model.module)
    return model(torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(1)))


def test_bf16_is_close_to_fp32_and_not_the_same_and_returns_float32() -> None:
    plain, cast = logits_of("fp32"), logits_of("bf16")
    assert cast.dtype is torch.float32
    assert not torch.equal(plain, cast)
    assert (plain - cast).abs().max() < 2**-6 * plain.abs().max()


def test_a_cast_model_differentiates_in_float32() -> None:
    model = network()
    cast_passes(model.module)
    images = torch.rand(2, 3, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(images).sum(), images)
    assert gradient.dtype is torch.float32
    assert gradient.abs().sum() > 0


def test_a_copy_is_cast_too_and_nothing_is_outside_a_pass() -> None:
    model = network()
    cast_passes(model.module)
    images = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(copy.deepcopy(model.module)(images), model(images), rtol=0, atol=0)
    assert not torch.is_autocast_enabled("cpu")


def test_a_pass_that_raises_leaves_no_autocast_behind() -> None:
    model = network()
    cast_passes(model.module)
    with pytest.raises(RuntimeError):
        model(torch.rand(2, 5, 8, 8))
    assert not torch.is_autocast_enabled("cpu")
    assert model(torch.rand(2, 3, 8, 8)).dtype is torch.float32


def test_exact_is_fp32_also_of_a_cast_model() -> None:
    plain, model = network(), network()
    cast_passes(model.module)
    images = torch.rand(2, 3, 8, 8)
    with exact_fp32():
        torch.testing.assert_close(model(images), plain(images), rtol=0, atol=0)
    assert not torch.equal(model(images), plain(images))


def test_predictions_of_a_cast_model_are_those_of_its_own_passes() -> None:
    model = network()
    fast = optimize_forward(model, Arithmetic("bf16"), print)
    cast_passes(model.module)
    images = torch.rand(5, 3, 8, 8)
    assert fast(images).dtype is torch.float32
    torch.testing.assert_close(fast(images), model(images), rtol=0, atol=float(2**-6 * model(images).abs().max()))
    assert model.layer("0").weight.dtype is torch.float32


def test_tf32_is_a_setting_of_cuda_that_is_put_back() -> None:
    Arithmetic("tf32").set()
    assert torch.backends.cuda.matmul.allow_tf32
    with exact_fp32():
        assert not torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cudnn.allow_tf32
    set_plain_fp32()
    assert not torch.backends.cudnn.allow_tf32


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU, and there is no g++")
def test_a_compiled_model_gives_its_logits_in_batches_of_any_size() -> None:
    model, notes = network(), list[str]()
    fast = optimize_forward(model, Arithmetic(compiled=True), notes.append)
    with torch.no_grad():
        for size in (1, 2, 7, 16):
            images = torch.rand(size, 3, 8, 8)
            torch.testing.assert_close(fast(images), model(images), rtol=1e-4, atol=1e-5)
    assert isinstance(fast, CompiledNetwork)
    assert notes == []


def test_a_model_that_cannot_be_compiled_runs_as_it_is_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.exc import BackendCompilerFailed

    def broken(network: nn.Module) -> Any:
        def call(images: Tensor) -> Tensor:
            raise BackendCompilerFailed(print, RuntimeError("no compiler here"), None)

        return call

    monkeypatch.setattr(torch, "compile", broken)
    model, notes = network(), list[str]()
    fast = optimize_forward(model, Arithmetic(compiled=True), notes.append)
    images = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(fast(images), model(images))
    assert len(notes) == 1
    assert "could not be compiled" in notes[0]


def test_an_error_of_the_model_is_no_error_of_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda module: module)
    compiled = CompiledNetwork(network().module, (torch.rand(3, 3, 8, 8), torch.rand(2, 3, 8, 8)), pytest.fail)
    with pytest.raises(RuntimeError, match="channels"):
        compiled(torch.rand(2, 5, 8, 8))


def test_a_run_in_bf16_has_columns_of_its_own_and_almost_the_scores(tmp_path: Path) -> None:
    def run(name: str, execution: dict[str, Any]) -> Any:
        spec = small_spec(execution={"executor": "inline", **execution})
        return harness.run(spec, out=tmp_path / name, store=tmp_path / "store", plugins=[SMALL])

    plain = run("plain", {})
    half = run("half", {"precision": "bf16"})
    assert half.failures == []
    assert half.summary["jobs"] == plain.summary["jobs"] > 0
    assert run("again", {"precision": "bf16"}).summary["jobs"] == 0
    assert read_results(half.folder).groups[0].explained.precision == "bf16"
    for name in ("inside", "drop", "wobble"):
        before, after = (result.leaderboard.groups[0].rows[0].cells[name].mean for result in (plain, half))
        assert after == pytest.approx(before, rel=0.05)


class Noise:
    """Training samples."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < 20:
            raise IndexError(index)
        return Sample(torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(index)), index % 2, str(index))


@pytest.fixture(scope="module")
def pair() -> tuple[Classifier, Classifier]:
    """A network in fp32, and the same in bf16."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    plain = classifier(nn.Sequential(*layers, nn.Linear(32, 3)), input_shape=(3, 24, 24), mean=[0.5] * 3, std=[0.25] * 3)
    cast = copy.deepcopy(plain)
    cast.autocast = Arithmetic("bf16").autocast
    cast_passes(cast.module)
    return plain, cast


FEWER: dict[str, dict[str, Any]] = {"integrated-gradients": {"steps": 8}, "gradient-shap": {"draws": 4}, "shap-gradient": {"draws": 4}}
GRADIENTS = ["saliency", "input-x-gradient", "guided-backprop", "deconvolution", "deep-lift", "lrp", "shap-deep", "occlusion"]
CAMS = ["grad-cam", "grad-cam++", "xgrad-cam", "layer-cam"]


@pytest.mark.parametrize("name", [*GRADIENTS, *CAMS, *FEWER])
def test_explainers_work_in_bf16(pair: tuple[Classifier, Classifier], name: str) -> None:
    images = torch.rand(3, 3, 24, 24, generator=torch.Generator().manual_seed(3)) * 4 - 2
    explainer = harness.explainer(name, **FEWER.get(name, {}))
    plain, cast = (
        harness.attribute(explainer, model, images, torch.tensor([0, 1, 2]), ids=["a", "b", "c"], training=Noise()).flatten(1)
        for model in pair
    )
    assert cast.dtype is torch.float32
    similarity = torch.cosine_similarity(plain, cast)
    assert (similarity[plain.abs().sum(dim=1) > 0] > 0.97).all()  # a CAM may be 0 everywhere
    assert not torch.is_autocast_enabled("cpu")


def test_a_run_says_which_model_it_could_not_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.exc import BackendCompilerFailed

    def broken(network: nn.Module) -> Any:
        raise BackendCompilerFailed(print, RuntimeError("no compiler here"), None)

    monkeypatch.setattr(torch, "compile", lambda network: lambda images: broken(network))
    registry = Registry.discover([SMALL])
    loaded = load_spec(small_spec(explainers=["slope"], nulls=[], execution={"executor": "inline", "compile": True}), registry)
    finished = Run(loaded, registry, tmp_path / "out", tmp_path / "store", plugins=[SMALL]).execute()
    assert finished.ok
    assert [problem for problem in finished.problems if problem.startswith("pools: the model could not be compiled")]
