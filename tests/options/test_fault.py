from options.fault import COMMAND_LINE, Fault, Place, dotted, listed, shown
from options.printable import LONGEST_SHOWN


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
