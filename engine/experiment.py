"""The root of an option file, and the checks that span its sections."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, JsonValue, field_validator, model_validator

from data.options import NOTHING_COMPARED, READING, DataOptions, Modalities
from engine.options import EvaluateOptions, LogOptions, Precision, PredictOptions, TrainOptions
from losses.options import LossOptions
from models.options import ModelOptions
from models.own_preparation import prepared
from options.base import Options

LONGEST_NAME = 200
"""Bytes of UTF-8, which leaves some of the 255 that file systems allow."""


class ExperimentOptions(Options):
    """A whole option file."""

    name: str
    """Name of the run; its folder is experiments/<name>, so it has no spaces and slashes and no dot first."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Seed of the first weights, the data order and all randomness in training."""
    deterministic: bool = True
    """Whether only deterministic algorithms are used, so that equal runs give equal weights."""
    data: DataOptions
    """Files and their preparation."""
    model: ModelOptions
    """The two-branch item encoder."""
    loss: LossOptions
    """The loss."""
    train: TrainOptions
    """How the model is trained."""
    evaluate: EvaluateOptions = EvaluateOptions()
    """How items are encoded in validation and prediction."""
    predict: PredictOptions = PredictOptions()
    """What predict.sh does."""
    log: LogOptions = LogOptions()
    """Where the course of training is written besides the run folder's own files."""

    @property
    def hub_names(self) -> list[str]:
        """Names of the tokenizer and the encoders that may have to be looked up on the hub."""
        encoders = [encoder for encoder in (self.model.text_encoder, self.model.image_encoder) if encoder]
        names = [encoder.hub_name for encoder in encoders]
        if self.reads.text:
            names.append(self.data.text.tokenizer)
        return [name for name in names if name is not None]

    @property
    def reads(self) -> Modalities:
        """Which parts of an item the model reads."""
        model = self.model
        return Modalities(
            text=model.text_encoder is not None,
            image=model.image_encoder is not None,
            attributes=model.agreement.compared if model.agreement is not None else NOTHING_COMPARED,
        )

    def prepared(self) -> Self:
        """Return the options with what `auto` stands for in the preparation of pictures."""
        image = prepared(self.data.image, self.model.image_encoder)
        return self.model_copy(update={"data": self.data.model_copy(update={"image": image})})

    @property
    def prediction_precision(self) -> Precision:
        """The type of the encoders' arithmetic in prediction."""
        return self.predict.precision or self.train.precision

    @property
    def preparation(self) -> Mapping[str, JsonValue]:
        """All options by which an item becomes the embedding that it has by given weights, but the precision."""
        image = self.data.image.model_dump(mode="json", exclude=set(READING)) if self.reads.image else {}
        text = self.data.text.model_dump(mode="json") if self.reads.text else {}
        model = self.model.model_dump(
            mode="json", exclude={"weights": True, "image_encoder": {"weights"}, "text_encoder": {"weights"}}
        )
        return {"data": {"text": text, "image": image}, "model": model}

    @property
    def encoding(self) -> Mapping[str, JsonValue]:
        """All options that embeddings depend on; in the place of first weights are those of a checkpoint."""
        return {**self.preparation, "predict": {"precision": self.prediction_precision}}

    @field_validator("name")
    @classmethod
    def _name_is_a_folder_name(cls, name: str) -> str:
        is_plain = name.isprintable() and not {*name} & {*" /\\"} and not name.startswith(".")
        if not (name and is_plain and len(name.encode()) <= LONGEST_NAME):
            raise ValueError(
                f"should be a folder name without spaces, / and \\, not beginning with a dot and of at most "
                f"{LONGEST_NAME} bytes, not {name!r}"
            )
        return name

    @model_validator(mode="after")
    def _images_are_read_where_there_are_any(self) -> Self:
        if not self._leaves_images_out:
            return self
        return self.model_copy(update={"model": self.model.model_copy(update={"image_encoder": None})})

    @property
    def _leaves_images_out(self) -> bool:
        splits = [self.data.split(name) for name in ("train", "val", "test")]
        has_images = any(split is not None and split.images is not None for split in splits)
        return not (self.model.needs_images or has_images or self.model.text_encoder is None)

    @model_validator(mode="after")
    def _images_that_are_read_are_named(self) -> Self:
        for name in ("train", "val", "test"):
            split = self.data.split(name)
            if self.reads.image and split is not None and split.images is None:
                raise ValueError(f"data.{name}.images: is missing, which model.image_encoder (null for none) reads")
        return self

    @model_validator(mode="after")
    def _features_to_fit_to_are_known(self) -> Self:
        if self.model.head.is_fitted and self.train.frozen_features is None:
            raise ValueError(
                f"model.head {self.model.head.name} is fitted to the features before training: "
                "give train.frozen_features"
            )
        return self

    @model_validator(mode="after")
    def _loss_has_the_score_that_it_needs(self) -> Self:
        changes = self.model.changes_for(self.loss.score)
        if changes:
            score = self.loss.score.replace("_", " ")
            raise ValueError(
                f"loss.name {self.loss.name} decides by the {score} of match embeddings alone: set {', '.join(changes)}"
            )
        return self
