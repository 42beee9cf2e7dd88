"""The layer at which class activation maps are taken by default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import NamedTuple

from torch import Tensor, nn

from harness.api.activation_layouts import LayoutInference
from harness.api.attention import find_attention_operations
from harness.api.autograd_graph import CONVOLUTION, PRODUCTS, AutogradGraph, GraphTensor, ModuleCall, trace_autograd
from harness.api.network_features import is_patch_embedding, remember_structure
from harness.api.preparation import added_modules
from harness.api.preparation.identity_insertion import insert_identity

_ACTIVATIONS = ("Relu", "Gelu", "Silu", "Elu", "Mish", "Tanh", "Sigmoid", "Hardswish", "Softplus")
_NORMS = ("BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm")


class FeatureMap(NamedTuple):
    """A layer whose output has positions, and how many of what it has."""

    name: str
    channels: int
    rows: int
    columns: int

    def __str__(self) -> str:
        return f"{self.name} ({self.channels} × {self.rows} × {self.columns})"


def find_cam_layer(module: nn.Module, forward: Callable[[Tensor], object], image: Tensor) -> FeatureMap | None:
    """The `last_feature_map` of a prepared ``module``, which ``forward`` calls on ``image``.

    A later one that only a function makes is given a module that returns it. What the pass shows of the network is remembered.
    """
    try:
        seen = trace_autograd(forward, module, image)
        if unnamed_feature_map(seen) is not None and insert_identity(module, forward, image, unnamed_feature_map, "feature_map"):
            seen = trace_autograd(forward, module, image)
    except RuntimeError:  # runs, but not if gradients are asked for
        seen = AutogradGraph([], [], None)
    remember_structure(module, seen)
    return last_feature_map(seen, added_modules(module))


def last_feature_map(flow: AutogradGraph, added: Collection[str] = ()) -> FeatureMap | None:
    """The last feature map that all of the classification goes through: cut it, and no logit depends on the image.

    So it is behind all branches, gates and skip connections, and no part of them. It has more than one position, stands behind a
    convolution, and is taken before it is pooled, with the normalisation, addition and activation that follow (Grad-CAM's papers take
    the map after them). A map of class scores, whose means are the logits, is none if there is one before it. An activation of the
    modules ``added`` by preparing that is applied to a sequence which ends in a normalisation is the head's (DenseNet's).

    None if there is no convolution, if branches meet in their logits and have none in common, and if it is made tokens of
    behind: a patch embedding, or what stands before more than a single attention (which may pool a feature map, as CLIP's does).
    """
    maps = _candidate_maps(flow)
    features = [each for each in maps if not _is_class_scores(flow, each.place)] or maps
    if not features:
        return None
    last, *earlier = features
    for each in earlier:  # from the logits on: what was only pooled since is the same map with other positions
        if each.positions != last.positions:
            if _more_than_pooled(flow, last.place, each.place):
                break
            last = each
    last = _before_head_activation(flow, last, features, added)
    return None if _is_token_embedding(flow, last) else last.described


def unnamed_feature_map(flow: AutogradGraph) -> GraphTensor | None:
    """A later feature map than the last that a module returns: what a forward makes of branches by a function (``torch.cat``).

    None if layers with positions stand between the two no more: pooling, gating or scaling a map makes no other.
    """
    layouts, named = LayoutInference(flow), [each.place for each in _candidate_maps(flow)]
    known = named[0] if named else GraphTensor(flow.nodes[-1], 0) if flow.nodes else None
    if known is None:
        return None
    for node in flow.nodes[: flow.order[known.node]]:
        place = next((place for place in flow.bottlenecks if place.node is node), None)
        layout = None if place is None else layouts.of(place)
        if place is None or layout is None or len(place.shape) != 4 or layout.grid[0] * layout.grid[1] == 1:
            continue
        between = flow.nodes[flow.order[node] : flow.order[known.node]]
        convolved = any(CONVOLUTION in each.name() and max(GraphTensor(each, 0).shape[2:]) > 1 for each in between)
        return place if convolved and not _is_class_scores(flow, place) else None
    return None


class _CandidateMap(NamedTuple):
    """A tensor with positions and the call that it is named by."""

    call: ModuleCall
    place: GraphTensor
    described: FeatureMap

    @property
    def positions(self) -> int:
        return self.described.rows * self.described.columns


def _candidate_maps(flow: AutogradGraph) -> list[_CandidateMap]:
    """All maps that the classification goes through and that some module returns, from the logits on."""
    layouts = LayoutInference(flow)
    convolutions = [flow.order[node] for node in flow.nodes if CONVOLUTION in node.name()]
    found = []
    for place, call in _calls_by_tensor(flow).items():
        layout = layouts.of(place)
        if layout is None or len(place.shape) != 4 or layout.grid[0] * layout.grid[1] == 1:
            continue
        if any(position >= flow.order[place.node] for position in convolutions):
            found.append(_CandidateMap(call, place, FeatureMap(call.name, place.shape[layout.channels], *layout.grid)))
    return sorted(found, key=lambda each: flow.order[each.place.node])


def _calls_by_tensor(flow: AutogradGraph) -> dict[GraphTensor, ModuleCall]:
    """The tensors that all goes through, by the first module to return each: the innermost, and no dropout that hands it on."""
    counts = Counter(call.name for call in flow.calls)
    named: dict[GraphTensor, ModuleCall] = {}
    for call in flow.calls:
        if call.output in flow.bottlenecks and call.name and counts[call.name] == 1:
            named.setdefault(call.output, call)
    return named


def _is_class_scores(flow: AutogradGraph, place: GraphTensor) -> bool:
    """Whether the channels of a map are the classes, and nothing weighs them afterwards."""
    classes = flow.logits.shape[-1] if flow.logits is not None else 0
    weighted = any(_has_weights(node.name()) for node in flow.nodes[: flow.order[place.node]])
    return len(place.shape) == 4 and place.shape[1] == classes and not weighted


def _more_than_pooled(flow: AutogradGraph, later: GraphTensor, earlier: GraphTensor) -> bool:
    """Whether something that mixes by weights, or an activation that no module is, stands between two maps or makes the later one."""
    between = [node.name() for node in flow.nodes[flow.order[later.node] : flow.order[earlier.node]]]
    return any(_has_weights(name) or any(activation in name for activation in _ACTIVATIONS) for name in between)


def _has_weights(name: str) -> bool:
    return CONVOLUTION in name or name in PRODUCTS


def _is_token_embedding(flow: AutogradGraph, last: _CandidateMap) -> bool:
    """Whether a map is where tokens come from: attention, or several layers that map each of its positions, stand behind it."""
    behind = flow.nodes[: flow.order[last.place.node]]
    attending = sum(flow.order[node] < len(behind) for node in find_attention_operations(flow))
    if CONVOLUTION not in last.place.node.name():
        return attending > 1
    products = [node for node in behind if node.name() in PRODUCTS and GraphTensor(node, 0).shape[-2] > 1]
    return attending > 0 or (is_patch_embedding(last.call.module) and len(products) > 1)


def _before_head_activation(
    flow: AutogradGraph, last: _CandidateMap, features: list[_CandidateMap], added: Collection[str]
) -> _CandidateMap:
    """``last``, or what it was made from, if that is a normalisation of branches that ends a sequence."""
    source = next(flow.sources(last.place.node), None)
    before = next((each for each in features if each.place == source), None)
    if before is None or last.call.name not in added or not any(norm in type(before.call.module).__name__ for norm in _NORMS):
        return last
    normalised = next(flow.sources(before.place.node), None)
    of_a_layer = normalised is None or CONVOLUTION in normalised.node.name()
    in_one_block = before.call.name.rpartition(".")[0] == last.call.name.rpartition(".")[0]
    return last if of_a_layer or in_one_block else before
