from pathlib import Path

import pytest

from tests.tools.preparation.audit.clean_data import encoded
from tests.tools.preparation.audit.generated_data import GeneratedData
from tests.tools.preparation.audit.reference import statements
from tests.tools.preparation.audit.trial import AuditTrial


def test_the_audit_finds_whatever_ends_training_or_is_read_by_nothing_and_nothing_in_clean_files(
    tmp_path: Path,
) -> None:
    tally = AuditTrial(tmp_path).try_on(clean=25, slipped=75)
    assert tally.missed == []
    assert tally.num_clean == 25
    assert min(tally.num_ending, tally.num_unread) > 10  # else nothing was tried


def test_the_trial_notices_an_audit_that_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tools.preparation.audit.trial.audit_data", lambda *_, **__: None)
    tally = AuditTrial(tmp_path).try_on(clean=1, slipped=20)
    assert len(tally.missed) >= tally.num_ending + tally.num_unread > 10


@pytest.mark.parametrize(
    ("notation", "expected"),
    [
        ("#品牌#:#木岚#;#型号#:#x#", [("品牌", "木岚"), ("型号", "x")]),
        ("#尺寸#:#长：10cm；宽：5cm#;", [("尺寸", "长:10cm;宽:5cm")]),
        ("＃品牌 ＃：＃木岚＃；", [("品牌 ", "木岚")]),
        ("品牌：木岚;红;:x", [("品牌", "木岚"), (None, "红"), (None, ":x")]),
        ("#品牌#:#a##型号#:#b#", [("品牌", "a"), ("型号", "b")]),
        ("#品牌#:##;;", [("品牌", "")]),
        ("品牌=木岚", [(None, "品牌=木岚")]),
    ],
)
def test_a_reader_goes_by_the_marks_and_elsewhere_by_colons(
    notation: str, expected: list[tuple[str | None, str]]
) -> None:
    assert list(statements(notation)) == expected


def test_generated_files_hold_their_lines_as_they_stand(tmp_path: Path) -> None:
    data = GeneratedData({"train": [{"item_id": "\ud83d"}, b"\xff\n"]}, {"train": []}, line_end=b"\r\n")
    data.write(tmp_path)
    assert (tmp_path / "item_train_info.jsonl").read_bytes() == b'{"item_id": "\\ud83d"}\r\n\xff\n'
    assert encoded("花") == '"花"'.encode()
