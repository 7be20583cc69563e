from pathlib import Path

from engine.run_folder import run_folder


def test_the_names_in_a_run_folder_are_distinct_and_inside_it() -> None:
    folder = run_folder("63")
    assert folder.root == Path("experiments/63")
    paths = [path for name, path in vars(folder).items() if name != "root"]
    assert len(set(paths)) == len(paths) >= 10
    assert all(path.parent == folder.root for path in paths)
