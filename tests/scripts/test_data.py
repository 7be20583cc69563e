import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.command_line import Ended, run_command
from tests.tiny_data import write_lines
from tests.tools.preparation.audit.clean_data import CleanData, make_clean_data, noise_picture, pair
from tools.preparation.demo.write import is_demo_data
from tools.preparation.extraction import ExtractionLimits

ROOT = Path(__file__).parents[2]


def demo(out: Path, *arguments: object) -> Ended:
    return run_command("data", "demo", "--out", out, "--processes", 1, "--image-size", 16, *arguments)


def test_a_finished_demo_is_left_alone_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    made = demo(out, "--items", 30)
    assert made.status == 0
    assert made.stdout.splitlines()[0].split() == ["pairs", "train", "val", "test"]
    assert "positive" in made.stdout
    products = (out / "products.jsonl").read_bytes()
    assert "already there" in demo(out, "--items", 60).stdout
    assert (out / "products.jsonl").read_bytes() == products
    assert demo(out, "--items", 60, "--force").status == 0
    assert (out / "products.jsonl").read_bytes() != products


def test_two_processes_at_once_make_the_demo_once(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    command = [sys.executable, "-m", "scripts", "data", "demo", "--out", str(out), "--items", "60"]
    runs = [
        subprocess.Popen([*command, "--image-size", "16"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sorted("already there" in text for text in printed) == [False, True]
    assert is_demo_data(out)


@pytest.mark.parametrize("arguments", [("--items", 0), ("--seed", -1), ("--image-size", 4), ("--processes", 0)])
def test_wrong_numbers_of_a_demo_end_with_status_2(tmp_path: Path, arguments: tuple[str, int]) -> None:
    ended = demo(tmp_path / "demo", *arguments)
    assert ended.status == 2
    assert arguments[0] in ended.stderr


def test_a_demo_that_cannot_be_written_ends_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = demo(tmp_path / "file" / "demo", "--items", 30)
    assert ended.status == 2
    assert "demo.lock: cannot be written" in ended.stderr


@pytest.fixture
def items(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "items.jsonl", [{"item_id": "1", "item_pvs": "#品牌#:#a#;#型号#:#b#;"}])


def test_the_attributes_are_printed_and_written_to_a_folder_that_is_made(items: Path, tmp_path: Path) -> None:
    line = 'attributes: ["品牌", "型号"]\n'
    ended = run_command("data", "attributes", items, items, "--output", tmp_path / "new" / "a.yml")
    assert ended.stdout == "items            2\nattribute names  2\n品牌             2\n型号             2\n" + line
    assert (tmp_path / "new" / "a.yml").read_text("utf-8") == line
    assert run_command("data", "attributes", items, "--top", 1).stdout.endswith('attributes: ["品牌"]\n')


def test_attributes_that_cannot_be_written_or_chosen_end_with_status_2(items: Path) -> None:
    ended = run_command("data", "attributes", items, "--output", items / "a.yml")
    assert ended.status == 2
    assert "a.yml: cannot be written" in ended.stderr
    assert run_command("data", "attributes", items, "--top", 0).status == 2


@pytest.mark.parametrize(
    "wrong", [("--seed", -1), ("--seed", 2**31), ("--ratio", 0), ("--ratio", "inf"), ("--ratio", "nan"), ("--way", "x")]
)
def test_a_split_refuses_wrong_arguments(items: Path, wrong: tuple[object, ...]) -> None:
    ended = run_command("data", "split", items, "pairs", "out", *wrong)
    assert ended.status == 2
    assert f"'{wrong[0]}'" in ended.stderr


def test_a_split_is_told_as_a_table(tmp_path: Path) -> None:
    records = [{"item_id": str(n), "title": f"title {n}", "item_image_name": f"{n}.jpg"} for n in range(80)]
    pairs = [{"src_item_id": str(n), "tgt_item_id": str(n + 1), "item_label": str(n // 2 % 2)} for n in range(0, 80, 2)]
    files = write_lines(tmp_path / "items.jsonl", records), write_lines(tmp_path / "pairs.jsonl", pairs)
    ended = run_command("data", "split", *files, tmp_path / "out", "--ratio", 3)
    assert ended.status == 0
    table = [line.rsplit(maxsplit=1) for line in ended.stdout.splitlines()]
    assert table[0][-1] == str(len((tmp_path / "out" / "pair_train.jsonl").read_bytes().splitlines())) == "30"
    assert table[3] == ["training : validation", "3.0000"]
    assert "validation items with an image of training  not checked" in ended.stdout


def test_archives_are_extracted_within_the_limits(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("b.txt", "b")
        archive.writestr("c.txt", "c")
    out = tmp_path / "out"
    ended = run_command("data", "extract", tmp_path / "a.zip", tmp_path, out)
    assert ended.stdout == f"{out / 'a'}: 2 files extracted, 0 kept, from 1 part(s)\n"
    refused = run_command("data", "extract", tmp_path / "a.zip", tmp_path / "other", "--max-files", 1)
    assert refused.status == 2
    assert not (tmp_path / "other").exists()
    limits = run_command("data", "extract", "--help").stdout
    for limit in (ExtractionLimits().max_files, ExtractionLimits().max_bytes, ExtractionLimits().max_ratio):
        assert f"[default: {limit}" in limits


@pytest.mark.parametrize("more", [["--items"], []])
def test_a_pack_takes_several_item_files(tmp_path: Path, more: list[str]) -> None:
    (tmp_path / "images").mkdir()
    files = []
    for name in ("a", "b", "c"):
        noise_picture(0, 24, 20).save(tmp_path / "images" / f"{name}.png")
        files.append(write_lines(tmp_path / f"{name}.jsonl", [{"item_id": name, "item_image_name": f"{name}.png"}]))
    arguments = [tmp_path / "images", tmp_path / "images.pack", "--items", files[0], *more, files[1], "--workers", 1]
    ended = run_command("data", "pack", *arguments)
    assert ended.status == 0, ended.stderr
    assert ended.stdout.splitlines()[0].split() == ["images", "2"]
    assert run_command("data", "pack", *arguments[:2], files[0]).status == 2


@pytest.fixture
def clean(tmp_path: Path) -> CleanData:
    return make_clean_data(tmp_path)


def audit(data: CleanData, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Ended:
    """Run the command in the data's folder."""
    data.write()
    (data.folder / "options.yml").write_text(yaml.safe_dump(data.tree, allow_unicode=True), encoding="utf-8")
    monkeypatch.chdir(data.folder)
    return run_command("data", "audit", "options.yml", "--workers", "1", *arguments)


def details(file: Path) -> list[str]:
    return [json.loads(line)["kind"] for line in file.read_text(encoding="utf-8").splitlines()]


def test_the_exit_status_of_an_audit_is_that_of_the_gravest_finding(
    clean: CleanData, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = clean.folder / "experiments" / "tiny" / "audit.jsonl"
    assert audit(clean, monkeypatch).status == 0
    assert details(file) == []
    clean.item("a")["cate_name"] = ""
    assert audit(clean, monkeypatch).status == 0
    assert details(file) == ["item-no-category"]
    clean.pairs["val"].append(pair("i", "j", "1"))
    assert audit(clean, monkeypatch).status == 1
    clean.image("a").unlink()
    assert audit(clean, monkeypatch).status == 3
    assert details(file) == ["pair-repeated", "item-no-category", "image-missing"]
    assert audit(clean, monkeypatch, "--no-images").status == 1


def test_overrides_and_the_file_of_details_are_arguments(clean: CleanData, monkeypatch: pytest.MonkeyPatch) -> None:
    clean.image("a").unlink()
    ended = audit(clean, monkeypatch, "data.image.on_bad_image=blank", "--details", "found.jsonl")
    assert ended.status == 1
    assert details(clean.folder / "found.jsonl") == ["image-missing"]
    assert not (clean.folder / "experiments").exists()
    assert "item_train_info.jsonl:1: image 'a.png' of item 'a': does not exist" in ended.stdout
    assert ended.stdout.endswith("0 faults, 1 warning, 0 notes; all of them: found.jsonl\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data.wrong=1"], "data.wrong"),
        (["data.text.tokenizer=no/such-tokenizer"], "data.text.tokenizer"),
        (["data.train=null", "data.val=null", "data.test=null"], "nothing to audit"),
        (["--details", "."], ".: cannot be written: Is a directory"),
        (["--workers", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_options_end_with_status_2_and_leave_earlier_details_alone(
    clean: CleanData, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    file = clean.folder / "experiments" / "tiny" / "audit.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("earlier")
    ended = audit(clean, monkeypatch, *arguments)
    assert ended.status == 2
    assert message in ended.stderr
    assert file.read_text() == "earlier"
    assert [*file.parent.iterdir()] == [file]


def test_wrong_options_of_an_audit_wait_for_no_torch() -> None:
    code = (
        "import sys; from tests.command_line import run_command;"
        "ended = run_command('data', 'audit', 'options/demo.yml', 'data.wrong=1');"
        "assert 'data.wrong' in ended.stderr, ended;"
        "sys.exit(bool({'torch', 'transformers'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
