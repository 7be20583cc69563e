"""Text to token ids, through the tokenizers of transformers."""

from collections.abc import Sequence

from transformers import AutoTokenizer

from options.errors import UserError

TokenIds = list[int]


class Tokenizer:
    """A pretrained tokenizer with a bound on the number of tokens."""

    def __init__(self, name: str, max_tokens: int) -> None:
        """Load by hub name or from a folder; raises UserError where neither is found."""
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(name)
        except (OSError, ValueError) as error:
            raise UserError(
                f"data.text.tokenizer: no tokenizer {name!r}: it is no folder with vocab.txt and "
                "tokenizer_config.json (or tokenizer.json), and it cannot be fetched from the hub. "
                "Download that folder where there is a network and give its path."
            ) from error
        self.max_tokens = max_tokens

    @property
    def padding_id(self) -> int:
        """The id that fills short rows of a batch."""
        return int(self._tokenizer.pad_token_id)

    @property
    def unknown_id(self) -> int | None:
        """The id of what the vocabulary lacks; None for a tokenizer that can write everything."""
        unknown = self._tokenizer.unk_token_id
        return None if unknown is None else int(unknown)

    def __len__(self) -> int:
        return len(self._tokenizer)

    def __call__(self, texts: Sequence[str]) -> list[TokenIds]:
        """Return the token ids of each text, [CLS] and [SEP] included, at most max_tokens."""
        encoded = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self.max_tokens,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        return [list(ids) for ids in encoded["input_ids"]]
