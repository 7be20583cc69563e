"""Whether encoders can read the items that they will be given, and tell them apart."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from data.item_tensors import ItemTensors, TextTokens
from data.pair_batch import ItemBatch
from models.encoder import Encoder
from models.item_encoder import ItemEncoder
from models.weights import UNFIT, first_line
from options.errors import UserError

LEAST_DIFFERENCE = 1e-6
"""Between the features of different items, relative to their length; rounding alone gives about as much."""
MOST_BY_PADDING = 1e-3
"""Relative difference of a text's features by the padding after it; rounding alone gives less."""
SPECIAL_POSITIONS = 2
"""Positions that RoBERTa's kind has besides those of tokens."""
SHORT, LONG = 8, 40
"""Tokens of the texts that are tried."""


@torch.no_grad()
def check_inputs(encoder: ItemEncoder, items: ItemTensors) -> None:
    """Try the longest text and an image of the set size on the encoder; it has to be on the CPU.

    Raises UserError where the text encoder has fewer tokens than the tokenizer or takes no text of
    data.text.max_tokens, where the image encoder does not take images of data.image.size, and where either gives
    features of another width than its own.
    """
    text_encoder, image_encoder = encoder.match.text_encoder, encoder.match.image_encoder
    if items.text is not None and text_encoder is not None:
        _check_tokens(text_encoder, items.text)
        for each in encoder.encoders():
            each.filling = items.text.padding_id
        longest = torch.full((1, items.text.max_tokens), items.text.num_token_ids - 1)
        what = f"texts of data.text.max_tokens={items.text.max_tokens} tokens"
        positions = getattr(getattr(text_encoder.backbone, "config", None), "max_position_embeddings", None)
        if isinstance(positions, int) and positions < items.text.max_tokens + SPECIAL_POSITIONS:
            what += f" (it has {positions} positions, max_position_embeddings)"
        _try(text_encoder, _texts([longest[0]]), what)
    if items.image is not None and image_encoder is not None:
        size = items.image.size
        _try(image_encoder, _images(torch.zeros(1, 3, size, size)), f"images of data.image.size={size}")


def freeze_unused(encoder: ItemEncoder, items: ItemTensors) -> list[str]:
    """Freeze the weights of the encoders that their features do not depend on, and return the names of these.

    Data-parallel training wants a gradient for every weight that is trained.
    """
    frozen = []
    for each in encoder.encoders():
        with torch.enable_grad():
            used = _leaves(_features(each, _examples(each, items)))
        for name, parameter in each.named_parameters():
            if parameter.requires_grad and parameter not in used:
                parameter.requires_grad_(False)
                frozen.append(f"{each.modality} encoder's {name.removeprefix('backbone.')}")
    return frozen


@torch.no_grad()
def probe_encoders(encoder: ItemEncoder, items: ItemTensors) -> None:
    """Try whether the encoders tell items apart, and nothing else; they have to be on the CPU.

    Raises UserError where two texts that begin and end the same or two images have the same features, where padding
    changes a text's features, and where an image has other features the second time.
    """
    text_encoder, image_encoder = encoder.match.text_encoder, encoder.match.image_encoder
    if items.text is not None and text_encoder is not None:
        _probe_text(text_encoder, items.text)
    if items.image is not None and image_encoder is not None:
        _probe_image(image_encoder, items.image.size)


def _probe_text(encoder: Encoder, text: TextTokens) -> None:
    short, other, long = _example_texts(text)
    _try_training(encoder, _texts([short, long]))
    what = f"model.text_encoder: {type(encoder.backbone).__name__} with pooling {encoder.pooling}"
    alone = _features(encoder, _texts([short]))
    difference = _difference(_features(encoder, _texts([other])), alone)
    if difference <= LEAST_DIFFERENCE:
        raise UserError(
            f"{what}: gives two different texts that begin and end the same features (relative difference "
            f"{difference:.1e}): set another pooling (mean; last for a model that reads from left to right)"
        )
    padded = _difference(_features(encoder, _texts([short, long]))[:1], alone)
    if padded > MOST_BY_PADDING:
        raise UserError(
            f"{what}: the padding after a text changes its features by {padded:.1%} (0.1% at most): its attention "
            "heeds no mask. Choose another architecture, or another attn_implementation or attention_type if it has any"
        )


def _probe_image(encoder: Encoder, size: int) -> None:
    one, other = _example_images(size)
    _try_training(encoder, _images(torch.cat([one, other])))
    what = f"model.image_encoder: {type(encoder.backbone).__name__}"
    first, again = _features(encoder, _images(one)), _features(encoder, _images(one))
    if not torch.equal(first, again):
        raise UserError(
            f"{what}: gives the same image other features the second time (relative difference "
            f"{_difference(again, first):.1e}): it leaves out parts at random also in evaluation: choose another "
            "architecture"
        )
    difference = _difference(_features(encoder, _images(other)), first)
    if difference <= LEAST_DIFFERENCE:
        difference = _difference(*_by_own_statistics(encoder, torch.cat([one, other])))
    if difference <= LEAST_DIFFERENCE:
        raise UserError(
            f"{what}: gives two different images the same features (relative difference {difference:.1e}): choose "
            "another pooling or architecture, or pretrained weights"
        )


