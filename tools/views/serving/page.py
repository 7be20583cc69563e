"""The page: the form and, once a pair was sent, the verdict."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from importlib.resources import files
from string import Template

from tools.views.explaining.explain import SIDES
from tools.views.explaining.pair_model import PairModel
from tools.views.explaining.parts import Side
from tools.views.page import text
from tools.views.reporting.report import hash_source, page_style
from tools.views.serving.form import LARGEST_IMAGE, LONGEST_TEXT, EnteredItem, EnteredPair
from tools.views.serving.judge import NUM_FOUND, Judgement
from tools.views.serving.outcome import fault_section, verdict_section


@dataclass(frozen=True)
class Page:
    """The page of a model."""

    model: PairModel
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
        outcome = verdict_section(judgement) if judgement is not None else fault_section(fault) if fault else ""
        return Template(_resource("serve.html")).substitute(
            name=text(self.name),
            facts=text(self._facts()),
            style=self._style,
            script=self._script,
            sides="".join(self._side(side, entered.sides[side]) for side in SIDES),
            explained=" checked" if entered.explained else "",
            outcome=outcome,
        )

    @cached_property
    def _style(self) -> str:
        return page_style() + _resource("serve.css")

    @cached_property
    def _script(self) -> str:
        return _resource("serve.js")

    def _facts(self) -> str:
        reads = " and ".join(part for part, is_read in zip(("text", "pictures"), self._reads(), strict=True) if is_read)
        return f"a model of {reads} · {self.num_items:,} items in the catalogue"

    def _reads(self) -> tuple[bool, bool]:
        reads = self.model.options.reads
        return reads.text or len(reads.attributes) > 0, reads.image

    def _side(self, side: Side, entered: EnteredItem) -> str:
        picked = entered.is_picked
        return Template(_resource("serve_side.html")).substitute(
            side=side,
            heading=side.capitalize(),
            picked=" checked" if picked else "",
            entered="" if picked else " checked",
            most=str(NUM_FOUND),
            no_catalogue="" if self.num_items else " disabled",
            id=escape(entered.fields["id"]),
            fields="".join(self._fields(side, entered)),
        )

    def _fields(self, side: Side, entered: EnteredItem) -> Iterator[str]:
        """Yield the fields of an item that the model reads."""
        reads_text, reads_images = self._reads()
        if reads_images:
            yield (
                f'<label>Picture <input type="file" name="{side}_image" accept="image/*" '
                f'data-largest="{LARGEST_IMAGE}"></label><img class="preview" alt="Chosen picture" hidden>'
            )
        if reads_text:
            names = text(", ".join(self.model.attributes))
            yield (
                f'<label>Title <input name="{side}_title" maxlength="{LONGEST_TEXT}" autocomplete="off" '
                f'value="{escape(entered.fields["title"])}"></label>'
                f'<label>Attributes, one on each line, as in 品牌: 木岚 <textarea name="{side}_attributes" rows="4" '
                f'maxlength="{LONGEST_TEXT}" aria-describedby="{side}-names">{escape(entered.fields["attributes"])}'
                f'</textarea></label><p class="hint" id="{side}-names">The model reads {names}.</p>'
            )
        if self.model.rule.categories:
            yield (
                f'<label>Category <input name="{side}_category" maxlength="{LONGEST_TEXT}" '
                f'value="{escape(entered.fields["category"])}"></label>'
            )


def _resource(name: str) -> str:
    return files("tools.views").joinpath("templates", name).read_text(encoding="utf-8")
