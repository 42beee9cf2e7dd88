"""Trainings shown: live curves on a terminal, a line for each epoch elsewhere, and tables of what a store has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.planning.trainings import PlannedTraining
from harness.runs.plan_report import make_table
from harness.runs.training import Entry, TrainingReporter, format_entry
from harness.store.weight_groups import TrainedWeights
from harness.text_format import print_line

LEVELS = "▁▂▃▄▅▆▇█"
WIDTH = 24  # characters of a curve


def draw_curve(values: Sequence[float], width: int = WIDTH) -> str:
    """A curve in one line of characters, the least value lowest; of more values than characters, the last of as many equal parts."""
    if len(values) > width:
        values = [values[(place + 1) * len(values) // width - 1] for place in range(width)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    return "".join(LEVELS[round((value - low) / (high - low or 1) * (len(LEVELS) - 1))] for value in values)


class TrainingLines(TrainingReporter):
    """A line for each epoch. A context manager around the trainings."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def stage(self, text: str) -> None:
        """Print what is done before there is anything to train."""
        print_line(self._console, text)

    def begin(self, trainings: Sequence[PlannedTraining]) -> None:
        """Print what is to be trained."""
        for training in trainings:
            print_line(self._console, f"to train: {training.label}: {training}")

    def epoch(self, training: PlannedTraining, entry: Entry) -> None:
        """Print the epoch."""
        print_line(self._console, f"{training.label}: {format_entry(training, entry)}")

    def end(self, training: PlannedTraining, failure: str | None) -> None:
        """Print that it is done, or why not."""
        print_line(self._console, f"{training.label}: {'trained' if failure is None else failure}")


class TrainingCurves(TrainingLines):
    """A live table with a line for each training, and its curves; ends are printed above it."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._rows: dict[str, tuple[PlannedTraining, list[Entry]]] = {}
        self._stage = ""
        self._live = Live(console=console, get_renderable=self.table, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def stage(self, text: str) -> None:
        """Show it below the table."""
        self._stage = text

    def begin(self, trainings: Sequence[PlannedTraining]) -> None:
        """A line for each."""
        self._rows = {training.key: (training, []) for training in trainings}

    def epoch(self, training: PlannedTraining, entry: Entry) -> None:
        """Draw its curves further."""
        self._rows[training.key][1].append(entry)

    def table(self) -> RenderableType:
        """The table as it stands."""
        if not self._rows:
            return Text(self._stage)
        table = make_table(("model", "loss", "validation accuracy"), ("epoch", "loss", "accuracy", "validation"))
        for training, curve in self._rows.values():
            last: Entry = curve[-1] if curve else {}
            validated = [entry["validation accuracy"] for entry in curve if "validation accuracy" in entry]
            table.add_row(
                training.label,
                draw_curve([entry["loss"] for entry in curve if "loss" in entry]),
                draw_curve(validated),
                f"{int(last.get('epoch', training.done))}/{training.epochs}",
                *(f"{last[name]:.3f}" if name in last else "" for name in ("loss", "accuracy", "validation accuracy")),
            )
        return table


def make_training_reporter(console: Console) -> TrainingLines:
    """Live curves on a terminal, lines elsewhere."""
    return TrainingCurves(console) if console.is_terminal else TrainingLines(console)


def trainings_table(trainings: Sequence[TrainedWeights]) -> Table:
    """The trainings of a store, with the curve of the loss, and loss and accuracies of the weights that were kept."""
    table = make_table(("model", "what", "state", "curve"), ("loss", "train", "valid", "seconds", "MB"))
    for each in trainings:
        curve = each.record.get("curve", [])
        last = shown_epoch(each)
        table.add_row(
            str(each.record.get("label", "?")),
            describe_recipe(each.record.get("recipe", {})),
            "trained" if each.finished else f"{len(curve)} of {each.record.get('epochs', '?')} epochs",
            draw_curve([entry["loss"] for entry in curve if "loss" in entry], 8),
            *(f"{last[name]:.3f}" if name in last else "" for name in ("loss", "accuracy", "validation accuracy")),
            f"{each.record.get('seconds', 0):,.0f}",
            f"{each.bytes / 1e6:.1f}",
        )
    return table


def shown_epoch(trained: TrainedWeights) -> Mapping[str, float]:
    """The line of the curve of the weights that were kept, or of the last epoch."""
    curve: list[Mapping[str, float]] = trained.record.get("curve", [])
    kept = trained.record.get("kept_epoch", len(curve))
    return curve[kept - 1] if curve else {}


def describe_recipe(recipe: Mapping[str, Any]) -> str:
    """``trained: vgg16 on lesions``: the first two of its parameters that name something."""
    names = [_name(value) for value in recipe.get("params", {}).values()]
    return " · ".join([name for name in names if name][:2])


def _name(value: Any) -> str:
    return value if isinstance(value, str) else str(value["use"]) if isinstance(value, Mapping) and "use" in value else ""
