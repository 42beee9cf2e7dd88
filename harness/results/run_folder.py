"""The run folder: what rendering, merging and comparing take, without the store that its numbers came from.

``leaderboard.json`` is the result (`document`), ``scores.parquet`` the per-sample scores (`score_table`), ``results.json`` everything else
(`data_model`), and ``columns.json`` says where its maps are. A folder may come from somebody else: whatever is in it, reading ends in
results or in a `RunFolderError`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from harness.results.data_model import Results
from harness.results.document import Leaderboard, read_leaderboard
from harness.results.schema_version import SchemaError, SchemaVersion, check_schema_version, first_validation_error
from harness.results.score_table import ScoreTableError, read_scores, write_scores
from harness.store.atomic import replace_atomically, write_atomically
from harness.user_errors import UserError

LEADERBOARD_FILE, RESULTS_FILE, SCORES_FILE = "leaderboard.json", "results.json", "scores.parquet"
MAP_COLUMNS_FILE = "columns.json"
MAX_JSON_BYTES = 1 << 30
Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RESULTS_SCHEMA_VERSION = "2.0"  # in 1 variants were called shadows, and they are read by that name too
RESULTS_JSON = TypeAdapter(Results)
"""Everything of `Results` but the scores. It reads other people's files, and trusts nothing."""


class ResultsHeader(SchemaVersion):
    """The first fields of ``results.json``; ``scores_sha256`` is the checksum of the ``scores.parquet`` that belongs to it."""

    scores_sha256: str = ""


class MapColumn(BaseModel):
    """One explainer's maps: labels, recipes as JSON, keys in the store, and (position, id, digest) of each row.

    Keys are those of the maps, of the scores by metric label, and of what the model predicts (None in folders of older runs).
    """

    dataset: str
    model: str
    explainer: str
    key: Key
    signed: bool
    recipe: dict[str, Any]
    dataset_recipe: dict[str, Any]
    model_recipe: dict[str, Any]
    rows: list[tuple[Annotated[int, Field(ge=0)], str, str]]
    scores: dict[str, Key]
    predictions: Key | None = None


class MapColumns(BaseModel):
    """The content of ``columns.json``: which columns of which store the maps are, and the files of plugins that the run was given."""

    store: str
    plugins: list[str]
    columns: list[MapColumn]


class RunFolderError(UserError):
    """A run folder that cannot be read; the message names the file and what is wrong with it."""


def write_results(folder: str | Path, results: Results) -> None:
    """Write the scores and the file that says what they are of, each whole or not at all."""
    folder = Path(folder)
    with replace_atomically(folder / SCORES_FILE) as temporary:
        write_scores(temporary, results)
        checksum = _checksum(temporary)
    header = ResultsHeader(schema_version=RESULTS_SCHEMA_VERSION, scores_sha256=checksum).model_dump_json().encode()
    write_atomically(folder / RESULTS_FILE, header[:-1] + b"," + RESULTS_JSON.dump_json(results)[1:] + b"\n")


def write_leaderboard(folder: str | Path, leaderboard: Leaderboard) -> None:
    """Write ``leaderboard.json``, whole or not at all."""
    write_atomically(Path(folder) / LEADERBOARD_FILE, leaderboard.to_json().encode())


def read_results(folder: str | Path) -> Results:
    """The results in a run folder; raises `RunFolderError`."""
    folder = Path(folder)
    text = _read_json(folder, RESULTS_FILE)
    path = _require_file(folder, SCORES_FILE)
    try:
        header = ResultsHeader.model_validate_json(text)
        check_schema_version(header.schema_version, RESULTS_SCHEMA_VERSION, "it")
        empty = RESULTS_JSON.validate_json(text)
    except ValidationError as error:
        raise RunFolderError(f"{folder / RESULTS_FILE}: not the results of a run: {first_validation_error(error)}") from None
    except ValueError as error:
        raise RunFolderError(f"{folder / RESULTS_FILE}: {error}") from None
    try:
        if _checksum(path) != header.scores_sha256:
            raise RunFolderError(f"{path}: damaged, or of another run than {RESULTS_FILE}: its checksum differs; run again to write both")
        return read_scores(path, empty)
    except ScoreTableError as error:
        raise RunFolderError(f"{path}: {error}") from None
    except (pa.ArrowException, OSError, EOFError) as error:
        raise RunFolderError(
            f"{path}: not a table of scores: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from None


def read_folder_leaderboard(folder: str | Path) -> Leaderboard:
    """The leaderboard that a run folder holds, as it was written; raises `RunFolderError`."""
    folder = Path(folder)
    try:
        return read_leaderboard(_read_json(folder, LEADERBOARD_FILE))
    except SchemaError as error:
        raise RunFolderError(f"{folder / LEADERBOARD_FILE}: {error}") from None


def write_map_columns(folder: Path, found: MapColumns) -> None:
    """Write ``columns.json``, whole or not at all."""
    write_atomically(folder / MAP_COLUMNS_FILE, found.model_dump_json().encode())


def read_map_columns(folder: Path) -> MapColumns:
    """Columns of a run's maps; raises `RunFolderError`."""
    try:
        return MapColumns.model_validate_json(_read_json(folder, MAP_COLUMNS_FILE))
    except ValidationError as error:
        raise RunFolderError(f"{folder / MAP_COLUMNS_FILE}: its maps cannot be found: {first_validation_error(error)}") from None


def _require_file(folder: Path, name: str) -> Path:
    """The path of a regular file in the folder."""
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: {'not a run folder' if folder.exists() else 'no such run folder'}")
    path = folder / name
    if not path.is_file():
        raise RunFolderError(f"{folder}: no {name} in it; is it a run folder, and did the run finish?")
    return path


def _read_json(folder: Path, name: str) -> bytes:
    path = _require_file(folder, name)
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise RunFolderError(f"{path}: larger than {MAX_JSON_BYTES >> 20} MiB, which no run writes")
        return path.read_bytes()
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read: {error.strerror}") from None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
