"""Checkpoints as people save them: the network's own logits, or one line that says what to do."""

from __future__ import annotations

import argparse
import pickle
import sys
import types
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from harness_torchvision.checkpoints import load_checkpoint, read_checkpoint
from harness_torchvision.models import torchvision_classifier
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision import models

State = dict[str, Tensor]
ARCH = "shufflenet_v2_x0_5"


def network(seed: int = 1, classes: int = 3, arch: str = ARCH) -> nn.Module:
    torch.manual_seed(seed)
    return models.get_model(arch, weights=None, num_classes=classes).eval()


NETWORK = network()
STATE: State = NETWORK.state_dict()
OTHER: State = network(2).state_dict()
IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def below(prefix: str, state: State | None = None) -> State:
    return {prefix + name: tensor for name, tensor in (state or STATE).items()}


def without(state: State, *names: str) -> State:
    return {name: tensor for name, tensor in state.items() if name not in names}


class AttributeDict(dict):  # type: ignore[type-arg]
    """As Lightning has for hyper-parameters."""


class Settings:
    """Any object of a training script."""

    def __init__(self) -> None:
        self.lr, self.when = 0.1, [1, 2]


OPTIMISER = torch.optim.SGD(NETWORK.parameters(), lr=0.1, momentum=0.9).state_dict()
BACKBONE = below("backbone.", without(STATE, "fc.weight", "fc.bias"))
FC = {"fc.weight": STATE["fc.weight"], "fc.bias": STATE["fc.bias"]}

SAVED: dict[str, Any] = {
    "plain": STATE,
    "ordered": OrderedDict(STATE),
    "torchvision": {
        "model": STATE,
        "optimizer": OPTIMISER,
        "lr_scheduler": {"last_epoch": 3},
        "epoch": 3,
        "args": argparse.Namespace(lr=0.1),
    },
    "torchvision with averages": {"model": OTHER, "model_ema": {"n_averaged": torch.tensor(9), **below("module.")}, "epoch": 3},
    "imagenet example": {
        "epoch": 1,
        "arch": ARCH,
        "state_dict": below("module."),
        "best_acc1": torch.tensor(7.0),
        "optimizer": OPTIMISER,
    },
    "lightning": {
        "state_dict": {**below("model."), "criterion.weight": torch.ones(3), "train_acc.total": torch.tensor(1)},
        "hyper_parameters": AttributeDict(lr=0.1, layers=[1]),
        "pytorch-lightning_version": "2.5",
        "callbacks": {"EarlyStopping": {"best": torch.tensor(1.0)}},
        "loops": {"fit": Settings()},
    },
    "timm": {"arch": ARCH, "state_dict": OTHER, "state_dict_ema": STATE, "args": argparse.Namespace(), "metric": np.float64(81.5)},
    "compiled and parallel": below("module._orig_mod."),
    "compiled within": {name.replace("stage2.", "stage2._orig_mod."): tensor for name, tensor in STATE.items()},
    "backbone and fc": {**BACKBONE, **FC},
    "backbone and classifier": {**BACKBONE, "classifier.weight": FC["fc.weight"], "classifier.bias": FC["fc.bias"]},
    "dropout before the head": {**without(STATE, *FC), "fc.1.weight": FC["fc.weight"], "fc.1.bias": FC["fc.bias"]},
    "counted operations": {**STATE, "total_ops": torch.zeros(1), "fc.total_params": torch.zeros(1)},
    "deep": {"model": {"state_dict": below("net.encoder.")}},
    "numbers of numpy": {"net": STATE, "best": np.float32(0.9), "history": [np.float64(1), np.int64(2)], "rng": np.arange(3)},
    "objects beside": {
        "model": STATE,
        "config": Settings(),
        "path": Path("x"),
        "losses": defaultdict(list, {"a": [1.0]}),
        "kind": Settings,
    },
    **{name: {name: STATE} for name in ("network", "model_state", "model_state_dict", "weights", "ema", "my_own_name")},
}


@pytest.mark.parametrize("kind", SAVED)
def test_the_weights_are_those_that_were_saved(tmp_path: Path, kind: str) -> None:
    torch.save(SAVED[kind], tmp_path / "x.pt")
    loaded = network(9, classes=1000)
    load_checkpoint(loaded, tmp_path / "x.pt")
    with torch.no_grad():
        assert torch.equal(loaded.eval()(IMAGES), NETWORK(IMAGES))


@pytest.mark.parametrize("suffix", [".ckpt", ".PT", ".pth.tar", ".safetensors", ".bin"])
def test_files_of_all_names(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = f"last{suffix}"
    save_file(below("module."), file) if suffix == ".safetensors" else torch.save(SAVED["imagenet example"], file)
    model = torchvision_classifier(arch=ARCH, weights=file, input_size=32)
    with torch.no_grad():
        assert torch.equal(model.module(IMAGES), NETWORK(IMAGES)) and model.num_classes == 3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_taken_in_the_network_s_own(tmp_path: Path, dtype: torch.dtype) -> None:
    state = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in STATE.items()}
    torch.save(state, tmp_path / "x.pt")
    loaded = network(9)
    load_checkpoint(loaded, tmp_path / "x.pt")
    assert all(torch.equal(parameter, STATE[name].to(dtype).float()) for name, parameter in loaded.named_parameters())


