"""The two-branch item encoder (figure 2 of arXiv 2208.11064)."""

from data.pair_batch import ItemBatch
from models.embedding import ItemEmbedding
from models.encoder import Encoder
from models.feature_kind import FeatureKind
from models.item_branch import ItemBranch, ItemFeatures
from models.item_embedder import ItemEmbedder
from models.options import ImageEncoderOptions, ModelOptions, TextEncoderOptions
from models.product_projection import ProductProjection
from models.projection import Projection
from options.errors import UserError


class ItemEncoder(ItemEmbedder):
    """Gives each item a match embedding and a threshold embedding."""

    def __init__(self, match: ItemBranch, threshold: ItemBranch | None) -> None:
        super().__init__()
        self.match = match
        self.threshold = threshold

    @property
    def threshold_width(self) -> int:
        """Numbers in the threshold embedding; 0 without a threshold branch."""
        return self.threshold.projection.out_features if self.threshold is not None else 0

    @property
    def match_width(self) -> int:
        """Numbers in the match embedding."""
        return self.match.projection.out_features

    def forward(self, items: ItemBatch) -> ItemEmbedding:
        """Return both embeddings of N items: (N, D) each, the threshold's (N, 0) without that branch."""
        features = self.match.features(items)
        match = self.match.project(features)
        if self.threshold is None:
            return ItemEmbedding(threshold=match.new_zeros((match.shape[0], 0)), match=match)
        own = self.threshold.features(items, others=features)
        return ItemEmbedding(threshold=self.threshold.project(own), match=match)

    def fit(self, features: ItemFeatures) -> None:
        """Fit what is fitted once before training to the features of the items that are trained on."""
        for module in self.modules():
            if isinstance(module, ProductProjection):
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
    if not options.threshold_branch:
        return ItemEncoder(match, None)
    own_text = None if options.share_encoders or _is_frozen(text) else _build(options.text_encoder)
    own_image = None if options.share_encoders or _is_frozen(image) else _build(options.image_encoder)
    return ItemEncoder(match, ItemBranch(own_text, own_image, _projection(options, kinds)))


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


def _is_frozen(encoder: Encoder | None) -> bool:
    """Tell whether a second copy of an encoder would always give the same features."""
    return encoder is not None and encoder.is_frozen


def _projection(options: ModelOptions, kinds: list[FeatureKind]) -> Projection | ProductProjection:
    if options.product is None:
        width = sum(sum(kind.widths) for kind in kinds)
        return Projection(
            width, options.embedding_width, options.normalize, options.scale, options.standardize, options.dropout
        )
    try:
        return ProductProjection(
            kinds,
            options.embedding_width,
            options.product.width,
            options.product.components.of,
            options.scale if options.scale is not None else 1.0,
            options.dropout,
        )
    except ValueError as error:
        names = ", ".join(kind.name for kind in kinds)
        raise UserError(f"model.product and embedding_width: {error} (kinds of features: {names})") from error
