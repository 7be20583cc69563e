"""Options of the model section."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from data.options import ComparedAttributes
from models.encoder_options import ImageEncoderOptions, TextEncoderOptions
from models.head_options import AnyHeadOptions, LinearHeadOptions, Score
from options.base import Options
from options.fault import nearest


class AgreementOptions(Options):
    """Attributes whose stated values are compared: a pair's threshold rises by each one that both items state, and its
    match where the values are equal; both by learned weights, one of each an attribute."""

    attributes: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the attributes; an item that does not state one is not compared by it."""
    in_title: Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    """Values, by attribute, that are looked for in the title of an item which does not state that attribute; where the
    title has just one of them, the item is taken to state it."""
    codes: int = Field(default=32, ge=2)
    """Numbers in the match embedding for each attribute; one pair of other values in so many passes for equal."""
    weight: float = Field(default=4.0, gt=0)
    """First value of the weights."""

    @property
    def compared(self) -> ComparedAttributes:
        """What is read of items."""
        return ComparedAttributes(self.attributes, self.in_title)

    @model_validator(mode="after")
    def _titles_stand_in_for_attributes_that_are_compared(self) -> Self:
        for name in self.in_title:
            if name not in self.attributes:
                near = nearest(name, self.attributes)
                advice = f"did you mean {near}?" if near else "give it there too"
                raise ValueError(f"in_title has {name}, which attributes has not: {advice}")
        return self


class ModelOptions(Options):
    """The two-branch item encoder."""

    image_encoder: ImageEncoderOptions | None = None
    """Image encoder; null to decide on text alone."""
    text_encoder: TextEncoderOptions | None = None
    """Text encoder; null to decide on images alone."""
    embedding_width: int = Field(default=512, ge=1)
    """Numbers in the embedding of each branch; with late_fusion, dealt evenly to its groups of features."""
    head: AnyHeadOptions = LinearHeadOptions(name="linear")
    """From the features of an item to its embedding, in each branch, and so what the score of a pair is."""
    threshold_branch: bool = True
    """Whether items have a threshold embedding; false gives match embeddings only, for a fixed threshold."""
    share_encoders: bool = False
    """Whether both branches use one pair of encoders, each with a head of its own; an encoder that is frozen as a
    whole is shared anyway."""
    agreement: AgreementOptions | None = None
    """Attributes whose stated values are compared, in further numbers of both embeddings; null for none."""
    weights: str | None = None
    """Checkpoint to start from: a folder of ours, its item_encoder.safetensors, or a published .pth."""

    def changes_for(self, score: Score) -> list[str]:
        """Return what has to be set for the decision value of pairs to be such a score; nothing where it is."""
        if score == "margin":
            return []
        head = {"dot_product": "{name: linear}", "cosine": "{name: cosine, scale: null}"}[score]
        changes = {
            "model.threshold_branch to false": self.threshold_branch,
            f"model.head to {head}": self.head.score != score,
            "model.agreement to null": self.agreement is not None,
        }
        return [change for change, is_due in changes.items() if is_due]

    @model_validator(mode="after")
    def _has_an_encoder(self) -> Self:
        if self.image_encoder is None and self.text_encoder is None:
            raise ValueError("image_encoder and text_encoder are both null: give at least one")
        return self

    @model_validator(mode="after")
    def _features_of_a_fitted_head_stand_still(self) -> Self:
        encoders = {"image_encoder": self.image_encoder, "text_encoder": self.text_encoder}
        trained = [name for name, encoder in encoders.items() if encoder is not None and encoder.freeze != "all"]
        if self.head.is_fitted and trained:
            raise ValueError(
                f"head {self.head.name} is fitted to features before training: set model.{trained[0]}.freeze to all"
            )
        return self
