import subprocess
import sys

import pytest

from scripts import make_demo_data
from tools.preparation.demo.write import is_demo_data


@pytest.fixture
def run(monkeypatch, tmp_path):
    def call(*arguments):
        words = ["make_demo_data", "--out", str(tmp_path / "demo"), "--processes", "1", *arguments]
        monkeypatch.setattr(sys, "argv", words)
        make_demo_data.main()

    return call


def test_a_finished_folder_is_left_alone_unless_forced(run, tmp_path, capsys):
    run("--items", "30", "--image-size", "16")
    assert "positive" in capsys.readouterr().out
    products = (tmp_path / "demo" / "products.jsonl").read_bytes()
    run("--items", "60", "--image-size", "16")
    assert "already there" in capsys.readouterr().out
    assert (tmp_path / "demo" / "products.jsonl").read_bytes() == products
    run("--items", "60", "--image-size", "16", "--force")
    assert (tmp_path / "demo" / "products.jsonl").read_bytes() != products


def test_two_processes_at_once_make_it_once(tmp_path):
    command = [sys.executable, make_demo_data.__file__, "--out", "demo", "--items", "60", "--image-size", "16"]
    runs = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sorted("already there" in text for text in printed) == [False, True]
    assert is_demo_data(tmp_path / "demo")


def test_a_wrong_number_ends_with_status_2(run, capsys):
    with pytest.raises(SystemExit) as end:
        run("--items", "0")
    assert end.value.code == 2
    assert "at least 1" in capsys.readouterr().err


def test_the_rates_of_naming_are_options(run, tmp_path):
    run("--items", "30", "--image-size", "16", "--name-brand", "0")
    text = (tmp_path / "demo" / "item_train_info.jsonl").read_text(encoding="utf-8")
    assert "品牌" not in text


def test_a_rate_above_1_ends_with_status_2(run, capsys):
    with pytest.raises(SystemExit) as end:
        run("--name-colour", "1.5")
    assert end.value.code == 2
    assert "colour" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_ends_with_status_2(run, tmp_path, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as end:
        run("--out", str(tmp_path / "file" / "demo"), "--items", "30", "--image-size", "16")
    assert end.value.code == 2
    assert "demo.lock: cannot be written" in capsys.readouterr().err
