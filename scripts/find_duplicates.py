"""Find all groups of identical items in an index: python scripts/find_duplicates.py INDEX OUT

OUT gets groups.jsonl, pairs.jsonl, summary.json and, with --items, groups.html to look at. What was found is kept in
OUT/found: a killed command goes on, and once items were added to the index, only they are searched for.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from scripts.arguments import aligned, at_least_one
from scripts.searching_arguments import add_decision_arguments


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; ends with status 2 on a wrong one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path, metavar="INDEX", help="folder that scripts/build_index.py wrote")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder that is made")
    add_decision_arguments(parser)
    parser.add_argument("--within-categories", action="store_true", help="group no items of different categories")
    parser.add_argument("--items", type=Path, metavar="FILE", help="item file, for the page")
    parser.add_argument(
        "--images", type=Path, metavar="FOLDER", help="of the items' images or a pack of them, likewise"
    )
    parser.add_argument(
        "--gallery", type=at_least_one, default=100, metavar="N", help="groups on the page (%(default)s)"
    )
    parser.add_argument(
        "--truth", type=Path, metavar="FILE", help="JSONL with item_id and product: how far the groups agree with it"
    )
    parsed = parser.parse_args(argv)
    if parsed.images and not parsed.items:
        parser.error("--images: are shown with the items (--items)")
    return parsed


@exit_on_user_error()
def main() -> None:
    """Search, group, write, print."""
    parsed = arguments()
    # torch takes seconds to import, which a wrong command and --help need not wait for.
    from data.image_store import open_images_of_any_size
    from data.item_catalog import read_items
    from engine.disk import sole_user, write_json, write_text
    from tools.catalogue.duplicate_groups import (
        agreement_with_truth,
        group_catalogue,
        lowest_threshold,
        write_groups,
        write_pairs,
    )
    from tools.catalogue.duplicate_pairs import MOST, find_pairs
    from tools.catalogue.index_folder import open_index
    from tools.catalogue.searching.encoder import index_rule
    from tools.views.groups_page import GroupPage, render_groups
    from tools.views.page import signed

    index = open_index(parsed.index)
    rule, source = index_rule(index, parsed.threshold, parsed.checkpoint)
    # Before the search, which takes long to end on a wrong name.
    catalog = read_items(parsed.items) if parsed.items else None
    images = open_images_of_any_size(parsed.images) if parsed.images else None
    with sole_user(parsed.out / ".lock", "finds duplicates"):
        pairs = find_pairs(index, lowest_threshold(rule), parsed.out / "found")
        found = group_catalogue(index, pairs, rule, parsed.within_categories)
        agreement = agreement_with_truth(found, parsed.truth) if parsed.truth else None
        write_groups(found, parsed.out / "groups.jsonl")
        write_pairs(found, parsed.out / "pairs.jsonl")
        figures: dict[str, int | float | str] = {
            "items": len(index.rows),
            "searched for now": pairs.num_searched,
            "pairs": len(found.pairs.margin),
            "pairs across groups": int((~found.is_inside).sum()),
            "groups": len(found.groups),
            "items in groups": found.num_grouped,
            "threshold": rule.threshold,
        }
        if agreement is not None:
            figures |= {f"truth {name.replace('_', ' ')}": value for name, value in agreement._asdict().items()}
        write_json(parsed.out / "summary.json", {name.replace(" ", "_"): value for name, value in figures.items()})
        if catalog is not None:
            shown = {} if agreement is None else {"F1 of pairs against the truth": f"{agreement.f1:.3f}"}
            threshold = f"{signed(rule.threshold, 4)} ({source})"
            page = GroupPage(found, threshold, catalog, images, parsed.gallery, shown)
            write_text(parsed.out / "groups.html", render_groups(page))
    print(aligned(figures))
    print(f"threshold: {source}", file=sys.stderr)
    if pairs.num_cut_off:
        print(
            f"{pairs.num_cut_off:,} items have more than {MOST:,} matches; further ones were left out", file=sys.stderr
        )


if __name__ == "__main__":
    main()
