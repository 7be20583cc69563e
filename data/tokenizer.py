"""Text to token ids, through the tokenizers of transformers."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import AutoTokenizer

from data.hub import local_path
from options.errors import UserError

TokenIds = list[int]

OPTION = "data.text.tokenizer"

CHARACTERS_A_TOKEN = 16
"""Length of the start of a text, in characters a token, that mostly has all tokens that are kept."""


class Tokenizer:
    """A pretrained tokenizer with a bound on the number of tokens."""

    def __init__(self, name: str, max_tokens: int, prefix: str = "") -> None:
        """Load by hub name or from a folder; raises UserError where neither is found, damaged or without padding."""
        path = local_path(name, OPTION)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(path)
        except Exception as error:  # tokenizers raises no narrower one for damaged files
            raise _no_tokenizer(name, Path(path), error) from error
        if self._tokenizer.pad_token_id is None and self._tokenizer.eos_token_id is not None:
            self._tokenizer.pad_token = self._tokenizer.eos_token  # any will do, as the mask tells it apart
        if self._tokenizer.pad_token_id is None:
            raise UserError(
                f"{OPTION}: {name!r} has no padding token, which fills short rows of a batch: "
                "name one of its tokens as pad_token in its tokenizer_config.json"
            )
        self.max_tokens = max_tokens
        self.prefix = prefix
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        normalizer, splitter = getattr(backend, "normalizer", None), getattr(backend, "pre_tokenizer", None)
        self._splits_like_bert = (
            isinstance(splitter, BertPreTokenizer)
            and isinstance(normalizer, BertNormalizer)
            and bool(normalizer.handle_chinese_chars)
        )
        self._added_characters = frozenset("".join(self._tokenizer.get_added_vocab()))

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

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files into a folder, tokenizer.json among them."""
        self._tokenizer.save_pretrained(folder)

    def __call__(self, texts: Sequence[str]) -> list[TokenIds]:
        """Return the token ids of each text after its prefix, [CLS] and [SEP] included: one to max_tokens of them.

        Of a very long text the start is tried first, since megabytes take seconds and gigabytes of memory.
        """
        texts = [self.prefix + text for text in texts]
        starts = [self._start(text) for text in texts]
        token_ids = self._encode(starts)
        for place, (start, text) in enumerate(zip(starts, texts, strict=True)):
            if len(start) < len(text) and len(token_ids[place]) < self.max_tokens:
                token_ids[place] = self._encode([text])[0]
        return token_ids

    def _encode(self, texts: Sequence[str]) -> list[TokenIds]:
        encoded = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self.max_tokens,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        # A tokenizer without [CLS] makes nothing of an empty text, of which there is no mean and no last token.
        return [list(ids) or [self.padding_id] for ids in encoded["input_ids"]]

    def _start(self, text: str) -> str:
        """Return the start of a long text, of which the tokens are the first ones of the whole text.

        It ends before a character that BERT's tokenizers put into a word of its own, so that nothing
        after it changes a word before it; other tokenizers get the whole text.
        """
        length = CHARACTERS_A_TOKEN * self.max_tokens
        if len(text) <= length or not self._splits_like_bert:
            return text
        end = next((end for end in range(length, 0, -1) if self._stands_alone(text[end])), len(text))
        return text[:end]

    def _stands_alone(self, character: str) -> bool:
        is_han = "\u4e00" <= character <= "\u9fff"
        is_apart = is_han or character in "\t\n\r" or unicodedata.category(character)[0] in "PZ"
        return is_apart and character not in self._added_characters


def _no_tokenizer(name: str, path: Path, error: Exception) -> UserError:
    files = "vocab.txt and tokenizer_config.json (or tokenizer.json)"
    if path.is_dir():
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        fault = f"the folder has no usable {files}: {reason}"
    else:
        fault = f"it is no folder with {files}, and it cannot be fetched from the hub."
    return UserError(
        f"{OPTION}: no tokenizer {name!r}: {fault} Download that folder where there is a network and give its path."
    )
