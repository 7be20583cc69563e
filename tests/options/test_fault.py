from options.fault import COMMAND_LINE, Fault, Place, dotted, listed, nearest, nearest_path, shown
from options.printable import LONGEST_SHOWN

PATHS = ["train", "train.steps", "train.optimizer.lr", "evaluate.batch_size", "data.text.max_tokens"]


def test_paths_are_written_as_on_the_command_line() -> None:
    assert dotted(("train", "optimizer", "betas", 1)) == "train.optimizer.betas[1]"
    assert dotted(()) == ""


def test_keys_that_would_mislead_are_quoted() -> None:
    assert dotted(("a.b", "", "c\nd", "品牌")) == '"a.b".""."c\\nd".品牌'


def test_long_values_are_cut() -> None:
    assert shown(["品牌", None, True]) == '["品牌", null, true]'
    assert len(shown("x" * 1000)) == LONGEST_SHOWN


def test_one_fault_is_one_line() -> None:
    assert listed([Fault(Place("a.yml", 3), ("seed",), "is odd")]) == "a.yml:3: seed: is odd"
    assert listed([Fault(Place("a.yml"), (), "is odd")]) == "a.yml: is odd"


def test_several_faults_are_sorted_by_line_with_the_command_line_last() -> None:
    faults = [
        Fault(COMMAND_LINE, ("a",), "x"),
        Fault(Place("z.yml", 10), ("b",), "y"),
        Fault(Place("z.yml", 9), ("c",), "y"),
        Fault(Place("z.yml", 9), ("c",), "y"),
    ]
    assert listed(faults) == "the options have 3 faults\n  z.yml:9: c: y\n  z.yml:10: b: y\n  command line: a: x"


def test_similar_words_are_found_and_others_are_not() -> None:
    assert nearest("stpes", ["steps", "seed"]) == "steps"
    assert nearest("Batch-Size", ["batch_size"]) == "batch_size"
    assert nearest("zzz", ["steps", "seed"]) is None


def test_key_of_the_same_section_wins() -> None:
    assert nearest_path("step", "train", ["steps", "optimizer"], PATHS) == "train.steps"
    assert nearest_path("trian", "", ["train"], PATHS) == "train"


def test_key_of_another_section_is_found_by_its_last_part() -> None:
    assert nearest_path("lr", "train", ["steps", "optimizer"], PATHS) == "train.optimizer.lr"
    assert nearest_path("max_token", "", ["train"], PATHS) == "data.text.max_tokens"
    assert nearest_path("zzz", "", ["train"], PATHS) is None


def test_one_wrong_letter_of_a_two_letter_key_is_forgiven() -> None:
    assert nearest("lx", ["name", "lr", "betas"]) == "lr"
    assert nearest("xx", ["name", "lr", "betas"]) is None


def test_of_equally_like_words_the_first_is_meant() -> None:
    assert nearest("tet", ["test", "text"]) == "test"
    assert nearest("tet", ["text", "test"]) == "text"
