"""An explanation as text."""

from options.table import aligned_rows
from tools.views.explaining.parts import Explanation, Verdict


def verdict_line(verdict: Verdict) -> str:
    """Return the decision with the scores that it follows from."""
    decision = "the same product" if verdict.is_same else "different products"
    sums = verdict.sums("{:.4f}".format, "-")
    place = "above" if verdict.is_same else "not above"
    return f"{decision}: margin {verdict.margin:.4f} ({sums}) is {place} {verdict.decision_threshold:.4f}"


def explanation_lines(explanation: Explanation, most_rows: int) -> list[str]:
    """Return the verdict and an aligned table of the strongest effects, numbered from 1."""
    effects = explanation.strongest()
    lines = [verdict_line(explanation.verdict), ""]
    if not effects:
        return [*lines, "there is nothing to leave out: neither text nor a readable picture"]
    rows = [["", "item", "kind", "left out", "margin without", "change", ""]]
    for number, effect in enumerate(effects[:most_rows], start=1):
        part, turns = effect.part, "turns the decision" if effect.turns(explanation.verdict) else ""
        figures = f"{effect.margin:.4f}", f"{effect.change:+.4f}"
        rows.append([str(number), part.side, part.kind, part.shown_name, *figures, turns])
    lines += aligned_rows(rows, left=(1, 2, 3, 6), ruled=True).splitlines()
    if len(effects) > most_rows:
        lines.append(f"{len(effects) - most_rows} more change less (--rows)")
    if explanation.num_words_left:
        lines.append(f"{explanation.num_words_left} words at the ends of the titles were not tried (--words)")
    return lines
