"""The form of a run spec, its defaults and what each key means; components are references, resolved by `harness.spec.load`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, field_serializer
from pydantic_core import CoreSchema

from harness.api.declarations import Kind
from harness.registry.recipe import default_label
from harness.spec.byte_size import ByteSize
from harness.spec.duration import Duration
from harness.spec.form_types import WHOLE, Label, StrictModel
from harness.spec.keep_options import KeepOptions
from harness.spec.published_options import PublishedOptions
from harness.store.address import redact_credentials
from harness.store.input_files import DEFAULT_BOUND

KIND_BY_KEY: Mapping[str, Kind] = {
    "datasets": "datasets",
    "models": "models",
    "explainers": "explainers",
    "nulls": "explainers",
    "metrics": "metrics",
}
"""The lists of components, and what stands in them."""
RANDOM_MODEL = "random-model"
DEFAULT_NULLS = ("random", "sobel", "laplace", "input-intensity", "centre-gaussian")
DEFAULT_EXECUTOR = "local"
PositiveInt = Annotated[int, Field(ge=1), WHOLE]
MAX_DRAWS = 100_000  # resamples: as many as a run folder may say, and more than any number shows
MAX_REPEATS = 1000  # each explains and scores everything four times
COMPONENT_WORDS = "a component (its name, or use + params)"


def _name_to_mapping(value: Any) -> Any:
    return {"use": value} if isinstance(value, str) else value


class _NameOrMapping:
    """In JSON Schema, a bare name stands for a component too."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"x-words": COMPONENT_WORDS, "anyOf": [{"type": "string", "minLength": 1}, handler(schema)]}


class Reference(StrictModel):
    """A component: ``use``, ``params`` and ``label``, or its bare name."""

    use: Label = Field(description="The component's name, or `distribution/name`.")
    params: dict[str, Any] = Field(default_factory=dict, description="Its parameters; those left out have their defaults.")
    label: Label | None = Field(default=None, description="What the leaderboard calls it; unique in its list. Default: its name.")
    factors: dict[Label, Label] = Field(
        default_factory=dict,
        description="In what it differs from others of its list, for who reads the results; a sweep says it by itself.",
    )


def name_of(written: Any) -> Any:
    """The name in a reference as it is written, whatever that is: ``use``, or the reference itself."""
    return written.get("use") if isinstance(written, dict) else written


def label_of(written: Any) -> str:
    """The label that a reference has or gets."""
    label, inverted = (written.get("label"), written.get("inverted")) if isinstance(written, dict) else (None, None)
    return label if isinstance(label, str) and label.strip() else default_label(str(name_of(written)).rpartition("/")[2], inverted is True)


ComponentReference = Annotated[Reference, BeforeValidator(_name_to_mapping), _NameOrMapping]


class DatasetReference(Reference):
    """A dataset, with where its training samples are and how its classes map to the models'."""

    training: ComponentReference | None = Field(
        default=None,
        description="The dataset that components learn from; default: this one with `split: train`, if it has such a parameter.",
    )
    class_map: dict[str, Label | Annotated[int, WHOLE]] | None = Field(
        default=None, description="The model's class (name or index) for each class of the dataset; default: by equal names."
    )


DatasetComponentReference = Annotated[DatasetReference, BeforeValidator(_name_to_mapping), _NameOrMapping]


class ModelReference(Reference):
    """A model, with whether it is explained only if it is among the best."""

    keep: KeepOptions | None = Field(default=None, description="Which models of a sweep are explained; default: all.")


ModelComponentReference = Annotated[ModelReference, BeforeValidator(_name_to_mapping), _NameOrMapping]


class MetricReference(Reference):
    """A metric, with whether its score is held against that of the inverted map."""

    inverted: bool = Field(
        default=False,
        description="Score minus that of the inverted map (quality gap estimate): the same values, the most relevant pixel with the least.",
    )


MetricComponentReference = Annotated[MetricReference, BeforeValidator(_name_to_mapping), _NameOrMapping]


