"""Groups of identical items as one HTML file that loads nothing and runs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from data.image_store import ImageSource
from data.item_catalog import ItemCatalog
from metrics.identical_groups import IdenticalGroup
from tools.catalogue.duplicate_groups import CatalogueGroups
from tools.views.page import page_style, render_file, thumbnails

MOST_ITEMS = 12
"""Of a group that are shown, those of the highest margins after the medoid."""


@dataclass(frozen=True, slots=True)
class GroupPage:
    """What a page is made of."""

    found: CatalogueGroups
    threshold: str
    """Which margins mean the same product, and whence that is known."""
    catalog: ItemCatalog | None = None
    """For titles; None where only ids are known."""
    images: ImageSource | None = None
    most_groups: int = 100
    """That are shown, the largest first."""
    figures: Mapping[str, str] | None = None
    """Of the agreement with the truth, by name, where that is known."""


def render_groups(page: GroupPage) -> str:
    """Return the page."""
    found = page.found
    groups = sorted(found.groups, key=lambda group: -len(group.members))[: page.most_groups]
    margins = found.medoid_margins()
    chosen = [(group, _chosen(group, margins)) for group in groups]
    places = _catalogue_rows(page, [row for _, rows in chosen for row in rows])
    pictures = {}
    if page.catalog is not None and page.images is not None:
        pictures = thumbnails(page.catalog, page.images, places.values())
    return render_file(
        "groups.html",
        style=page_style("groups.css"),
        name=found.index.path.resolve().name,
        index=found.index,
        threshold=page.threshold,
        figures={
            "groups": len(found.groups),
            "items in groups": found.num_grouped,
            "pairs of the same product": len(found.pairs.margin),
            "pairs across groups": int((~found.is_inside).sum()),
        },
        agreement=page.figures or {},
        groups=chosen,
        margins=margins,
        catalog=page.catalog,
        places=places,
        pictures=pictures,
    )


def _chosen(group: IdenticalGroup, margins: Mapping[int, float]) -> list[int]:
    """Return the rows of a group that are shown, the medoid first."""
    others = sorted((row for row in group.members if row != group.medoid), key=lambda row: -margins[row])
    return [group.medoid, *others][:MOST_ITEMS]


def _catalogue_rows(page: GroupPage, rows: list[int]) -> dict[int, int]:
    """Return the row in the catalogue of each of these rows of the index, where the catalogue has the item."""
    if page.catalog is None:
        return {}
    places = {row: page.catalog.row(page.found.index.items[row].item_id) for row in rows}
    return {row: place for row, place in places.items() if place is not None}
