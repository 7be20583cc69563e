import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts import audit_data
from tests.tools.preparation.audit.clean_data import CleanData, make_clean_data, pair

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clean(tmp_path: Path) -> CleanData:
    return make_clean_data(tmp_path)


def run(data: CleanData, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in the data's folder and return its exit status."""
    data.write()
    (data.folder / "options.yml").write_text(yaml.safe_dump(data.tree, allow_unicode=True), encoding="utf-8")
    monkeypatch.chdir(data.folder)
    monkeypatch.setattr(sys, "argv", ["audit_data.py", "options.yml", "--workers", "1", *arguments])
    with pytest.raises(SystemExit) as end:
        audit_data.main()
    assert isinstance(end.value.code, int)
    return end.value.code


def details(file: Path) -> list[str]:
    return [json.loads(line)["kind"] for line in file.read_text(encoding="utf-8").splitlines()]


def test_the_exit_status_is_that_of_the_gravest_finding(clean: CleanData, monkeypatch: pytest.MonkeyPatch) -> None:
    file = clean.folder / "experiments" / "tiny" / "audit.jsonl"
    assert run(clean, monkeypatch) == 0
    assert details(file) == []
    clean.item("a")["cate_name"] = ""
    assert run(clean, monkeypatch) == 0
    assert details(file) == ["item-no-category"]
    clean.pairs["val"].append(pair("i", "j", "1"))
    assert run(clean, monkeypatch) == 1
    clean.image("a").unlink()
    assert run(clean, monkeypatch) == 3
    assert details(file) == ["pair-repeated", "item-no-category", "image-missing"]
    assert run(clean, monkeypatch, "--no-images") == 1


def test_overrides_and_the_file_of_details_are_arguments(
    clean: CleanData, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clean.image("a").unlink()
    assert run(clean, monkeypatch, "data.image.on_bad_image=blank", "--details", "found.jsonl") == 1
    assert details(clean.folder / "found.jsonl") == ["image-missing"]
    assert not (clean.folder / "experiments").exists()
    output = capsys.readouterr().out
    assert "item_train_info.jsonl:1: image 'a.png' of item 'a': does not exist" in output
    assert output.endswith("0 faults, 1 warning, 0 notes; all of them: found.jsonl\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data.wrong=1"], "data.wrong"),
        (["data.text.tokenizer=no/such-tokenizer"], "data.text.tokenizer"),
        (["data.train=null", "data.val=null", "data.test=null"], "nothing to audit"),
        (["--details", "."], ".: cannot be written: Is a directory"),
        (["--workers", "0"], "at least 1"),
    ],
)
def test_wrong_options_end_with_status_2_and_leave_earlier_details_alone(
    clean: CleanData,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    file = clean.folder / "experiments" / "tiny" / "audit.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("earlier")
    assert run(clean, monkeypatch, *arguments) == 2
    assert message in capsys.readouterr().err
    assert file.read_text() == "earlier"
    assert [*file.parent.iterdir()] == [file]


def test_help_and_wrong_options_wait_for_no_torch() -> None:
    code = "import sys, runpy; sys.argv = ['audit_data.py', '--help']\n" + (
        "try: runpy.run_path('scripts/audit_data.py', run_name='__main__')\n"
        "finally: assert not {'torch', 'transformers'} & set(sys.modules), 'imported'"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "Exit status: 0 nothing worse than notes" in result.stdout
