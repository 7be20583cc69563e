from hypothesis import given
from hypothesis import strategies as st

from options.errors import UserError
from options.fault import shown
from options.printable import printable, quoted, shortened, without_credentials

ESCAPE = "\x1b[2J\x1b]0;title\x07\x9b31m\u202e\u2066\u200b\r\x00\ud83d"
ANY_TEXT = st.text(st.characters(codec=None, categories=None))


def test_control_direction_and_half_characters_are_written_out() -> None:
    assert printable("\x1b[31m") == "\\x1b[31m"
    assert printable("花\u202e😀\u3000\ud83d") == "花\\u202e😀\u3000\\ud83d"


def test_line_feeds_stay_in_messages_and_go_in_values() -> None:
    assert printable("a\nb") == "a\nb"
    assert shortened("a\nb") == "a\\nb"
    assert quoted("a\nb") == "'a\\nb'"


def test_long_values_are_cut() -> None:
    assert shortened("花" * 100) == "花" * 80 + "..."
    assert quoted("花" * 100) == "'" + "花" * 80 + "'..."
    assert shortened("花" * 80) == "花" * 80


def test_user_and_password_of_an_address_are_not_shown() -> None:
    assert without_credentials("http://someone:p@ss@host:19530") == "host:19530"
    assert without_credentials("http://host:19530") == "http://host:19530"


@given(text=ANY_TEXT)
def test_whatever_is_shown_cannot_steer_a_terminal(text: str) -> None:
    message = str(UserError(f"{text}{ESCAPE}"))
    for line in (*message.split("\n"), shortened(text + ESCAPE), quoted(text + ESCAPE), shown(text + ESCAPE)):
        assert not {"\x1b", "\x07", "\x9b", "\r", "\0", "\u202e", "\u2066", "\u200b"} & set(line)
        line.encode("utf-8")


@given(text=ANY_TEXT)
def test_making_printable_twice_changes_nothing_more(text: str) -> None:
    assert printable(printable(text)) == printable(text)
