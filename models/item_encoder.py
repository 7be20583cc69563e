"""The two-branch item encoder (figure 2 of arXiv 2208.11064)."""

from data.pair_batch import ItemBatch
from models.embedding import ItemEmbedding
from models.encoder import Encoder
from models.item_branch import ItemBranch
from models.item_embedder import ItemEmbedder
from models.options import ModelOptions


class ItemEncoder(ItemEmbedder):
    """Gives each item a match embedding and a threshold embedding."""

    def __init__(self, match: ItemBranch, threshold: ItemBranch | None, share_encoders: bool) -> None:
        super().__init__()
        self.match = match
        self.threshold = threshold
        self.share_encoders = share_encoders

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
        own = features if self.share_encoders else self.threshold.features(items)
        return ItemEmbedding(threshold=self.threshold.project(own), match=match)

    def encoders(self) -> list[Encoder]:
        """Return the image and text encoders of all branches."""
        return [module for module in self.modules() if isinstance(module, Encoder)]

    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""
        for encoder in self.encoders():
            encoder.checkpoint_activations()


def build_item_encoder(options: ModelOptions) -> ItemEncoder:
    """Build the item encoder with its first weights; raises UserError where they cannot be had."""
    match = _branch(options)
    threshold = None
    if options.threshold_branch and options.share_encoders:
        width = match.projection.in_features
        threshold = ItemBranch(None, None, width, options.embedding_width, options.normalize)
    elif options.threshold_branch:
        threshold = _branch(options)
    return ItemEncoder(match, threshold, options.share_encoders)


def with_random_weights(options: ModelOptions) -> ModelOptions:
    """Return the options of the same architecture whose encoders start from random weights."""
    encoders = {"text_encoder": options.text_encoder, "image_encoder": options.image_encoder}
    return options.model_copy(
        update={
            name: encoder.model_copy(update={"weights": "random"}) if encoder is not None else None
            for name, encoder in encoders.items()
        }
    )


def _branch(options: ModelOptions) -> ItemBranch:
    text_encoder = options.text_encoder.build() if options.text_encoder is not None else None
    image_encoder = options.image_encoder.build() if options.image_encoder is not None else None
    width = sum(encoder.width for encoder in (text_encoder, image_encoder) if encoder is not None)
    return ItemBranch(text_encoder, image_encoder, width, options.embedding_width, options.normalize)
