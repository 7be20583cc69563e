"""Write the reference page of all options, or check that it is up to date.

python scripts/describe_options.py [--check]
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.experiment import ExperimentOptions
from options.reference import reference_markdown

REFERENCE = Path(__file__).parents[1] / "options" / "REFERENCE.md"


def main() -> None:
    """Write options/REFERENCE.md; with --check, exit with status 1 where it differs instead."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is stale")
    check: bool = parser.parse_args().check
    text = reference_markdown(ExperimentOptions)
    if REFERENCE.exists() and REFERENCE.read_text(encoding="utf-8") == text:
        print(f"{REFERENCE.name} is up to date")
    elif check:
        sys.exit(f"{REFERENCE.name} is stale; run python scripts/describe_options.py")
    else:
        temporary = REFERENCE.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(REFERENCE)
        print(f"wrote {REFERENCE.name}")


if __name__ == "__main__":
    main()
