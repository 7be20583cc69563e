from options.table import aligned_figures, aligned_rows

ROWS = [("", "train", "the first"), ("long name", "1", "x"), ("b", "", ""), ("c", "12", "yy")]


def test_names_stand_to_the_left_and_numbers_to_the_right() -> None:
    assert aligned_rows(ROWS, left=(0, 2)).splitlines() == [
        "           train  the first",
        "long name      1  x",
        "b",
        "c             12  yy",
    ]


def test_a_line_as_wide_as_the_columns_stands_below_the_headings_of_a_ruled_table() -> None:
    lines = aligned_rows(ROWS, ruled=True).splitlines()
    assert lines[1] == "---------  -----  ---------"
    assert [line for line in lines if "-" not in line] == aligned_rows(ROWS).splitlines()


def test_chinese_characters_count_as_two_columns() -> None:
    assert aligned_rows([("花瓶", "1"), ("vase", "22")]).splitlines() == ["花瓶   1", "vase  22"]


def test_figures_are_written_each_in_its_way() -> None:
    assert aligned_figures({"items": 12_345, "F1": 0.5, "way": "drop-seen"}).splitlines() == [
        "items     12,345",
        "F1        0.5000",
        "way    drop-seen",
    ]
