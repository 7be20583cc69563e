"""Exit with 1 and a list if this Python lacks what a requirements file pins: missing_requirements.py FILE.

Needs nothing but the standard library, since it runs before anything is installed.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def pins(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and version of every `name==version` line, those of files included by `-r` first."""
    for line in file.read_text(encoding="utf-8").splitlines():
        requirement = line.split("#")[0].strip()
        if requirement.startswith("-r "):
            yield from pins(file.parent / requirement.removeprefix("-r ").strip())
        elif requirement:
            name, _, wanted = requirement.partition("==")
            yield name, wanted


def missing(file: Path) -> list[str]:
    """Return a line for each pin that is not met; a build tag such as +cpu makes no difference."""
    lines = []
    for name, wanted in pins(file):
        try:
            found = version(name).partition("+")[0]
        except PackageNotFoundError:
            lines.append(f"{name}=={wanted} is not installed")
            continue
        if found != wanted:
            lines.append(f"{name}=={wanted} is wanted, {found} is installed")
    return lines


if __name__ == "__main__":
    faults = missing(Path(sys.argv[1]))
    print("\n".join(faults), end="\n" if faults else "")
    sys.exit(1 if faults else 0)
