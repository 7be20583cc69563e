"""What an exported folder says of its encoder."""

from pathlib import Path

from data import stated_values
from data.options import ComparedAttributes, ImageOptions
from data.stated_values import alone_pattern, longest_first
from data.tokenizer import Tokenizer
from engine.disk import json_record
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
RULES = Path(__file__).with_name("preprocessing_rules.json")
"""Sentences on each part of the description, in which names stand for patterns and for other sentences."""


def describe(verifier: Verifier, arithmetic: Arithmetic) -> ExportDescription:
    """Return the description of a trained model's encoder."""
    options, encoder, tokenizer = verifier.options, verifier.encoder, verifier.preparation.tokenizer
    text, image = options.data.text, options.data.image if options.reads.image else None
    compared, width = options.reads.attributes, encoder.threshold_width + encoder.match_width
    rules = _rules()
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
            ImageDescription(image.size, *image.normalisation, rules["image"], image.upright, image.color_profile)
            if image is not None
            else None
        ),
        text=(
            TextDescription(
                TOKENIZER, text.max_tokens, tokenizer.padding_id, text.prefix, text.attributes, rules["text"]
            )
            if tokenizer is not None
            else None
        ),
        attributes=_attributes(compared, rules["attributes"]) if compared else None,
        decision=DecisionDescription(verifier.rule.threshold, verifier.rule.categories, rules["decision"]),
    )


def _rules() -> dict[str, tuple[str, ...]]:
    rules = json_record(RULES.read_bytes(), dict[str, tuple[str, ...]])
    said = {"stated": stated_values, "rules": rules}
    return {part: tuple(sentence.format(**said) for sentence in sentences) for part, sentences in rules.items()}


def _attributes(compared: ComparedAttributes, rules: tuple[str, ...]) -> AttributesDescription:
    looked_for = {name: longest_first(values) for name, values in compared.in_title.items()}
    patterns = {name: tuple(map(alone_pattern, values)) for name, values in looked_for.items()}
    return AttributesDescription(compared.names, compared.in_title, patterns, rules)


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
