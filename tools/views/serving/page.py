"""The page: the form and, once a pair was sent, the verdict and what it comes from."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from data.item import Item
from engine.verifier import Verifier
from tools.views.explaining.explain import read_attributes
from tools.views.explaining.parts import Effect, Explanation, Side
from tools.views.page import LONGEST_TITLE, hash_source, page_style, resource, shown, templates
from tools.views.serving.form import LARGEST_IMAGE, LONGEST_TEXT, EnteredPair
from tools.views.serving.judge import NUM_FOUND, Judgement

MOST_ATTRIBUTES = 30
"""Of an item that are shown."""


@dataclass(frozen=True)
class Page:
    """The page of a model."""

    verifier: Verifier
    name: str
    num_items: int
    """In the catalogue."""

    @cached_property
    def policy(self) -> str:
        """The Content-Security-Policy: this style sheet, this script, and requests to this server alone."""
        return (
            "default-src 'none'; img-src data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
            f"frame-ancestors 'none'; style-src {hash_source(self._style)}; script-src {hash_source(self._script)}"
        )

    def html(self, entered: EnteredPair, judgement: Judgement | None, fault: str) -> str:
        """Return the page with what was entered, and below it the verdict or what is wrong."""
        reads = self.verifier.options.reads
        parts = {"text": reads.text or len(reads.attributes) > 0, "pictures": reads.image}
        names = " and ".join(part for part, is_read in parts.items() if is_read)
        page = templates().get_template("serve.html")
        return page.render(
            name=self.name,
            facts=f"a model of {names} · {self.num_items:,} items in the catalogue",
            style=self._style,
            script=self._script,
            entered=entered,
            num_items=self.num_items,
            num_found=NUM_FOUND,
            reads_text=parts["text"],
            reads_images=parts["pictures"],
            attributes=read_attributes(self.verifier.options),
            has_categories=len(self.verifier.rule.categories) > 0,
            largest_image=LARGEST_IMAGE,
            longest_text=LONGEST_TEXT,
            judgement=judgement,
            fault=fault,
            title_parts=title_parts,
            attributes_first=attributes_first,
        )

    @cached_property
    def _style(self) -> Markup:
        return page_style("serve.css")

    @cached_property
    def _script(self) -> Markup:
        return resource("serve.js")


def title_parts(title: str, side: Side, explanation: Explanation) -> Iterator[tuple[str, Effect | None]]:
    """Yield the words of a title with their effects and what stands between them; nothing of an empty title."""
    done = 0
    for effect in explanation.of(side, "word"):
        start, end = effect.part.place
        yield title[done:start], None
        yield effect.part.name, effect
        done = end
    if rest := shown(title[done:], LONGEST_TITLE):
        yield rest, None


def attributes_first(item: Item, side: Side, explanation: Explanation) -> list[tuple[str, str, Effect | None]]:
    """Return names and values of the item's attributes, those that the model reads with their effects and first."""
    effects = {effect.part.name: effect for effect in explanation.of(side, "attribute")}
    names = sorted(item.attributes, key=lambda name: name not in effects)[:MOST_ATTRIBUTES]
    return [(name, ", ".join(item.attributes[name]), effects.get(name)) for name in names]
