"""Whether an encoder can read the items that it will be given."""

import torch

from data.item_tensors import ItemTensors, TextTokens
from data.pair_batch import ItemBatch
from models.encoder import Encoder
from models.item_encoder import ItemEncoder
from models.weights import UNFIT
from options.errors import UserError


@torch.no_grad()
def check_inputs(encoder: ItemEncoder, items: ItemTensors) -> None:
    """Try the longest text and an image of the set size on the encoder; it has to be on the CPU.

    Raises UserError where the text encoder has fewer tokens than the tokenizer or fewer positions than
    data.text.max_tokens, where the image encoder does not take images of data.image.size, and where either gives
    features of another width than its own.
    """
    was_training = encoder.training
    encoder.eval()
    text_encoder, image_encoder = encoder.match.text_encoder, encoder.match.image_encoder
    if items.text is not None and text_encoder is not None:
        _check_tokens(text_encoder, items.text)
        token_ids = torch.full((1, items.text.max_tokens), items.text.num_token_ids - 1)
        what = (
            f"texts of data.text.max_tokens={items.text.max_tokens} tokens "
            "(has it as many positions, max_position_embeddings?)"
        )
        _try(text_encoder, _one_item(torch.empty(1, 3, 0, 0), token_ids), what)
    if items.image is not None and image_encoder is not None:
        size = items.image.size
        images = torch.zeros(1, 3, size, size)
        _try(
            image_encoder,
            _one_item(images, torch.empty((1, 0), dtype=torch.int64)),
            f"images of data.image.size={size}",
        )
    encoder.train(was_training)


def _check_tokens(encoder: Encoder, text: TextTokens) -> None:
    if encoder.num_token_ids is not None and text.num_token_ids > encoder.num_token_ids:
        raise UserError(
            f"model.text_encoder knows {encoder.num_token_ids} tokens (vocab_size), and the tokenizer of "
            f"data.text.tokenizer has {text.num_token_ids}: give an encoder and a tokenizer that belong together"
        )


def _try(encoder: Encoder, item: ItemBatch, what: str) -> None:
    option = f"model.{encoder.modality}_encoder"
    try:
        features = encoder(item)
    except UNFIT as error:
        raise UserError(f"{option} cannot read {what}: {error}") from error
    if features.shape != (1, encoder.width):
        found = "x".join(map(str, features.shape[1:]))
        raise UserError(
            f"{option}: {type(encoder.backbone).__name__} says that an item has {encoder.width} features and gives "
            f"{found}: choose another architecture, pooling or arguments"
        )


def _one_item(images: torch.Tensor, token_ids: torch.Tensor) -> ItemBatch:
    return ItemBatch(images, token_ids, torch.ones_like(token_ids, dtype=torch.bool), torch.zeros(1), torch.zeros(1))
