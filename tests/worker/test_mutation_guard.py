import random
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from harness.worker import mutation_guard
from harness.worker.mutation_guard import MutationError, SeenModels, caused_mutation, forbid_changes
from harness.worker.shared_state import restore_shared_state


def network() -> nn.Sequential:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()).eval().requires_grad_(False)
    module[1].register_forward_hook(lambda *_: None)
    return module


def weights(module: nn.Sequential) -> None:
    module[0].weight.data[0, 0, 0, 0] += 1e-6


def swapped(module: nn.Sequential) -> None:
    module[0].weight.copy_(module[0].weight.flip(0))


def buffer(module: nn.Sequential) -> None:
    module[1].running_mean.add_(1.0)


def mode(module: nn.Sequential) -> None:
    module[1].train()


def hook(module: nn.Sequential) -> None:
    module[2].register_forward_hook(lambda *_: None)


def gradients(module: nn.Sequential) -> None:
    module[0].weight.requires_grad_(True)


def generator(module: nn.Sequential) -> None:
    torch.rand(1)


def numpy_generator(module: nn.Sequential) -> None:
    np.random.rand()


def python_generator(module: nn.Sequential) -> None:
    random.random()


def threads(module: nn.Sequential) -> None:
    torch.set_num_threads(torch.get_num_threads() + 1)


def dtype(module: nn.Sequential) -> None:
    torch.set_default_dtype(torch.float64)


def default_device(module: nn.Sequential) -> None:
    torch.set_default_device("meta")


def forward(module: nn.Sequential) -> None:
    module[2].forward = lambda inputs: inputs


def class_forward(module: nn.Sequential) -> None:
    nn.ReLU.forward = lambda self, inputs: inputs


def replaced(module: nn.Sequential) -> None:
    module[2] = nn.ReLU()


def reordered(module: nn.Sequential) -> None:
    module._modules["1"] = module._modules.pop("1")


def retyped(module: nn.Sequential) -> None:
    module[2].__class__ = nn.Sigmoid


def settings(module: nn.Sequential) -> None:
    module[2].inplace = True


def shadowed(module: nn.Sequential) -> None:
    object.__setattr__(module[0], "weight", torch.zeros(2, 1, 3, 3))


def registered(module: nn.Sequential) -> None:
    module[0].register_buffer("more", torch.zeros(1))


def removed(module: nn.Sequential) -> None:
    del module[2]


def gradient(module: nn.Sequential) -> None:
    module[0].weight.grad = torch.zeros_like(module[0].weight)


def hook_of_weights(module: nn.Sequential) -> None:
    module[0].weight.requires_grad_(True).register_hook(lambda found: found)
    module[0].weight.requires_grad_(False)


def replaced_weights(module: nn.Sequential) -> None:
    module[0].weight = nn.Parameter(module[0].weight.clone(), requires_grad=False)


def replaced_attributes(module: nn.Sequential) -> None:
    module[2].__dict__ = {**module[2].__dict__, "inplace": True}


def replaced_hooks(module: nn.Sequential) -> None:
    module[2]._forward_hooks = OrderedDict({0: lambda *_: None})


def weights_made_a_buffer(module: nn.Sequential) -> None:
    module[0]._buffers["bias"] = module[0]._parameters.pop("bias")


def another_hook(module: nn.Sequential) -> None:
    module[1]._forward_hooks.clear()
    module[1].register_forward_hook(lambda *_: None)


def hook_of_all(module: nn.Sequential) -> None:
    nn.modules.module.register_module_forward_hook(lambda *_: None)


def backward_hook_of_all(module: nn.Sequential) -> None:
    nn.modules.module.register_module_full_backward_hook(lambda *_: None)


def matmul_tf32(module: nn.Sequential) -> None:
    torch.backends.cuda.matmul.allow_tf32 = not torch.backends.cuda.matmul.allow_tf32


def cudnn_tf32(module: nn.Sequential) -> None:
    torch.backends.cudnn.allow_tf32 = not torch.backends.cudnn.allow_tf32


def matmul_precision(module: nn.Sequential) -> None:
    torch.set_float32_matmul_precision("medium")


def later_precision(module: nn.Sequential) -> None:
    torch.backends.cuda.matmul.fp32_precision = "tf32"


def benchmark(module: nn.Sequential) -> None:
    torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark


def deterministic(module: nn.Sequential) -> None:
    torch.backends.cudnn.deterministic = not torch.backends.cudnn.deterministic


def deterministic_algorithms(module: nn.Sequential) -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)


def gradients_enabled(module: nn.Sequential) -> None:
    torch.set_grad_enabled(not torch.is_grad_enabled())


