"""Groups of identical items as one HTML file that loads nothing and runs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from data.image_store import ImageSource
from data.item_catalog import ItemCatalog
from metrics.identical_groups import IdenticalGroup
from tools.catalogue.duplicates.catalogue_groups import CatalogueGroups
from tools.views.page import signed, text
from tools.views.reporting.gallery import LONGEST_TITLE, LONGEST_VALUE, shown
from tools.views.reporting.report import content_policy, page_style
from tools.views.reporting.thumbnails import thumbnails

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
    chosen = [_chosen(group, margins) for group in groups]
    items = _catalogue_rows(page, [row for rows in chosen for row in rows])
    pictures = {}
    if page.catalog is not None and page.images is not None:
        pictures = thumbnails(page.catalog, page.images, items.values())
    cards = [
        _card(page, group, [_item(page, row, items.get(row), pictures, margins.get(row)) for row in rows])
        for group, rows in zip(groups, chosen, strict=True)
    ]
    style = page_style() + _resource("groups.css")
    num_items, run = len(found.index.rows), found.index.record.run
    facts = f"{num_items:,} items · embedded by the run {run} · threshold {page.threshold}"
    return Template(_resource("groups.html")).substitute(
        policy=content_policy(style, ""),
        style=style,
        name=text(found.index.path.resolve().name),
        facts=text(facts).replace("/", "/<wbr>"),  # a path is long for a phone
        tiles=_tiles(page),
        shown=text(f"{len(groups):,} of {len(found.groups):,} groups, the largest first."),
        groups="".join(cards),
        source=text(f"Index of {found.index.record.backend}, kind {found.index.record.kind}."),
    )


def _catalogue_rows(page: GroupPage, rows: list[int]) -> dict[int, int]:
    """Return the row in the catalogue of each of these rows of the index, where the catalogue has the item."""
    if page.catalog is None:
        return {}
    places = {row: page.catalog.row(page.found.index.items[row].item_id) for row in rows}
    return {row: place for row, place in places.items() if place is not None}


def _tiles(page: GroupPage) -> str:
    found = page.found
    figures = {
        "groups": f"{len(found.groups):,}",
        "items in groups": f"{found.num_grouped:,}",
        "pairs of the same product": f"{len(found.pairs.margin):,}",
        "pairs across groups": f"{int((~found.is_inside).sum()):,}",
        **(page.figures or {}),
    }
    return "".join(
        f'<div class="tile"><dt>{text(name)}</dt><dd>{text(value)}</dd></div>' for name, value in figures.items()
    )


def _chosen(group: IdenticalGroup, margins: Mapping[int, float]) -> list[int]:
    """Return the rows of a group that are shown, the medoid first."""
    others = sorted((row for row in group.members if row != group.medoid), key=lambda row: -margins[row])
    return [group.medoid, *others][:MOST_ITEMS]


def _card(page: GroupPage, group: IdenticalGroup, cells: list[str]) -> str:
    category = shown(page.found.index.items[group.medoid].category, LONGEST_VALUE)
    heading = f"{len(group.members):,} items" + (f" · {category}" if category else "")
    if len(cells) < len(group.members):
        heading += f" · the first {len(cells)}"
    return f'<article class="card group"><h3>{text(heading)}</h3><div class="items">{"".join(cells)}</div></article>'


def _item(page: GroupPage, row: int, place: int | None, pictures: Mapping[int, str], margin: float | None) -> str:
    item_id = shown(page.found.index.items[row].item_id, LONGEST_VALUE)
    title = "" if page.catalog is None or place is None else shown(page.catalog[place].title, LONGEST_TITLE)
    picture = pictures.get(place) if place is not None else None
    image = (
        f'<img class="picture" src="{picture}" alt="" loading="lazy">'
        if picture is not None
        else '<div class="picture">no picture</div>'
    )
    standing = (
        '<p class="margin medoid">medoid</p>'
        if margin is None
        else f'<p class="margin">margin {text(signed(margin, 2))}</p>'
    )
    return f'<div class="item">{image}<p>{text(title)}</p><p class="id">{text(item_id)}</p>{standing}</div>'


def _resource(name: str) -> str:
    return files("tools.views").joinpath("templates", name).read_text(encoding="utf-8")
