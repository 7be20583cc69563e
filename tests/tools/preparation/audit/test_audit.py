import json
import re
from pathlib import Path

import pytest

import tools.preparation.audit
from data.image_pack import Stored
from data.loading import load_split
from data.split_overlap import overlap_message
from options.errors import UserError
from tests.tiny_data import SPLITS
from tests.tools.preparation.audit.clean_data import CleanData, item, make_clean_data, pair
from tests.tools.preparation.audit.plants import PLANTS, Plant
from tools.preparation.audit.finding import Severity
from tools.preparation.image_packing import PackSettings, pack_images


@pytest.fixture
def clean(tmp_path: Path) -> CleanData:
    return make_clean_data(tmp_path)


def load_and_read_images(data: CleanData, name: str) -> None:
    """Read a split as training does, from its first line to its last image."""
    options = data.options()
    files = options.data.split(name)
    assert files is not None
    split = load_split(files, options.data, options.reads, labelled=name != "test")
    split.items.batch(range(len(split.catalog)))


def test_nothing_is_found_in_clean_data(clean: CleanData) -> None:
    audit, log = clean.audit()
    assert log.findings == []
    assert log.worst == 0
    assert [(split.name, split.num_items, split.num_paired) for split in audit.splits] == [
        ("train", 8, 8), ("val", 8, 8), ("test", 8, 8),
    ]  # fmt: skip
    assert len(audit.images) == 24


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.kind} in {plant.split}")
def test_what_is_planted_is_found_and_nothing_else(clean: CleanData, plant: Plant) -> None:
    plant.change(clean)
    _, log = clean.audit(images=plant.kind.startswith(("image", "item", "overlap")))  # they take most of the time
    assert {finding.kind for finding in log.findings} == {plant.kind, *plant.also}
    assert {(finding.severity, finding.split) for finding in log.of_kind(plant.kind)} == {(plant.severity, plant.split)}
    assert log.worst == max(finding.severity for finding in log.findings)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.kind} in {plant.split}")
def test_a_fault_is_what_loading_refuses(clean: CleanData, plant: Plant) -> None:
    plant.change(clean)
    clean.write()
    if plant.severity == Severity.FAULT and not plant.still_loads:
        with pytest.raises(UserError):
            load_and_read_images(clean, plant.split)
    else:
        load_and_read_images(clean, plant.split)


def test_every_kind_that_the_code_names_is_planted() -> None:
    (folder,) = tools.preparation.audit.__path__
    code = "".join(file.read_text(encoding="utf-8") for file in Path(folder).glob("*.py"))
    pattern = r'"((?:file|item|attribute|title|pair|label|image|text|tokens|overlap|key)-[a-z-]+)"'
    assert {plant.kind for plant in PLANTS} == set(re.findall(pattern, code))


def test_many_faults_of_one_file_are_all_found_with_their_lines(clean: CleanData) -> None:
    clean.items["train"][2:2] = [b"{", item("a"), b"[]"]
    clean.pairs["train"] += [pair("a", "nobody", "0"), b"{}", pair("nothing", "nobody", "1")]
    _, log = clean.audit()
    assert [(f.kind, f.line) for f in log.findings] == [
        ("pair-malformed", 10), ("item-malformed", 3), ("item-repeated", 4), ("item-malformed", 5),
        ("pair-dangling", 9), ("pair-dangling", 11), ("pair-dangling", 11),
    ]  # fmt: skip
    assert "already on line 1" in log.of_kind("item-repeated")[0].message
    assert [f.items for f in log.of_kind("pair-dangling")] == [("nobody",), ("nothing",), ("nobody",)]


def test_a_pair_of_a_malformed_item_does_not_dangle(clean: CleanData) -> None:
    clean.item("a")["title"] = 5
    _, log = clean.audit()
    assert [f.kind for f in log.findings] == ["item-malformed"]


def test_what_is_wrong_with_an_item_that_no_pair_names_is_a_note(clean: CleanData) -> None:
    clean.items["train"].append(item("z", title=""))
    _, log = clean.audit()
    assert {f.kind for f in log.findings} == {"item-unpaired", "item-no-title", "image-missing"}
    assert log.worst == Severity.NOTE
    load_and_read_images(clean, "train")


def test_splits_may_share_an_item_file(clean: CleanData) -> None:
    clean.items["train"] += clean.items["val"] + clean.items["test"]
    for split in ("val", "test"):
        clean.tree["data"][split]["items"] = clean.tree["data"]["train"]["items"]
    clean.item("i")["title"] = ""
    audit, log = clean.audit()
    assert [(f.kind, f.split) for f in log.findings] == [("item-no-title", "val")]
    assert [(split.num_items, split.num_paired, len(split.items)) for split in audit.splits] == [(24, 8, 8)] * 3


