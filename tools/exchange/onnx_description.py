"""What an exported folder says of its encoder."""

from data.options import ComparedAttributes, ImageOptions
from data.stated_values import (
    DECIMAL_COMMA,
    NARROW_BLANK,
    SEPARATORS,
    THOUSANDS,
    TIMES,
    TO,
    alone_pattern,
    longest_first,
)
from data.tokenizer import Tokenizer
from engine.onnx_encoder import (
    ATTENTION_MASK,
    ATTRIBUTES,
    FORMAT,
    IMAGES,
    MODEL,
    OUTPUT,
    TOKEN_IDS,
    Arithmetic,
    AttributesDescription,
    DecisionDescription,
    ExportDescription,
    ImageDescription,
    Port,
    TextDescription,
)
from engine.verifier import Verifier

TOKENIZER = "tokenizer.json"
IMAGE_RULES = (
    "Decode the first picture of the file to 8-bit RGB, turned as its EXIF orientation says if upright is true (false: "
    "as it is stored), its embedded colour profile converted to sRGB if color_profile is srgb (keep: passed over), "
    "transparency laid over white. A JPEG whose sides are at least 2, 4 or 8 times the size may be decoded at that "
    "fraction.",
    "Stretch the whole picture to size x size pixels, bicubically and antialiased (Pillow's BICUBIC), without "
    "cropping; a picture of that size stays as it is.",
    "Each number is (value / 255 - mean) / std, with the mean and std of its channel, in the order red, green, blue.",
    "An unreadable image may be replaced by zeros, which are the mean colour.",
)
CLEANING = "Clean a string: remove every '#', make it lower case, then normalise it to Unicode's NFKC, in this order."
ATTRIBUTES_OF_AN_ITEM = (
    "Attributes: clean item_pvs, clean sku_pvs, join them with ';', split that at ';' and each part at its first ':' "
    "into name and value; parts without a value are left out."
)
TEXT_RULES = (
    CLEANING,
    f"{ATTRIBUTES_OF_AN_ITEM} Several values of a name are joined with ',', distinct ones only, in order of first "
    "appearance.",
    "Text: the cleaned title, then the values of the attributes listed here (their names cleaned), in this order, "
    "joined with ';'; what is absent or empty is left out.",
    "Before the text stands the prefix, as it is.",
    "Tokens: those of the tokenizer with its special tokens, cut to max_tokens, special tokens included.",
    "A batch: token_ids padded to its longest text with padding_id; attention_mask is true at tokens.",
)
ATTRIBUTE_RULES = (
    CLEANING,
    ATTRIBUTES_OF_AN_ITEM,
    "Form of a text: its '#' removed, NFKC, case folded, without white space, control and format characters and "
    "variation selectors, with '-' for every dash and minus sign, NFKC; all of it until nothing changes.",
    "Plain numbers of a text, patterns in the syntax of Python: replace what "
    f"{NARROW_BLANK.pattern} finds by ',', take the form of each word between white space, and join them with ' '; in "
    f"what {THOUSANDS.pattern} finds leave out all but the digits; replace {DECIMAL_COMMA.pattern} by \\1.\\2, "
    f"{TIMES.pattern} by '*' and {TO.pattern} by '~'.",
    "Values of an attribute: those of all the item's names of the same form, of plain numbers, each split by "
    f"{SEPARATORS.pattern} into parts, of which the form is taken, and those that are empty are left out.",
    "A value of the input, for each name listed here: the CRC-32 of the UTF-8 of the attribute's distinct values, "
    "sorted by code points and joined with ','; -1 where the item has none.",
    "Where the item has none and patterns has some for the name: what the first of them that fits at a place finds, "
    "place by place, in the title, of plain numbers. If all that is found has the same values, their CRC-32 is taken.",
)
DECISION_RULES = (
    "The first threshold_width numbers of an item's embedding are its threshold embedding, the others its match "
    "embedding.",
    "margin of two items = dot product of their match embeddings - dot product of their threshold embeddings.",
    "They are the same product where margin > threshold; where both have the same cate_name and it is one of "
    "categories, that threshold is taken.",
    "In an inner-product index keep the embeddings as they are, and negate the threshold half of the query: the score "
    "then is the margin.",
)


def describe(verifier: Verifier, arithmetic: Arithmetic) -> ExportDescription:
    """Return the description of a trained model's encoder."""
    options, encoder, tokenizer = verifier.options, verifier.encoder, verifier.preparation.tokenizer
    text, image = options.data.text, options.data.image if options.reads.image else None
    compared, width = options.reads.attributes, encoder.threshold_width + encoder.match_width
    return ExportDescription(
        format=FORMAT,
        run=options.name,
        step=verifier.step,
        model=MODEL,
        arithmetic=arithmetic,
        inputs=_inputs(image, tokenizer, compared),
        outputs={OUTPUT: Port("float32", ("items", width), "embeddings, the threshold half first, see decision")},
        threshold_width=encoder.threshold_width,
        match_width=encoder.match_width,
        image=(
            ImageDescription(image.size, *image.normalisation, IMAGE_RULES, image.upright, image.color_profile)
            if image is not None
            else None
        ),
        text=(
            TextDescription(TOKENIZER, text.max_tokens, tokenizer.padding_id, text.prefix, text.attributes, TEXT_RULES)
            if tokenizer is not None
            else None
        ),
        attributes=_attributes(compared) if compared else None,
        decision=DecisionDescription(verifier.rule.threshold, verifier.rule.categories, DECISION_RULES),
    )


def _attributes(compared: ComparedAttributes) -> AttributesDescription:
    looked_for = {name: longest_first(values) for name, values in compared.in_title.items()}
    patterns = {name: tuple(map(alone_pattern, values)) for name, values in looked_for.items()}
    return AttributesDescription(compared.names, compared.in_title, patterns, ATTRIBUTE_RULES)


def _inputs(image: ImageOptions | None, tokenizer: Tokenizer | None, compared: ComparedAttributes) -> dict[str, Port]:
    inputs = {}
    if image is not None:
        inputs[IMAGES] = Port("float32", ("items", 3, image.size, image.size), "pictures, see image")
    if tokenizer is not None:
        inputs[TOKEN_IDS] = Port("int64", ("items", "tokens"), "texts, see text")
        inputs[ATTENTION_MASK] = Port("bool", ("items", "tokens"), "true at tokens, false at padding")
    if compared:
        inputs[ATTRIBUTES] = Port("int64", ("items", len(compared)), "what items state, see attributes")
    return inputs
