"""Every way to write a wrong spec: all problems at once, each at its line and column, and never anything but a `SpecError`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.registry.registry import Registry
from harness.results.data_model import MAX_BOOTSTRAP
from harness.spec.load import load_spec
from harness.spec.problems import SpecError

Write = Callable[[str | bytes], Path]

HEAD = """\
name: x
datasets: [lesions]
models: [lesions-vgg]
explainers: [grad-cam, lrp]
metrics: [road]
nulls: []
"""
EXPLAINERS = "integrated-gradients, laplace, lrp, random, sobel, triad, twice"
INSTALLED = f"(installed: broken, future, grad-cam, {EXPLAINERS})"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))
COMPONENT = "each a component (its name, or use + params)"
TEXT = "a string (on one line, not blank, at most 200 characters)"
KEYS = (
    "name, seed, datasets, models, explainers, metrics, explain, reference, nulls, overrides, execution, store, statistics, rank, meta, "
    "published"
)


def replaced(line: str, by: str) -> str:
    assert f"{line}\n" in HEAD
    return HEAD.replace(f"{line}\n", f"{by}\n")


CASES: dict[str, tuple[str | bytes, list[str]]] = {
    # text and YAML
    "empty": ("", ["1:1: is empty"]),
    "only a comment": ("# nothing\n", ["1:1: is empty"]),
    "null": ("~\n", ["1:1: a spec is a mapping (name, datasets, models, explainers, metrics …), not null"]),
    "a text": ("grad-cam\n", ['1:1: a spec is a mapping (name, datasets, models, explainers, metrics …), not "grad-cam"']),
    "a list": ("- name: x\n", ['1:1: a spec is a mapping (name, datasets, models, explainers, metrics …), not [{"name": "x"}]']),
    "binary": (b"name: x\n\x89PNG\r\n", ["2:1: is not UTF-8 text (byte 0x89)"]),
    "UTF-16": ("name: x\n".encode("utf-16"), ["1:1: is not UTF-8 text (byte 0xff)"]),
    "a control character": ("name: x\nseed: \0\n", ["2:7: the character '\\x00' is not allowed"]),
    "a tab": ("name: x\nexplain:\n\ttarget: label\n", ["3:1: a tab cannot indent: use spaces"]),
    "a tab after spaces": ("name: x\nexplain:\n  target: label\n  \tsamples: all\n", ["4:3: a tab cannot indent: use spaces"]),
    "a key twice": (HEAD + "seed: 1\nseed: 2\n", ['8:1: the key "seed" stands here twice (first in line 7)']),
    "a key twice inside": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [{use: lrp, params: {epsilon: 1, epsilon: 2}}]"),
        ['4:46: the key "epsilon" stands here twice (first in line 4)'],
    ),
    "not closed": ("name: [x\n", ["2:1: expected ',' or ']', but got '<stream end>' (while parsing a flow sequence from line 1 on)"]),
    "a colon too many": ("name: a: b\n", ["1:8: mapping values are not allowed here"]),
    "wrong indent": ("name: x\n  seed: 1\n", ["2:7: mapping values are not allowed here"]),
    "a character that YAML reserves": ("name: @x\n", ["1:7: found character '@' that cannot start any token"]),
    "two documents": (HEAD + "---\nname: y\n", ["7:1: a second document begins: a spec is one"]),
    "a bomb of aliases": (BOMB, ["1:5: more than 20000 values (an alias counts as often as it is used)"]),
    "an alias in itself": ("name: &x [*x]\n", ["1:7: an alias inside what it stands for"]),
    "an alias of nothing": ("name: *nothing\n", ["1:7: found undefined alias 'nothing'"]),
    "a tag that builds": ("name: !!python/object/apply:os.system [ls]\n", ["1:7: the tag !!python/object/apply:os.system is not allowed"]),
    "a tag of one's own": ("name: !mine x\n", ["1:7: the tag !mine is not allowed"]),
    "a merge key": (HEAD + "explain:\n  <<: {target: label}\n", ["8:3: merge keys (<<) are no part of YAML 1.2: write the keys out"]),
    "a key that is a list": (HEAD + "? [a]\n: b\n", ["7:3: a key must be a string"]),
    "deep": (HEAD + "explain: " + "[" * 80 + "]" * 80 + "\n", ["7:73: nested more than 64 deep"]),
    "deeper": ("[" * 5_000, ["1:65: nested more than 64 deep"]),
    "a number of 5000 digits": (HEAD + f"seed: {'9' * 5000}\n", [f"7:7: '{'9' * 40}' is too long for a number"]),
    "half a character": (HEAD + 'reference: "\\ud800"\n', ["7:12: half a surrogate pair is no character"]),
    # form
    "nothing but a name": (
        "name: x\nnulls: []\n",
        [f"1:1: {key} is missing: a list of at least 1, {COMPONENT}" for key in ("datasets", "models", "explainers", "metrics")],
    ),
    "an unknown key": (HEAD + "explainer: x\n", [f'7:1: unknown key "explainer"; did you mean "explainers"? (known: {KEYS})']),
    "an unknown key inside": (
        HEAD + "execution:\n  timeot: 3m\n",
        [
            '8:3: unknown key "timeot"; did you mean "timeout"? '
            "(known: executor, timeout, startup_timeout, workers, workers_per_device, devices, batch, shard, prefetch, precision, compile)"
        ],
    ),
    "a name that is a number": (replaced("name: x", "name: 012"), [f"1:7: name must be {TEXT}, not 12"]),
    "a blank name": (replaced("name: x", "name: ' '"), [f'1:7: name must be {TEXT}, not " "']),
    "one explainer, not a list": (
        replaced("explainers: [grad-cam, lrp]", "explainers: grad-cam"),
        [f'4:13: explainers must be a list of at least 1, {COMPONENT}, not "grad-cam"'],
    ),
    "no metrics": (replaced("metrics: [road]", "metrics: []"), [f"5:10: metrics must be a list of at least 1, {COMPONENT}, not empty"]),
    "a negative seed": (HEAD + "seed: -1\n", ["7:7: seed must be an integer ≥ 0 and < 9.22337e+18, not -1"]),
    "a seed with a point": (HEAD + "seed: 1.5\n", ["7:7: seed must be an integer ≥ 0 and < 9.22337e+18, not 1.5"]),
    "a seed that is true": (HEAD + "seed: true\n", ["7:7: seed must be an integer ≥ 0 and < 9.22337e+18, not true"]),
    "a target that is not": (
        HEAD + "explain: {target: predictd}\n",
        ['7:19: explain.target must be one of "predicted", "label" or an integer ≥ 0, not "predictd"'],
    ),
    "samples that are not": (
        HEAD + "explain: {samples: corect}\n",
        ['7:20: explain.samples must be one of "all", "correct", "all-correct", not "corect"; did you mean "correct"?'],
    ),
    "a duration without unit": (
        HEAD + "execution: {timeout: ten minutes}\n",
        ["7:22: execution.timeout must be a duration such as 90s, 10m or 2h, or a number of seconds from 0.001 on, not \"ten minutes\""],
    ),
    "a duration of nothing": (
        HEAD + "execution: {timeout: 0}\n",
        ["7:22: execution.timeout must be a duration such as 90s, 10m or 2h, or a number of seconds from 0.001 on, not 0"],
    ),
    "no workers": (HEAD + "execution: {workers: 0}\n", ['7:22: execution.workers must be "auto" or an integer ≥ 1 and ≤ 10000, not 0']),
    "an executor that is not": (
        HEAD + "execution: {executor: lokal}\n",
        ['7:23: unknown executor "lokal"; did you mean "local"? (installed: inline, local)'],
    ),
    "certainty": (HEAD + "statistics: {confidence: 1}\n", ["7:26: statistics.confidence must be a number > 0 and < 1, not 1"]),
    "confidence of nothing known": (HEAD + "statistics: {confidence: .nan}\n", ["7:26: statistics.confidence must be finite, not nan"]),
    "another correction": (
        HEAD + "statistics: {correction: bonferroni}\n",
        ['7:26: statistics.correction must be one of "fdr", "holm", not "bonferroni"'],
    ),
    "few draws": (HEAD + "statistics: {bootstrap: 99}\n", ["7:25: statistics.bootstrap must be an integer ≥ 100 and ≤ 100000, not 99"]),
    "more draws than can be read again": (
        HEAD + f"statistics: {{bootstrap: {MAX_BOOTSTRAP + 1}}}\n",
        ["7:25: statistics.bootstrap must be an integer ≥ 100 and ≤ 100000, not 100001"],
    ),
    "no repeats": (HEAD + "meta: {repeats: 0}\n", ["7:17: meta.repeats must be an integer ≥ 1 and ≤ 1000, not 0"]),
    "repeats without end": (HEAD + "meta: {repeats: 1001}\n", ["7:17: meta.repeats must be an integer ≥ 1 and ≤ 1000, not 1001"]),
    "a list of executors": (
        HEAD + "execution: {executor: [local]}\n",
        ['7:23: execution.executor must be a string (on one line, not blank, at most 200 characters), not ["local"]'],
    ),
    "an executor with parameters": (
        HEAD + "execution: {executor: {use: local}}\n",
        ['7:23: execution.executor must be a string (on one line, not blank, at most 200 characters), not {"use": "local"}'],
    ),
    "no disturbance": (HEAD + "meta: {weights: {minor: 0}}\n", ["7:25: meta.weights.minor must be a number > 0, not 0"]),
    "a disturbance of something else": (
        HEAD + "meta: {weight: {minor: 1}}\n",
        ['7:8: unknown key "weight"; did you mean "weights"? (known: repeats, inputs, weights)'],
    ),
    "an empty section": (HEAD + "execution:\n", ["7:1: execution must be a mapping, not null"]),
    "precision unheard of": (
        HEAD + "execution: {precision: fp16}\n",
        ['7:24: execution.precision must be one of "fp32", "tf32", "bf16", not "fp16"; did you mean "bf16"?'],
    ),
    # components
    "a misspelt explainer": (
        replaced("explainers: [grad-cam, lrp]", "explainers:\n  - gradcam"),
        [f'5:5: unknown explainer "gradcam"; did you mean "grad-cam"? {INSTALLED}'],
    ),
    "a misspelt use": (
        replaced("models: [lesions-vgg]", "models:\n  - label: m\n    use: lesion-vgg"),
        ['5:10: unknown model "lesion-vgg"; did you mean "lesions-vgg"? (installed: lesions-vgg, torchvision)'],
    ),
    "an explainer among metrics": (
        replaced("metrics: [road]", "metrics: [lrp]"),
        ['5:11: unknown metric "lrp"; it is an explainer (installed: deletion, road)'],
    ),
    "an ambiguous name": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [twice]"),
        ['4:14: ambiguous explainer "twice": one 1.0 and two 1.0 both have one; write "one/twice" or "two/twice"'],
    ),
    "an explainer of the future": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [future]"),
        ['4:14: explainer "future" of acme 1.0 is broken: built for plugin API 9'],
    ),
    "a component that is a number": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [grad-cam, 3]"),
        ["4:24: explainers[1] must be a component (its name, or use + params), not 3"],
    ),
    "a component without use": (
        replaced("explainers: [grad-cam, lrp]", "explainers:\n  - params: {}"),
        [f"5:5: explainers[0].use is missing: {TEXT}"],
    ),
    "a key that components do not have": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [{use: lrp, parms: {}}]"),
        ['4:25: unknown key "parms"; did you mean "params"? (known: use, params, label, factors, sweep)'],
    ),
    "a parameter beside params": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [{use: lrp, epsilon: 1}]"),
        ['4:25: unknown key "epsilon" (known: use, params, label, factors, sweep): write parameters under params'],
    ),
    "what belongs beside params among them": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [{use: lrp, params: {label: mine}}]"),
        ['4:34: lrp: unknown parameter "label" (known: rule, epsilon): write label beside params, not among them'],
    ),
    "a class map among params": (
        replaced("datasets: [lesions]", "datasets: [{use: lesions, params: {class_map: {a: b}}}]"),
        ['2:36: lesions: unknown parameter "class_map" (known: split, samples, size): write class_map beside params, not among them'],
    ),
    "params that are a list": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [{use: lrp, params: [1]}]"),
        ["4:33: explainers[0].params must be a mapping, not [1]"],
    ),
    "random-model among explainers": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [lrp, random-model]"),
        ["4:19: random-model is no explainer: write it under nulls, and every row gets a twin"],
    ),
    "random-model with parameters": (
        replaced("nulls: []", "nulls: [{use: random-model, params: {seed: 1}}]"),
        ["6:9: random-model takes neither params nor label"],
    ),
    "a null that is not": (replaced("nulls: []", "nulls: [sobl]"), [f'6:9: unknown explainer "sobl"; did you mean "sobel"? {INSTALLED}']),
    "training data that are not": (
        replaced("datasets: [lesions]", "datasets:\n  - use: lesions\n    training: {use: lesion}"),
        ['4:21: unknown dataset "lesion"; did you mean "lesions"? (installed: lesions)'],
    ),
    "a class map to nothing": (
        replaced("datasets: [lesions]", "datasets: [{use: lesions, class_map: {0: [a]}}]"),
        [f'2:42: datasets[0].class_map.0 must be {TEXT} or an integer, not ["a"]'],
    ),
    # parameters
    "out of range": (
        replaced("explainers: [grad-cam, lrp]", "explainers:\n  - use: integrated-gradients\n    params:\n      steps: 0"),
        ["7:14: integrated-gradients: steps must be an integer ≥ 1, not 0"],
    ),
    "no is a text": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [{use: grad-cam, params: {relu: no}}]"),
        ['4:45: grad-cam: relu must be true or false, not "no"'],
    ),
    "an unknown parameter": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [{use: grad-cam, params: {layr: x}}]"),
        ['4:39: grad-cam: unknown parameter "layr"; did you mean "layer"? (known: layer, relu)'],
    ),
    "a misspelt choice": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [{use: lrp, params: {rule: epsilon-plus}}]"),
        ['4:40: lrp: rule must be one of "epsilon", "epsilon-plus-flat", not "epsilon-plus"; did you mean "epsilon-plus-flat"?'],
    ),
    "a parameter that is missing": (
        replaced("models: [lesions-vgg]", "models: [torchvision]"),
        ["3:10: torchvision: arch is missing: a string"],
    ),
    "an infinite parameter": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [{use: lrp, params: {epsilon: .inf}}]"),
        ["4:43: lrp: epsilon must be finite, not inf"],
    ),
    "an item out of range": (
        replaced("metrics: [road]", "metrics:\n  - use: road\n    params:\n      fractions: [0.1,\n                  2]"),
        ["9:19: road: fractions[1] must be a number > 0 and < 1, not 2"],
    ),
    "deep inside the triad": (
        replaced(
            "explainers: [grad-cam, lrp]",
            "explainers:\n  - use: triad\n    params:\n      fusion: meen\n      parts:\n        cam: gradcam\n        lrp:\n"
            "          use: lrp\n          params:\n            epsilon: -1\n            rulee: x\n        three: 3",
        ),
        [
            '7:15: triad: fusion must be one of "mean", "product", not "meen"; did you mean "mean"?',
            f'9:14: unknown explainer "gradcam"; did you mean "grad-cam"? {INSTALLED}',
            "13:22: lrp: epsilon must be a number > 0, not -1",
            '14:13: lrp: unknown parameter "rulee"; did you mean "rule"? (known: rule, epsilon)',
            "15:16: triad: parts.three must be an explainer (its name, or use + params), not 3",
        ],
    ),
    # labels
    "a component twice": (
        replaced("explainers: [grad-cam, lrp]", "explainers:\n  - grad-cam\n  - {use: grad-cam, params: {layer: x}}"),
        ['6:5: two of explainers are called "grad-cam" (the other: line 5): give one a label of its own'],
    ),
    "a label twice": (
        replaced("metrics: [road]", "metrics: [{use: road, label: m}, {use: deletion, label: m}]"),
        ['5:57: two of metrics are called "m" (the other: line 5): give one a label of its own'],
    ),
    "a label that is a name": (
        replaced("explainers: [grad-cam, lrp]", "explainers: [grad-cam, {use: lrp, label: grad-cam}]"),
        ['4:42: two of explainers are called "grad-cam" (the other: line 4): give one a label of its own'],
    ),
    "a null with an explainer's label": (
        replaced("nulls: []", "nulls: [{use: sobel, label: lrp}]"),
        ['6:29: the null "lrp" has the label of an explainer with other parameters: give one a label of its own'],
    ),
    "a blank label": (
        replaced("metrics: [road]", "metrics: [{use: road, label: ''}]"),
        [f'5:30: metrics[0].label must be {TEXT} or null, not ""'],
    ),
    "a reference that is no row": (
        HEAD + "reference: Grad-CAM2\n",
        ['7:12: no row is called "Grad-CAM2"; did you mean "grad-cam"? (rows: grad-cam, lrp)'],
    ),
    # overrides
    "an override of nothing": (
        HEAD + "overrides:\n  - params: {}\n",
        ["8:5: an override names a dataset, a model, an explainer or a metric (a glob of labels)"],
    ),
    "an override that matches nothing": (
        HEAD + "overrides: [{model: 'resnet*', explainer: lpr, params: {}}]\n",
        [
            '7:21: "resnet*" is the label of no model (labels: lesions-vgg)',
            '7:43: "lpr" is the label of no explainer; did you mean "lrp"? (labels: grad-cam, lrp)',
        ],
    ),
    "an override without params": (HEAD + "overrides: [{model: x}]\n", ["7:13: overrides[0].params is missing: a mapping"]),
    "an override that a component refuses": (
        HEAD + "overrides: [{explainer: '*', params: {relu: 3}}]\n",
        [
            '7:39: lrp: unknown parameter "relu" (known: rule, epsilon)',
            "7:45: grad-cam: relu must be true or false, not 3",
        ],
    ),
    # published tables
    "a published table without its columns": (
        HEAD + "published: [{title: x, source: y, values: {}}]\n",
        [
            "7:13: published[0].columns is missing: a mapping",
            "7:43: published[0].values must be a mapping, not empty",
        ],
    ),
    "a published table of what is not there": (
        HEAD
        + "published:\n  - title: x\n    source: y\n    columns:\n      a: {metric: raod}\n      b: {measure: accuracy}\n"
        + "      c: {metric: road, measure: skill, model: resnet*, explainer: lrp}\n      d: {}\n"
        + "    values:\n      lpr: [1, 0.5, '1,2', pass]\n      grad-cam: [1, 2]\n",
        [
            '11:19: no metric is called "raod"; did you mean "road"? (labels: road)',
            "12:20: accuracy is known of models: write `rows: models`",
            "13:10: a column has either metric, the label of one, or measure",
            '13:48: no model is called "resnet*" (labels: lesions-vgg)',
            "13:68: the rows are explainers, so that a column names none",
            "14:10: a column has either metric, the label of one, or measure",
            '16:12: no explainer is called "lpr"; did you mean "lrp"? (labels: grad-cam, lrp)',
            '16:21: "1,2": a number is written as 0.75, 0.75 ± 0.01 or 75.4 ± 1.2 %',
            "17:17: there are 4 columns (a, b, c, d), and 2 values here",
        ],
    ),
    "a threshold that is none": (
        HEAD + "published: [{title: x, source: y, columns: {a: {metric: road, passes: small}}, values: {lrp: [pass]}}]\n",
        ['7:71: published[0].columns.a.passes must be a comparison with a number, such as < 0.5, not "small"'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_specs(case: str, write: Write, registry: Registry) -> None:
    content, expected = CASES[case]
    file = write(content)
    with pytest.raises(SpecError) as error:
        load_spec(file, registry)
    assert [str(problem).removeprefix(f"{file}:") for problem in error.value.problems] == expected


def test_there_are_enough() -> None:
    assert len(CASES) >= 60


def test_files_that_are_none(tmp_path: Path, registry: Registry) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (2**20 + 1))
    for path, reason in (
        (tmp_path / "nothing.yaml", "no such file"),
        (tmp_path, "is a folder, not a spec"),
        (Path("/dev/zero"), "is no regular file"),
        (large, "is larger than a spec may be (1048577 bytes, at most 1048576)"),
        (Path("a\0b"), "cannot be read: "),
        (Path("x" * 5000), "cannot be read: File name too long"),
    ):
        with pytest.raises(SpecError) as error:
            load_spec(path, registry)
        assert str(error.value).startswith(f"{path}: {reason}")


def test_an_escape_beyond_all_characters(write: Write, registry: Registry) -> None:
    with pytest.raises(SpecError, match="is not YAML: "):
        load_spec(write('name: "\\U99999999"\n'), registry)


@pytest.mark.skipif(not Path("/proc/kmsg").exists(), reason="no /proc on this platform")
def test_a_file_that_never_ends_is_not_read(registry: Registry) -> None:
    with pytest.raises(SpecError, match=r"is empty|cannot be read"):
        load_spec(Path("/proc/kmsg"), registry)


@pytest.mark.parametrize("parts", [65, 3000])
def test_a_setting_deeper_than_a_spec_may_be(write: Write, registry: Registry, parts: int) -> None:
    with pytest.raises(SpecError, match=f"the path has {parts} parts, at most 64$"):
        load_spec(write(HEAD), registry, [(".".join("x" * parts), "1")])


@pytest.mark.parametrize("path", ["x", "explainers.0", "explainers.0.params", "explain", "explainers.1.params.x"])
def test_a_deep_setting_of_a_deep_value_is_a_spec_error(write: Write, registry: Registry, path: str) -> None:
    deep = path + ".x" * (64 - len(path.split(".")))
    with pytest.raises(SpecError):
        load_spec(write(HEAD), registry, [(deep, "[" * 63 + "]" * 63)])


def test_default_nulls_that_are_not_installed(registry: Registry, cards: list[Any], write: Write) -> None:
    without = Registry(card for card in cards if card.name != "sobel")
    with pytest.raises(SpecError, match=r'nulls, by default: unknown explainer "sobel".*; write `nulls: \[\]` for none'):
        load_spec(write(HEAD.replace("nulls: []\n", "")), without)


def test_everything_at_once_in_order(write: Write, registry: Registry) -> None:
    content = (
        HEAD.replace("name: x", "name: 3").replace("[road]", "[raod, {use: deletion, params: {steps: x}}]") + "seed: x\nreference: no\n"
    )
    with pytest.raises(SpecError) as error:
        load_spec(write(content), registry)
    assert [(problem.line, problem.column) for problem in error.value.problems] == [(1, 7), (5, 11), (5, 49), (7, 7), (8, 12)]
