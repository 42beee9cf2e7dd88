"""What computes otherwise is described otherwise, and what computes alike alike, whatever cell or line it is from."""

from __future__ import annotations

import importlib
import subprocess
import sys
from functools import lru_cache, partial
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import harness
from harness.registry.import_tracing import install_import_tracing
from harness.registry.session_components import identity_of


def cell(source: str, name: str = "it", **around: Any) -> Any:
    """What a notebook's cell defines: in a namespace like that of ``__main__``."""
    space = {"__name__": "__main__", "torch": torch, "nn": torch.nn, "np": np, **around}
    exec(compile(dedent(source), f"<cell {len(source)}>", "exec"), space)
    return space[name]


NETWORK = """
    class Net(nn.Module):
        def __init__(self, pool="mean"):
            super().__init__()
            self.pool, self.last = pool, nn.Linear(3, 2)
        def forward(self, x):
            return self.last(getattr(x, self.pool)((2, 3))){mended}
    torch.manual_seed(0)
    it = Net({pool})
"""


def network(mended: str = "", pool: str = '"mean"') -> Any:
    return harness.classifier(cell(NETWORK.format(mended=mended, pool=pool)), input_shape=(3, 8, 8))


def test_a_network_is_its_code_and_its_settings_besides_its_weights() -> None:
    first = network()
    assert identity_of(first) == identity_of(network())
    assert len({identity_of(one) for one in (first, network(" * 10"), network(pool='"amax"'))}) == 3


def test_a_network_that_is_trained_on_is_another() -> None:
    model = network()
    before = identity_of(model)
    with torch.no_grad():
        model.module.last.weight.mul_(2)
    assert identity_of(model) != before


@pytest.mark.parametrize("change", ["hook", "setting"])
def test_a_network_that_is_changed_after_it_was_prepared_is_another(change: str) -> None:
    def made(factor: int) -> Any:
        model = network()
        if change == "hook":
            model.module.register_forward_hook(lambda module, inputs, output: output * factor)
        else:
            model.module.last.temperature = factor
        return model

    assert identity_of(made(2)) == identity_of(made(2)) != identity_of(made(3))
    assert identity_of(made(2)) != identity_of(network())
    from harness.worker.pass_counter import count_passes

    counted = made(2)
    count_passes(counted.module)
    assert identity_of(counted) == identity_of(made(2)), "what a run leaves in a network is not its own"


HELPER = """
    def scale(x):
        return x * {factor}
    def it(model, images, targets):
        return scale(images){rest}
"""
METHOD = """
    class Base:
        def scale(self, x): return x * {factor}
    class Mine(Base):
        def __call__(self, model, images, targets): return self.scale(images)
    it = Mine() if {instance} else Mine
"""
STATE = """
    class Mine:
        def __init__(self): self.power = {factor}
        def __call__(self, model, images, targets): return images ** self.power
    it = Mine()
"""
DECORATED = """
    import functools
    def scaled(function):
        @functools.wraps(function)
        def inner(*args): return function(*args) * {factor}
        return inner
    @scaled
    def it(model, images, targets): return images
"""
NESTED = """
    def scale(x): return x * {factor}
    def it(model, images, targets): return torch.stack([scale(one) for one in images])
"""
PROPERTY = """
    class Mine:
        @property
        def factor(self): return {factor}
        @staticmethod
        def zero(): return {factor} - 1
        def __call__(self, model, images, targets): return images * self.factor
    it = Mine()
"""