class ExplainOptions(StrictModel):
    """Options of explaining: what is explained, and which samples count."""

    target: Literal["predicted", "label"] | Annotated[int, Field(ge=0), WHOLE] = Field(
        default="predicted", description="The class that is explained: the predicted one, the label, or a fixed class."
    )
    samples: Literal["all", "correct", "all-correct"] = Field(
        default="all", description="The samples that count: all, those that a model classifies correctly, or those that all models do."
    )


class Override(StrictModel):
    """Parameters for some columns: globs choose labels, ``params`` go to the last component named (in the order of the keys)."""

    dataset: Label | None = Field(default=None, description="Glob of dataset labels.")
    model: Label | None = Field(default=None, description="Glob of model labels.")
    explainer: Label | None = Field(default=None, description="Glob of explainer labels.")
    metric: Label | None = Field(default=None, description="Glob of metric labels.")
    params: dict[str, Any] = Field(description="Parameters that replace those of the components matched.")


class ExecutionOptions(StrictModel):
    """Options of execution; only `precision` and `compile` change a result. What else an executor takes is among the extra values."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})

    executor: Label = Field(default=DEFAULT_EXECUTOR, description="`local`, `inline`, or one that a plugin ships.")
    timeout: Duration = Field(default=600.0, description="Limit of one call of a component, from its first call on.")
    startup_timeout: Duration = Field(default=300.0, description="Limit of a worker's start: imports and loading of models and data.")
    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=10_000), WHOLE] = Field(
        default="auto", description="Number of worker processes."
    )
    workers_per_device: Literal["auto"] | Annotated[int, Field(ge=1, le=64), WHOLE] = Field(
        default="auto",
        description="Workers of each device of one machine, if `workers` is `auto`; `auto`: one of a GPU, and more while that idles.",
    )
    devices: Literal["auto"] | Annotated[list[Label], Field(min_length=1)] = Field(
        default="auto", description="Devices such as `cuda:0`, `mps`, `cpu`; `auto`: all CUDA devices, else Apple's GPU, else the CPU."
    )
    batch: Literal["auto"] | PositiveInt = Field(default="auto", description="Samples per batch.")
    shard: Literal["auto"] | PositiveInt = Field(default="auto", description="Samples per piece of work.")
    prefetch: Literal["auto"] | bool = Field(
        default="auto", description="Whether workers read the samples of their next piece of work ahead; `auto`: those of GPUs."
    )
    precision: Literal["fp32", "tf32", "bf16"] = Field(
        default="fp32",
        description="Arithmetic of the models, part of every key: `tf32` for matrices on CUDA (elsewhere it is fp32), `bf16` by autocast.",
    )
    compile: bool = Field(
        default=False, description="Predictions by `torch.compile`, part of every key; explainers see the model as it is."
    )

    @property
    def arithmetic(self) -> str:
        """Arithmetic of models, as keys and leaderboards say it."""
        return f"{self.precision} compiled" if self.compile else self.precision


class StoreOptions(StrictModel):
    """Options of keeping: what is kept, and where."""

    path: Label | None = Field(
        default=None,
        description="The store's folder, or a URL that fsspec knows (`s3://bucket/prefix`); default: HARNESS_STORE, else `.harness`.",
    )
    attributions: Literal["all", "none"] | Annotated[int, Field(ge=0), WHOLE] = Field(
        default="all", description="Whose maps are kept: of all samples, of none, or of the first N."
    )
    dtype: Literal["float32", "float16"] = Field(default="float32", description="The type in which maps are kept.")
    inputs: ByteSize = Field(
        default=DEFAULT_BOUND,
        description="Limit on the samples that are kept since they are costly to make or decode; the longest unused go first. `0`: none.",
    )

    @field_serializer("path")
    def _without_password(self, path: str | None) -> str | None:
        return path and redact_credentials(path)

    @property
    def kept_maps(self) -> int | None:
        """Number of a dataset's first samples that have their maps stored; None for all."""
        return {"all": None, "none": 0}[self.attributions] if isinstance(self.attributions, str) else self.attributions