def test_blank_images_make_unreadable_ones_warnings(clean: CleanData) -> None:
    clean.tree["data"]["image"]["on_bad_image"] = "blank"
    clean.image("c").unlink()
    _, log = clean.audit()
    assert [(f.kind, f.severity) for f in log.findings] == [("image-missing", Severity.WARNING)]
    load_and_read_images(clean, "train")


def test_what_the_model_does_not_read_is_not_looked_at(clean: CleanData) -> None:
    clean.item("a")["title"] = "<b>"
    clean.image("a").unlink()
    clean.tree["model"]["text_encoder"] = None
    assert [f.kind for f in clean.audit()[1].findings] == ["image-missing"]
    assert clean.audit(images=False)[1].findings == []
    clean.tree["model"] |= {"text_encoder": clean.tree["model"]["image_encoder"], "image_encoder": None}
    clean.tree["model"]["text_encoder"] = {"name": "transformers", "architecture": "some/name", "weights": "random"}
    assert [f.kind for f in clean.audit()[1].findings] == ["title-html"]


def test_overlap_is_found_where_training_refuses_it(clean: CleanData) -> None:
    clean.items["val"].append(item("b"))
    clean.pairs["val"].append(pair("b", "i", "0"))
    clean.item("j").update(item("d", item_id="j"))
    _, log = clean.audit()
    data, reads = clean.options().data, clean.options().reads
    assert data.train is not None
    assert data.val is not None
    train, val = load_split(data.train, data, reads, True), load_split(data.val, data, reads, True)
    message = overlap_message(train, val)
    assert message is not None
    assert "2 of its 9 items" in message
    found = [f for f in log.findings if f.severity == Severity.FAULT]
    assert sorted(f.items for f in found) == [("b", "b"), ("j", "d")]


def test_a_tokenizer_that_is_not_there_and_an_option_file_without_splits_are_user_errors(clean: CleanData) -> None:
    clean.tree["data"]["text"]["tokenizer"] = "no/such-tokenizer"
    with pytest.raises(UserError, match=r"data\.text\.tokenizer"):
        clean.audit()
    for split in ("train", "val", "test"):
        clean.tree["data"][split] = None
    with pytest.raises(UserError, match="nothing to audit"):
        clean.audit()


def test_details_are_a_line_of_json_a_finding(clean: CleanData) -> None:
    clean.item("a")["title"] = "<b>\x1b[2J\u202e\x9b"
    _, log = clean.audit()
    lines = log.details.getvalue().splitlines()
    assert len(lines) == len(log.findings) == 3
    assert all(line.isprintable() for line in lines)
    assert {json.loads(line)["kind"] for line in lines} == {"title-html", "title-control-signs", "title-bidi-marks"}


def use_pack(data: CleanData, kind: Stored) -> Path:
    """Pack the images and let all splits read the pack."""
    pack = data.folder / f"{kind}.pack"
    size = data.options().data.image.size
    pack_images(data.folder / "images", pack, [], PackSettings(kind, size, follow_links=False), processes=1)
    for split in SPLITS:
        data.tree["data"][split]["images"] = str(pack)
    return pack


def test_a_pack_is_audited_as_the_folder_it_was_made_of(clean: CleanData) -> None:
    clean.image("a").write_bytes(clean.image("a").read_bytes()[:90])
    clean.image("b").write_bytes(b"\0\0\0 ftypheic" + bytes(50))
    clean.image("c").unlink()
    clean.image("i").write_bytes(clean.image("d").read_bytes())
    clean.image("q").rename(clean.image("q").with_suffix(".jpg"))
    clean.image("r").write_bytes(b"")
    folder_audit, folder_log = clean.audit()
    use_pack(clean, "files")
    audit, log = clean.audit()
    assert {f.kind for f in log.findings} == {
        "image-broken", "image-unsupported", "image-missing", "overlap-image", "image-suffix",
    }  # fmt: skip
    assert log.findings == folder_log.findings
    ours, theirs = ({name: facts._replace(file="") for (_, name), facts in found.images.items()}
                    for found in (audit, folder_audit))  # fmt: skip
    assert ours == theirs


def test_a_pack_of_pixels_is_refused_with_what_to_do(clean: CleanData) -> None:
    pack = use_pack(clean, "pixels")
    with pytest.raises(UserError, match=rf"{pack}: holds pixels.*data\.train\.images=FOLDER.*--no-images"):
        clean.audit()
    _, log = clean.audit(images=False)
    assert log.findings == []
