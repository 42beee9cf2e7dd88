"""The model ``trained``: what its loop does to weights, held to torch's own, and that nothing is lost or changed by a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from harness_torchvision.digits import digits
from harness_torchvision.digits_cnn import digits_cnn
from harness_torchvision.models import published
from harness_torchvision.training.images import TrainingImages, augmented, scale_of
from harness_torchvision.training.loop import balanced_weights
from harness_torchvision.training.options import Augmentation, Optimiser, Scale, Schedule
from harness_torchvision.training.removal import PixelRemoval
from harness_torchvision.training.stages import freeze_others, learning_layers, set_training_mode, stages_of
from harness_torchvision.training.trained import ClassifierTraining, trained
from torch import nn
from torch.nn import functional as F
from torchvision import models

from harness.api import Attribution, Classifier, Context, Sample, TrainingMonitor, TrainingState, classifier
from harness.api.geometry import Geometry
from harness.api.randomness import stream

CPU = torch.device("cpu")
SEEDED = {"sgd": Optimiser(use="sgd", lr=0.05, momentum=0.5), "adam": Optimiser(use="adam", lr=0.01), "adamw": Optimiser(lr=0.01)}


class Blobs:
    """Images (1, 8, 8) that are bright on the left or on the right, and noise."""

    class_names: Sequence[str] = ("left", "right")

    def __init__(self, samples: int = 24, seed: int = 0) -> None:
        self.samples, self.seed = samples, seed

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        image = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(1000 * self.seed + index)) * 0.5
        label = index % 2
        image[:, :, 4 * label : 4 * label + 4] += 0.3
        return Sample(image, label, f"blob-{index}")


def network() -> nn.Module:
    """Two stages with batch normalisation, a max pooling between them, dropout, and a linear layer."""
    torch.manual_seed(0)
    stage = [nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(
        *stage, nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(96, 3)
    )


@pytest.fixture(scope="module")
def arch() -> Classifier:
    return classifier(network(), input_shape=(1, 8, 8), mean=[0.4], std=[0.3], cam_layer="6")


def trainings(arch: str | Classifier, **params: Any) -> ClassifierTraining:
    made = trained(**{"arch": arch, "data": Blobs(), "epochs": 3, "batch": 8, **params})
    assert isinstance(made, ClassifierTraining)
    return made


def run(training: ClassifierTraining, begun: TrainingState | None = None) -> tuple[TrainingState, list[TrainingState]]:
    """The result, and the states that were kept."""
    kept: list[TrainingState] = []
    return training.train(CPU, begun, TrainingMonitor(kept.append, lambda done, of: None)), kept


def same(first: TrainingState, second: TrainingState) -> bool:
    """Whether all tensors have the same bits, and the curves the same numbers but for the time they took."""
    curves = [
        [{name: value for name, value in entry.items() if name != "seconds"} for entry in each.record["curve"]] for each in (first, second)
    ]
    bits = first.tensors.keys() == second.tensors.keys() and all(
        torch.equal(first.tensors[name], second.tensors[name]) for name in first.tensors
    )
    return bits and curves[0] == curves[1]


def test_a_training_is_the_same_to_the_last_bit_and_depends_on_its_seed(arch: Classifier) -> None:
    training = trainings(arch, augmentation=Augmentation(mirror=["up-down"], shift=1))
    torch.manual_seed(1)
    first = run(training)[0]
    torch.manual_seed(2)
    assert same(first, run(training)[0])
    other = run(trainings(arch, augmentation=Augmentation(mirror=["up-down"], shift=1), seed=1))[0]
    assert not torch.equal(first.tensors["0.weight"], other.tensors["0.weight"])


@pytest.mark.parametrize("use", list(SEEDED))
@pytest.mark.parametrize("schedule", [None, "step", "cosine", "plateau", "one-cycle"])
@pytest.mark.parametrize("after", [1, 2])
def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_come_between(arch: Classifier, use: str, schedule: Any, after: int) -> None:
    changing = None if schedule is None else Schedule(use=schedule, gamma=0.5, every=1, patience=1)
    training = trainings(
        arch,
        validation=Blobs(8, seed=1),
        optimiser=SEEDED[use],
        schedule=changing,
        keep="best",
        augmentation=Augmentation(mirror=["left-right"], shift=1),
        epochs=4,
    )
    whole, kept = run(training)
    assert len(kept) == 4
    gone_on, rest = run(training, kept[after - 1])
    assert len(rest) == 4 - after
    assert same(gone_on, whole)
    assert same(rest[-1], kept[-1])


def test_the_steps_are_torch_s_own(arch: Classifier) -> None:
    """A loop without batch normalisation, dropout and augmentation, written out with torch's SGD and StepLR."""
    torch.manual_seed(3)
    plain = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.ReLU(), nn.Linear(5, 2))
    base = classifier(plain, input_shape=(1, 8, 8), mean=[0.4], std=[0.3])
    options = {"optimiser": Optimiser(use="sgd", lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01), "label_smoothing": 0.1}
    training = trainings(base, init="arch", schedule=Schedule(gamma=0.5, every=2), class_weights=[1.0, 3.0], seed=5, epochs=5, **options)
    found = run(training)[0]

    head = found.tensors["3.weight"].shape
    optimiser_of = lambda module: torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)  # noqa: E731
    optimiser = optimiser_of(plain)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, 2, 0.5)
    blobs = Blobs()
    losses = []
    for epoch in range(1, 6):
        total = 0.0
        for places in torch.randperm(24, generator=stream(5, f"epoch {epoch}", "order")).split(8):
            inputs = torch.stack([(blobs[int(place)].image - 0.4) / 0.3 for place in places])
            labels = torch.tensor([blobs[int(place)].label for place in places])
            loss = F.cross_entropy(plain(inputs), labels, weight=torch.tensor([1.0, 3.0]), label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * 8
        schedule.step()
        losses.append(total / 24)
    assert head == (2, 5)
    for name, tensor in plain.state_dict().items():
        torch.testing.assert_close(found.tensors[name], tensor, rtol=1e-5, atol=1e-6)
    assert [entry["loss"] for entry in found.record["curve"]] == pytest.approx(losses, abs=2e-6)
    assert [entry["rate"] for entry in found.record["curve"]] == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025])


