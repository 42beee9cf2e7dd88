"""What users of other libraries would call: one function per method that `explainers.py` measures beside the harness's own.

Each is given a `Setting` and returns a call without arguments, which explains all images and returns ``(B, H, W)`` or ``(B, C, H, W)``;
what a library does once per network stands before it. Parameters are those of `PARAMS`, which ours is called with too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from captum import attr
from torch import Tensor, nn
from torchvision.models import resnet18

CELLS = 7
"""Rows and columns of a grid of regions."""
AT_ONCE = 64
"""Changed images that libraries are let predict together: their defaults are 1 to 16."""
STAGES = ["layer1", "layer2", "layer3", "layer4"]
GRID = {"regions": "grid", "segments": CELLS**2}
PARAMS: dict[str, dict[str, Any]] = {
    "adversarial-gradient-integration": {"classes": 5, "steps": 10},
    "blur-ig": {"steps": 25, "max_sigma": 50},
    "boundary-ig": {"steps": 20, "search": 20},
    "eigen-cam": {"centred": True},
    "expected-gradients": {"background": 16},
    "extremal-perturbation": {"steps": 50},
    "feature-ablation": GRID,
    "fgvis": {"steps": 50},
    "guided-ig": {"steps": 50, "max_distance": 1.0},
    "idgi": {"steps": 25},
    "hsic": {"masks": 300},
    "is-cam": {"steps": 1},
    "kernel-shap": {"samples": 200, **GRID},
    "lime": {"samples": 200, **GRID},
    "meaningful-perturbation": {"steps": 30},
    "opti-cam": {"steps": 20},
    "partition-shap": {"evaluations": 200},
    "poly-cam": {"layers": ["layer4"], "scores": "plus"},
    "prediction-difference": {"window": 8, "stride": 8, "samples": 3, "patches": 2000},
    "refine-cam": {"layers": STAGES},
    "rise": {"masks": 300},
    "shap-deep": {"background": 16},
    "shap-gradient": {"background": 16},
    "shapley-sampling": {"permutations": 4, **GRID},
    "smallest-destroying-region": {"steps": 30},
    "smallest-sufficient-region": {"steps": 30},
    "sobol": {"designs": 4},
    "ss-cam": {"draws": 1},
}
"""Less than the defaults of methods that take thousands of passes, and the same regions on both sides."""


@dataclass(frozen=True)
class Setting:
    """What a reference is given.

    Attributes:
        module: a network whose passes are counted.
        layer: where class activation maps are taken.
        images, targets: ``(B, C, H, W)`` and ``(B,)``.
        black: ``(B, C, H, W)`` black images as the model takes them.
        training: ``(n, C, H, W)``.
    """

    module: nn.Module
    layer: nn.Module
    images: Tensor
    targets: Tensor
    black: Tensor
    training: Tensor

    @property
    def regions(self) -> Tensor:
        """``(1, 1, H, W)`` numbers of the cells of a grid."""
        rows, columns = (torch.arange(side) * CELLS // side for side in self.images.shape[-2:])
        return (rows[:, None] * CELLS + columns)[None, None].to(self.images.device)

    @property
    def arrays(self) -> np.ndarray:
        """``(B, H, W, C)``."""
        return self.images.permute(0, 2, 3, 1).cpu().numpy()

    def predict(self, arrays: np.ndarray) -> np.ndarray:
        """Logits of ``(n, H, W, C)``."""
        inputs = torch.as_tensor(arrays, dtype=torch.float32, device=self.images.device).permute(0, 3, 1, 2)
        with torch.no_grad():
            return self.module(inputs).cpu().numpy()


Call = Callable[[], Any]


def _captum(explainer: type, **given: Any) -> Callable[[Setting], Call]:
    def made(setting: Setting) -> Call:
        return partial(explainer(setting.module).attribute, setting.images, target=setting.targets, **given)

    return made


def _from_black(explainer: type, **given: Any) -> Callable[[Setting], Call]:
    return lambda setting: partial(_captum(explainer, **given)(setting), baselines=setting.black)


def _noisy(kind: str) -> Callable[[Setting], Call]:
    def made(setting: Setting) -> Call:
        tunnel = attr.NoiseTunnel(attr.Saliency(setting.module))
        spread = 0.15 * float(setting.images.max() - setting.images.min())
        given = {"nt_type": kind, "nt_samples": 50, "nt_samples_batch_size": AT_ONCE // len(setting.images), "stdevs": spread}
        return partial(tunnel.attribute, setting.images, target=setting.targets, abs=False, **given)

    return made


def _occlusion(setting: Setting) -> Call:
    window = setting.images.shape[-1] // 8
    given = {"sliding_window_shapes": (3, window, window), "strides": (3, window // 2, window // 2)}
    given |= {"baselines": setting.images.mean(dim=(2, 3), keepdim=True).expand_as(setting.images)}
    given |= {"target": setting.targets, "perturbations_per_eval": AT_ONCE // len(setting.images)}
    return partial(attr.Occlusion(setting.module).attribute, setting.images, **given)


def _ablation(setting: Setting) -> Call:
    given = {"feature_mask": setting.regions, "perturbations_per_eval": AT_ONCE // len(setting.images)}
    return partial(attr.FeatureAblation(setting.module).attribute, setting.images, setting.black, setting.targets, **given)


def _one_by_one(explainer: type, **given: Any) -> Callable[[Setting], Call]:
    """Of methods that fit something per image, which captum explains one at a time."""

    def made(setting: Setting) -> Call:
        call = partial(explainer(setting.module).attribute, feature_mask=setting.regions, perturbations_per_eval=AT_ONCE, **given)
        rows = [(setting.images[i : i + 1], setting.black[i : i + 1], setting.targets[i : i + 1]) for i in range(len(setting.images))]
        return lambda: torch.cat([call(image, baselines=black, target=target) for image, black, target in rows])

    return made


def _shapley_sampling(setting: Setting) -> Call:
    given = {"n_samples": 4, "feature_mask": setting.regions, "perturbations_per_eval": AT_ONCE // len(setting.images)}
    return partial(attr.ShapleyValueSampling(setting.module).attribute, setting.images, setting.black, setting.targets, **given)


def _gradient_shap(setting: Setting) -> Call:
    return partial(attr.GradientShap(setting.module).attribute, setting.images, setting.training, n_samples=16, target=setting.targets)


def _guided_grad_cam(setting: Setting) -> Call:
    guided = attr.GuidedGradCam(setting.module, setting.layer)
    return partial(guided.attribute, setting.images, target=setting.targets, interpolate_mode="bilinear")


def _cam(name: str, **given: Any) -> Callable[[Setting], Call]:
    """A class of the package grad-cam."""

    def made(setting: Setting) -> Call:
        import pytorch_grad_cam
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        first = {"RefineCAM": setting.module.get_submodule(STAGES[0]), "ShapleyCAM": setting.module}.get(name, setting.layer)
        first.requires_grad_()  # no gradient is asked for of what is before it
        stages = [setting.module.get_submodule(stage) for stage in STAGES]
        layers = {"FullGrad": [], "RefineCAM": stages}.get(name, [setting.layer])
        cam = getattr(pytorch_grad_cam, name)(setting.module, layers, **given)
        cam.batch_size = AT_ONCE
        return lambda: cam(setting.images, [ClassifierOutputTarget(target) for target in setting.targets.tolist()])

    return made


def _zennit(composite: str) -> Callable[[Setting], Call]:
    """A composite of zennit by name, on torchvision's network with the same weights."""

    def made(setting: Setting) -> Call:
        from zennit import composites
        from zennit.attribution import Gradient
        from zennit.torchvision import ResNetCanonizer

        from harness.worker.pass_counter import count_passes

        network = resnet18().to(setting.images.device).eval()
        network.load_state_dict(setting.module.state_dict())
        count_passes(network)
        made = getattr(composites, composite)(canonizers=[ResNetCanonizer()])
        start = nn.functional.one_hot(setting.targets, 1000).float()

        def call() -> Tensor:
            with Gradient(model=network, composite=made) as attributor:
                return attributor(setting.images.clone(), start)[1]

        return call

    return made


