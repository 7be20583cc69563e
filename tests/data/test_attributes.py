from data.attributes import clean_text, parse_attributes


def test_hash_signs_go_and_letters_become_lower_case_and_half_width() -> None:
    assert clean_text("#ＸＫ－１０１# Ⅻ ℃") == "xk-101 xii °C"


def test_lower_case_comes_before_normalisation() -> None:
    # ℃ has no lower case of its own; normalising first would give c.
    assert clean_text("25℃") == "25°C"


def test_values_of_both_notations_are_collected_by_name() -> None:
    assert parse_attributes("#品牌#:#某某#;#型号#:#XK-101#;", "#颜色分类#:#红#;") == {
        "品牌": ("某某",),
        "型号": ("xk-101",),
        "颜色分类": ("红",),
    }


def test_full_width_separators_separate_after_normalisation() -> None:
    assert parse_attributes("#品牌#：#某某#；#型号#:#A#", "") == {"品牌": ("某某",), "型号": ("a",)}


def test_the_first_colon_separates_and_further_ones_belong_to_the_value() -> None:
    assert parse_attributes("#比例#:#1:64#", "") == {"比例": ("1:64",)}


def test_values_of_a_repeated_name_are_distinct_in_order_of_first_appearance_across_both_notations() -> None:
    attributes = parse_attributes("#色#:#蓝#;#色#:#红#;#色#:#蓝#", "#色#:#绿#;#色#:#红#")
    assert attributes == {"色": ("蓝", "红", "绿")}


def test_values_that_are_equal_once_cleaned_count_once() -> None:
    assert parse_attributes("#型号#:#ＡＢ#;#型号#:#ab#", "") == {"型号": ("ab",)}


def test_empty_values_and_parts_without_a_colon_are_left_out() -> None:
    assert parse_attributes("#品牌#:##;无冒号;;#型号#:#x#", ";") == {"型号": ("x",)}


def test_nothing_gives_no_attributes() -> None:
    assert parse_attributes("", "") == {}