def test_the_classifier_says_what_the_network_learnt_to_say(arch: Classifier) -> None:
    training = trainings(arch, validation=Blobs(20, seed=1), epochs=12, optimiser=SEEDED["adam"])
    result = run(training)[0]
    made = training.classifier(result)
    samples = [Blobs(20, seed=1)[index] for index in range(20)]
    with torch.no_grad():
        predicted = made(torch.stack([made.preprocess(sample.image) for sample in samples])).argmax(1)
    hits = np.mean([int(guess) == sample.label for guess, sample in zip(predicted, samples, strict=True)])
    assert hits == pytest.approx(result.record["curve"][-1]["validation accuracy"])
    assert hits >= 0.9
    assert (made.class_names, made.num_classes, made.cam_layer) == (["left", "right"], 2, "6")
    assert (result.record["images"], result.record["parameters"]) == (24, sum(p.numel() for p in made.module.parameters()))


def test_stages_of_a_vgg_lie_between_max_poolings() -> None:
    vgg = models.vgg16(weights=None, num_classes=2)
    expected: list[list[str]] = [[]]
    for place, layer in enumerate(vgg.features):
        if isinstance(layer, nn.Conv2d):
            expected[-1].append(f"features.{place}")
        elif isinstance(layer, nn.MaxPool2d):
            expected.append([])
    example = torch.zeros(1, 3, 64, 64)
    assert stages_of(vgg, example) == expected[:-1]
    assert learning_layers(vgg, example, "2conv") == [*expected[0], *expected[1], "classifier.6"]
    assert learning_layers(vgg, example, "head") == ["classifier.6"]
    assert len(learning_layers(vgg, example, "all")) == 16
    with pytest.raises(ValueError, match=r"tune: 6conv, and the network has 5 stages: 1conv to 5conv, head or all"):
        learning_layers(vgg, example, "6conv")


