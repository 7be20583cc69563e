import re
from pathlib import Path

import pytest

from tests.command_line import run_command

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "options/REFERENCE.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_there(page: Path) -> None:
    commands = re.findall(r"(?<![\w/])(scripts/[\w/.]+\.(?:py|sh))", page.read_text(encoding="utf-8"))
    assert [command for command in commands if not (ROOT / command).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_run_sh_that_a_page_names_is_there(page: Path) -> None:
    table = run_command().stdout
    known = {tuple(line.split()[:2]) for line in table.splitlines() if line.startswith("  ")}
    assert len(known) > 20
    named = re.findall(r"bash run\.sh ([a-z]+) ([a-z-]+)", page.read_text(encoding="utf-8"))
    assert [command for command in named if command not in known] == []


def test_every_page_is_linked_from_the_first_one() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = {str(page.relative_to(ROOT)) for page in PAGES} - {"README.md"}
    assert {name for name in names if f"({name})" not in readme} == set()
