"""Print the attribute names that most items have, and the list for data.text.attributes of an option file."""

import argparse
import json
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.disk import whole_file
from options.errors import UserError, exit_on_user_error
from scripts.arguments import aligned, at_least_one
from tools.preparation.attribute_counts import count_attributes, most_frequent


@exit_on_user_error()
def main() -> None:
    """Parse the command line, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("items", type=Path, nargs="+", help="item files")
    parser.add_argument("--top", type=at_least_one, default=10, help="how many names (%(default)s)")
    parser.add_argument("--output", type=Path, help="also write the list to this YAML file")
    arguments = parser.parse_args()
    counts, num_items = count_attributes(arguments.items)
    chosen = most_frequent(counts, arguments.top)
    if not chosen:
        raise UserError(f"{arguments.items[0]}: no item has any attribute in item_pvs or sku_pvs")
    print(aligned({"items": num_items, "attribute names": len(counts), **dict(chosen)}))
    # A JSON string is a YAML string, whatever signs a name holds.
    line = "attributes: [" + ", ".join(json.dumps(name, ensure_ascii=False) for name, _ in chosen) + "]"
    print(line)
    if arguments.output is not None:
        with whole_file(arguments.output) as stream:
            stream.write(line + "\n")


if __name__ == "__main__":
    main()