def autocast(module: nn.Sequential) -> None:
    torch.autocast("cpu", dtype=torch.bfloat16).__enter__()


def autocast_dtype(module: nn.Sequential) -> None:
    torch.set_autocast_dtype("cuda", torch.bfloat16)


def inference_mode(module: nn.Sequential) -> None:
    ENTERED.append(torch.inference_mode())
    ENTERED[-1].__enter__()


def anomalies(module: nn.Sequential) -> None:
    torch.autograd.set_detect_anomaly(True)


ENTERED: list[torch.inference_mode] = []
OF_THE_MODEL = {
    weights: "weights 0.weight",
    swapped: "weights 0.weight",
    buffer: "buffer 1.running_mean",
    mode: "mode of 1",
    hook: "hooks of 2",
    another_hook: "hooks of 1",
    registered: "buffer 0.more",
    removed: "layer 2",
    gradient: "gradient of 0.weight",
    hook_of_weights: "hooks of 0.weight",
    replaced_weights: "weights 0.weight",
    replaced_attributes: "settings of 2",
    replaced_hooks: "hooks of 2",
    weights_made_a_buffer: "weights 0.bias",
    gradients: "requires_grad of 0.weight",
    forward: "attribute forward of 2",
    replaced: "layer 2",
    reordered: "layer the model",
    retyped: "layer 2",
    settings: "settings of 2",
    shadowed: "attribute weight of 0",
}
OF_THE_PROCESS = {
    class_forward: "forward of every ReLU",
    generator: "generator of torch",
    numpy_generator: "generator of numpy",
    python_generator: "generator of Python",
    threads: "number of threads",
    dtype: "default dtype",
    default_device: "default device",
    gradients_enabled: "whether gradients are enabled",
    autocast: "autocast on cpu",
    autocast_dtype: "autocast on cuda",
    inference_mode: "whether inference mode is on",
    anomalies: "whether autograd looks for anomalies",
    hook_of_all: "hooks of all modules",
    backward_hook_of_all: "hooks of all modules",
    matmul_tf32: "TF32",
    cudnn_tf32: "TF32",
    matmul_precision: "TF32",
    later_precision: "TF32",
    benchmark: "cudnn.benchmark",
    deterministic: "cudnn.deterministic",
    deterministic_algorithms: "use_deterministic_algorithms",
}


@pytest.mark.parametrize(("change", "name"), [*OF_THE_MODEL.items(), *OF_THE_PROCESS.items()])
def test_every_change_is_found_and_named(change: Callable[[nn.Sequential], None], name: str) -> None:
    module = network()
    with pytest.raises(MutationError, match=name), forbid_changes(module):
        change(module)


