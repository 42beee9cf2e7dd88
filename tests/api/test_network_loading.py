"""Networks as people have them: what `classifier` makes of each is held to the network itself."""

from __future__ import annotations

import copy
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from harness.api import Classifier, classifier
from harness.api.classifier_checks import ModelWarning
from harness.api.gradients import no_gradient_reason, probe_backward
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.network_outputs import OutputKind

SHAPE = (3, 12, 12)


def body(classes: int = 3, *end: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, classes), *end).eval()


class Net(nn.Module):
    def __init__(self, change: Callable[[Tensor], object] = lambda y: y, classes: int = 3) -> None:
        super().__init__()
        self.body, self.change = body(classes), change

    def forward(self, x: Tensor) -> object:
        return self.change(self.body(x))


@dataclass
class Answer:
    loss: Tensor | None = None
    logits: Tensor | None = None


class ModelOutput(OrderedDict):  # type: ignore[type-arg]
    logits = property(lambda self: self["logits"])


@pytest.fixture
def images() -> Tensor:
    return torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(3))


def logits_of(module: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return module(images)


# what a network returns


def said_of(model: Classifier) -> list[str]:
    """The notes of a model, without that of its feature map."""
    return [note for note in model.notes if not note.startswith("class activation maps")]


@pytest.mark.parametrize(
    "change",
    [
        lambda y: {"features": y[:, :2], "logits": y},
        lambda y: {"out": y, "aux": 2 * y},
        lambda y: (y, 2 * y),
        lambda y: [y[0], y, 2 * y],
        lambda y: ({"aux": 2 * y}, [y]),
        lambda y: ModelOutput(logits=y),
        lambda y: Answer(logits=y),
        lambda y: y[:, :, None, None],
        lambda y: {"one": y, "other": y.mean()},
    ],
)
def test_the_logits_are_found_in_what_a_network_returns(change: Callable[[Tensor], object], images: Tensor) -> None:
    model = classifier(Net(change), input_shape=SHAPE)
    assert torch.equal(logits_of(model.module, images), logits_of(body(), images))
    assert {name for name, _ in Net().named_modules()} <= {name for name, _ in model.module.named_modules()}
    seen: list[Tensor] = []
    model.layer("body.1").register_forward_hook(lambda layer, args, output: seen.append(output))
    model(images)
    assert torch.equal(seen[0], logits_of(body()[:2], images))


@pytest.mark.parametrize(
    ("change", "logits"),
    [
        (lambda y: {"a": 2 * y, "b": y}, "b"),
        (lambda y: (2 * y, y), 1),
        (lambda y: Answer(loss=2 * y, logits=y), "logits"),
        (lambda y: {"pair": (2 * y, y)}, lambda output: output["pair"][1]),
    ],
)
def test_a_choice_of_one_s_own_is_taken(change: Callable[[Tensor], object], logits: object, images: Tensor) -> None:
    model = classifier(Net(change), input_shape=SHAPE, logits=logits)  # type: ignore[arg-type]
    assert torch.equal(logits_of(model.module, images), logits_of(body(), images))
    assert said_of(model) == []


def test_two_choices_have_two_digests() -> None:
    net = Net(lambda y: {"a": 2 * y, "b": y})
    found = {classifier(net, input_shape=SHAPE, logits=choice).digest for choice in ("a", "b", lambda o: o["a"], lambda o: o["b"])}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda y: {"a": y, "b": y}, r"must return logits \(B, K\), not a dict with a \(2, 3\), b \(2, 3\).*logits="),
        (lambda y: {"out": y[:, :, None, None].expand(-1, -1, 4, 4)}, r"must return logits .* out \(2, 3, 4, 4\)"),
        (lambda y: None, "not a NoneType"),
        (lambda y: y.argmax(dim=1), "of int64"),
        (lambda y: y * float("nan"), "not finite"),
    ],
)
def test_what_has_no_logits_is_refused_in_one_line(change: Callable[[Tensor], object], said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        classifier(Net(change), input_shape=SHAPE)
    assert "\n" not in str(error.value)


def test_a_choice_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"logits='logit' is nothing that the network returns, which is a dict with logits \(2, 3\)"):
        classifier(Net(lambda y: {"logits": y}), input_shape=SHAPE, logits="logit")


