"""The notebook runs on a run of the demo, and its outputs are kept."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.command_server import ROOT, run

NOTEBOOK = ROOT / "docs/first_steps.ipynb"
QUICK = (
    "train.steps=30",
    "train.schedule.periods=[30]",
    "train.evaluate_every=30",
    "train.save_every=30",
    "data.workers=0",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with demo data of few items and a run of few steps."""
    folder = tmp_path_factory.mktemp("demo")
    for command in (
        ["-m", "scripts", "data", "demo", "--out", "datasets/demo", "--items", "120"],
        [str(ROOT / "train.py"), str(ROOT / "options/demo.yml"), "log.tensorboard=false", *QUICK],
    ):
        run(command, cwd=folder).check_returncode()
    return folder


def outputs(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells give: texts, and the names of the other things."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            found.append(output.text if output.output_type == "stream" else "image/png" in output.data)
    return found


def test_the_notebook_runs_as_it_is(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    kept = outputs(notebook)
    client = NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(demo)}})
    ran = outputs(client.execute())
    without_numbers = [
        [re.sub(r"\d", "", text)[:20] if isinstance(text, str) else text for text in o] for o in (kept, ran)
    ]
    assert len(kept) == len(ran)
    assert kept.count(True) == 2
    assert [type(output) for output in kept] == [type(output) for output in ran]
    assert without_numbers[0][0] == without_numbers[1][0]


def test_the_example_of_the_readme_runs(demo: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(code) == 1
    ended = run(["-c", code[0]], cwd=demo)
    assert re.fullmatch(r"\[ ?(True|False)\] -?\d+\.\d+(e-\d+)?\n", ended.stdout), ended.stderr
