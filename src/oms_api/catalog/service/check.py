"""Everything that is wrong with SKUs as they are sent, told at once."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from oms_api.catalog import queries
from oms_api.catalog.models import Sku, SkuKind
from oms_api.kit.db import Tx
from oms_api.kit.errors import (
    Invalid,
    InvalidAmount,
    InvalidTransition,
    NotFound,
    Path,
    Refusal,
    Required,
    Taken,
    camel,
)
from oms_api.kit.texts import is_text, tag_problems

SUBSTITUTES_MAX = 20
UNIT_COST_MAX = 1_000_000_000
LOCATION_COSTS_MAX = 1_000
_CODE = re.compile(r"[!-~]([ -~]{0,98}[!-~])?")
_TEXTS = {"name": 255, "unit": 20, "hs_code": 20}  # characters at most
_MEASURES = ("weight_grams", "length_mm", "width_mm", "height_mm")
_KINDS_IN_KITS = (SkuKind.PHYSICAL, SkuKind.KIT)
_RATIO_MAX = 10_000


class Known:
    """SKUs that are there and those that are put now."""

    def __init__(self, known: Mapping[str, Sku], put_now: Mapping[str, Mapping[str, Any]]) -> None:
        self.rows = known
        self.put_now = put_now

    def kind(self, code: str) -> SkuKind | None:
        """What a SKU is, or is about to be; None for one that nobody knows."""
        if code in self.rows:
            return self.rows[code].kind
        return (self.put_now[code].get("kind") or SkuKind.PHYSICAL) if code in self.put_now else None


def problems_of(change: Mapping[str, Any], path: Path, codes: Sequence[str], known: Known) -> list[Refusal]:
    """What is wrong with one SKU as it is sent."""
    found: list[Refusal] = []
    code = change["code"]
    old = known.rows.get(code)
    if not _CODE.fullmatch(code):
        found.append(
            Invalid(f"{code[:40]!r} is not a SKU code; use 1 to 100 printable ASCII characters.", path=(*path, "code"))
        )
    if codes.count(code) > 1:
        found.append(Invalid(f"{code[:100]} is named twice; send each SKU once.", path=(*path, "code")))
    for name, most in _TEXTS.items():
        text = change.get(name)
        if text is not None and not is_text(text, most):
            found.append(
                Invalid(
                    f"{camel(name)} must have 1 to {most} characters and no control characters.", path=(*path, name)
                )
            )
    for name in _MEASURES:
        value = change.get(name)
        if value is not None and not 0 <= value <= 100_000_000:
            found.append(Invalid(f"{camel(name)} {value} must be 0 to 100,000,000.", path=(*path, name)))
    found += tag_problems(change.get("tags"), path)
    kind = change.get("kind") or (old.kind if old else SkuKind.PHYSICAL)
    if old and kind is not old.kind:
        found.append(
            InvalidTransition(
                f"{code} is {old.kind} and stays so, since stock and orders rely on it; put another code as {kind}.",
                path=(*path, "kind"),
                details={"current_state": old.kind},
            )
        )
    _check_components(change, old, kind, path, known, found)
    _check_substitutes(change, old.kind if old else kind, path, known, found)
    return found


def _unknown(code: str, path: Path) -> NotFound:
    return NotFound(f"There is no SKU {code[:60]!r}; make it with skuPut, before or in the same call.", path=path)


def _check_components(
    change: Mapping[str, Any], old: Sku | None, kind: SkuKind, path: Path, known: Known, found: list[Refusal]
) -> None:
    code = change["code"][:100]
    components = change["components"] if "components" in change else (old.components if old else [])
    if kind is SkuKind.KIT and not components:
        found.append(Required(f"{code} is a kit: name its components.", path=(*path, "components")))
    if kind is not SkuKind.KIT and components:
        found.append(Invalid(f"{code} is {kind}; only a kit has components.", path=(*path, "components")))
    counted = Counter(part for part, _ in components or ())
    for j, (part, quantity) in enumerate(change.get("components") or ()):
        at = (*path, "components", j)
        part_kind = known.kind(part)
        if part_kind is None:
            found.append(_unknown(part, (*at, "sku")))
        elif part_kind not in _KINDS_IN_KITS:
            found.append(Invalid(f"{part} is {part_kind}; a kit is made of goods and kits.", path=(*at, "sku")))
        if not 1 <= quantity <= 10_000:
            found.append(Invalid(f"{quantity} of {part[:60]} must be 1 to 10,000.", path=(*at, "quantity")))
        if counted[part] > 1:
            found.append(Invalid(f"{part[:60]} is named twice in {code}.", path=(*at, "sku")))


def _check_substitutes(
    change: Mapping[str, Any], kind: SkuKind, path: Path, known: Known, found: list[Refusal]
) -> None:
    code, sent = change["code"][:100], change.get("substitutes") or ()
    if sent and kind is not SkuKind.PHYSICAL:
        found.append(Invalid(f"{code} is {kind}; only goods have substitutes.", path=(*path, "substitutes")))
    if len(sent) > SUBSTITUTES_MAX:
        found.append(
            Invalid(f"{code} has at most {SUBSTITUTES_MAX} substitutes, not {len(sent)}.", path=(*path, "substitutes"))
        )
    counted = Counter(one.sku for one in sent)
    for j, one in enumerate(sent):
        at = (*path, "substitutes", j)
        other = known.kind(one.sku)
        if one.sku == change["code"]:
            found.append(Invalid(f"{code} cannot stand in for itself.", path=(*at, "sku")))
        elif other is None:
            found.append(_unknown(one.sku, (*at, "sku")))
        elif other is not SkuKind.PHYSICAL:
            found.append(Invalid(f"{one.sku} is {other}; only goods stand in for goods.", path=(*at, "sku")))
        if counted[one.sku] > 1:
            found.append(Invalid(f"{one.sku[:60]} is named twice for {code}.", path=(*at, "sku")))
        if not 0 < one.ratio <= _RATIO_MAX or one.ratio * queries.MILLION % 1:
            found.append(
                Invalid(
                    f"ratio {one.ratio} must be more than 0, at most {_RATIO_MAX:,}, with at most six decimals.",
                    path=(*at, "ratio"),
                )
            )


def cost_problems(
    change: Mapping[str, Any], old: Sku | None, row: Mapping[str, Any], path: Path, found: list[Refusal]
) -> dict[str, int] | None:
    """What the SKU costs by location, when `row` is what it becomes; what is wrong with its costs is added to `found`.

    `location_costs` is sent as (location, minor units, currency). A handle that no location has is never asked for.
    """
    sent: Sequence[tuple[str, int, str]] | None = change.get("location_costs")
    kept: dict[str, int] | None = row["location_costs"]
    if row["unit_cost_minor"] is not None and row["unit_cost_minor"] > UNIT_COST_MAX:
        found.append(Invalid(f"unitCost is {UNIT_COST_MAX:,} minor units at most.", path=(*path, "unitCost")))
    if row["kind"] in (SkuKind.KIT, SkuKind.SERVICE, SkuKind.DIGITAL) and (sent or row["unit_cost_minor"] is not None):
        found.append(
            Invalid(f"{row['code'][:60]} is {row['kind']}; what has stock has a unit cost.", path=(*path, "unitCost"))
        )
    if "location_costs" in change:
        kept = {location: minor for location, minor, _ in sent or ()} or None
    if kept and row["unit_cost_minor"] is None:
        at = (*path, "locationCosts" if sent else "unitCost")
        found.append(Required("Send unitCost too: locationCosts say where it costs otherwise.", path=at))
    changed = change.get("unit_cost_currency")
    if kept and not sent and old is not None and changed not in (None, old.unit_cost_currency):
        said = f"locationCosts are in {old.unit_cost_currency}; send them in {changed} too."
        found.append(Invalid(said, path=(*path, "unitCost")))
    if len(sent or ()) > LOCATION_COSTS_MAX:
        found.append(Invalid(f"Send at most {LOCATION_COSTS_MAX:,} locations.", path=(*path, "locationCosts")))
    counted = Counter(location for location, _, _ in sent or ())
    for j, (location, minor, currency) in enumerate(sent or ()):
        at = (*path, "locationCosts", j)
        if not is_text(location, 100) or counted[location] > 1:
            said = "is named twice" if counted[location] > 1 else "is not a location's handle"
            found.append(Invalid(f"{location[:60]!r} {said}; name each once.", path=(*at, "location")))
        if row["unit_cost_minor"] is not None and currency != row["unit_cost_currency"]:
            said = f"{currency} was sent where the unit cost is in {row['unit_cost_currency']}."
            found.append(InvalidAmount(said, path=(*at, "unitCost")))
        elif minor > UNIT_COST_MAX:
            found.append(Invalid(f"unitCost is {UNIT_COST_MAX:,} minor units at most.", path=(*at, "unitCost")))
    return kept


async def barcode_problems(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[Refusal]:
    """Barcodes that are none, or that name another SKU."""
    sent = [
        (("input", "skus", i, "barcodes", j), change["code"], barcode)
        for i, change in enumerate(changes)
        for j, barcode in enumerate(change.get("barcodes") or ())
    ]
    if not sent:
        return []
    taken = await queries.barcodes(tx, [barcode for _, _, barcode in sent])
    leaving = {change["code"] for change in changes if "barcodes" in change}
    first: dict[str, str] = {}
    found: list[Refusal] = []
    for path, code, barcode in sent:
        owner = taken.get(barcode)
        has_it = owner.sku if owner and owner.sku != code and owner.sku not in leaving else first.get(barcode)
        first.setdefault(barcode, code)
        if not barcode.isascii() or not barcode.isalnum() or len(barcode) > 50:
            found.append(Invalid(f"{barcode[:50]!r} is not a barcode; use 1 to 50 letters and digits.", path=path))
        elif has_it is not None:
            found.append(Taken(f"Barcode {barcode} is that of {has_it[:100]}; take it from that SKU first.", path=path))
    return found
