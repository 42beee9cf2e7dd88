"""Makes a module fit for libraries that explain by hooks, without changing a logit; see `prepare`."""

from harness.api.preparation.modules import Add
from harness.api.preparation.prepare import added_modules, prepare, unprepared_modules

__all__ = ["Add", "added_modules", "prepare", "unprepared_modules"]
