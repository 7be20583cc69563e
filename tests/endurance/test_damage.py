from collections import Counter
from pathlib import Path

import pytest

from tests.endurance.damage import DAMAGES, Damage

CONTENT = bytes(range(200)) * 20
FILES = {damage.file for damage in DAMAGES}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.title)
def test_each_damage_changes_its_file_and_no_other(damage: Damage, tmp_path: Path) -> None:
    for file in FILES:
        (tmp_path / file).write_bytes(CONTENT)
    damage.do(tmp_path)
    damaged = tmp_path / damage.file
    after = damaged.read_bytes() if damaged.exists() else None
    assert after != CONTENT
    if damage.kind == "cut short":
        assert after is not None
        assert CONTENT.startswith(after)
    if damage.kind == "a bit turned":
        assert after is not None
        assert sum((one ^ other).bit_count() for one, other in zip(after, CONTENT, strict=True)) == 1
    assert all((tmp_path / file).read_bytes() == CONTENT for file in FILES - {damage.file})


def test_every_file_is_damaged_and_no_damage_comes_twice() -> None:
    assert len({damage.title for damage in DAMAGES}) == len(DAMAGES)
    assert len(FILES) == 4
    assert Counter(damage.kind for damage in DAMAGES)["cut short"] == 6