def test_what_was_chosen_is_noted_and_can_be_chosen(tmp_path: Path) -> None:
    torch.save(SAVED["timm"], tmp_path / "x.pt")
    model = torchvision_classifier(arch=ARCH, weights=tmp_path / "x.pt", input_size=32)
    assert model.notes == ["weights: of x.pt, 'state_dict_ema' is taken, and not state_dict (weights_entry chooses)"]
    chosen = torchvision_classifier(arch=ARCH, weights=tmp_path / "x.pt", weights_entry="state_dict", input_size=32)
    assert torch.equal(chosen.module.get_submodule("fc").weight, OTHER["fc.weight"]) and chosen.notes == []
    with pytest.raises(ValueError, match=r"has no state dict 'modle' \(it has state_dict, state_dict_ema\)"):
        read_checkpoint(tmp_path / "x.pt", "modle")
    with pytest.raises(ValueError, match="weights_entry: is of a file of one's own"):
        torchvision_classifier(arch=ARCH, weights_entry="model")


def test_two_networks_in_one_file_are_not_guessed_between(tmp_path: Path) -> None:
    torch.save({"netG": OTHER, "netD": STATE}, tmp_path / "x.pt")
    with pytest.raises(ValueError, match=r"several state dicts \(netG, netD\): choose one with weights_entry"):
        read_checkpoint(tmp_path / "x.pt")
    torch.save({**below("student."), **below("momentum.", OTHER)}, tmp_path / "y.pt")
    with pytest.raises(ValueError, match=r"y\.pt holds the network several times \(student, momentum\): choose one with weights_entry"):
        load_checkpoint(network(9), tmp_path / "y.pt")
    for entry, expected in (("student", STATE), ("momentum", OTHER)):
        loaded = network(9)
        load_checkpoint(loaded, tmp_path / "y.pt", entry=entry)
        assert torch.equal(loaded.get_submodule("fc").weight, expected["fc.weight"])
    torch.save({**below("ema_model.", OTHER), **below("model.")}, tmp_path / "z.pt")
    loaded = network(9)
    notes = load_checkpoint(loaded, tmp_path / "z.pt")
    assert torch.equal(loaded.get_submodule("fc").weight, STATE["fc.weight"]) and "not those below ema_model." in notes[0]


def refused(tmp_path: Path, value: Any, *said: str, load: bool = False) -> None:
    torch.save(value, tmp_path / "x.pt")
    with pytest.raises(ValueError, match=r"x\.pt") as caught:
        load_checkpoint(network(9), tmp_path / "x.pt") if load else read_checkpoint(tmp_path / "x.pt")
    text = str(caught.value)
    assert "\n" not in text and "\x1b" not in text and all(part in text for part in said), text


def test_a_whole_model_is_answered_with_what_to_save(tmp_path: Path) -> None:
    said = ("without running code", "whole pickled object (torchvision.models.shufflenetv2.ShuffleNetV2)", "torch.save(model.state_dict()")
    refused(tmp_path, NETWORK, *said)
    refused(tmp_path, {"model": NETWORK, "epoch": 3}, "its entry 'model' is torchvision.models.shufflenetv2.ShuffleNetV2", "state_dict()")
    refused(tmp_path, {"model": Settings()}, "Settings", "state_dict()")