def test_stages_of_a_resnet_are_its_sizes_of_feature_maps() -> None:
    resnet = models.resnet18(weights=None)
    stages = stages_of(resnet, torch.zeros(1, 3, 64, 64))
    assert [stage[0] for stage in stages] == ["conv1", "layer1.0.conv1", "layer2.0.conv1", "layer3.0.conv1", "layer4.0.conv1"]
    assert sum(map(len, stages)) == 2 * 20  # convolutions, each with its batch normalisation


@pytest.mark.parametrize(("tune", "learns"), [("all", ["0", "1", "4", "5", "9"]), ("head", ["9"]), ("1conv", ["0", "1", "9"])])
def test_what_does_not_learn_stays_its_batch_norm_too(arch: Classifier, tune: str, learns: list[str]) -> None:
    made = trainings(arch, init="arch", tune=tune, optimiser=Optimiser(use="sgd", lr=0.1))
    result, before = run(made)[0], arch.module.state_dict()
    changed = {
        name for name, tensor in result.tensors.items() if tensor.shape != before[name].shape or not torch.equal(tensor, before[name])
    }
    assert {name.partition(".")[0] for name in changed} == set(learns)
    statistics = {name for name in changed if "running" in name}
    assert statistics == {f"{layer}.running_{what}" for layer in learns if layer in "15" for what in ("mean", "var")}
    sizes = {name: parameter.numel() for name, parameter in arch.module.named_parameters()} | {"9.weight": 2 * 96, "9.bias": 2}
    assert result.record["learning"] == sum(size for name, size in sizes.items() if name.partition(".")[0] in learns)


def test_a_network_whose_batch_norm_is_frozen_is_in_training_mode_but_for_that() -> None:
    module = network()
    freeze_others(module, ["4", "9"])
    set_training_mode(module)
    assert [layer.training for layer in module] == [place not in (1, 5) for place in range(10)]


def test_training_begins_with_another_model_s_weights_but_for_the_last_layer(arch: Classifier) -> None:
    other = classifier(nn.Sequential(*list(network())[:9], nn.Linear(96, 7)), input_shape=(1, 8, 8))
    result = run(trainings(arch, init=other, tune="head"))[0]
    for name, tensor in other.module.state_dict().items():
        if not name.startswith("9."):
            assert torch.equal(result.tensors[name], tensor), name
    assert result.tensors["9.weight"].shape == (2, 96)
    wrong = classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), input_shape=(1, 8, 8))
    with pytest.raises(ValueError, match=r"init: its weights do not fit the architecture: 1[0-9] of 1[0-9] are missing"):
        run(trainings(arch, init=wrong))


def test_first_weights_are_drawn_by_the_seed(arch: Classifier) -> None:
    first, again, other = (run(trainings(arch, tune="head", seed=seed))[0].tensors["0.weight"] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, arch.module.state_dict()["0.weight"])


