"""Which SKU and which location an input names."""

from collections.abc import Sequence

from oms_api import catalog, network
from oms_api.catalog import SkuKind
from oms_api.inventory.models import UNITS_MAX
from oms_api.inventory.service.ledger import Key
from oms_api.kit.db import Tx
from oms_api.kit.errors import Invalid, LimitExceeded, NotFound, Path, Refusal, refuse
from oms_api.kit.ids import NOBODY

ROWS_MAX = 250


def check_size(rows: Sequence[object], name: str) -> None:
    if not 1 <= len(rows) <= ROWS_MAX:
        raise Invalid(f"Send 1 to {ROWS_MAX} {name}, not {len(rows)}.", path=("input", name))


async def places(
    tx: Tx,
    named: Sequence[tuple[str, str]],
    list_name: str,
    problems: list[Refusal],
    *,
    field: str = "location",
    complete: bool = True,
) -> list[Key]:
    """The position of each (SKU, location handle); raises, with what is wrong already, when one cannot be.

    `field` is what names the location in the input; not `complete`, it only adds to the problems. Two statements.
    Only PHYSICAL SKUs have positions.
    """
    items = await catalog.items(tx, sorted({sku for sku, _ in named}))
    locations = await network.locations_by_handle(tx, sorted({handle for _, handle in named}))
    found: list[Key] = []
    for i, (sku, handle) in enumerate(named):
        path = ("input", list_name, i)
        item, location = items.get(sku), locations.get(handle)
        if item is None:
            problems.append(
                NotFound(f"{sku[:100]!r} is not a known SKU; create it with skuPut first.", path=(*path, "sku"))
            )
        elif item.kind is SkuKind.KIT:
            parts = ", ".join(sorted(item.components))
            problems.append(
                Invalid(f"{sku} is a kit and has no stock of its own; send its parts: {parts}.", path=(*path, "sku"))
            )
        elif item.kind is not SkuKind.PHYSICAL:
            problems.append(Invalid(f"{sku} is {item.kind} and has no stock; leave it out.", path=(*path, "sku")))
        if location is None:
            problems.append(
                NotFound(
                    f"{handle[:100]!r} is not a known location; create it with locationPut first.",
                    path=(*path, field),
                )
            )
        found.append((sku, location.id if location else NOBODY))
    if complete:
        refuse(problems)
    return found


def beyond(what: str, now: int, delta: int, path: Path) -> Refusal | None:
    """Why a quantity cannot change by `delta`, if it cannot."""
    if now + delta < 0:
        return Invalid(f"{what} is {now}; {delta:+d} would make it negative. Send at least {-now}.", path=path)
    if now + delta > UNITS_MAX:
        return LimitExceeded(f"{what} is {now}; {delta:+d} would go beyond {UNITS_MAX:,} units.", path=path)
    return None
