"""The commands of `bash run.sh catalogue` that look at all pairs of its items."""

import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from options.table import aligned_figures
from scripts.arguments import Checkpoint, Embeddings, Index, Threshold, chosen_threshold

app = typer.Typer()


@app.command()
def duplicates(
    index: Index,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder that is made.")],
    threshold: Threshold = "calibrated",
    checkpoint: Checkpoint = None,
    within_categories: Annotated[
        bool, typer.Option("--within-categories", help="Group no items of different categories.")
    ] = False,
    items: Annotated[Path | None, typer.Option(help="Item file, for the page.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of its images or a pack of them, likewise.")] = None,
    gallery: Annotated[int, typer.Option(min=1, metavar="N", help="Groups on the page.")] = 100,
    truth: Annotated[Path | None, typer.Option(help="JSONL of item_id and product, to compare with.")] = None,
) -> None:
    """Find all groups of identical items in an index.

    OUT gets groups.jsonl, pairs.jsonl, summary.json and, with --items, groups.html to look at. What was found is kept
    in OUT/found: a killed command goes on, and once items were added to the index, only they are searched for.
    """
    limit = chosen_threshold(threshold)
    if images and not items:
        raise typer.BadParameter("are shown with the items (--items)", param_hint="--images")
    from data.image_store import open_images_of_any_size
    from data.item_catalog import read_items
    from engine.disk import sole_user, write_text
    from tools.catalogue.duplicate_groups import find_duplicates
    from tools.catalogue.duplicate_pairs import MOST
    from tools.catalogue.index_folder import open_index
    from tools.catalogue.search import index_rule
    from tools.views.groups_page import render_groups
    from tools.views.page import signed

    # Before the model and the search, which take long to end on a wrong name; items that are shown need no picture.
    catalog = read_items(items, has_images=False) if items else None
    pictures = open_images_of_any_size(images) if images else None
    opened = open_index(index)
    rule, source = index_rule(opened, limit, checkpoint)
    with sole_user(out / ".lock", "finds duplicates"):
        found, figures = find_duplicates(opened, rule, out, within_categories, truth)
        if catalog is not None:
            shown = {"F1 of pairs against the truth": f"{figures['truth f1']:.3f}"} if truth else {}
            page = render_groups(found, f"{signed(rule.threshold, 4)} ({source})", catalog, pictures, gallery, shown)
            write_text(out / "groups.html", page)
    print(aligned_figures(figures))
    print(f"threshold: {source}", file=sys.stderr)
    if num_cut_off := found.pairs.num_cut_off:
        print(f"{num_cut_off:,} items have more than {MOST:,} matches; further ones were left out", file=sys.stderr)


@app.command()
def mine(
    embeddings: Embeddings,
    pairs: Annotated[Path, typer.Argument(metavar="PAIRS", help="Labelled training pairs.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Pair file to write; must not exist.")],
    per_item: Annotated[int, typer.Option(min=1, metavar="K", help="Pairs of an item, at most.")] = 3,
    ceiling: Annotated[float | None, typer.Option(help="Margin to stay below (median of the same).")] = None,
    same_category: Annotated[bool, typer.Option("--same-category", help="Both items of one category.")] = False,
    ungrouped: Annotated[bool, typer.Option("--ungrouped", help="Also items in no pair labelled 1.")] = False,
    keep_pairs: Annotated[bool, typer.Option("--keep-pairs", help="Begin the file with the labelled pairs.")] = False,
) -> None:
    """Write near misses for a second round of training: different products of high margins.

    They are labelled "0". So that no unlabelled pair of one product is among them, items that pairs labelled "1" join
    are never paired, nor items of which no same product is known (--ungrouped takes them), and pairs whose margin
    reaches that of half the known same products are left out (--ceiling).
    """
    if ceiling is not None and not math.isfinite(ceiling):
        raise typer.BadParameter(f"'{ceiling}' is no finite number", param_hint="--ceiling")
    from tools.catalogue import mining

    settings = mining.MiningSettings(per_item, ceiling, same_category, ungrouped, keep_pairs)
    print(aligned_figures(mining.mine(embeddings, pairs, out, settings)))
