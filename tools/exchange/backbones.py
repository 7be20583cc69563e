"""The pretrained backbones of the published option files, as the hub has them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backbone:
    """A repository of the hub and what is needed of it besides weights."""

    repository: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    """Taken where the repository has them."""

    @property
    def folder_name(self) -> str:
        """The repository's name without its owner."""
        return self.repository.rpartition("/")[2]


IMAGE = Backbone("timm/swin_large_patch4_window12_384.ms_in22k", ("config.json",))
TEXT = Backbone(
    "hfl/chinese-roberta-wwm-ext",
    ("vocab.txt", "config.json"),
    ("tokenizer_config.json", "tokenizer.json", "special_tokens_map.json", "added_tokens.json"),
)