# what makes probabilities


@pytest.mark.parametrize("change", [lambda z: z, lambda z: z[:, 0], lambda z: {"logits": z}])
def test_one_logit_makes_two_classes(change: Callable[[Tensor], object], images: Tensor) -> None:
    model = classifier(Net(change, classes=1), input_shape=SHAPE, class_names=["healthy", "ill"])
    z = logits_of(body(1), images)[:, 0]
    logits = logits_of(model.module, images)
    torch.testing.assert_close(model.probabilities(logits), torch.stack([1 - z.sigmoid(), z.sigmoid()], dim=1))
    torch.testing.assert_close(model.log_probabilities(logits)[:, 1], F.logsigmoid(z))
    assert (model.num_classes, model.output) == (2, "softmax")
    assert any("one logit" in note for note in model.notes)
    twin = model.randomised(1)
    twin_logits = logits_of(twin.module, images)
    torch.testing.assert_close(twin_logits[:, 0], -twin_logits[:, 1])  # what makes two of one is not drawn anew


@pytest.mark.parametrize("declared", ["sigmoid", "softmax"])
def test_one_logit_is_one_whatever_is_declared_of_it(declared: OutputKind, images: Tensor) -> None:
    model = classifier(body(1), input_shape=SHAPE, output=declared)
    z = logits_of(body(1), images)[:, 0]
    torch.testing.assert_close(model.probabilities(model(images)), torch.stack([1 - z.sigmoid(), z.sigmoid()], dim=1))


def test_a_logit_that_happens_to_be_in_the_unit_interval_is_no_probability(images: Tensor) -> None:
    net = body(1)
    nn.init.constant_(net[-1].weight, 0.01)
    nn.init.constant_(net[-1].bias, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ModelWarning)
        classifier(net, input_shape=SHAPE)
    with pytest.warns(ModelWarning, match="declare output='probabilities' if it is one"):
        classifier(Net(lambda z: z.clamp(0, 1), classes=1), input_shape=SHAPE)


def test_one_sigmoid_makes_two_classes(images: Tensor) -> None:
    with pytest.warns(ModelWarning, match="ends in a sigmoid"):
        model = classifier(body(1, nn.Sigmoid()), input_shape=SHAPE)
    p = logits_of(body(1), images).sigmoid()[:, 0]
    torch.testing.assert_close(model.probabilities(model(images)), torch.stack([1 - p, p], dim=1))
    assert model.output == "probabilities"


@pytest.mark.parametrize("end", [nn.Softmax(dim=1), nn.Sigmoid()])
def test_probabilities_are_not_put_through_a_softmax_again(end: nn.Module, images: Tensor) -> None:
    with pytest.warns(ModelWarning, match="drop that layer") as said:
        model = classifier(body(3, end), input_shape=SHAPE)
    assert len(said) == 1 and model.output == "probabilities"
    expected = end(logits_of(body(), images))
    assert torch.equal(model.probabilities(model(images)), expected)
    torch.testing.assert_close(model.log_probabilities(model(images)), expected.log())


def test_a_logarithm_of_softmax_is_logits(images: Tensor) -> None:
    model = classifier(body(3, nn.LogSoftmax(dim=1)), input_shape=SHAPE)
    torch.testing.assert_close(model.probabilities(model(images)), logits_of(body(), images).softmax(dim=1))
    assert said_of(model) == []


