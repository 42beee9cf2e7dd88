"""Behaviours: plugins of the entry-point group ``harness``, called so that one that is wrong costs nothing but itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pluggy

from harness.api.hooks import PROJECT_NAME, HookSpecs
from harness.api.version import API_VERSION
from harness.registry.distributions import API_MAJOR, PluginDistribution, find_plugin_distributions
from harness.registry.loading import load_target
from harness.registry.naming import did_you_mean, join_words


@dataclass(frozen=True)
class HookProblem:
    """A fault of a hook plugin; ``hook`` is None if the plugin as a whole is."""

    plugin: str
    hook: str | None
    message: str

    def __str__(self) -> str:
        return f"hook {self.hook} of plugin {self.plugin}: {self.message}" if self.hook else f"plugin {self.plugin}: {self.message}"


class _HookManager(pluggy.PluginManager):
    """Leaves out implementations that pluggy would refuse, and remembers why."""

    def __init__(self, problems: list[HookProblem]) -> None:
        super().__init__(PROJECT_NAME)
        self.problems = problems
        self.registering = ""
        self.add_hookspecs(HookSpecs)

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None:
            return None
        wrong = self._wrong(options.get("specname") or name, getattr(plugin, name), options)
        if wrong is not None:
            self.problems.append(HookProblem(self.registering, name, wrong))
            return None
        return options

    def _wrong(self, hook: str, function: Callable[..., Any], options: pluggy.HookimplOpts) -> str | None:
        """Why an implementation cannot be called, or None."""
        known = [name for name, value in vars(HookSpecs).items() if hasattr(value, f"{PROJECT_NAME}_spec")]
        if hook not in known:
            return f"there is no such hook{did_you_mean(hook, known)} (hooks: {join_words(known)})"
        if options["wrapper"] or options["hookwrapper"]:
            return "hook wrappers are not supported: every implementation is called on its own"
        expected = [name for name in inspect.signature(getattr(HookSpecs, hook)).parameters if name != "self"]
        parameters = inspect.signature(function).parameters.values()
        needed = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        unknown = [name for name in needed if name not in expected]
        if unknown:
            hint = did_you_mean(unknown[0], expected)
            return f"unknown argument `{unknown[0]}`{hint} (found ({', '.join(needed)}), the hook has ({', '.join(expected)}))"
        return None


class HookRunner:
    """Calls hooks; what goes wrong is reported and never raised.

    Attributes:
        problems: what is wrong so far: plugins that do not import, misspelt hooks and arguments, exceptions.
    """

    def __init__(self, report: Callable[[HookProblem], None] | None = None) -> None:
        self.problems: list[HookProblem] = []
        self._report = report or (lambda problem: None)
        self._manager = _HookManager(self.problems)

    @classmethod
    def discover(cls, report: Callable[[HookProblem], None] | None = None) -> HookRunner:
        """A runner with every installed hook plugin, imported in this process."""
        runner = cls(report)
        runner.load(find_plugin_distributions()[0])
        for problem in runner.problems:
            runner._report(problem)
        return runner

    def load(self, found: Iterable[PluginDistribution]) -> None:
        """Import and register the hook plugins of distributions; each on its own, what fails is a problem."""
        first: dict[str, str] = {}
        for item in found:
            for name, target in item.hooks:
                qualified = f"{item.name}/{name}"
                if not item.compatible:
                    message = f"built for plugin API {item.api}, but this harness speaks {API_VERSION} (major {API_MAJOR})"
                    self.problems.append(HookProblem(qualified, None, message))
                    continue
                if name in first:
                    self.problems.append(HookProblem(qualified, None, f'the name "{name}" is that of {first[name]} too; both are called'))
                first.setdefault(name, qualified)
                try:
                    self.register(load_target(target), qualified)
                except Exception as error:
                    self.problems.append(HookProblem(qualified, None, f"does not import: {type(error).__name__}: {error}"))

    def register(self, plugin: object, name: str) -> None:
        """Register an object whose methods or functions are marked with ``hookimpl``."""
        if self._manager.has_plugin(name) or self._manager.is_registered(plugin):
            self.problems.append(HookProblem(name, None, "is registered twice; the second time was ignored"))
            return
        self._manager.registering = name
        self._manager.register(plugin, name)

    def call(self, hook: str, **arguments: Any) -> list[Any]:
        """Call the implementations of a hook, and return what they return, without None; each gets the arguments that it takes.

        An implementation that raises is reported as a problem, and the others are called all the same.
        """
        results = []
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            taken = {name: arguments[name] for name in implementation.argnames}
            try:
                result = implementation.function(**taken)
            except (Exception, SystemExit) as error:
                problem = HookProblem(implementation.plugin_name, hook, f"{type(error).__name__}: {error}")
                self.problems.append(problem)
                self._report(problem)
            else:
                results.extend([] if result is None else [result])
        return results