@pytest.mark.parametrize(
    "source",
    [
        HELPER.replace("{rest}", ""),
        METHOD.replace("{instance}", "True"),
        METHOD.replace("{instance}", "False"),
        STATE,
        DECORATED,
        NESTED,
        PROPERTY,
        "it = lambda model, images, targets: images * {factor}",
        "def it(model, images, targets, *, power: float = {factor}): return images ** power",
        "def scale(x, by={factor}): return x * by\ndef it(model, images, targets): return scale(images)",
        "factor = torch.tensor([{factor}.0])\ndef it(model, images, targets): return images * factor",
        "factor = np.array([{factor}])\ndef it(model, images, targets): return images * factor[0]",
        "import functools\ndef base(a, model, images, targets): return a\nit = functools.partial(base, {factor})",
        "import functools\n@functools.lru_cache\ndef scale(): return {factor}\ndef it(model, images, targets): return images * scale()",
        "class Mine(dict):\n  def __call__(self, m, i, t): return self['a']\nit = Mine(a={factor})",
        "class Mine:\n  __slots__ = ('a',)\n  def __call__(self, m, i, t): return self.a\nit = Mine()\nit.a = {factor}",
        "from dataclasses import dataclass\n@dataclass\nclass Mine:\n  a: int\n"
        "  def __call__(self, m, i, t): return self.a\nit = Mine({factor})",
        "class Mine:\n  def go(self, m, i, t): return self.a\nmine = Mine()\nmine.a = {factor}\nit = mine.go",
        "net = nn.Linear(2, 2)\nnet.register_forward_hook(lambda m, i, o: o * {factor})\nnet.requires_grad_(False).weight.fill_(0)\n"
        "net.bias.fill_(0)\ndef it(model, images, targets): return net(images)",
        "class Tagged(torch.Tensor): pass\nweights = torch.ones(2).mul({factor}).as_subclass(Tagged)\ndef it(m, i, t): return i * weights",
    ],
)
def test_what_a_component_is_made_of_counts(source: str) -> None:
    def made(factor: int) -> str:
        return identity_of(cell(dedent(source).replace("{factor}", str(factor))))

    assert made(2) == made(2) != made(3)


def test_docstrings_comments_and_lines_do_not_count() -> None:
    plain = cell("def it(model, images, targets):\n    'Mine.'\n    return images * 2")
    other = cell("# a comment\n\n\ndef it(model, images, targets):\n    'Another word.'\n    # here too\n    return images * 2")
    assert identity_of(plain) == identity_of(other)


def test_members_of_a_module_of_ones_own_count_as_they_are_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers = ModuleType("helpers_of_a_notebook")
    monkeypatch.setitem(sys.modules, "helpers_of_a_notebook", helpers)
    source = "def it(model, images, targets): return helpers.scale(images)"

    def made(factor: int, unused: int = 0) -> str:
        vars(helpers).update(scale=cell(f"it = lambda x: x * {factor}"), unused=unused)
        return identity_of(cell(source, helpers=helpers))

    assert made(2) == made(2, unused=1) != made(3)


def test_a_module_that_is_imported_when_the_function_is_called_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    function = cell("def it(model, images, targets):\n    from imported_late import scale\n    return scale(images)")
    (tmp_path / "imported_late.py").write_text("def scale(x): return x * 2\n")
    before = identity_of(function)
    assert before == identity_of(function)
    (tmp_path / "imported_late.py").write_text("def scale(x): return x * 30\n")
    assert identity_of(function) != before


