"""The error for what a person gave and can mend."""

from __future__ import annotations


class InputError(ValueError):
    """A fault of what a component was given: a folder, a file, a value. Its message is all that is told: neither type nor place in code."""

    message_is_enough = True
