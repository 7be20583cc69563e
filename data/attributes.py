"""The attribute notation `#key#:#value#;#key#:#value#;` of item_pvs and sku_pvs."""

import unicodedata


def clean_text(text: str) -> str:
    """Drop '#', lower-case, then normalise to NFKC: the order that the published weights were trained with."""
    return unicodedata.normalize("NFKC", text.replace("#", "").lower())


def parse_attributes(item_pvs: str, sku_pvs: str) -> dict[str, tuple[str, ...]]:
    """Return the cleaned values of each cleaned attribute name, distinct, in order of first appearance.

    The whole string is cleaned before it is split, so that full-width ； and ： separate as well.
    """
    attributes: dict[str, dict[str, None]] = {}
    for part in (clean_text(item_pvs) + ";" + clean_text(sku_pvs)).split(";"):
        name, _, value = part.partition(":")
        if value:
            attributes.setdefault(name, {})[value] = None
    return {name: tuple(values) for name, values in attributes.items()}
