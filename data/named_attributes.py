"""Whether items have the attributes that options name, without which a model reads titles alone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from data.item import Item, clean_text
from data.options import Modalities, TextOptions
from data.stated_values import NOT_STATED, value_digests
from options.errors import UserError
from options.printable import quoted

FEW = 0.01
"""Share of the items below which a name is hardly worth giving."""
NUM_NAMED = 10
"""Names that a message gives as the most frequent ones."""


def unread_names(items: Iterable[Item], text: TextOptions, reads: Modalities) -> list[str]:
    """Return what is worth a warning of the names that options give; raises UserError where no item has any of them."""
    named = NamedAttributes(text, reads)
    for item in items:
        named.add(item)
    remarks = list(named.remarks())
    for remark in remarks:
        if remark.is_fault:
            raise UserError(remark.message)
    return [remark.message for remark in remarks]


class NamesRemark(NamedTuple):
    """What is to be said of the names of an option."""

    is_fault: bool
    """Whether no item has any of them."""
    message: str


@dataclass(slots=True)
class NamedAttributes:
    """Counts the items that have the attributes of the options, given one at a time."""

    text: TextOptions
    reads: Modalities
    num_items: int = 0
    _there: Counter[str] = field(default_factory=Counter)
    _stated: Counter[str] = field(default_factory=Counter)

    def add(self, item: Item) -> None:
        """Count an item."""
        self.num_items += 1
        self._there.update(item.attributes.keys())
        digests = zip(self.reads.attributes.names, value_digests(item, self.reads.attributes), strict=True)
        self._stated.update(name for name, digest in digests if digest != NOT_STATED)

    def remarks(self) -> Iterator[NamesRemark]:
        """Yield what is to be said; of the default names only where nearly all items have none of them."""
        names = self.text.attributes if self.reads.text and self.text.attributes != "all" else ()
        is_default = names == TextOptions().attributes
        if self._there or not is_default:
            read = {name: self._there[clean_text(name)] for name in names}
            yield from self._remark("data.text.attributes", read, "data.text.attributes: []", is_default)
        compared = {name: self._stated[name] for name in self.reads.attributes.names}
        yield from self._remark("model.agreement.attributes", compared, "model.agreement: null", is_default=False)

    def _remark(self, option: str, counts: dict[str, int], none: str, is_default: bool) -> Iterator[NamesRemark]:
        rare = [name for name, count in counts.items() if count < FEW * self.num_items]
        if self.num_items and counts and not any(counts.values()):
            given, there = _listed(counts), _listed(name for name, _ in self._there.most_common(NUM_NAMED))
            most = f"those that most have are {there}" if there else "they have no attributes"
            message = f"of {self.num_items:,} items none has {given}; {most}. Name what they have, or give {none}"
            yield NamesRemark(True, f"{option}: {message}")
        elif rare and (len(rare) == len(counts) or not is_default):
            found = ", ".join(f"{quoted(name)} ({counts[name]:,})" for name in rare)
            yield NamesRemark(False, f"{option}: fewer than {FEW:.0%} of {self.num_items:,} items have {found}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))
