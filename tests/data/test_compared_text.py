import resource
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.compared_text import compared

ANY_TEXT = st.text(
    st.characters(codec=None, categories=None) | st.sampled_from(list("\u200d\u00ad\u0301\u0345\u00a8eα 　Ａß—－-")),
    max_size=12,
)

SEEN = {major + minor for major, minors in {"L": "lmotu", "M": "cen", "N": "dlo", "P": "cdefios", "S": "ckmo"}.items()
        for minor in minors} | {"Cn", "Co", "Cs"}  # fmt: skip
"""Unicode's categories of what can be seen, and of code points that mean nothing to Unicode."""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("红色", "红色 "),
        ("红色", "\u3000红\u200b色\n"),
        ("32㎇", "32GB"),
        ("32 gb", "３２ＧＢ"),
        ("XK\u2011101", "XK-101"),
        ("xk—101", "XK－101"),
        ("−5", "-5"),
        ("XK\u00ad101", "XK101"),
        ("\ufeff木岚", "木岚"),
        ("STRASSE", "straße"),
        ("①\ufe0f", "1"),
        ("café", "cafe\u200d\u0301"),
        ("", " \u200b\u3000"),
    ],
)
def test_texts_that_say_the_same_have_one_form(one: str, other: str) -> None:
    assert compared(one) == compared(other)


@pytest.mark.parametrize(
    ("one", "other"), [("红", "蓝"), ("XK-101", "XK101"), ("コーヒ", "コ-ヒ"), ("é", "e"), ("1", "-1")]
)
def test_texts_that_say_something_else_have_another_form(one: str, other: str) -> None:
    assert compared(one) != compared(other)


def test_the_form_of_plain_letters_is_themselves() -> None:
    assert compared("xk-101 花瓶") == "xk-101花瓶"


def test_of_every_character_the_form_is_its_own_form_with_nothing_that_is_not_seen() -> None:
    forms = {compared(chr(code)) for code in (*range(0x20000), *range(0xE0000, 0xE0200))}
    for form in forms:
        assert compared(form) == form
        assert {unicodedata.category(character) for character in form} <= SEEN
        assert "-" in form or not any(unicodedata.category(character) == "Pd" for character in form)


@settings(deadline=None, max_examples=300)
@given(text=ANY_TEXT)
def test_of_any_text_the_form_is_its_own_form(text: str) -> None:
    form = compared(text)
    assert compared(form) == form == compared(unicodedata.normalize("NFC", text)) == compared(f" {text}\u200b")


@pytest.mark.parametrize("text", ["a" + "\u0301\u200d\u0323" * 100_000, "花 " * 1_000_000], ids=["marks", "blanks"])
def test_megabytes_are_compared_within_seconds(text: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    compared(text)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 4
