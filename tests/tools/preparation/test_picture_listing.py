from pathlib import Path

import pytest

from options.errors import UserError
from tools.preparation.picture_listing import list_pictures


def test_files_of_one_stem_are_grouped_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/x.jpg", "a/x.SS2", "x.PNG", "y.gif", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    listing = list_pictures(tmp_path)
    assert listing.groups == {"x": ("a/x.SS2", "b/x.jpg", "x.PNG"), "y": ("y.gif",)}
    assert list(listing.ignored) == ["notes.txt"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        list_pictures(tmp_path / "none")
