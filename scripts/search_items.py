"""Find the items most like others in an index: python scripts/search_items.py INDEX ITEM... [-k 10]

ITEM is the id of an item in the index. An item that is not in it is given by --image, --title and --attribute, as far
as the model reads them, and encoded by the checkpoint that the index is of.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.item import Item, parse_attributes
from options.errors import UserError, exit_on_user_error
from options.printable import quoted
from scripts.arguments import at_least_one
from scripts.searching_arguments import add_decision_arguments

if TYPE_CHECKING:
    from tools.catalogue.index_folder import CatalogueIndex
    from tools.catalogue.search_backend import Neighbour


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; ends with status 2 on a wrong one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path, metavar="INDEX", help="folder that scripts/build_index.py wrote")
    parser.add_argument("items", nargs="*", metavar="ITEM", help="id of an item in the index")
    parser.add_argument("-k", type=at_least_one, default=10, help="items that are shown of each (%(default)s)")
    parser.add_argument("--image", type=Path, metavar="FILE", help="of an item that is not in the index")
    parser.add_argument("--title", default="", help="of that item")
    parser.add_argument(
        "--attribute", action="append", default=[], metavar="KEY=VALUE", help="of that item; repeatable"
    )
    parser.add_argument("--category", default="", help="of that item, for thresholds that differ by category")
    add_decision_arguments(parser)
    parser.add_argument("--jsonl", action="store_true", help="print lines of JSON in place of a table")
    parsed = parser.parse_args(argv)
    parsed.new = bool(parsed.image or parsed.title or parsed.attribute)
    if parsed.new == bool(parsed.items):
        parser.error("give either ids of items or a new item (--image, --title, --attribute)")
    if wrong := [text for text in parsed.attribute if "=" not in text]:
        parser.error(f"--attribute: {wrong[0]!r} is not KEY=VALUE")
    return parsed


@exit_on_user_error()
def main() -> None:
    """Search and print."""
    parsed = arguments()
    # torch takes seconds to import, which a wrong command and --help need not wait for.
    from tools.catalogue.index_folder import open_index
    from tools.catalogue.searching.encoder import index_rule
    from tools.catalogue.searching.results import found_lines, found_table, judged

    index = open_index(parsed.index)
    found = _new_neighbours(index, parsed) if parsed.new else _neighbours(index, parsed.items, parsed.k)
    rule, source = index_rule(index, parsed.threshold, parsed.checkpoint)
    lines = []
    for query, neighbours in found.items():
        category = index.items[index.rows[query]].category if query else parsed.category
        lines += judged(index, rule, query, category, neighbours)
    print("\n".join(found_lines(lines)) if parsed.jsonl else found_table(lines))
    print(f"threshold: {source}", file=sys.stderr)


def _neighbours(index: "CatalogueIndex", item_ids: list[str], k: int) -> "dict[str, list[Neighbour]]":
    from tools.catalogue.embedded_rows import EmbeddedRows

    if missing := [item_id for item_id in item_ids if item_id not in index.rows]:
        raise UserError(f"{index.path}: has no item {quoted(missing[0])}; give --image and --title for a new one")
    places = [index.items[index.rows[item_id]].row for item_id in item_ids]
    packed = EmbeddedRows(index.embeddings).take([place for place in places if place is not None])
    found = index.backend.search(packed, k + 1)
    return {
        query: [neighbour for neighbour in own if neighbour.item_id != query][:k]
        for query, own in zip(item_ids, found, strict=True)
    }


def _new_neighbours(index: "CatalogueIndex", parsed: argparse.Namespace) -> "dict[str, list[Neighbour]]":
    from tools.catalogue.searching.encoder import encode_item, index_checkpoint

    pairs = (text.partition("=") for text in parsed.attribute)
    attributes = parse_attributes(";".join(f"{key}:{value}" for key, _, value in pairs), "")
    image = parsed.image or Path()
    item = Item("", parsed.title, attributes, parsed.category, image.name)
    packed = encode_item(index, index_checkpoint(index, parsed.checkpoint), item, image.parent)
    return {"": index.backend.search(packed, parsed.k)[0]}


if __name__ == "__main__":
    main()