def test_a_class_of_a_module_that_is_not_installed_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = types.ModuleType("gone_away")
    gone.Config = type("Config", (dict,), {"__module__": "gone_away"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gone_away", gone)
    torch.save({"model": STATE, "more": gone.Config(a=1), "list": [gone.Config()]}, tmp_path / "x.pt")  # type: ignore[attr-defined]
    monkeypatch.delitem(sys.modules, "gone_away")
    assert read_checkpoint(tmp_path / "x.pt").keys() == STATE.keys()


class Payload:
    """Runs something when it is unpickled."""

    def __init__(self, call: Callable[..., object], *args: object) -> None:
        self.call, self.args = call, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.args


@pytest.mark.parametrize("beside", [{}, {"model": STATE}])
@pytest.mark.parametrize("payload", [Payload(Path.touch, Path("ran")), Payload(exec, "open('ran', 'w')"), Payload(pickle.loads, b"x")])
def test_nothing_in_a_file_is_run(tmp_path: Path, beside: dict[str, Any], payload: Payload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({**beside, "extra": payload}, tmp_path / "evil.pt")
    try:
        assert read_checkpoint(tmp_path / "evil.pt").keys() == STATE.keys() and beside
    except ValueError as error:
        assert "without running code" in str(error)
    assert not Path("ran").exists()
    assert not any(isinstance(known, tuple) for known in torch.serialization.get_safe_globals()), "no stand-in is left behind"


@pytest.mark.slow
def test_what_does_not_fit_says_which_architecture_would(tmp_path: Path) -> None:
    refused(
        tmp_path,
        {"model": below("module.", network(1, 3, "shufflenet_v2_x1_0").state_dict())},
        "of another shape",
        "It fits arch: shufflenet_v2_x1_0",
        load=True,
    )
    torch.save(models.vit_b_32(image_size=96, num_classes=3).state_dict(), tmp_path / "vit.pt")
    with pytest.raises(
        ValueError, match=r"pos_embedding \(1, 10, 768\) instead of \(1, 5, 768\)\)\. It fits arch: vit_b_32, input_size: 96"
    ):
        torchvision_classifier(arch="vit_b_32", weights=tmp_path / "vit.pt", input_size=64)
    own = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 3)).state_dict()
    refused(tmp_path, {"state_dict": own, "arch": "mine"}, "fits no architecture", "its file says 'mine'", "harness.classifier", load=True)
    two = {**without(STATE, *FC), "fc.0.weight": torch.ones(9, 1024), "fc.0.bias": torch.ones(9), "fc.3.weight": torch.ones(3, 9)}
    refused(tmp_path, two, "2 missing (fc.bias, fc.weight)", "3 unexpected (fc.0.bias, fc.0.weight, fc.3.weight)", load=True)


@pytest.mark.slow
def test_another_head_on_top_of_the_network_is_not_dropped(tmp_path: Path) -> None:
    refused(
        tmp_path, {**below("backbone."), "head.weight": torch.ones(2, 3), "head.bias": torch.ones(2)}, "unexpected (head.bias", load=True
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 99, "HDF5"),
        (b"<html>no</html>", "no checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(ValueError, match=said) as caught:
        read_checkpoint(tmp_path / "x.pt")
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="is a folder, not a file"):
        read_checkpoint(tmp_path)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_file_that_is_cut_short_and_an_archive_of_code_are_refused(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "x.pt")
    (tmp_path / "x.pt").write_bytes((tmp_path / "x.pt").read_bytes()[:5000])
    with pytest.raises(ValueError, match="cut short: copy or download it again"):
        read_checkpoint(tmp_path / "x.pt")
    torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)).save(str(tmp_path / "y.pt"))
    with pytest.raises(ValueError, match="TorchScript archive, which holds code: save the state dict"):
        read_checkpoint(tmp_path / "y.pt")


@pytest.mark.slow
@pytest.mark.parametrize("checksums", [True, False])
def test_a_file_whose_weights_are_not_those_written_is_refused(tmp_path: Path, checksums: bool) -> None:
    """One bit of one weight, which ``torch.load`` takes without a word. A file that was saved without checksums has none to be held to."""
    path, weights = tmp_path / "weights.pt", torch.rand(500, 100, generator=torch.Generator().manual_seed(0))
    torch.serialization.set_crc32_options(checksums)
    try:
        torch.save({"weight": weights}, path)
    finally:
        torch.serialization.set_crc32_options(True)
    assert torch.equal(read_checkpoint(path)["weight"], weights)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged") if checksums else nullcontext():
        assert not torch.equal(read_checkpoint(path)["weight"], weights)


def test_old_files_of_torch_and_old_names_of_densenet_load(tmp_path: Path) -> None:
    torch.save({"model": STATE, "args": argparse.Namespace(a=1)}, tmp_path / "x.pt", _use_new_zipfile_serialization=False)
    assert read_checkpoint(tmp_path / "x.pt").keys() == STATE.keys()
    dense = network(1, 3, "densenet121")
    old = {name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): tensor for name, tensor in dense.state_dict().items()}
    torch.save(old, tmp_path / "y.pt")
    loaded = network(2, 1000, "densenet121")
    load_checkpoint(loaded, tmp_path / "y.pt")
    assert all(torch.equal(tensor, dense.state_dict()[name]) for name, tensor in loaded.state_dict().items())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("w.pt", b"hello", r"it is neither what torch\.save writes nor safetensors"),
        ("w.pth", b"\n<!DOCTYPE html><html>", "it is a page of the web and not the file: download it again"),
        ("w.onnx", b"\x08\x07", r"it is neither what torch\.save writes nor safetensors"),
        ("w.pkl", pickle.dumps({"a": 1}, protocol=4), "without running code: [^ ].+"),
    ],
)
def test_a_file_that_is_no_checkpoint_has_a_reason_in_words(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        read_checkpoint(tmp_path / name)


def test_an_address_is_no_file() -> None:
    with pytest.raises(ValueError, match=r"https://example\.com/w\.pth is no file: download it, and give its path"):
        read_checkpoint(Path("https://example.com/w.pth"))


@pytest.mark.parametrize("change", [lambda tensor: tensor.to(torch.int8), lambda tensor: tensor.to("meta")])
def test_whole_numbers_are_no_weights(tmp_path: Path, change: Callable[[Tensor], Tensor]) -> None:
    state = {name: change(tensor) if tensor.is_floating_point() else tensor for name, tensor in STATE.items()}
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"not of floating values \(conv1"):
        torchvision_classifier(arch=ARCH, weights=tmp_path / "w.pt", input_size=32)
