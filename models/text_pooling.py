"""How the states of a text's tokens become one vector, whatever side of them is padded.

Letters of shapes: N texts, L tokens, W width of a state.
"""

import json
from pathlib import Path
from typing import Literal

from torch import Tensor

from options.errors import UserError

TextPooling = Literal["cls", "mean", "last", "words"]


def first_token(states: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the state of each text's first token, such as [CLS]: (N, L, W) and (N, L) to (N, W)."""
    return _token(states, attention_mask.int().argmax(dim=1))


def last_token(states: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the state of each text's last token, which alone has read all of a causal model: (N, L, W) to (N, W)."""
    return _token(states, states.shape[1] - 1 - attention_mask.flip(1).int().argmax(dim=1))


def mean_of_tokens(states: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the mean over each text's tokens of their states: (N, L, W) and (N, L) to (N, W)."""
    is_token = attention_mask[:, :, None]
    return (states * is_token).sum(dim=1) / is_token.sum(dim=1)


def _token(states: Tensor, places: Tensor) -> Tensor:
    return states.gather(1, places[:, None, None].expand(-1, 1, states.shape[2])).squeeze(1)


POOLINGS = {"cls": first_token, "mean": mean_of_tokens, "last": last_token}


STORED = Path("1_Pooling", "config.json")
"""Where a folder of sentence-transformers says how it pools."""
STORED_NAMES: dict[str, TextPooling] = {"cls": "cls", "mean": "mean", "lasttoken": "last"}


def stored_pooling(folder: Path, option: str) -> TextPooling | None:
    """Return the pooling that a folder of sentence-transformers asks for; None where it is no such folder.

    Raises UserError for one that is not among ours.
    """
    file = folder / STORED
    if not file.is_file():
        return None
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file}: damaged: {error}") from error
    # Until version 5 a yes or no for each way.
    asked = record.get("pooling_mode") or [
        name.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token")
        for name, value in record.items()
        if name.startswith("pooling_mode_") and value is True
    ]
    names = [asked] if isinstance(asked, str) else list(asked)
    if len(names) != 1 or names[0] not in STORED_NAMES:
        raise UserError(
            f"{file}: pools by {', '.join(map(str, names)) or 'nothing'}, which is none of {', '.join(STORED_NAMES)}: "
            f"set {option}"
        )
    return STORED_NAMES[names[0]]