def test_what_is_declared_is_not_guessed(images: Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logits = classifier(body(3, nn.Softmax(dim=1)), input_shape=SHAPE, output="softmax")
        several = classifier(body(), input_shape=SHAPE, output="sigmoid")
    assert (logits.output, said_of(logits)) == ("softmax", [])
    torch.testing.assert_close(several.probabilities(several(images)), several(images).sigmoid())
    torch.testing.assert_close(several.log_probabilities(several(images)), several(images).sigmoid().log())
    assert classifier(body(), input_shape=SHAPE).digest != several.digest
    with pytest.raises(ValueError, match=r"output='probabilities', but what the network returns is not in \[0, 1\]"):
        classifier(body(), input_shape=SHAPE, output="probabilities")


def test_a_log_probability_of_0_is_finite() -> None:
    model = classifier(body(3, nn.Softmax(dim=1)), input_shape=SHAPE, output="probabilities")
    assert model.log_probabilities(torch.tensor([[0.0, 0.0, 1.0]])).isfinite().all()


# what it is made of


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float16, 1e-2), (torch.bfloat16, 5e-2), (torch.float64, 1e-6)])
def test_weights_of_other_types_take_float32_images(kind: torch.dtype, tolerance: float, images: Tensor) -> None:
    net = body().to(kind)
    model = classifier(net, input_shape=SHAPE)
    expected = logits_of(net, images.to(kind)).double()
    torch.testing.assert_close(model(images).double(), expected, rtol=tolerance, atol=tolerance)
    assert str(kind).removeprefix("torch.") in model.notes[0]
    assert next(net.parameters()).dtype is kind


def test_a_forward_that_casts_for_itself_is_kept_in_its_type(images: Tensor) -> None:
    class Casts(Net):
        def forward(self, x: Tensor) -> Tensor:
            return self.body(x.half())

    net = Casts()
    net.body.half()
    model = classifier(net, input_shape=SHAPE)
    assert model(images).dtype is torch.float32
    torch.testing.assert_close(model(images), logits_of(net, images).float())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda net: torch.compile(net, backend="eager"),
        nn.DataParallel,
        lambda net: nn.DataParallel(torch.compile(net, backend="eager")),
        lambda net: nn.Sequential(torch.compile(net[:2], backend="eager"), net[2:]),
    ],
)
@pytest.mark.slow  # importing the compiler
def test_wrappers_are_looked_under(wrap: Callable[[nn.Module], nn.Module], images: Tensor) -> None:
    model = classifier(wrap(body()), input_shape=SHAPE)
    assert torch.equal(model(images), logits_of(body(), images))
    assert model.cam_layer is not None and not any("_orig_mod" in name for name in model.layers)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "make",
    [
        torch.jit.script,
        lambda net: torch.jit.trace(net, torch.rand(1, *SHAPE)),
        lambda net: nn.Sequential(torch.jit.script(net[:3]), net[3:]),
    ],
)
def test_torchscript_is_taken_for_what_it_can_do(make: Callable[[nn.Module], nn.Module], images: Tensor) -> None:
    model = classifier(make(body()), input_shape=SHAPE)
    torch.testing.assert_close(model(images), logits_of(body(), images))
    assert no_gradient_reason(model) is None and "TorchScript" in str(hidden_operations_reason(model))
    torch.testing.assert_close(gradient(model.module, images), gradient(body(), images))
    other = body()
    with torch.no_grad():
        other[0].bias[0] += 1
    assert classifier(make(other), input_shape=SHAPE).digest != model.digest


@pytest.mark.filterwarnings("ignore")
def test_torchscript_may_work_in_place(images: Tensor) -> None:
    net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)).eval()
    assert torch.equal(classifier(torch.jit.script(net), input_shape=SHAPE)(images), logits_of(net, images))


def test_a_quantised_network_has_predictions_and_no_gradients(images: Tensor) -> None:
    net = torch.ao.quantization.quantize_dynamic(body(), {nn.Linear}, dtype=torch.qint8)
    model = classifier(net, input_shape=SHAPE)
    assert torch.equal(model(images), logits_of(net, images))
    assert no_gradient_reason(model) is not None
    other = copy.deepcopy(net)
    other[4].set_weight_bias(*((part * 2) if part.is_quantized is False else part for part in other[4]._weight_bias()))
    assert classifier(other, input_shape=SHAPE).digest != model.digest


def test_extra_states_count_in_the_digest() -> None:
    class Extra(Net):
        said = 1

        def get_extra_state(self) -> object:
            return {"said": self.said, "table": torch.ones(2)}

        def set_extra_state(self, state: object) -> None:
            pass

    one, other = Extra(), Extra()
    other.said = 2
    assert classifier(one, input_shape=SHAPE).digest == classifier(Extra(), input_shape=SHAPE).digest
    assert classifier(one, input_shape=SHAPE).digest != classifier(other, input_shape=SHAPE).digest