def _shap(name: str, **given: Any) -> Callable[[Setting], Call]:
    def made(setting: Setting) -> Call:
        import shap

        explainer = getattr(shap, name)(setting.module, setting.training)
        return lambda: explainer.shap_values(setting.images, ranked_outputs=1, **given)[0][..., 0]

    return made


def _partition_shap(setting: Setting) -> Call:
    import shap

    arrays = setting.arrays
    black = setting.black[0].permute(1, 2, 0).cpu().numpy()
    explainer = shap.PartitionExplainer(setting.predict, shap.maskers.Image(black, arrays.shape[1:]))
    top = shap.Explanation.argsort.flip[:1]
    return lambda: explainer(arrays, max_evals=200, batch_size=AT_ONCE, outputs=top, silent=True).values[..., 0].transpose(0, 3, 1, 2)


def _saliency(name: str, **given: Any) -> Callable[[Setting], Call]:
    """A class of the package saliency, image by image as it takes them."""

    def made(setting: Setting) -> Call:
        import saliency.core as saliency

        explainer = getattr(saliency, name)()

        def gradients(arrays: np.ndarray, call_model_args: Mapping[str, Any], expected_keys: object = None) -> dict[str, np.ndarray]:
            inputs = torch.as_tensor(np.asarray(arrays), dtype=torch.float32, device=setting.images.device).permute(0, 3, 1, 2)
            inputs.requires_grad_()
            (found,) = torch.autograd.grad(setting.module(inputs)[:, call_model_args["target"]].sum(), inputs)
            return {saliency.INPUT_OUTPUT_GRADIENTS: found.permute(0, 2, 3, 1).cpu().numpy()}

        def one(array: np.ndarray, target: int, black: np.ndarray) -> np.ndarray:
            more = {"x_baseline": black} if name == "GuidedIG" else {}
            mask = explainer.GetMask(array, gradients, {"target": target}, **more, **given)
            return mask if mask.ndim == 2 else mask.transpose(2, 0, 1)

        blacks = setting.black.permute(0, 2, 3, 1).cpu().numpy()
        return lambda: np.stack([one(*each) for each in zip(setting.arrays, setting.targets.tolist(), blacks, strict=True)])

    return made