def test_early_stopping_and_the_best_epoch(arch: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """By accuracy, of equals by loss, of equals the last: here the third of three that are equally accurate."""
    measures = iter([(0.6, 0.5), (0.8, 0.4), (0.8, 0.2), (0.8, 0.3), (0.7, 0.1), (0.9, 0.1)])

    def measured(loop: Any, images: Any, monitor: Any = None) -> dict[str, float]:
        accuracy, loss = next(measures)
        return {"loss": loss, "accuracy": accuracy}

    monkeypatch.setattr("harness_torchvision.training.loop.TrainingLoop.measure", measured)
    result, kept = run(trainings(arch, validation=Blobs(4, seed=1), epochs=10, early_stop=2, keep="best"))
    assert (len(result.record["curve"]), result.record["kept_epoch"]) == (5, 3)
    assert all(torch.equal(result.tensors[name], kept[2].tensors[f"network/{name}"]) for name in result.tensors)


def test_the_scale_of_images_is_numpy_s() -> None:
    blobs = Blobs(30)
    pixels = np.stack([blobs[index].image.double().numpy() for index in range(30)])
    mean, std = scale_of(TrainingImages(blobs, Geometry((8, 8), 3)))
    assert (mean, std) == (pytest.approx([pixels.mean()] * 3), pytest.approx([pixels.std()] * 3))


def test_it_is_told_that_data_are_read_before_the_first_epoch(arch: Classifier) -> None:
    """What says nothing for long is ended."""
    heard: list[int] = []
    training = trainings(arch, data=Blobs(150), normalisation="z-score", class_weights="balanced", epochs=1)
    training.train(CPU, None, TrainingMonitor(lambda state: None, lambda done, of: heard.append(done)))
    assert heard[:6] == [0] * 6  # three batches for the scale, three for the weights


@pytest.mark.parametrize("normalisation", ["z-score", Scale(mean=[0.5], std=[0.2])])
def test_the_classifier_normalises_as_the_training_did(arch: Classifier, normalisation: Any) -> None:
    training = trainings(arch, normalisation=normalisation)
    made = training.classifier(run(training)[0])
    blobs = Blobs()
    scale = scale_of(TrainingImages(blobs, Geometry((8, 8), 1))) if normalisation == "z-score" else ([0.5], [0.2])
    torch.testing.assert_close(made.preprocess(blobs[0].image), (blobs[0].image - scale[0][0]) / scale[1][0])


def test_balanced_weights_have_all_classes_count_alike() -> None:
    weights = balanced_weights([0, 0, 0, 1, 2, 2], 3)
    assert (weights * torch.tensor([3.0, 1.0, 2.0])).tolist() == pytest.approx([2.0, 2.0, 2.0])
    assert balanced_weights([0, 1, 1, 0], 2).tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="there is no training image of class 1"):
        balanced_weights([0, 2], 3)


def test_images_are_in_the_geometry_of_the_network_whether_they_are_kept_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    geometry, data = Geometry((12, 12), 3), digits(samples=9)
    expected = torch.stack([geometry.image(data[index].image) for index in range(9)])
    for most in (2**30, 3 * 12 * 12 * 4, 0):
        monkeypatch.setattr("harness_torchvision.training.images.MOST_KEPT", most)
        images = TrainingImages(data, geometry)
        for places in ([3, 0, 8, 8], [0, 1, 2, 3, 4]):
            found, labels = images.batch(places)
            torch.testing.assert_close(found, expected[places])
            assert labels.tolist() == [data[place].label for place in places]


def test_augmentation_mirrors_half_of_the_images_and_shifts_each_by_itself() -> None:
    images = torch.zeros(400, 1, 9, 9)
    images[:, :, 4, 3] = 1  # left of the middle
    generator = torch.Generator().manual_seed(0)
    mirrored = augmented(images, Augmentation(mirror=["left-right"]), generator)
    left, right = mirrored[:, 0, 4, 3].sum(), mirrored[:, 0, 4, 5].sum()
    assert left + right == 400
    assert 160 < left < 240
    moved = augmented(images, Augmentation(shift=2), generator)
    places = {divmod(int(image.argmax()), 9) for image in moved}
    assert places == {(row, column) for row in range(2, 7) for column in range(1, 6)}
    assert torch.equal(augmented(images, Augmentation(), generator), images)


def test_the_border_is_repeated_by_a_shift() -> None:
    ramp = torch.arange(5.0).expand(64, 1, 5, 5)
    for image in augmented(ramp, Augmentation(shift=2), torch.Generator().manual_seed(0)):
        assert all(after - before in (0, 1) for before, after in pairwise(image[0, 0].tolist()))


def missing_validation() -> dict[str, Callable[[], Any]]:
    return {
        "keep": lambda: trained(arch="resnet18", data=Blobs(), keep="best"),
        "early_stop": lambda: trained(arch="resnet18", data=Blobs(), early_stop=1),
        "plateau": lambda: trained(arch="resnet18", data=Blobs(), schedule=Schedule(use="plateau")),
    }


@pytest.mark.parametrize("what", list(missing_validation()))
def test_what_goes_by_validation_data_needs_them(what: str) -> None:
    with pytest.raises(ValueError, match="go by the validation data, and none are named"):
        missing_validation()[what]()