def test_a_traced_graph_that_returns_a_dictionary_is_taken(images: Tensor) -> None:
    model = classifier(fx.symbolic_trace(Net(lambda y: {"logits": y})), input_shape=SHAPE)
    assert torch.equal(model(images), logits_of(body(), images))


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (lambda: nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(3)), "lazily initialised"),
        (lambda: body().to("meta"), "meta device"),
        (lambda: Net(lambda y: y[:1]), r"\(B, K\), not a tensor \(1, 3\)"),
    ],
)
def test_what_cannot_be_taken_is_said(net: Callable[[], nn.Module], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        classifier(net(), input_shape=SHAPE)


def test_a_network_that_is_not_finite_for_some_images_is_taken(images: Tensor) -> None:
    class UndefinedWhereDark(Net):
        def forward(self, x: Tensor) -> Tensor:
            return torch.where(x.mean(dim=(1, 2, 3))[:, None] > 0.4, self.body(x), float("nan"))

    net = UndefinedWhereDark().eval()
    model = classifier(net, input_shape=SHAPE)
    given = torch.cat([images, images / 2])
    assert model.refused is None
    assert torch.equal(model(given).isnan(), logits_of(net, given).isnan())
    assert 0 < int(model(given).isnan().sum()) < 24


def test_a_copy_that_cannot_be_run_is_said_to_be_so() -> None:
    class Once(Net):
        def __deepcopy__(self, memo: object) -> nn.Module:
            return Net(lambda y: y[:, 7, 7, 7])

    with pytest.raises(ValueError, match=r"a copy of Once cannot be run as the network itself can \(.*too many indices"):
        classifier(Once(), input_shape=SHAPE)


# models that are no function of one image


class BatchStatistics(Net):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        return y if len(y) == 1 else self.norm(y)


class Dropout(Net):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(self.body(x))


class Counts(Net):
    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.body(x) * self.calls


class RunningMean(Net):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        self.mean.mul_(0.5).add_(y.mean(dim=0))
        return y - self.mean


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (BatchStatistics, "depend on the others in the batch.*norm"),
        (lambda: Net(lambda y: y.softmax(dim=0)), "depend on the others in the batch"),
        (Dropout, "draws random numbers in evaluation mode"),
        (Counts, "keeps something from one call to the next"),
        (RunningMean, "keeps something from one call to the next"),
    ],
)
def test_logits_that_are_not_the_image_s_alone_are_refused_where_a_model_is_loaded(make: Callable[[], nn.Module], said: str) -> None:
    net = make().train()
    state, before = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    with pytest.warns(ModelWarning, match=said) as warned:
        model = classifier(net, input_shape=SHAPE)
    assert model.refused is not None and len(warned) == 1
    assert net.training and getattr(net, "calls", 0) == 0 and torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(net.state_dict()[name], value) for name, value in state.items())


def test_statistics_that_move_in_evaluation_mode_are_left_as_they_were() -> None:
    class Training(nn.BatchNorm2d):
        def train(self, mode: bool = True) -> nn.Module:
            return super().train(True)

    net = nn.Sequential(nn.Conv2d(3, 6, 3), Training(6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)).eval()
    before = copy.deepcopy(net.state_dict())
    with pytest.warns(ModelWarning, match="batch statistics in 1"):
        classifier(net, input_shape=SHAPE)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_network_that_draws_and_uses_little_of_it_is_refused_by_its_own_name() -> None:
    with pytest.warns(ModelWarning, match="draws random numbers in evaluation mode"):
        model = classifier(Net(lambda y: y + 1e-6 * torch.rand(3)), input_shape=SHAPE)
    assert model.refused is not None


