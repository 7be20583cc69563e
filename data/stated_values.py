"""What items state of attributes, in the form in which statements are compared.

Names and values that differ in blanks, letter case, dashes or the like alone have one form, a number has one however
its digits are grouped, and several values are a set, however they are separated and ordered.
"""

import re
import zlib
from functools import cache, lru_cache

from data.compared_text import attribute_name, compared
from data.item import Item
from data.options import ComparedAttributes

NOT_STATED = -1
"""In the place of the digest of an attribute that an item does not state."""
NARROW_BLANK = re.compile(r"(?<=\d)[\u2009\u202f](?=\d)")
HAS_NUMBER = re.compile(r"\d")
THOUSANDS = re.compile(r"(?<!\d)(?<!\d[.,'’])(?:[1-9]\d?(?:[,'’]\d{3})+|[1-9]\d\d(?:[,'’]000)+)(?![,'’]?\d)")
"""A number in groups of digits; three digits before the first comma are a list, unless noughts follow."""
DECIMAL_COMMA = re.compile(r"(?<!\d)(?<!\d[.,])(\d+),(\d{1,2})(?= ?[a-z°%])")
"""A number with a decimal comma, before its unit."""
TIMES = re.compile(r" ?[*×] ?|(?<=\d) ?x ?(?=\d)")
TO = re.compile(r" ?~ ?")
SEPARATORS = re.compile(r"[,、;|]|(?<!\d)/|/(?!\d)")
"""What stands between the values of a list; 1/2 is a number."""
LETTER = r"[^\W_\u3040-\u9fff]"
"""A letter or digit of a script that puts blanks between words."""
UNIT_LETTER = r"[^\W\d_]"
MARK = "[.,'’·。:/\u2044]"
"""What stands inside of a number, if a digit follows."""
JOINT = "[-~*至到]"
"""What joins two numbers, perhaps with units, to a range or a product."""
BEFORE_WORD = rf"(?<!{LETTER})(?<!{UNIT_LETTER}['’])"
BEFORE_NUMBER = (
    rf"(?<!\d{MARK})(?<!(?<!\w)\.)(?<!(?<!\S)-)"
    rf"(?<!\d{JOINT})(?<!\d{UNIT_LETTER}{JOINT})(?<!\d{UNIT_LETTER}{UNIT_LETTER}{JOINT})"
)
ENDS_IN_UNIT = re.compile(rf"\d{UNIT_LETTER}{{1,2}}\Z")
MAY_HAVE_BLANK = re.compile(rf" |(?<=\d)(?={UNIT_LETTER})|(?<={UNIT_LETTER})(?=\d)")


@lru_cache(maxsize=2**14)
def stated_values(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return the distinct forms of values, each of which may be a list of several, sorted; none of blank ones."""
    forms = {compared(part) for value in values for part in SEPARATORS.split(plain_numbers(value))}
    return tuple(sorted(forms - {""}))


def value_digests(item: Item, attributes: ComparedAttributes) -> list[int]:
    """Return the CRC-32 of the values of each attribute, in whatever order the item has them, or NOT_STATED."""
    listed = _listed(item)
    digests = []
    for name in attributes.names:
        values = stated_values(listed.get(attribute_name(name), ()))
        if not values and name in attributes.in_title:
            values = _in_title(item.title, attributes.in_title[name])
        digests.append(zlib.crc32(",".join(values).encode("utf-8", "surrogatepass")) if values else NOT_STATED)
    return digests


def stated_attributes(item: Item) -> dict[str, tuple[str, ...]]:
    """Return the values of each attribute that an item states, both in the form in which they are compared."""
    forms = {name: stated_values(values) for name, values in _listed(item).items()}
    return {name: values for name, values in forms.items() if name and values}


def _listed(item: Item) -> dict[str, tuple[str, ...]]:
    """Return the values as written, by the form of the attribute's name."""
    listed: dict[str, tuple[str, ...]] = {}
    for name, values in item.attributes.items():
        listed[attribute_name(name)] = listed.get(attribute_name(name), ()) + values
    return listed


def plain_numbers(text: str) -> str:
    """Return the form of a text with a blank between its words, and of its numbers."""
    words = NARROW_BLANK.sub(",", text.replace("#", "")).split()
    spaced = " ".join(filter(None, map(compared, words))).replace("#", "")
    if not HAS_NUMBER.search(spaced):
        return spaced
    grouped = THOUSANDS.sub(lambda number: re.sub("[,'’]", "", number[0]), spaced)
    return TO.sub("~", TIMES.sub("*", DECIMAL_COMMA.sub(r"\1.\2", grouped)))


def _in_title(title: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return the one of some values that a title has; none where it has several."""
    text = plain_numbers(title)
    letters = text.replace(" ", "")
    # The pattern is slow, and of most titles it would find nothing.
    there = tuple(value for value in longest_first(values) if value.replace(" ", "") in letters)
    found = {stated_values((value,)) for value in _any_of(there).findall(text)} if there else set()
    return found.pop() if len(found) == 1 else ()


@cache
def longest_first(values: tuple[str, ...]) -> list[str]:
    """Return the values that are looked for in titles, of plain numbers, in the order in which they are."""
    return sorted(filter(None, map(plain_numbers, values)), key=len, reverse=True)


@lru_cache(maxsize=2**10)
def _any_of(values: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds values in a text of plain numbers, earlier ones first and not inside of words and numbers."""
    return re.compile("|".join(map(alone_pattern, values)))


def alone_pattern(value: str) -> str:
    """Return the pattern of a value of plain numbers that is no part of a longer word or number."""
    before = BEFORE_WORD if re.match(LETTER, value) else ""
    before += BEFORE_NUMBER if value[0].isdecimal() else ""
    # A letter after a number is its unit.
    before += r"(?<!\d )" if re.fullmatch(LETTER, value) and not value.isdecimal() else ""
    after = f"(?!{LETTER})" if re.match(LETTER, value[-1]) else ""
    after += rf"(?!{MARK}\d|{UNIT_LETTER}{{0,2}}{JOINT}\d)" if value[-1].isdecimal() else ""
    after += rf"(?!{JOINT}\d)" if ENDS_IN_UNIT.search(value) else ""
    return before + " ?".join(map(re.escape, MAY_HAVE_BLANK.split(value))) + after
