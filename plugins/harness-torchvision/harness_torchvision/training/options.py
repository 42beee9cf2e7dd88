"""The parameters of a training that have parameters of their own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Options(BaseModel):
    """Unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Optimiser(Options):
    """Rule by which weights follow their gradients: ``torch.optim``'s SGD, Adam or AdamW."""

    use: Literal["sgd", "adam", "adamw"] = Field(default="adamw", description="which")
    lr: Rate = Field(default=1e-3, description="the learning rate, which a schedule may change")
    momentum: Share = Field(default=0.0, description="of SGD")
    nesterov: bool = Field(default=False, description="of SGD with momentum")
    weight_decay: Annotated[float, Field(ge=0)] = Field(default=0.0, description="L2 in SGD and Adam, decoupled in AdamW")


class Schedule(Options):
    """Changes of the learning rate: ``torch.optim.lr_scheduler``'s StepLR, CosineAnnealingLR, ReduceLROnPlateau or OneCycleLR."""

    use: Literal["step", "cosine", "plateau", "one-cycle"] = Field(
        default="step", description="one-cycle after each batch, up to the rate and down again; the others after each epoch"
    )
    gamma: Annotated[float, Field(gt=0, le=1)] = Field(default=0.1, description="what step and plateau multiply the rate by")
    every: Count = Field(default=10, description="epochs between two steps")
    patience: Count = Field(default=5, description="epochs without a lower loss on the validation data before plateau acts")


class Augmentation(Options):
    """Changes of an image each time it is seen, by chance, of each image of a batch apart."""

    mirror: list[Literal["left-right", "up-down"]] = Field(default_factory=list, description="mirrored in half of all cases")
    shift: Annotated[int, Field(ge=0)] = Field(default=0, description="moved by up to so many pixels of the input, the border repeated")


class Scale(Options):
    """Normalisation of images in [0, 1]: what is subtracted from each channel, and what it is divided by."""

    mean: Annotated[list[float], Field(min_length=1)]
    std: Annotated[list[Rate], Field(min_length=1)]