class StatisticsOptions(StrictModel):
    """Options of statistics: how scores become intervals and marks, and how metrics are grouped for the headline."""

    confidence: float = Field(default=0.95, gt=0, lt=1, description="Level of the intervals.")
    bootstrap: Annotated[int, Field(ge=100, le=MAX_DRAWS), WHOLE] = Field(default=2000, description="Number of bootstrap draws.")
    correction: Literal["fdr", "holm"] = Field(
        default="fdr",
        description="How tests are adjusted: `fdr`, one false discovery rate over all marks of a table; `holm`, for each metric apart.",
    )
    group: Literal["category", "metric"] = Field(
        default="category", description="What the headline is a mean over: categories, or all metrics alike."
    )


class RankOptions(StrictModel):
    """Options of the headline by which rows are ordered: what counts, and how much."""

    weights: dict[Label, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default_factory=dict,
        description="Weights of categories, and of metrics within their category by label. A category that is not named has 1, but for "
        "complexity and robustness, which have 0: a map that says nothing can be simple and robust. A metric that is not named has 1.",
    )


class InputScales(StrictModel):
    """Scales by which inputs are disturbed."""

    minor: float = Field(default=0.001, gt=0, description="A disturbance that should leave predictions as they are.")
    disruptive: float = Field(default=5.0, gt=0, description="A disturbance that should change predictions.")


class WeightScales(InputScales):
    """Scales by which weights are disturbed."""

    disruptive: float = Field(default=2.0, gt=0, description="A disturbance that should change predictions.")


class MetaOptions(StrictModel):
    """Evaluation of the metrics themselves (Hedström et al. 2023): everything is explained and scored again under disturbances."""

    repeats: Annotated[int, Field(ge=1, le=MAX_REPEATS), WHOLE] = Field(default=5, description="Draws of each disturbance.")
    inputs: InputScales = Field(
        default_factory=InputScales, description="Half the width of uniform noise on the model's inputs, in units of their range."
    )
    weights: WeightScales = Field(
        default_factory=WeightScales, description="Standard deviation of the Gaussian of mean 1 that the model's weights are multiplied by."
    )


class RunSpec(StrictModel):
    """Datasets × models × explainers × metrics."""

    name: Label = Field(description="The run's name.")
    seed: Annotated[int, Field(ge=0, lt=2**63), WHOLE] = Field(default=0, description="Seed of every random stream.")
    datasets: list[DatasetComponentReference] = Field(min_length=1, description="Datasets.")
    models: list[ModelComponentReference] = Field(min_length=1, description="Models.")
    explainers: list[ComponentReference] = Field(min_length=1, description="Explainers, one row each.")
    metrics: list[MetricComponentReference] = Field(min_length=1, description="Metrics, one column each.")
    explain: ExplainOptions = Field(default_factory=ExplainOptions, description="What is explained, and which samples count.")
    reference: Label | None = Field(
        default=None, description="Label of the row that others are compared with; default: the first explainer."
    )
    nulls: list[ComponentReference] = Field(
        default_factory=lambda: [Reference(use=name) for name in DEFAULT_NULLS],
        description="Null explainers; `random-model` makes a twin of every row on a model with random weights.",
    )
    overrides: list[Override] = Field(default_factory=list, description="Parameters for some columns only; later ones win.")
    execution: ExecutionOptions = Field(default_factory=ExecutionOptions, description="How it runs.")
    store: StoreOptions = Field(default_factory=StoreOptions, description="What is kept, and where.")
    statistics: StatisticsOptions = Field(default_factory=StatisticsOptions, description="Intervals, tests and ranks.")
    rank: RankOptions = Field(default_factory=RankOptions, description="What counts in the headline.")
    meta: MetaOptions | None = Field(
        default=None, description="Evaluate the metrics too; `meta: {}` takes the paper's disturbances, without it there is none."
    )
    published: list[PublishedOptions] = Field(
        default_factory=list, description="Tables that others published, beside which the leaderboard puts what this run found."
    )
