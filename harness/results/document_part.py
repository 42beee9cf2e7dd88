"""The base of all parts of ``leaderboard.json``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class DocumentPart(BaseModel):
    """A part of the document: it does not change, and ignores fields that it does not know."""

    model_config = ConfigDict(extra="ignore", frozen=True)
