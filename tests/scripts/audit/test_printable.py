import pytest

from scripts.audit.printable import escaped, printable, quoted


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\n", "\x7f", "\x9b", "\u202e", "\u2066", "\ud83d", "\U000e0001"])
def test_no_sign_that_steers_a_terminal_is_left(sign: str) -> None:
    for shown in (escaped(f"花{sign}瓶"), printable(f"花{sign}瓶", 50), quoted(f"花{sign}瓶")):
        assert shown.isprintable()
        assert "花\\" in shown
        assert shown.encode("utf-8")
    assert escaped(f"花{sign}瓶").encode("ascii", "ignore").decode("unicode_escape") == sign


def test_printable_text_stays_as_it_is() -> None:
    assert printable("花瓶 XK-1 'é' 😀", 50) == "花瓶 XK-1 'é' 😀"


def test_a_long_text_is_cut_before_it_is_escaped() -> None:
    assert printable("花" * 10**7, 5) == "花花花花花…"
    assert printable("花" * 5, 5) == "花花花花花"
    assert quoted("\x1b" * 10**7, 2) == r"'\x1b\x1b…'"