def _by_own_statistics(encoder: Encoder, images: Tensor) -> Tensor:
    """Return features for which batch normalisation that has not seen any images yet takes these, as in training.

    Its first statistics let signals vanish. The encoder stays as it is.
    """
    was_training = encoder.training
    encoder.eval()
    for module in encoder.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_var is not None:
            module.train(bool((module.running_var == 1).all()))
    features = _without_trace(encoder, _images(images))
    encoder.train(was_training)
    return features


def _without_trace(encoder: Encoder, items: ItemBatch) -> Tensor:
    """Return features in the present mode, and leave statistics and randomness as they are."""
    buffers = {name: buffer.clone() for name, buffer in encoder.named_buffers()}
    with torch.random.fork_rng(devices=()):
        features: Tensor = functional_call(encoder, buffers, (items,))
    return features


def _try_training(encoder: Encoder, items: ItemBatch) -> None:
    try:
        _without_trace(encoder.train(), items)
    except UNFIT as error:
        raise UserError(
            f"model.{encoder.modality}_encoder: {type(encoder.backbone).__name__} reads items in evaluation but not in "
            f"training: {first_line(error)}"
        ) from error


def _difference(features: Tensor, others: Tensor) -> float:
    return float((features - others).norm() / others.norm().clamp_min(torch.finfo(torch.float32).tiny))


def _leaves(features: Tensor) -> set[Tensor]:
    """Return what features were computed from and can be given a gradient: the leaves of the graph behind them."""
    seen: set[object] = set()
    found: set[Tensor] = set()
    nodes = [features.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if isinstance(leaf := getattr(node, "variable", None), Tensor):
            found.add(leaf)
        nodes.extend(following for following, _ in node.next_functions)
    return found


def _check_tokens(encoder: Encoder, text: TextTokens) -> None:
    if encoder.num_token_ids is not None and text.num_token_ids > encoder.num_token_ids:
        raise UserError(
            f"model.text_encoder knows {encoder.num_token_ids} tokens (vocab_size), and the tokenizer of "
            f"data.text.tokenizer has {text.num_token_ids}: give an encoder and a tokenizer that belong together"
        )


def _try(encoder: Encoder, item: ItemBatch, what: str) -> None:
    option = f"model.{encoder.modality}_encoder"
    try:
        features = _features(encoder, item)
    except UNFIT as error:
        raise UserError(
            f"{option}: {type(encoder.backbone).__name__} cannot read {what}: {first_line(error)}"
        ) from error
    if features.shape != (1, encoder.width):
        found = "x".join(map(str, features.shape[1:]))
        raise UserError(
            f"{option}: {type(encoder.backbone).__name__} says that an item has {encoder.width} features and gives "
            f"{found}: choose another architecture, pooling or arguments"
        )


def _features(encoder: Encoder, items: ItemBatch) -> Tensor:
    """Return features as in evaluation."""
    was_training = encoder.training
    features: Tensor = encoder.eval()(items)
    encoder.train(was_training)
    return features


def _examples(encoder: Encoder, items: ItemTensors) -> ItemBatch:
    if encoder.modality == "text":
        assert items.text is not None
        return _texts(_example_texts(items.text))
    assert items.image is not None
    return _images(_example_images(items.image.size)[0])


def _example_texts(text: TextTokens) -> tuple[Tensor, Tensor, Tensor]:
    """Return the tokens of two texts that begin and end as all texts do, and of a longer one."""
    frame = text[0] if len(text.starts) > 1 else text.ids
    first, last = (int(frame[0]), int(frame[-1])) if len(frame) else (0, 0)

    def example(length: int, start: float) -> Tensor:
        places = torch.linspace(start, 0.9, max(1, min(length, text.max_tokens) - 2))
        return torch.tensor([first, *(places * text.num_token_ids).long().tolist(), last])

    return example(SHORT, 0.1), example(SHORT, 0.2), example(LONG, 0.3)


def _example_images(size: int) -> tuple[Tensor, Tensor]:
    noise = torch.randn((2, 3, size, size), generator=torch.Generator().manual_seed(0))
    return noise[:1], noise[1:]


def _texts(texts: Sequence[Tensor]) -> ItemBatch:
    token_ids = nn.utils.rnn.pad_sequence(list(texts), batch_first=True)
    lengths = torch.tensor([len(text) for text in texts])
    attention_mask = torch.arange(token_ids.shape[1]) < lengths[:, None]
    return ItemBatch(
        torch.empty(len(texts), 3, 0, 0), token_ids, attention_mask, torch.zeros(len(texts)), torch.zeros(len(texts))
    )


def _images(images: Tensor) -> ItemBatch:
    no_tokens = torch.empty((len(images), 0), dtype=torch.int64)
    return ItemBatch(images, no_tokens, no_tokens.bool(), torch.zeros(len(images)), torch.zeros(len(images)))