def _lime(setting: Setting) -> Call:
    from lime.lime_image import LimeImageExplainer

    explainer, regions = LimeImageExplainer(random_state=0), setting.regions[0, 0].cpu().numpy()

    def probabilities(arrays: np.ndarray) -> np.ndarray:
        return torch.from_numpy(setting.predict(arrays)).softmax(dim=1).numpy()

    def one(array: np.ndarray, target: int) -> np.ndarray:
        found = explainer.explain_instance(
            array.astype(np.float64),
            probabilities,
            labels=[target],
            top_labels=None,
            num_samples=200,
            batch_size=AT_ONCE,
            segmentation_fn=lambda image: regions,
        )
        weights = dict(found.local_exp[target])
        return np.vectorize(weights.get)(regions)

    return lambda: np.stack([one(*each) for each in zip(setting.arrays, setting.targets.tolist(), strict=True)])


REFERENCES: dict[str, dict[str, Callable[[Setting], Call]]] = {
    "ablation-cam": {"grad-cam": _cam("AblationCAM")},
    "blur-ig": {"saliency": _saliency("BlurIG", steps=25, max_sigma=50)},
    "deconvolution": {"captum": _captum(attr.Deconvolution)},
    "deep-lift": {"captum": _from_black(attr.DeepLift)},
    "eigen-cam": {"grad-cam": _cam("EigenCAM")},
    "eigen-grad-cam": {"grad-cam": _cam("EigenGradCAM")},
    "excitation-backprop": {"zennit": _zennit("ExcitationBackprop")},
    "expected-gradients": {"shap": _shap("GradientExplainer", nsamples=16)},
    "feature-ablation": {"captum": _ablation},
    "finer-cam": {"grad-cam": _cam("FinerCAM")},
    "full-grad": {"grad-cam": _cam("FullGrad")},
    "grad-cam": {"grad-cam": _cam("GradCAM")},
    "grad-cam++": {"grad-cam": _cam("GradCAMPlusPlus")},
    "gradient": {"captum": _captum(attr.Saliency, abs=False)},
    "gradient-shap": {"captum": _gradient_shap},
    "guided-backprop": {"captum": _captum(attr.GuidedBackprop)},
    "guided-grad-cam": {"captum": _guided_grad_cam},
    "guided-ig": {"saliency": _saliency("GuidedIG", x_steps=50, max_dist=1.0, fraction=0.25)},
    "hires-cam": {"grad-cam": _cam("HiResCAM")},
    "input-x-gradient": {"captum": _captum(attr.InputXGradient)},
    "integrated-gradients": {"captum": _from_black(attr.IntegratedGradients, n_steps=50, internal_batch_size=AT_ONCE)},
    "kernel-shap": {"captum": _one_by_one(attr.KernelShap, n_samples=200)},
    "layer-cam": {"grad-cam": _cam("LayerCAM")},
    "lime": {"captum": _one_by_one(attr.Lime, n_samples=200), "lime": _lime},
    "lrp": {"zennit": _zennit("EpsilonPlusFlat")},
    "occlusion": {"captum": _occlusion},
    "partition-shap": {"shap": _partition_shap},
    "refine-cam": {"grad-cam": _cam("RefineCAM")},
    "saliency": {"captum": _captum(attr.Saliency)},
    "score-cam": {"grad-cam": _cam("ScoreCAM")},
    "shap-deep": {"shap": _shap("DeepExplainer", check_additivity=False)},
    "shap-gradient": {"shap": _shap("GradientExplainer", nsamples=16)},
    "shapley-cam": {"grad-cam": _cam("ShapleyCAM")},
    "shapley-sampling": {"captum": _shapley_sampling},
    "smooth-grad": {"captum": _noisy("smoothgrad")},
    "square-grad": {"captum": _noisy("smoothgrad_sq")},
    "var-grad": {"captum": _noisy("vargrad")},
    "xgrad-cam": {"grad-cam": _cam("XGradCAM")},
    "xrai": {"saliency": _saliency("XRAI")},
}
"""By name of ours and of the package."""
