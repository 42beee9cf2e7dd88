"""Where a run's maps are: a file in the run folder that says which columns of which store its rows are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from harness.planning.plan import Plan
from harness.registry.registry import Registry
from harness.store.address import redact_credentials
from harness.store.atomic import write_atomically
from harness.store.store import Store
from harness.user_errors import UserError

MAP_COLUMNS_FILE = "columns.json"

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Position = Annotated[int, Field(ge=0)]


class MapColumn(BaseModel):
    """One explainer's maps: labels, recipes as JSON, keys in the store, and (position, id, digest) of each row.

    Keys are those of the maps, of the scores by metric label, and of what the model predicts (None in folders of older runs).
    """

    dataset: str
    model: str
    explainer: str
    key: Key
    signed: bool
    recipe: dict  # type: ignore[type-arg]
    dataset_recipe: dict  # type: ignore[type-arg]
    model_recipe: dict  # type: ignore[type-arg]
    rows: list[tuple[Position, str, str]]
    scores: dict[str, Key]
    predictions: Key | None = None


class MapColumns(BaseModel):
    """What the file holds."""

    store: str
    plugins: list[str]
    columns: list[MapColumn]


def write_map_columns(folder: Path, plan: Plan, registry: Registry, store: Store, plugins: Sequence[Path]) -> None:
    """Write the file into a run folder."""
    files = [str(Path(file).resolve()) for file in plugins]
    found = MapColumns(store=redact_credentials(store.address), plugins=files, columns=list(_map_columns(plan, registry)))
    write_atomically(folder / MAP_COLUMNS_FILE, found.model_dump_json().encode())


def read_map_columns(folder: Path) -> MapColumns:
    """Read the file of a run folder; raises `UserError` where it is none."""
    try:
        return MapColumns.model_validate_json((folder / MAP_COLUMNS_FILE).read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{MAP_COLUMNS_FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}".replace(": : ", ": ")
        raise UserError(f"{folder} is not a run folder whose maps can be found: {reason}") from error
    except OSError as error:
        raise UserError(f"{folder} is not a run folder whose maps can be found: {error}") from error


def _map_columns(plan: Plan, registry: Registry) -> Iterator[MapColumn]:
    for group in plan.groups:
        for column in group.columns:
            if group.subject is None or column.reason is not None:
                continue
            yield MapColumn(
                dataset=group.dataset.label,
                model=group.model.label,
                explainer=column.label,
                key=column.key,
                signed=bool(registry.declaration("explainers", column.recipe.qualified).get("signed")),
                recipe=column.recipe.to_json(),
                dataset_recipe=group.dataset.to_json(),
                model_recipe=group.model.to_json(),
                rows=[tuple(row) for row in group.rows],
                scores={score.label: score.key for score in column.scores if score.reason is None},
                predictions=group.subject.prediction_key,
            )
