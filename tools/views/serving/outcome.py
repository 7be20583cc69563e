"""The verdict on a pair, or what is wrong with what was entered, as HTML."""

from data.item import Item
from tools.views.explaining.explain import SIDES
from tools.views.explaining.parts import Effect, Explanation, Kind, Side, Verdict
from tools.views.explaining.table import shown_name, speaks_for
from tools.views.page import folded, signed, text
from tools.views.reporting.gallery import LONGEST_VALUE, shown
from tools.views.serving.heat import heat_map, marked_title
from tools.views.serving.judge import Judgement

MOST_ROWS = 12
"""Of the effects that are shown at once."""


def fault_section(message: str) -> str:
    """Return what is wrong with what was entered."""
    return f'<section class="fault" role="alert"><h2>No verdict</h2><p>{text(message)}</p></section>'


def verdict_section(judgement: Judgement) -> str:
    """Return the decision with its scores and, where it was asked for, what moves the margin."""
    explanation = judgement.explanation
    return "".join(
        (
            '<section aria-labelledby="decision">',
            _decision(explanation.verdict),
            _legend() if explanation.effects else "",
            '<div class="pair">',
            *(_item(judgement, side) for side in SIDES),
            "</div></section>",
            _effects(explanation) if explanation.effects else "",
        )
    )


def _decision(verdict: Verdict) -> str:
    decision, style = ("The same product", "is-same") if verdict.is_same else ("Different products", "is-different")
    relation = "above" if verdict.is_same else "not above"
    sentence = (
        f"The margin, {signed(verdict.margin, 3)}, is {relation} the decision threshold, "
        f"{signed(verdict.decision_threshold, 3)}."
    )
    tiles = (
        ("match score", verdict.match, "how alike the items are"),
        ("own threshold", verdict.threshold, "how alike they would have to be"),
        ("margin", verdict.margin, "match score − own threshold"),
        ("decision threshold", verdict.decision_threshold, "above it: the same product"),
    )
    return (
        f'<h2 id="decision" class="decision {style}">{decision}</h2><p class="note">{text(sentence)}</p>'
        f'<dl class="tiles">{"".join(_tile(*tile) for tile in tiles)}</dl>'
    )


def _tile(name: str, value: float, meaning: str) -> str:
    return (
        f'<div class="tile"><dt>{text(name)}</dt><dd>{signed(value, 3)}'
        f'<span class="step">{text(meaning)}</span></dd></div>'
    )


def _legend() -> str:
    return (
        "<h3>What speaks for what</h3>"
        '<ul class="legend">'
        '<li><span class="swatch"></span>speaks for the same product: the margin falls without it</li>'
        '<li><span class="swatch different"></span>speaks for different ones: the margin rises without it</li></ul>'
    )


def _item(judgement: Judgement, side: Side) -> str:
    item, explanation = judgement.items[side], judgement.explanation
    regions = explanation.of(side, Kind.REGION)
    toggle = (
        '<label class="check"><input type="checkbox" class="plain"> show the picture without colours</label>'
        if regions
        else ""
    )
    category = f" · {shown(item.category, LONGEST_VALUE)}" if item.category else ""
    return (
        f'<article class="card" aria-label="{side}"><h3>{side.capitalize()}</h3>'
        f"{heat_map(judgement.pictures[side], side, explanation)}{toggle}"
        f'<p class="title">{marked_title(item.title, side, explanation)}</p>'
        f'<p class="id"><bdi>{text(shown(item.item_id, LONGEST_VALUE) + category)}</bdi></p>'
        f"{_attributes(item, side, explanation)}</article>"
    )


def _attributes(item: Item, side: Side, explanation: Explanation) -> str:
    """Return the item's attributes, those that the model reads with their effects and first."""
    changes = {effect.part.name: effect for effect in explanation.of(side, Kind.ATTRIBUTE)}
    values = item.attributes
    names = sorted(values, key=lambda name: name not in changes)[:30]
    if not names:
        return ""
    head = '<th scope="col">attribute</th><th scope="col">value</th>'
    head += '<th scope="col">change without it</th>' if changes else ""
    rows = "".join(
        f'<tr><th scope="row"><bdi>{text(shown(name, LONGEST_VALUE))}</bdi></th>'
        f"<td><bdi>{text(shown(', '.join(values[name]), LONGEST_VALUE))}</bdi></td>"
        f"{_change_cell(changes.get(name)) if changes else ''}</tr>"
        for name in names
    )
    return (
        f'<table class="attributes"><caption class="unseen">Attributes of the {side}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _change_cell(effect: Effect | None) -> str:
    return f"<td>{_change(effect)}</td>" if effect is not None else '<td class="absent">not read</td>'


def _change(effect: Effect) -> str:
    return ("+" if effect.change > 0 else "") + signed(effect.change, 3)


def _effects(explanation: Explanation) -> str:
    """Return the table of the effects, the strongest first, the rest folded away."""
    effects = explanation.strongest()
    largest = abs(effects[0].change) or 1.0
    rows = [_row(effect, explanation.verdict, largest) for effect in effects]
    left = explanation.num_words_left
    note = f'<p class="note">{left:,} words at the ends of the titles were not tried.</p>' if left else ""
    others = rows[MOST_ROWS:]
    more = folded(f"{len(others):,} more, which change less", _table(others)) if others else ""
    return (
        '<section aria-labelledby="effects"><h2 id="effects">What moves the margin most</h2>'
        f'<p class="note">Each part was left out in turn; regions of pictures got the mean colour.</p>'
        f"{_table(rows[:MOST_ROWS])}{more}{note}</section>"
    )


def _table(rows: list[str]) -> str:
    return (
        '<div class="scroll" role="region" tabindex="0" aria-label="Effects of parts"><table class="figures effects">'
        '<caption class="unseen">The margin without each part, the strongest change first</caption><thead><tr>'
        '<th scope="col" class="what">left out</th>'
        '<th scope="col" class="optional">margin without</th><th scope="col">change</th>'
        f'<th scope="col" class="bar-cell"><span class="unseen">as a bar</span></th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _row(effect: Effect, verdict: Verdict, largest: float) -> str:
    part = effect.part
    turns = (effect.margin > verdict.decision_threshold) != verdict.is_same
    remark = ' · <span class="turns">turns the decision</span>' if turns else ""
    return (
        f'<tr><th scope="row" class="what"><bdi>{text(shown_name(part))}</bdi>'
        f"<small>{part.side}, {part.kind} · for {speaks_for(effect)}{remark}</small></th>"
        f'<td class="optional">{signed(effect.margin, 3)}</td><td>{_change(effect)}</td>'
        f'<td class="bar-cell">{_bar(effect, largest)}</td></tr>'
    )


def _bar(effect: Effect, largest: float) -> str:
    """Return a bar from the middle, to the left where the margin falls."""
    width = 50 * abs(effect.change) / largest
    role, left = ("same", 50 - width) if effect.change < 0 else ("different", 50.0)
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="fill-{role}" x="{left:.2f}" y="1" width="{width:.2f}" height="8"/>'
        '<rect class="fill-muted" x="49.8" y="0" width="0.4" height="10"/></svg>'
    )
