"""Groups of identical items as one HTML file that loads nothing and runs nothing."""

from collections.abc import Mapping

from data.image_store import ImageSource
from data.item_catalog import ItemCatalog
from metrics.identical_groups import IdenticalGroup
from tools.catalogue.duplicate_groups import CatalogueGroups
from tools.views.page import page_style, render_file, thumbnails

MOST_ITEMS = 12
"""Of a group that are shown, those of the highest margins after the medoid."""


def render_groups(
    found: CatalogueGroups,
    threshold: str,
    catalog: ItemCatalog,
    images: ImageSource | None,
    most_groups: int,
    agreement: Mapping[str, str],
) -> str:
    """Return the page, of at most `most_groups` groups, the largest first.

    `threshold` says which margins mean the same product, and whence that is known; `catalog` has the titles and
    `images` the pictures; `agreement` has figures of the agreement with the truth by name, if that is known.
    """
    groups = sorted(found.groups, key=lambda group: -len(group.members))[:most_groups]
    margins = found.medoid_margins()
    chosen = [(group, _chosen(group, margins)) for group in groups]
    places = {row: catalog.row(found.index.items[row].item_id) for _, rows in chosen for row in rows}
    in_catalogue = [place for place in places.values() if place is not None]
    return render_file(
        "groups.html",
        style=page_style("groups.css"),
        name=found.index.path.resolve().name,
        index=found.index,
        threshold=threshold,
        figures={
            "groups": len(found.groups),
            "items in groups": found.num_grouped,
            "pairs of the same product": len(found.pairs.margin),
            "pairs across groups": int((~found.is_inside).sum()),
        },
        agreement=agreement,
        groups=chosen,
        margins=margins,
        catalog=catalog,
        places=places,
        pictures=thumbnails(catalog, images, in_catalogue) if images is not None else None,
    )


def _chosen(group: IdenticalGroup, margins: Mapping[int, float]) -> list[int]:
    """Return the rows of a group that are shown, the medoid first."""
    others = sorted((row for row in group.members if row != group.medoid), key=lambda row: -margins[row])
    return [group.medoid, *others][:MOST_ITEMS]
