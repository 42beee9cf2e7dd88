"""What preparing makes of each torchvision family: hook points, and what hook-based libraries then compute.

``python benchmarks/prepared_models.py`` prints the Markdown of docs/prepared-models.md; some minutes on two cores.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import shap
import torch
from captum.attr import DeepLift
from harness_captum.deep_lift import deep_lift
from harness_torchvision.calibration import noise_of_all_scales
from harness_torchvision.models import untrained
from harness_zennit.canonization import canonized
from harness_zennit.lrp import LRP
from torch import Tensor, nn
from zennit.composites import EpsilonPlusFlat

from harness.api import Classifier, classifier

SIZES = {
    "alexnet": 96,
    "vgg11": 64,
    "vgg11_bn": 64,
    "resnet18": 64,
    "resnet50": 64,
    "resnext50_32x4d": 64,
    "densenet121": 64,
    "googlenet": 64,
    "inception_v3": 128,
    "squeezenet1_1": 64,
    "shufflenet_v2_x1_0": 64,
    "mnasnet1_0": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "efficientnet_b0": 64,
    "efficientnet_v2_s": 64,
    "regnet_x_400mf": 64,
    "regnet_y_400mf": 64,
    "convnext_tiny": 64,
    "vit_b_16": 64,
    "swin_t": 64,
    "swin_v2_t": 64,
    "maxvit_t": 224,
}
IMAGES = 2
LRPS: list[dict[str, Any]] = [{}, {"conserve": True}, {"rule": "epsilon-gamma", "conserve": True}]


def built(arch: str) -> tuple[nn.Module, Classifier, float]:
    """The original, its classifier, and the seconds that preparing took."""
    size = SIZES[arch]
    options = {"image_size": size} if arch.startswith("vit") else {}
    original = untrained(arch, 10, 0, size, options).eval().requires_grad_(False)
    start = time.perf_counter()
    model = classifier(original, input_shape=(3, size, size), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    return original, model, time.perf_counter() - start


def alive(module: nn.Module, images: Tensor) -> set[str]:
    """Names of the modules whose forward hooks are called."""
    called: set[str] = set()
    handles = [child.register_forward_hook(lambda *_, name=name: called.add(name)) for name, child in module.named_modules()]
    with torch.no_grad():
        module(images)
    for handle in handles:
        handle.remove()
    return called


def worst(found: Tensor, expected: Tensor) -> str:
    """The largest relative error over the images."""
    error = float(((found - expected).abs() / expected.abs()).max())
    return f"{error:.0e}" if error < 0.01 else f"{100 * error:.0f} %" if error < 10 else f"{error:.0e}"


def tried(measure: Callable[[], str]) -> str:
    """A figure, or the kind of error that the library raised."""
    try:
        return measure()
    except Exception as error:  # that a library raises is the finding
        return type(error).__name__


def captum_error(module: nn.Module, images: Tensor, references: Tensor, target: int) -> str:
    """Completeness error of captum's DeepLift."""
    maps = DeepLift(module).attribute(images.clone(), references, target=target)
    with torch.no_grad():
        return worst(maps.sum(dim=(1, 2, 3)), (module(images) - module(references))[:, target])


def shap_error(module: nn.Module, images: Tensor, references: Tensor, target: int) -> str:
    """Completeness error of shap's DeepExplainer."""
    with torch.enable_grad():
        values = shap.DeepExplainer(module, references[:1]).shap_values(images.clone(), check_additivity=False)
    with torch.no_grad():
        difference = (module(images) - module(references))[:, target]
    return worst(torch.from_numpy(values[..., target]).sum(dim=(1, 2, 3)), difference)


def ours(model: Classifier, images: Tensor, targets: Tensor) -> str:
    """Completeness error of the explainer ``deep-lift``."""
    found = deep_lift(model, images, targets)
    return worst(found.map.sum(dim=(1, 2, 3)), found.expected)


def relevance(module: nn.Module, images: Tensor, target: int) -> str:
    """What the relevance of zennit's EpsilonPlusFlat sums to per unit of relevance put in; biases left out."""
    inputs = images.clone().requires_grad_()
    with EpsilonPlusFlat(zero_params="bias").context(module) as hooked:
        logits = hooked(inputs)
        start = torch.zeros_like(logits)
        start[:, target] = 1
        (found,) = torch.autograd.grad(logits, inputs, start)
    return share(found)


def propagated(model: Classifier, images: Tensor, targets: Tensor, **options: Any) -> str:
    """The same of the explainer ``lrp``."""
    explain = LRP(LRP.Params(zero_bias=True, **options))
    return "not applicable" if explain.applicable(model) is not None else share(explain(model, images, targets).map)


def share(relevance: Tensor) -> str:
    """What relevance ``(B, C, H, W)`` sums to."""
    total = float(relevance.sum(dim=(1, 2, 3)).median())
    return f"{total:.3f}" if abs(total) < 1000 else f"{total:.0e}"


def row(arch: str) -> list[str]:
    """The facts about one architecture."""
    original, model, seconds = built(arch)
    torch.manual_seed(0)
    images = model.normalise((0.5 + noise_of_all_scales(IMAGES, model.input_shape[1]) / 6).clamp(0, 1))
    references = model.reference("black", images)
    target, targets = 3, torch.full((IMAGES,), 3)
    with torch.no_grad():
        equal = torch.equal(original(images), model(images))
    points, living = alive(original, images), alive(model.module, images)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with canonized(model, images) as module:
            canonical = tried(lambda: relevance(module, images, target))
        return [
            arch,
            "equal" if equal else "DIFFERENT",
            f"{len(points & living)}/{len(points)}",
            str(len(living - points)),
            ", ".join(model.unprepared) or "none",
            f"{seconds:.1f}",
            tried(lambda: captum_error(copy.deepcopy(original), images, references, target)),
            tried(lambda: captum_error(copy.deepcopy(model.module), images, references, target)),
            tried(lambda: ours(model, images, targets)),
            tried(lambda: shap_error(copy.deepcopy(original), images, references, target)),
            tried(lambda: shap_error(copy.deepcopy(model.module), images, references, target)),
            tried(lambda: relevance(copy.deepcopy(original), images, target)),
            canonical,
            *(tried(lambda options=options: propagated(model, images, targets, **options)) for options in LRPS),
        ]


HEADER = [
    ["model", "logits", "hook points alive", "modules added", "unprepared", "seconds"],
    [
        "model",
        "captum DeepLift, as it is",
        "prepared",
        "`deep-lift`",
        "shap DeepExplainer, as it is",
        "prepared",
        "zennit, as it is",
        "canonized",
    ],
    ["model", "`lrp`", "`conserve: true`", "`rule: epsilon-gamma, conserve: true`"],
]


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arch", nargs="*", default=list(SIZES), help="architectures (default: one or more of every family)")
    rows = []
    for arch in parser.parse_args().arch:
        rows.append(row(arch))
        print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    print(table(HEADER[0], [r[:6] for r in rows]), "\n")
    print(table(HEADER[1], [[r[0], *r[6:13]] for r in rows]), "\n")
    print(table(HEADER[2], [[r[0], *r[13:]] for r in rows]))


if __name__ == "__main__":
    main()
