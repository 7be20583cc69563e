import pytest
import typer

from scripts.arguments import SeedsCommand, positive


@pytest.mark.parametrize("text", ["0", "-1", "x", "inf", "nan"])
def test_no_positive_number_is_refused(text: str) -> None:
    assert positive("0.5") == 0.5
    with pytest.raises((typer.BadParameter, ValueError)):
        positive(text)


@pytest.mark.parametrize(
    ("arguments", "seeds"),
    [
        (["a.yml", "--seeds", "3", "0", "b.yml", "7"], [3, 0]),
        (["--seeds", "1", "--seeds", "2", "a.yml", "b.yml", "7"], [1, 2]),
        (["a.yml", "b.yml", "7"], [5]),
    ],
)
def test_seeds_are_the_numbers_in_a_row_after_their_option(
    arguments: list[str], seeds: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer()

    @app.command(cls=SeedsCommand)
    def show(files: list[str], seeds: list[int] = [5]) -> None:  # noqa: B006 - not changed
        print(files, seeds)

    app(arguments, standalone_mode=False)
    assert capsys.readouterr().out == f"{['a.yml', 'b.yml', '7']} {seeds}\n"
