from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from harness_torchvision.digits import SHARES, all_digits, digits, places
from harness_torchvision.digits_cnn import WEIGHTS, DigitsCNN, digits_cnn
from harness_torchvision.training.options import Augmentation, Optimiser, Schedule
from harness_torchvision.training.trained import trained
from ruamel.yaml import YAML
from sklearn.datasets import load_digits

from harness.api import Classifier, TrainingMonitor
from harness.api.network_features import detect_features

RECIPE = Path(__file__).parents[3] / "specs" / "train-digits.yaml"
RECORD = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))


def test_samples_are_scikit_learn_s_digits() -> None:
    bunch = load_digits()
    for sample in (digits(split="train")[3], digits()[0], digits(split="validation")[-1 + len(digits(split="validation"))]):
        place = int(sample.id.removeprefix("digit-"))
        assert sample.image.shape == (1, 8, 8)
        assert (sample.image[0].double().numpy() * 16 == bunch.images[place]).all()
        assert sample.label == bunch.target[place]


def test_splits_are_disjoint_and_cover_all_digits() -> None:
    splits = [set(places(split)) for split in SHARES]
    assert set.union(*splits) == set(range(1797))
    assert sum(map(len, splits)) == 1797
    assert [len(split) for split in splits] == [1078, 360, 359]


def test_splits_never_change() -> None:
    """Ids of stored results are places in this order."""
    digest = hashlib.sha256(json.dumps({split: places(split) for split in SHARES}).encode()).hexdigest()
    assert digest == "4fa04610626363d426a1a128fc85b6b0e3e5c179024d84a43315faf70f6e4a72"


def test_any_beginning_is_balanced() -> None:
    labels = [sample.label for sample in (digits(samples=30)[i] for i in range(30))]
    assert all(labels.count(digit) == 3 for digit in range(10))
    assert [digits(samples=5)[i].id for i in range(5)] == [digits()[i].id for i in range(5)]


def test_too_many_samples_or_a_place_beyond_the_end_are_refused() -> None:
    with pytest.raises(ValueError, match="samples: 400, and the split 'test' has 359 digits"):
        digits(samples=400)
    with pytest.raises(IndexError, match="sample 359 of 359"):
        digits()[359]


def test_a_sample_can_be_changed_without_harm() -> None:
    digits()[0].image.zero_()
    assert digits()[0].image.sum() > 0
    assert all_digits()[0].max() == 1


@pytest.mark.parametrize("split", list(SHARES))
def test_the_trained_model_has_the_recorded_accuracy(split: str) -> None:
    model, data = digits_cnn(), digits(split=split)
    samples = [data[i] for i in range(len(data))]
    with torch.no_grad():
        predicted = model(torch.stack([model.preprocess(sample.image) for sample in samples])).argmax(dim=1)
    found = sum(int(p) == sample.label for p, sample in zip(predicted, samples, strict=True)) / len(samples)
    assert found == pytest.approx(RECORD["accuracy"][split], abs=2 / len(samples))
    assert split != "test" or found >= 0.97


def test_the_shipped_files_belong_together_and_are_small() -> None:
    assert RECORD["sha256"] == hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert WEIGHTS.stat().st_size < 200_000
    assert RECORD["data"]["samples"] == {split: len(places(split)) for split in SHARES}
    assert {"seed", "epochs", "accuracy", "versions"} <= RECORD.keys()


def test_a_few_epochs_teach_most_of_it() -> None:
    untrained = digits_cnn(pretrained=False, seed=1)
    recipe = YAML(typ="safe").load(RECIPE)["models"][0]["params"]
    options = {name: recipe[name] for name in ("batch", "label_smoothing")} | {"epochs": 3, "seed": 1}
    training = trained(
        arch=untrained,
        data=digits(split="train"),
        optimiser=Optimiser(**recipe["optimiser"]),
        schedule=Schedule(**recipe["schedule"]),
        augmentation=Augmentation(**recipe["augmentation"]),
        **options,
    )
    result = training.train(torch.device("cpu"), None, TrainingMonitor(lambda state: None, lambda done, of: None))
    losses = [entry["loss"] for entry in result.record["curve"]]
    assert accuracy(untrained) < 0.4
    assert losses[-1] < losses[0]
    assert accuracy(training.classifier(result)) > 0.85


def accuracy(model: Classifier) -> float:
    """On the test split."""
    samples = [digits()[index] for index in range(len(digits()))]
    with torch.no_grad():
        predicted = model(torch.stack([model.preprocess(sample.image) for sample in samples])).argmax(dim=1)
    return sum(int(guess) == sample.label for guess, sample in zip(predicted, samples, strict=True)) / len(samples)


def test_the_model_suits_every_kind_of_explainer() -> None:
    model = digits_cnn()
    assert detect_features(model) == {"convolutions", "relu"}
    assert model.unprepared == []
    assert model.class_names == [str(digit) for digit in range(10)]
    assert model.input_shape == (1, 32, 32)


def test_untrained_weights_and_other_checkpoints(tmp_path: Path) -> None:
    assert digits_cnn(pretrained=False, seed=1).digest != digits_cnn(pretrained=False, seed=2).digest
    torch.save(DigitsCNN().state_dict(), tmp_path / "mine.pt")
    assert digits_cnn(weights=tmp_path / "mine.pt").digest != digits_cnn().digest
    with pytest.raises(ValueError, match="pretrained is false"):
        digits_cnn(pretrained=False, weights=tmp_path / "mine.pt")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="does not fit the model"):
        digits_cnn(weights=tmp_path / "other.pt")
