from __future__ import annotations

from typing import Any

import pytest

from harness.api import hookimpl
from harness.registry.hook_runner import HookProblem, HookRunner

from .conftest import Install


class Listening:
    def __init__(self) -> None:
        self.heard: list[Any] = []

    @hookimpl
    def run_started(self, spec: Any) -> None:
        self.heard.append(spec)

    @hookimpl
    def leaderboard_formats(self) -> dict[str, Any]:
        return {"html": str}


class Raising:
    @hookimpl
    def run_started(self, out: str) -> None:
        raise RuntimeError(f"no room in {out}")

    @hookimpl
    def run_finished(self) -> None:
        raise SystemExit(3)


class Misspelt:
    @hookimpl
    def run_start(self, spec: Any) -> None: ...

    @hookimpl
    def run_finished(self, leaderbord: Any) -> None: ...

    @hookimpl(wrapper=True)
    def leaderboard_rendered(self, text: str) -> Any:
        return (yield)

    @hookimpl
    def column_finished(self, state: str) -> str:
        return state


def test_an_implementation_gets_the_arguments_that_it_takes() -> None:
    runner, plugin = HookRunner(), Listening()
    runner.register(plugin, "p")
    assert runner.call("run_started", spec={"a": 1}, out="x") == [] and plugin.heard == [{"a": 1}]
    assert runner.call("leaderboard_formats") == [{"html": str}]
    assert runner.problems == []


def test_one_that_raises_is_reported_and_the_others_are_called() -> None:
    reported: list[HookProblem] = []
    runner = HookRunner(reported.append)
    first, last = Listening(), Listening()
    for name, plugin in (("first", first), ("bad", Raising()), ("last", last)):
        runner.register(plugin, name)
    runner.call("run_started", spec=1, out="there")
    runner.call("run_finished", leaderboard={}, out="there")
    assert first.heard == last.heard == [1]
    assert list(map(str, reported)) == [
        "hook run_started of plugin bad: RuntimeError: no room in there",
        "hook run_finished of plugin bad: SystemExit: 3",
    ]


def test_an_interrupt_is_not_swallowed() -> None:
    class Interrupted:
        @hookimpl
        def run_started(self) -> None:
            raise KeyboardInterrupt

    runner = HookRunner()
    runner.register(Interrupted(), "p")
    with pytest.raises(KeyboardInterrupt):
        runner.call("run_started", spec={}, out="")


def test_misspelt_hooks_and_arguments_are_told_and_the_rest_works() -> None:
    runner = HookRunner()
    runner.register(Misspelt(), "tracker")
    messages = {problem.hook: str(problem) for problem in runner.problems}
    assert messages["run_start"].startswith(
        'hook run_start of plugin tracker: there is no such hook; did you mean "run_started"? (hooks: run_started, '
    )
    assert messages["run_finished"] == (
        "hook run_finished of plugin tracker: unknown argument `leaderbord`; did you mean \"leaderboard\"? (found (leaderbord), "
        "the hook has (leaderboard, out))"
    )  # fmt: skip
    assert "wrappers are not supported" in messages["leaderboard_rendered"]
    assert runner.call("column_finished", column={}, state="ok", reason=None) == ["ok"]
    assert runner.call("run_finished", leaderboard={}, out="") == []


HOOKS = """
    from harness.api import hookimpl

    @hookimpl
    def column_finished(state):
        return "{name}:" + state
"""


def test_installed_hooks(install: Install) -> None:
    install("one", {"one_hooks.py": HOOKS.format(name="one")}, {"harness": {"tracker": "one_hooks"}})
    install("two", {"two_hooks.py": HOOKS.format(name="two")}, {"harness": {"tracker": "two_hooks"}})
    install("bad", {"bad_hooks.py": "import nothing_like_it"}, {"harness": {"broken": "bad_hooks"}})
    install("new", {"new_hooks.py": "raise SystemExit"}, {"harness": {"later": "new_hooks"}, "harness.api": {"3": "new_hooks"}})
    reported: list[HookProblem] = []
    runner = HookRunner.discover(reported.append)
    assert sorted(runner.call("column_finished", column={}, state="ok", reason=None)) == ["one:ok", "two:ok"]
    assert sorted(map(str, reported)) == [
        "plugin bad/broken: does not import: ModuleNotFoundError: No module named 'nothing_like_it'",
        "plugin new/later: built for plugin API 3, but this harness speaks 1.0 (major 1)",
        'plugin two/tracker: the name "tracker" is that of one/tracker too; both are called',
    ]


def test_the_same_plugin_twice_is_called_once() -> None:
    runner, plugin = HookRunner(), Listening()
    runner.register(plugin, "p")
    runner.register(plugin, "q")
    runner.call("run_started", spec=1, out="")
    assert plugin.heard == [1] and "registered twice" in str(runner.problems[0])
