"""The attributions that iNNvestigate's tests keep of its analysers, on networks of one layer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from harness_zennit.deep_taylor import deep_taylor
from harness_zennit.lrp import LRP
from torch import nn

from harness.api import classifier

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "innvestigate-layers.npz"
pytestmark = pytest.mark.skipif(not REFERENCE.is_file(), reason="no reference data")
ANALYSERS = {
    "LRPZ": {"rule": "0"},
    "LRPZIgnoreBias": {"rule": "0", "zero_bias": True},
    "LRPEpsilon": {"rule": "epsilon", "epsilon": 1e-7},
    "LRPEpsilonIgnoreBias": {"rule": "epsilon", "epsilon": 1e-7, "zero_bias": True},
    "LRPAlpha1Beta0": {"rule": "alpha-beta", "alpha": 1},
    "LRPAlpha1Beta0IgnoreBias": {"rule": "alpha-beta", "alpha": 1, "zero_bias": True},
    "LRPAlpha2Beta1": {"rule": "alpha-beta"},
    "LRPAlpha2Beta1IgnoreBias": {"rule": "alpha-beta", "zero_bias": True},
    "LRPZPlus": {"rule": "z-plus", "zero_bias": True},
    "LRPZPlusFast": {"rule": "z-plus"},
    "LRPWSquare": {"rule": "w-square"},
    "LRPFlat": {"rule": "flat"},
    "LRPSequentialPresetA": {"rule": "sequential-preset-a"},
    "LRPSequentialPresetB": {"rule": "sequential-preset-b"},
    "LRPSequentialPresetAFlat": {"rule": "sequential-preset-a-flat"},
    "LRPSequentialPresetBFlat": {"rule": "sequential-preset-b-flat"},
    "LRPZ_Flat_input_layer_rule": {"rule": "0", "first": "flat"},
    "LRPZ_boxed_input_layer_rule": {"rule": "0", "first": "z-box"},
}
NETWORKS = ["Conv2D", "Conv2D_relu", "Dense", "Dense_relu"]


class ChannelsLast(nn.Module):
    """One layer on an image's channels; what it gives is flattened channels last, as Keras does."""

    def __init__(self, layer, relu):
        super().__init__()
        self.layer, self.relu = layer, nn.ReLU() if relu else nn.Identity()

    def forward(self, x):
        if isinstance(self.layer, nn.Linear):
            return self.relu(self.layer(x.permute(0, 2, 3, 1))).flatten(1)
        return self.relu(self.layer(x)).permute(0, 2, 3, 1).flatten(1)


def rebuilt(data, analyser, network, bound=10):
    """The network of a reference, of which inputs are within ± ``bound``."""
    if "Pooling" in network:
        layer = nn.AvgPool2d(2) if network.startswith("Average") else nn.MaxPool2d(2)
    else:
        weight = torch.from_numpy(data[f"{analyser}/{network}/weights/0"])
        if weight.ndim == 4:
            layer, weight = nn.Conv2d(3, 5, 3), weight.permute(3, 2, 0, 1)
        elif "box" in analyser or "Bounded" in analyser:  # bounds are of channels: the same as a convolution
            layer, weight = nn.Conv2d(3, 5, 1), weight.T[:, :, None, None]
        else:
            layer, weight = nn.Linear(3, 5), weight.T
        layer.weight.data, layer.bias.data = weight, torch.from_numpy(data[f"all/{network}/weights/1"])
    module = ChannelsLast(layer, network.endswith("_relu"))
    return classifier(module, input_shape=(3, 10, 10), mean=[0.5] * 3, std=[0.5 / bound] * 3)


def compared(explain, analyser, network, bound=10):
    """Hold the attributions of each image's greatest output to the reference."""
    data = np.load(REFERENCE)
    model = rebuilt(data, analyser, network, bound)
    images = torch.from_numpy(data["all/input"]).float().permute(0, 3, 1, 2)
    with torch.no_grad():
        outputs = model(images)
    key = f"{analyser}/{network}/output" if "Pooling" not in network else f"all/{network}/output"
    np.testing.assert_allclose(outputs, data[key], atol=1e-5)
    found = explain(model, images, outputs.argmax(1)).map.permute(0, 2, 3, 1)
    np.testing.assert_allclose(found, data[f"{analyser}/{network}/attribution"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("analyser", ANALYSERS)
def test_layer_wise_relevance_propagation(analyser, network):
    compared(LRP(LRP.Params(start="logit", **ANALYSERS[analyser])), analyser, network)


@pytest.mark.parametrize("network", ["AveragePooling2D", "MaxPooling2D"])
def test_pooling(network):
    """The same for all rules."""
    compared(LRP(LRP.Params(start="logit")), "LRPZ", network)


@pytest.mark.parametrize("network", ["Conv2D_relu", "Dense_relu"])
@pytest.mark.parametrize(("analyser", "input_rule"), [("DeepTaylor", "z-plus"), ("BoundedDeepTaylor", "z-box")])
def test_deep_taylor_decomposition(analyser, input_rule, network):
    """Layers without ReLU are left out: there iNNvestigate takes w², wherever they stand."""
    compared(lambda *given: deep_taylor(*given, input_rule=input_rule), analyser, network, bound=128)
