"""The two-branch item encoder (figure 2 of arXiv 2208.11064)."""

import torch

from data.pair_batch import ItemBatch
from models.attribute_agreement import AttributeAgreement
from models.embedding import ItemEmbedding
from models.encoder import Encoder
from models.feature_kind import FeatureKind
from models.head_projection import HeadProjection
from models.item_branch import ItemBranch, ItemFeatures
from models.item_embedder import ItemEmbedder
from models.options import ImageEncoderOptions, ModelOptions, TextEncoderOptions
from models.projection import Projection
from options.errors import UserError


class ItemEncoder(ItemEmbedder):
    """Gives each item a match embedding and a threshold embedding."""

    def __init__(
        self, match: ItemBranch, threshold: ItemBranch | None, agreement: AttributeAgreement | None = None
    ) -> None:
        super().__init__()
        self.match = match
        self.threshold = threshold
        self.agreement = agreement

    @property
    def threshold_width(self) -> int:
        """Numbers in the threshold embedding; 0 without a threshold branch."""
        width = self.threshold.projection.out_features if self.threshold is not None else 0
        return width + (self.agreement.threshold_width if self.agreement is not None else 0)

    @property
    def match_width(self) -> int:
        """Numbers in the match embedding."""
        width = self.match.projection.out_features
        return width + (self.agreement.match_width if self.agreement is not None else 0)

    def forward(self, items: ItemBatch) -> ItemEmbedding:
        """Return both embeddings of N items: (N, D) each, the threshold's (N, 0) without that branch.

        What attributes add stands after the numbers of the branches.
        """
        embedding = self._of_branches(items)
        if self.agreement is None:
            return embedding
        stated = self.agreement(items)
        return ItemEmbedding(
            threshold=torch.cat([embedding.threshold, stated.threshold], dim=1),
            match=torch.cat([embedding.match, stated.match], dim=1),
        )

    def _of_branches(self, items: ItemBatch) -> ItemEmbedding:
        features = self.match.features(items)
        match = self.match.project(features)
        if self.threshold is None:
            return ItemEmbedding(threshold=match.new_zeros((match.shape[0], 0)), match=match)
        own = self.threshold.features(items, others=features)
        return ItemEmbedding(threshold=self.threshold.project(own), match=match)

    def fit(self, features: ItemFeatures) -> None:
        """Fit what is fitted once before training to the features of the items that are trained on."""
        for module in self.modules():
            if isinstance(module, HeadProjection):
                module.fit(features.joined())

    def encoders(self) -> list[Encoder]:
        """Return the image and text encoders of all branches."""
        return [module for module in self.modules() if isinstance(module, Encoder)]

    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""
        for encoder in self.encoders():
            encoder.checkpoint_activations()


def build_item_encoder(options: ModelOptions) -> ItemEncoder:
    """Build the item encoder with its first weights; raises UserError where they cannot be had."""
    text, image = _build(options.text_encoder), _build(options.image_encoder)
    kinds = [kind for encoder in (text, image) if encoder is not None for kind in encoder.kinds]
    match = ItemBranch(text, image, _projection(options, kinds))
    agreement = _agreement(options)
    if not options.threshold_branch:
        return ItemEncoder(match, None, agreement)
    own_text = None if options.share_encoders or _is_frozen(text) else _build(options.text_encoder)
    own_image = None if options.share_encoders or _is_frozen(image) else _build(options.image_encoder)
    return ItemEncoder(match, ItemBranch(own_text, own_image, _projection(options, kinds)), agreement)


def with_random_weights(options: ModelOptions) -> ModelOptions:
    """Return the options of the same architecture whose encoders start from random weights."""
    encoders = {"text_encoder": options.text_encoder, "image_encoder": options.image_encoder}
    return options.model_copy(
        update={
            name: encoder.model_copy(update={"weights": "random"}) if encoder is not None else None
            for name, encoder in encoders.items()
        }
    )


def _build(options: ImageEncoderOptions | TextEncoderOptions | None) -> Encoder | None:
    return options.build() if options is not None else None


def _agreement(options: ModelOptions) -> AttributeAgreement | None:
    if options.agreement is None:
        return None
    return AttributeAgreement(len(options.agreement.attributes), options.agreement.codes, options.agreement.weight)


def _is_frozen(encoder: Encoder | None) -> bool:
    """Tell whether a second copy of an encoder would always give the same features."""
    return encoder is not None and encoder.is_frozen


def _projection(options: ModelOptions, kinds: list[FeatureKind]) -> Projection | HeadProjection:
    if options.heads is None:
        width = sum(sum(kind.widths) for kind in kinds)
        return Projection(
            width, options.embedding_width, options.normalize, options.scale, options.standardize, options.dropout
        )
    try:
        components = options.heads.components.of
        assert options.scale is not None, "the options see to it"
        return HeadProjection(kinds, options.embedding_width, components, options.scale, options.dropout)
    except ValueError as error:
        names = ", ".join(kind.name for kind in kinds)
        raise UserError(f"model.embedding_width: {error} of model.heads ({names})") from error
