"""Versions of the schemas of JSON files, and what is wrong with a file that does not follow its own."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError


class SchemaError(ValueError):
    """A document that is no leaderboard, or one of another schema than this version reads."""


class SchemaVersion(BaseModel):
    """The one field that a reader must understand of any version."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: str | int | float


def check_schema_version(found: object, known: str, what: str, remedy: str | None = None) -> None:
    """Raise `SchemaError` unless ``found`` is a schema version of the same major as ``known``.

    An older one passes too, unless ``remedy`` says what to do about it.
    """
    try:
        major = int(str(found).split(".")[0])
    except ValueError:
        raise SchemaError(f"{what} has no schema version that can be read ({str(found)[:40]!r})") from None
    current = int(known.split(".")[0])
    if major > current or (major < current and remedy is not None):
        advice = "upgrade xai-harness" if major > current else remedy
        raise SchemaError(f"{what} has schema {found}, but this version of xai-harness reads {known}: {advice}")


def first_validation_error(error: ValidationError) -> str:
    """The first thing that is wrong, and how many more there are, on one line."""
    problems = error.errors(include_url=False, include_input=False)
    where = ".".join(str(part) for part in problems[0]["loc"])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    message = problems[0]["msg"].removeprefix("Value error, ")
    return f"{where}: {message}{more}" if where else f"{message}{more}"