def test_parameters_that_contradict_each_other_are_refused(arch: Classifier) -> None:
    for message, params in {
        "imagenet is of torchvision's architectures": {"init": "imagenet"},
        "momentum and nesterov are of sgd, not of adam": {"optimiser": Optimiser(use="adam", momentum=0.5)},
        "1 of them, and there are 2 classes": {"class_weights": [1.0]},
        "2 means and 2 deviations, and the network takes 1 channels": {"normalisation": Scale(mean=[0.1, 0.2], std=[0.1, 0.2])},
        "input_size: is of torchvision's architectures": {"input_size": 32},
    }.items():
        with pytest.raises(ValueError, match=message):
            run(trainings(arch, **params))


def test_a_class_of_the_validation_data_is_the_training_data_s_of_that_name(arch: Classifier) -> None:
    class Turned(Blobs):
        class_names = ("right", "left")

        def __getitem__(self, index: int) -> Sample:
            sample = super().__getitem__(index)
            return Sample(sample.image, 1 - int(sample.label), sample.id)

    plain, turned = (run(trainings(arch, validation=data))[0].record["curve"] for data in (Blobs(12, seed=1), Turned(12, seed=1)))
    assert [entry["validation loss"] for entry in plain] == [entry["validation loss"] for entry in turned]
    Turned.class_names = ("right", "top")
    with pytest.raises(ValueError, match="it has a class that the training data do not have: top"):
        run(trainings(arch, validation=Turned(4)))


def test_a_loss_that_is_not_finite_is_told_of(arch: Classifier) -> None:
    with pytest.raises(ValueError, match=r"the loss of epoch \d+ is not finite: lower the learning rate \(it is 1e\+30\)"):
        run(trainings(arch, optimiser=Optimiser(use="sgd", lr=1e30)))


def test_a_torchvision_architecture_by_its_name() -> None:
    training = trained(arch="resnet18", data=digits(split="train", samples=20), epochs=1, input_size=32, tune="1conv")
    result = run(training)[0]  # type: ignore[arg-type]
    made = training.classifier(result)
    assert (made.family, made.cam_layer, made.input_shape, made.num_classes) == ("resnet", "layer4", (3, 32, 32), 10)
    assert {name for name, tensor in made.module.state_dict().items()} == set(result.tensors)
    assert result.record["learning"] == 3 * 64 * 49 + 128 + 512 * 10 + 10


