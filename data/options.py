"""Options of the data section."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from data.compared_text import attribute_name
from options.base import NamedPath, Options

Positive = Annotated[float, Field(gt=0)]
Colours = tuple[float, float, float]
"""A number each of red, green and blue."""
IMAGENET_MEAN: Colours = (0.485, 0.456, 0.406)
IMAGENET_STD: Colours = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class PictureRules:
    """What of an image file's metadata is obeyed; nothing, as published, where nothing else is said."""

    upright: bool = False
    color_profile: Literal["keep", "srgb"] = "keep"


AS_STORED = PictureRules()


class SplitOptions(Options):
    """The files of one split."""

    items: NamedPath
    """JSONL file of items."""
    pairs: NamedPath
    """JSONL file of pairs; unlabelled pairs are allowed in prediction only."""
    images: NamedPath | None = None
    """Folder of the items' images, or the file that bash run.sh data pack has made of one; needed by a model that reads
    images."""


def _told_apart(names: Sequence[str]) -> Sequence[str]:
    first: dict[str, str] = {}
    for name in names:
        form = attribute_name(name)
        if not form:
            raise ValueError(f"has a name or value that is blank, {name!r}: leave it out")
        if form in first:
            raise ValueError(f"gives {first[form]!r} twice, the second time as {name!r}: leave one out")
        first[form] = name
    return names


AttributeNames = Annotated[tuple[str, ...], AfterValidator(_told_apart)]
"""Names or values of attributes that are told apart where items are compared."""


ReadAttributes = AttributeNames | Literal["all"]
"""Attributes whose values are read, by their names in their order, or every value in the item's own order."""


class TextOptions(Options):
    """How an item's text becomes tokens."""

    tokenizer: str = "hfl/chinese-roberta-wwm-ext"
    """Hub name, local folder or package:NAME/PATH (a folder in an installed package) of the tokenizer."""
    max_tokens: int = Field(default=140, ge=3)
    """Longest token sequence, [CLS] and [SEP] included; longer texts are cut."""
    prefix: str = ""
    """What stands before every text, such as "query: " or an instruction that the encoder was trained with."""
    attributes: ReadAttributes = (
        "颜色分类", "货号", "型号", "品牌", "尺寸", "口味", "品名", "批准文号", "系列", "尺码",
    )  # fmt: skip
    """Attribute names whose values follow the title, in this order; all for every value that an item states, in its
    own order."""


READING = frozenset({"keep_in_memory", "follow_links", "on_bad_image"})
"""Image options that say how files are read; all others change what an item's picture is to a model."""


class ImageOptions(Options):
    """How an image file becomes a tensor."""

    size: int = Field(default=384, ge=1)
    """Height and width in pixels; the whole picture is stretched to this square."""
    mean: Colours | Literal["auto"] = "auto"
    """Mean of red, green and blue on the scale 0 to 1, subtracted; auto for what the image encoder's pretrained weights
    were trained with, and for ImageNet's where there are none or they do not say."""
    std: tuple[Positive, Positive, Positive] | Literal["auto"] = "auto"
    """Standard deviation of red, green and blue on the scale 0 to 1, divided by; auto likewise."""
    upright: bool = False
    """Whether a picture is turned as its EXIF orientation says, as viewers show it; false as published."""
    color_profile: Literal["keep", "srgb"] = "keep"
    """What becomes of an embedded colour profile: passed over, as published, or converted to sRGB."""
    keep_in_memory: bool = False
    """Whether each loader process keeps the pictures it has decoded (3 x size x size bytes an item), for data that
    is small enough."""
    follow_links: bool = False
    """Whether image files may be symbolic links that lead out of the images folder, as in a cache of downloads."""
    on_bad_image: Literal["error", "blank"] = "error"
    """What an unreadable image does: end the run, or count as an all-grey picture (each is reported)."""

    @property
    def normalisation(self) -> tuple[Colours, Colours]:
        """Mean and standard deviation; ImageNet's where they are auto and no encoder has been asked."""
        return (
            IMAGENET_MEAN if self.mean == "auto" else self.mean,
            IMAGENET_STD if self.std == "auto" else self.std,
        )

    @property
    def rules(self) -> PictureRules:
        """What of a picture's metadata is obeyed."""
        return PictureRules(self.upright, self.color_profile)


class DataOptions(Options):
    """Files and their preparation."""

    train: SplitOptions | None = None
    """Pairs to learn from; needed by training."""
    val: SplitOptions | None = None
    """Pairs to evaluate on and to calibrate the threshold with; needed by training."""
    test: SplitOptions | None = None
    """Pairs to predict, usually without labels."""
    text: TextOptions = TextOptions()
    """How an item's text becomes tokens."""
    image: ImageOptions = ImageOptions()
    """How an image file becomes a tensor."""
    on_split_overlap: Literal["error", "warn"] = "error"
    """What items do that occur in the pairs of train and of val: refuse to train, or train with a warning."""
    workers: int = Field(default=4, ge=0)
    """Loader processes of each training process; 0 loads in the training process itself."""

    def split(self, name: str) -> SplitOptions | None:
        """Return the files of the split train, val or test."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]


@dataclass(frozen=True, slots=True)
class ComparedAttributes:
    """The attributes by whose stated values items are compared."""

    names: tuple[str, ...] = ()
    in_title: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By name, the values that are looked for in the titles of items without that attribute."""

    def __len__(self) -> int:
        return len(self.names)


NOTHING_COMPARED = ComparedAttributes()


@dataclass(frozen=True, slots=True)
class Modalities:
    """Which parts of an item the model reads."""

    text: bool
    image: bool
    attributes: ComparedAttributes = NOTHING_COMPARED