def test_layers_of_nobody_are_refused() -> None:
    elsewhere = body()

    class Calls(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return functions["body"](x)

    functions = {"body": elsewhere.__call__}
    with pytest.warns(ModelWarning, match=r"none of its children \(Conv2d, Linear\)"):
        model = classifier(Calls(), input_shape=SHAPE)
    assert model.refused is not None


def test_constant_logits_are_a_hint() -> None:
    model = classifier(Net(lambda y: 0 * y + torch.arange(3)), input_shape=SHAPE)
    assert model.refused is None and "same logits" in model.notes[0]


@pytest.mark.parametrize(
    ("mean", "std", "said"),
    [
        ((0.5, 0.5, 0.5), (0.2, 0.0, 0.2), "std .* must be greater than 0"),
        ((123.7, 116.3, 103.5), (58.4, 57.1, 57.4), "divide mean and std by 255"),
        ((123.7, 116.3, 103.5), (0.2, 0.2, 0.2), "divide mean and std by 255"),
        ((0.5, 0.5, 0.5), (58.4, 57.1, 57.4), "divide mean and std by 255"),
        ((0.5, 0.5), None, "mean has 2 values for images of 3 channels"),
        ((0.5, float("nan"), 0.5), None, "must be finite"),
    ],
)
def test_means_and_deviations_of_another_scale_are_refused(mean: object, std: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        classifier(body(), input_shape=SHAPE, mean=mean, std=std)  # type: ignore[arg-type]


# gradients


def gradient(module: nn.Module, images: Tensor) -> Tensor:
    leaf = images.clone().requires_grad_()
    return torch.autograd.grad(module(leaf)[:, 0].sum(), leaf)[0]


class NoGrad(Net):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = self.body[:4](x)
        return self.body[4](x)


class Decorated(Net):
    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class Checkpointed(Net):
    reentrant = False

    def forward(self, x: Tensor) -> Tensor:
        x = checkpoint(lambda y: F.relu(self.body[0](y)), x, use_reentrant=self.reentrant)
        return self.body[2:](x)


class Reentrant(Checkpointed):
    reentrant = True


@pytest.mark.filterwarnings("ignore:None of the inputs")
@pytest.mark.parametrize("kind", [NoGrad, Decorated, Checkpointed, Reentrant])
def test_gradients_are_those_of_the_function(kind: type[nn.Module], images: Tensor) -> None:
    model = classifier(kind(), input_shape=SHAPE)
    torch.testing.assert_close(gradient(model.module, images), gradient(body(), images))
    assert (no_gradient_reason(model), hidden_operations_reason(model), probe_backward(model).again) == (None, None, ())
    assert kind not in (NoGrad, Decorated) or "switched off" in model.notes[0]


@pytest.mark.parametrize(
    "change", [lambda y: y.detach(), lambda y: torch.tensor(y.detach().tolist()), lambda y: (9 * y).round().detach() + 0]
)
def test_a_network_without_gradients_says_so(change: Callable[[Tensor], Tensor]) -> None:
    model = classifier(Net(change), input_shape=SHAPE)
    assert "no gradient" in str(no_gradient_reason(model))


def test_checkpoints_in_what_cannot_be_traced_are_found() -> None:
    class Hidden(Net):
        def forward(self, x: Tensor) -> Tensor:
            if x.mean() > 100:
                x = x + 1
            return self.body[2:](checkpoint(self.body[:2], x, use_reentrant=False))

    model = classifier(Hidden(), input_shape=SHAPE)
    assert "body.0" in probe_backward(model).again
    assert "gradient checkpointing" in str(hidden_operations_reason(model))


class Guarded(Net):
    """Keeps what nobody can copy, as attributes and in containers, beside features that a hook keeps."""

    def __init__(self, log: object) -> None:
        super().__init__(lambda y: y)
        self.lock, self.log, self.others = threading.Lock(), log, {"locks": threading.RLock(), "pair": [threading.Lock(), log]}
        self.queue, self.kept = [threading.Event()], []
        self.body[1].register_forward_hook(lambda module, args, output: self.kept.append(output))

    def forward(self, x: Tensor) -> Tensor:
        self.kept.clear()
        with self.lock:
            return super().forward(x) + 0 * self.kept[0].mean()


def test_what_cannot_be_copied_is_shared(images: Tensor, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        network = Guarded(log).eval()
        model = classifier(network, input_shape=SHAPE)
        torch.testing.assert_close(logits_of(model.module, images), logits_of(network, images), rtol=0, atol=0)
        assert model.refused is None
        assert model.module.lock is network.lock and model.module.kept is not network.kept
        assert not torch.equal(model.randomised(0)(images), model(images))