@pytest.mark.parametrize(("name", "classes"), [("squeezenet1_1", 10), ("squeezenet1_1", 1000)])
def test_training_begins_with_published_weights_but_for_the_last_layer(
    name: str, classes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file that lies where a download would have put it; a last layer of the right size is new too."""
    published_state = models.get_model(name).state_dict()
    torch.hub.set_dir(str(tmp_path / "hub"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(published_state, tmp_path / "hub" / "checkpoints" / Path(published(name, "DEFAULT").url).name)
    data = digits(split="train", samples=8)
    monkeypatch.setattr(type(data), "class_names", [f"class {number}" for number in range(classes)])
    training = trainings(name, data=data, init="imagenet", epochs=1, input_size=32, tune="head")
    result = run(training)[0]
    for key, tensor in result.tensors.items():
        assert torch.equal(tensor, published_state[key]) == (key not in ("classifier.1.weight", "classifier.1.bias")), key
    assert result.tensors["classifier.1.weight"].shape == (classes, 512, 1, 1)
    assert training.classifier(result).num_classes == classes


def test_digits_cnn_is_trained_anew_as_a_component() -> None:
    training = trained(
        arch=digits_cnn(pretrained=False), data=digits(split="train"), validation=digits(split="validation"), epochs=2, batch=64
    )
    assert run(training)[0].record["curve"][-1]["validation accuracy"] > 0.5  # type: ignore[arg-type]


class Halves:
    """An explainer of which the left half of an image is the most important."""

    def __call__(self, model: Classifier, images: torch.Tensor, targets: torch.Tensor, *, ctx: Context) -> Attribution:
        return Attribution((torch.arange(8) < 4).float().expand(len(images), 8, 8))


class Without(Blobs):
    """The same without the left half."""

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        image = sample.image.clone()
        image[:, :, :4] = 0.4
        return Sample(image, sample.label, sample.id)


def test_a_network_without_pixels_is_that_of_images_without_them(arch: Classifier) -> None:
    """To the last bit, the pixels being the mean of the network's normalisation; its validation images lack them too."""
    removed = {"explainer": Halves(), "explained": arch, "removed": 0.5}
    found, _ = run(trainings(arch, validation=Blobs(seed=1), **removed))
    expected, _ = run(trainings(arch, data=Without(), validation=Without(seed=1)))
    assert same(found, expected) and not same(found, run(trainings(arch))[0])


def test_the_least_important_half_is_the_other(arch: Classifier) -> None:
    def removed(share: float, order: Literal["most", "least"]) -> torch.Tensor:
        return PixelRemoval(arch, Halves(), share, order, 0).pixels(Blobs(), (8, 8), CPU, lambda: None)

    most, quarter = removed(0.5, "most"), removed(0.25, "most")
    assert most[:, :, :4].all() and torch.equal(removed(0.5, "least"), ~most)
    assert (quarter.flatten(1).sum(dim=1) == 16).all() and not quarter[:, :, 4:].any()
    assert len({tuple(each.flatten().tolist()) for each in quarter}) == len(quarter), "equal pixels in an order of each sample's own"


def test_removal_takes_all_three_parameters_and_one_size(arch: Classifier) -> None:
    with pytest.raises(ValueError, match="give removed, explainer and explained"):
        trainings(arch, removed=0.5)
    larger = classifier(nn.Sequential(nn.AdaptiveAvgPool2d(8), network()), input_shape=(1, 16, 16))
    with pytest.raises(ValueError, match="explained: its images have"):
        run(trainings(arch, explainer=Halves(), explained=larger, removed=0.5))


class Labelled(Blobs):
    """Blobs whose labels are as given, and whose images have three channels, all alike, at the places that are named."""

    def __init__(self, labels: Sequence[int], names: Sequence[str] = ("left", "right"), colour: Sequence[int] = ()) -> None:
        super().__init__(len(labels))
        self.labels, self.class_names, self.colour = labels, names, colour

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        return Sample(sample.image.expand(3 if index in self.colour else 1, -1, -1), self.labels[index], sample.id)


def test_a_label_that_is_no_class_is_told_of_with_its_sample(arch: Classifier) -> None:
    """Of the validation data too, where a label of -1 would be taken as the last class by its place in a list."""
    with pytest.raises(ValueError, match="the sample blob-3 has the label 2, and there are 2 classes, 0 to 1"):
        run(trainings(arch, data=Labelled([0, 1, 0, 2])))
    for names, label in (("right", "left"), -1), (("left", "right"), 2):
        with pytest.raises(ValueError, match=f"the sample blob-1 has the label {label}, and there are 2 classes, 0 to 1"):
            run(trainings(arch, validation=Labelled([0, label], names)))


def test_one_class_is_nothing_to_learn(arch: Classifier) -> None:
    with pytest.raises(ValueError, match="data: there is one class, left, and a network learns to tell two or more apart"):
        run(trainings(arch, data=Labelled([0, 0, 0], ("left",))))


def test_grey_images_and_coloured_ones_are_learnt_from_together() -> None:
    """As in folders that were collected from many places: a grey image is one of three channels that are alike."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    arch = classifier(network, input_shape=(3, 8, 8), mean=[0.4] * 3, std=[0.3] * 3)
    labels = [0, 1] * 6
    mixed, coloured = (run(trainings(arch, data=Labelled(labels, colour=which)))[0] for which in ([1, 2, 7], range(12)))
    assert same(mixed, coloured)
    scales = [scale_of(TrainingImages(Labelled(labels, colour=which), arch.geometry)) for which in ([1, 2, 7], range(12))]
    assert scales[0] == scales[1]