def test_a_module_counts_as_it_was_imported_until_it_is_imported_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of what a session still has imported are not those of the file that it has become, which another process would import."""
    install_import_tracing()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    function = cell("def it(model, images, targets):\n    import imported_and_edited\n    return imported_and_edited.scale(images)")
    file = tmp_path / "imported_and_edited.py"
    file.write_text("def scale(x): return x * 2\n")
    first = identity_of(function)
    assert function(None, 1, None) == 2 and identity_of(function) == first
    file.write_text("def scale(x): return x * 30\n")
    kept = identity_of(function)
    assert function(None, 1, None) == 2 and identity_of(function) == kept
    importlib.reload(sys.modules["imported_and_edited"])
    again = identity_of(function)
    assert function(None, 1, None) == 30 and identity_of(function) == again
    assert len({first, kept, again}) == 3
    monkeypatch.delitem(sys.modules, "imported_and_edited")
    assert identity_of(function) == again, "as in another process"


@pytest.mark.parametrize(
    "source",
    [
        "def last(x): return helpers.last(x)\ndef it(model, images, targets): return helpers.scale(last(images))",
        "def it(model, images, targets): return getattr(helpers, 'sca' + 'le')(images)",
        "def apply(of, x): return of.scale(x)\ndef it(model, images, targets): return apply(helpers, images)",
        "def it(model, images, targets):\n  h = helpers\n  return h.scale(images)",
        "class Mine:\n  def __init__(self): self.of = helpers\n  def __call__(self, m, i, t): return self.of.scale(i)\nit = Mine()",
    ],
)
def test_members_of_a_module_count_however_they_are_reached(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    helpers = ModuleType("helpers_of_a_notebook")
    monkeypatch.setitem(sys.modules, "helpers_of_a_notebook", helpers)

    def made(factor: int) -> str:
        vars(helpers).update(scale=cell(f"it = lambda x: x * {factor}"), last=cell("it = lambda x: x[-1:]"))
        return identity_of(cell(source, helpers=helpers))

    assert made(2) == made(2) != made(3)


@pytest.mark.parametrize("reached", ["eval('factor')", "globals()['factor']", "[eval(name) for name in ['factor']][0]"])
def test_what_code_reaches_by_a_text_cannot_be_known(reached: str) -> None:
    function = cell(f"def it(model, images, targets): return images * {reached}", factor=2)
    assert identity_of(function) != identity_of(function)
    network = cell("def it(model, images, targets): return model.eval()(images)")
    assert identity_of(network) == identity_of(network)


@pytest.mark.parametrize(
    "source",
    [
        "import threading\nlock = threading.Lock()\ndef it(m, i, t):\n  with lock: return i * {factor}",
        "missing = object()\ndef it(m, i, t, a=missing): return i * {factor} if a is missing else i",
        "import itertools\ncount = itertools.count({factor})\ndef it(m, i, t): return i * next(count)",
        "import re\npattern = re.compile('a{factor}')\ndef it(m, i, t): return i if pattern.match('a2') else -i",
        "turned = [np.sin, np.cos][{factor} - 2]\ndef it(m, i, t): return turned(i)",
        "import weakref\nclass Held: a = {factor}\nheld = Held()\nweak = weakref.ref(held)\ndef it(m, i, t): return i * weak().a",
        "import types\nsettings = types.MappingProxyType(dict(a={factor}))\ndef it(m, i, t): return i * settings['a']",
        "import sys\nout = open('/dev/null', 'w')\ndef it(m, i, t):\n  print(1, file=out)\n  return i * {factor}",
    ],
)
def test_what_ordinary_code_holds_is_known(source: str) -> None:
    def made(factor: int) -> str:
        return identity_of(cell(source.replace("{factor}", str(factor))))

    assert made(2) == made(2) != made(3)


@pytest.mark.parametrize("value", [(x for x in "ab"), open("/dev/null"), lru_cache])  # noqa: SIM115, PTH123
def test_what_cannot_be_known_is_another_every_time_and_what_can_is_not(value: Any) -> None:
    function = cell("def it(model, images, targets): return value", value=value)
    assert (identity_of(function) == identity_of(function)) is (value is lru_cache)


def test_data_that_are_there_already_are_known_by_their_content() -> None:
    def data(seed: int, label: int = 0) -> list[harness.api.Sample]:
        return [harness.api.Sample(torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(seed)), label, "a")]

    class Data:
        def __init__(self, samples: list[Any]) -> None:
            self.samples = samples

        def __len__(self) -> int:
            return len(self.samples)

        def __getitem__(self, index: int) -> Any:
            return self.samples[index]

    assert identity_of(Data(data(0))) == identity_of(Data(data(0)))
    assert len({identity_of(Data(data(*given))) for given in ((0,), (1,), (0, 1))}) == 3


def test_it_is_the_same_in_another_process() -> None:
    """Whatever the seed of hashes is there."""
    code = dedent("""
        import functools, torch
        from harness.registry.session_components import identity_of
        class Mine:
            names = {"a", "b", "c", "d"}
            def __init__(self):
                self.net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.ReLU()).requires_grad_(False)
                self.net[0].weight.fill_(1), self.net[0].bias.fill_(0)
            def __call__(self, model, images, targets):
                return images if "a" in {"x", "y", "z"} else self.net
        print(identity_of(functools.partial(Mine(), 1)))
    """)
    seeds = [{"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())} for seed in ("1", "2")]
    found = {subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True).stdout for env in seeds}
    assert len(found) == 1 and found != {b""}


def test_a_partial_is_what_it_is_of() -> None:
    function = cell("def it(a, model, images, targets): return images")
    assert identity_of(partial(function, 1)) == identity_of(partial(function, 1)) != identity_of(partial(function, 1.0))
