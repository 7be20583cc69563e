"""Whether an encoder can read the items that it will be given."""

import torch

from data.item_tensors import ItemTensors, TextTokens
from data.options import ImageOptions
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
    if items.text is not None and encoder.match.text_encoder is not None:
        _try_text(encoder.match.text_encoder, items.text)
    if items.image is not None and encoder.match.image_encoder is not None:
        _try_image(encoder.match.image_encoder, items.image)
    encoder.train(was_training)


def _try_text(encoder: Encoder, text: TextTokens) -> None:
    if encoder.num_token_ids is not None and text.num_token_ids > encoder.num_token_ids:
        raise UserError(
            f"model.text_encoder knows {encoder.num_token_ids} tokens (vocab_size), and the tokenizer of "
            f"data.text.tokenizer has {text.num_token_ids}: give an encoder and a tokenizer that belong together"
        )
    token_ids = torch.full((1, text.max_tokens), text.num_token_ids - 1)
    try:
        features = encoder(_one_item(torch.empty(1, 3, 0, 0), token_ids))
    except UNFIT as error:
        raise UserError(
            f"model.text_encoder cannot read texts of data.text.max_tokens={text.max_tokens} tokens "
            f"(has it as many positions, max_position_embeddings?): {error}"
        ) from error
    _check_width("model.text_encoder", encoder, features)


def _try_image(encoder: Encoder, image: ImageOptions) -> None:
    try:
        features = encoder(_one_item(torch.zeros(1, 3, image.size, image.size), torch.empty((1, 0), dtype=torch.int64)))
    except UNFIT as error:
        raise UserError(f"model.image_encoder cannot read images of data.image.size={image.size}: {error}") from error
    _check_width("model.image_encoder", encoder, features)


def _check_width(option: str, encoder: Encoder, features: torch.Tensor) -> None:
    if features.shape != (1, encoder.width):
        found = "x".join(map(str, features.shape[1:]))
        raise UserError(
            f"{option}: {type(encoder.backbone).__name__} says that an item has {encoder.width} features and gives "
            f"{found}: choose another architecture, pooling or arguments"
        )


def _one_item(images: torch.Tensor, token_ids: torch.Tensor) -> ItemBatch:
    return ItemBatch(images, token_ids, torch.ones_like(token_ids, dtype=torch.bool), torch.zeros(1), torch.zeros(1))
