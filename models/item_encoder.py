"""The two-branch item encoder (figure 2 of arXiv 2208.11064) and the siamese pair classifier.

Letters of shapes: B pairs, N items, D embedding width.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from data.options import ImageOptions
from data.pair_batch import ItemBatch, PairBatch
from models.attribute_agreement import AttributeAgreement
from models.embedding import ItemEmbedder, ItemEmbedding, PairScore, pair_score
from models.encoder import Encoder
from models.heads import Head
from models.options import ModelOptions


class ItemFeatures(NamedTuple):
    """The features of N items; None for a modality that the model does not read."""

    text: Tensor | None
    """(N, width of the text encoder)"""
    image: Tensor | None
    """(N, width of the image encoder)"""

    def joined(self) -> Tensor:
        """Return them side by side, text first: (N, feature width)."""
        return torch.cat([features for features in self if features is not None], dim=1)


NO_FEATURES = ItemFeatures(None, None)


class ItemBranch(nn.Module):
    """One branch of the model: text and image features side by side, projected to an embedding of width D.

    A branch without an encoder of its own takes another branch's features of that modality.
    """

    def __init__(self, text_encoder: Encoder | None, image_encoder: Encoder | None, projection: Head) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.image_encoder = image_encoder
        self.projection = projection

    def features(self, items: ItemBatch, others: ItemFeatures = NO_FEATURES) -> ItemFeatures:
        """Return the features of N items; `others` are those of the branch whose encoders are used as well."""
        return ItemFeatures(
            text=_features(self.text_encoder, items.runs(), items.text_features, others.text),
            image=_features(self.image_encoder, [items], items.image_features, others.image),
        )

    def project(self, features: ItemFeatures) -> Tensor:
        """Return the embeddings of the features of N items: (N, D)."""
        embeddings: Tensor = self.projection(features.joined())
        return embeddings


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
        features = self.match.features(items)
        match = self.match.project(features)
        threshold = match.new_zeros((match.shape[0], 0))
        if self.threshold is not None:
            threshold = self.threshold.project(self.threshold.features(items, others=features))
        if self.agreement is not None:
            stated = self.agreement(items)
            threshold = torch.cat([threshold, stated.threshold], dim=1)
            match = torch.cat([match, stated.match], dim=1)
        return ItemEmbedding(threshold, match)

    def fit(self, features: ItemFeatures) -> None:
        """Fit what is fitted once before training to the features of the items that are trained on."""
        for branch in (self.match, self.threshold):
            if branch is not None:
                branch.projection.fit(features.joined())

    def encoders(self) -> list[Encoder]:
        """Return the image and text encoders of all branches."""
        return [module for module in self.modules() if isinstance(module, Encoder)]

    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""
        for encoder in self.encoders():
            encoder.checkpoint_activations()


class VerifiedPairs(NamedTuple):
    """What the verifier says of a batch of pairs."""

    items: ItemEmbedding
    """(N, D) each, of the distinct items"""
    score: PairScore
    """(B,) each"""


class PairVerifier(nn.Module):
    """Encodes the distinct items of a batch once and scores its pairs."""

    def __init__(self, item_encoder: ItemEncoder) -> None:
        super().__init__()
        self.item_encoder = item_encoder

    def forward(self, batch: PairBatch) -> VerifiedPairs:
        """Score B pairs of N distinct items."""
        items: ItemEmbedding = self.item_encoder(batch.items)
        return VerifiedPairs(items, pair_score(items.rows(batch.source), items.rows(batch.target)))


def build_item_encoder(options: ModelOptions, image: ImageOptions) -> ItemEncoder:
    """Build the item encoder with its first weights; raises UserError where they cannot be had.

    `image` says how the pictures are prepared that it will be given.
    """
    text, picture = _text_encoder(options), _image_encoder(options, image)
    groups = [group for encoder in (text, picture) if encoder is not None for group in encoder.groups]
    match = ItemBranch(text, picture, options.head.build(groups, options.embedding_width))
    threshold = None
    if options.threshold_branch:
        # A second copy of an encoder that is frozen would always give the same features.
        shared = [options.share_encoders or (encoder is not None and encoder.is_frozen) for encoder in (text, picture)]
        own_text = None if shared[0] else _text_encoder(options)
        own_picture = None if shared[1] else _image_encoder(options, image)
        threshold = ItemBranch(own_text, own_picture, options.head.build(groups, options.embedding_width))
    stated = options.agreement
    agreement = AttributeAgreement(len(stated.attributes), stated.codes, stated.weight) if stated is not None else None
    return ItemEncoder(match, threshold, agreement)


def with_random_weights(options: ModelOptions) -> ModelOptions:
    """Return the options of the same architecture whose encoders start from random weights."""
    encoders = {"text_encoder": options.text_encoder, "image_encoder": options.image_encoder}
    random = {"weights": "random"}
    changes = {
        name: encoder.model_copy(update=random)
        for name, encoder in encoders.items()
        if encoder is not None and encoder.lora is None  # checkpoints leave out what adapters were trained on
    }
    return options.model_copy(update=changes)


def _text_encoder(options: ModelOptions) -> Encoder | None:
    return options.text_encoder.build() if options.text_encoder is not None else None


def _image_encoder(options: ModelOptions, image: ImageOptions) -> Encoder | None:
    return options.image_encoder.build(image) if options.image_encoder is not None else None


def _features(
    encoder: Encoder | None, parts: Iterable[ItemBatch], known: Tensor, others: Tensor | None
) -> Tensor | None:
    if encoder is None:
        return others
    if encoder.is_frozen and len(known):
        return known
    return torch.cat([encoder(part) for part in parts])