def shared() -> tuple[object, ...]:
    matmul, cudnn, hooks = torch.backends.cuda.matmul, torch.backends.cudnn, nn.modules.module
    return (
        torch.get_rng_state().tolist(),
        np.random.get_state()[1].tolist(),
        random.getstate(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.empty(0).device,
        torch.is_grad_enabled(),
        (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"), torch.get_autocast_dtype("cuda")),
        (torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()),
        (torch.ones(2, 2) @ torch.ones(2, 2)).dtype,
        (matmul.allow_tf32, cudnn.allow_tf32, torch.get_float32_matmul_precision()),
        (cudnn.benchmark, cudnn.deterministic, torch.are_deterministic_algorithms_enabled()),
        (dict(hooks._global_forward_hooks), dict(hooks._global_backward_hooks)),
        nn.ReLU.forward,
    )


@pytest.mark.parametrize("change", OF_THE_PROCESS)
def test_what_belongs_to_the_process_is_put_back(change: Callable[[nn.Sequential], None]) -> None:
    module, before = network(), shared()
    with pytest.raises(MutationError), forbid_changes(module):
        change(module)
    assert shared() == before


@pytest.mark.parametrize("change", [change for change in OF_THE_PROCESS if change is not class_forward])
def test_imports_may_change_it_and_it_is_put_back(change: Callable[[nn.Sequential], None]) -> None:
    module, before = network(), shared()
    with restore_shared_state():
        change(module)
    assert shared() == before


@pytest.mark.parametrize("change", OF_THE_MODEL)
def test_every_one_of_several_models_is_compared(change: Callable[[nn.Sequential], None]) -> None:
    module, twin = network(), network()
    with pytest.raises(MutationError, match="of model 2"), forbid_changes([module, twin]):
        change(twin)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_generators_of_gpus_are_compared_and_put_back() -> None:
    torch.zeros(1, device="cuda")
    before = torch.cuda.get_rng_state()
    with pytest.raises(MutationError, match="generator of cuda:0"), forbid_changes(network()):
        torch.rand(1, device="cuda")
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_what_is_used_and_left_as_it_was_passes() -> None:
    module = network()
    seen: list[tuple[int, ...]] = []
    with forbid_changes(module):
        handle = module[2].register_forward_hook(lambda module, args, output: seen.append(tuple(output.shape)))
        module(torch.zeros(1, 1, 4, 4))
        handle.remove()
        module[2].register_full_backward_hook(lambda *_: None).remove()
    module(torch.zeros(1, 1, 4, 4))
    assert seen == [(1, 2, 2, 2)], "its own hook was called in the block, and not after it"
    assert [len(layer._forward_hooks) for layer in module] == [0, 1, 0], "the hook that was there is there"


@pytest.mark.parametrize("change", OF_THE_MODEL)
def test_what_changes_between_two_blocks_is_found_by_the_second(change: Callable[[nn.Sequential], None]) -> None:
    module, seen = network(), SeenModels()
    with restore_shared_state():
        with forbid_changes(module, seen=seen):
            pass
        with pytest.raises(MutationError), forbid_changes(module, seen=seen):
            change(module)
        assert module not in seen  # what was found changed is no state to start from


@pytest.mark.parametrize("change", OF_THE_MODEL)
def test_a_change_is_found_after_one_that_is_none(change: Callable[[nn.Sequential], None]) -> None:
    """What a layer notes of itself is its own affair, and what follows is compared with the model that has it."""
    module, seen = network(), SeenModels()
    for note in ("inputs", "outputs"):
        with forbid_changes(module, seen=seen):
            module[2].noted = [note]
            module[0].register_forward_hook(lambda *_: None).remove()
    with pytest.raises(MutationError, match=OF_THE_MODEL[change]), forbid_changes(module, seen=seen):
        change(module)


def test_weights_that_were_one_and_are_two_are_found() -> None:
    module, seen = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)), SeenModels()
    module[1].weight = module[0].weight
    with forbid_changes(module, seen=seen):
        pass
    with pytest.raises(MutationError, match=r"weights 1\.weight"), forbid_changes(module, seen=seen):
        module[1].weight = nn.Parameter(module[0].weight.detach().clone())


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:FutureWarning")
def test_weights_of_scripted_layers_are_compared() -> None:
    module, seen = torch.jit.script(nn.Sequential(nn.Linear(3, 3))), SeenModels()
    for _ in range(2):
        with forbid_changes(module, seen=seen):
            module(torch.zeros(1, 3))
    with pytest.raises(MutationError, match=r"weights 0\.weight"), forbid_changes(module, seen=seen):
        getattr(module, "0").weight.data += 1


def test_a_model_is_looked_at_once_between_two_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, look = [], mutation_guard.see_models
    monkeypatch.setattr(mutation_guard, "see_models", lambda modules, *others: looks.extend(modules) or look(modules, *others))
    module, seen = network(), SeenModels()
    for _ in range(3):
        with forbid_changes(module, seen=seen):
            pass
    assert len(looks) == 4
    with forbid_changes(module):
        pass
    assert len(looks) == 6


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("change", [weights, swapped, buffer])
def test_weights_on_a_gpu_are_compared_there(change: Callable[[nn.Sequential], None]) -> None:
    module = network().cuda()
    with pytest.raises(MutationError), forbid_changes(module):
        change(module)


def test_given_tensors_are_compared() -> None:
    images = torch.zeros(2, 2)
    with pytest.raises(MutationError, match="the images"), forbid_changes(network(), [("the images", images)]):
        images[0, 0] = 1


def test_an_exception_goes_on_and_carries_what_was_left_changed() -> None:
    module = network()
    with pytest.raises(KeyError) as caught, forbid_changes(module):
        hook(module)
        raise KeyError("why")
    assert caused_mutation(caught.value)
    assert "hooks of 2" in caught.value.__notes__[0]
    with pytest.raises(KeyError) as clean, forbid_changes(module):
        raise KeyError("why")
    assert not caused_mutation(clean.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_not_finite_is_no_change(dtype: torch.dtype) -> None:
    given = torch.tensor([1.0, torch.nan, torch.inf, -torch.inf], dtype=dtype)
    with forbid_changes([], [("the images", given)]):
        given.sum()
    for place, value in ((1, 0.0), (0, torch.nan), (2, -torch.inf), (3, torch.nan)):
        with pytest.raises(MutationError, match="the images"), forbid_changes([], [("the images", given)]):
            given[place] = value
