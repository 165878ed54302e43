"""Create and change SKUs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete

from oms_api.catalog import queries
from oms_api.catalog.events import SkuCreated, SkuUpdated
from oms_api.catalog.models import SKU, Sku, SkuBarcode, SkuKind, Tag, TrackingMode
from oms_api.catalog.service.check import Known, barcode_problems, cost_problems, problems_of
from oms_api.catalog.service.kits import Rows, nest, remember
from oms_api.catalog.service.substitutes import put_substitutes
from oms_api.kit import clock, ids
from oms_api.kit.db import Conflict, TryAgain, Tx, any_of, mine, prepared, table_of
from oms_api.kit.errors import Invalid, Refusal, camel, refuse
from oms_api.kit.events import emit
from oms_api.kit.metadata import merged

PUT_MAX = 250
_NEW = {"kind": SkuKind.PHYSICAL, "tracking": TrackingMode.NONE, "unit": "piece", "components": [], "barcodes": []}
_APART = ("metadata", "substitutes", "location_costs")
_INNER = ("updated_at", "parts")
_PUBLIC = {
    "entries": "metadata",
    "list_price_minor": "listPrice",
    "list_price_currency": "listPrice",
    "unit_cost_minor": "unitCost",
    "unit_cost_currency": "unitCost",
}
_FORGET = prepared(delete(table_of(SkuBarcode)).where(mine(SkuBarcode), any_of(SkuBarcode.sku, "skus")))


async def put(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[Sku]:
    """Create or, by `code`, change SKUs, all or none: an absent key stays as it is, None clears it.

    Keys are the columns of `Sku` but for `metadata` (key → value, None deletes a key) and `substitutes` (a list of
    `Substitution`, best first). Raises every problem of the input at once: Invalid, Required, NotFound, Taken, and
    InvalidTransition for another kind.
    """
    problems: list[Refusal] = []
    if not 1 <= len(changes) <= PUT_MAX:
        raise Invalid(f"Send 1 to {PUT_MAX} SKUs, not {len(changes)}.", path=("input", "skus"))
    codes = [change["code"] for change in changes]
    parts = [code for change in changes for code, _ in change.get("components") or ()]
    others = [one.sku for change in changes for one in change.get("substitutes") or ()]
    known = await queries.locked(tx, [*codes, *parts, *others])
    all_ = Known(known, {change["code"]: change for change in changes})
    now = clock.now()
    rows: Rows = {}
    for i, change in enumerate(changes):
        path = ("input", "skus", i)
        problems += problems_of(change, path, codes, all_)
        old = known.get(change["code"])
        row = dict(old.__dict__) if old else {**_blank(tx), "created_at": now}
        row |= {key: _NEW.get(key) if value is None else value for key, value in change.items() if key not in _APART}
        row["tags"] = sorted(set(row["tags"] or ())) or None
        row["location_costs"] = cost_problems(change, old, row, path, problems)
        row["entries"] = merged(row["entries"], change.get("metadata"), (*path, "metadata"), problems)
        row["updated_at"] = now
        if old:
            row["kind"] = old.kind  # for good; null clears nothing
        rows[change["code"]] = row
    problems += await barcode_problems(tx, changes)
    refuse(problems)
    nested = await nest(tx, rows, known)
    saved = await _save(tx, list(rows.values()), known.keys() | (rows.keys() - set(codes)))
    await remember(tx, nested, rows, {**known, **saved})
    await _name(tx, [saved[change["code"]] for change in changes if "barcodes" in change])
    tags = sorted({tag for change in changes for tag in change.get("tags") or ()})
    if tags:
        await tx.upsert(Tag, [{"tenant_id": tx.tenant_id, "tag": tag} for tag in tags], key=("tenant_id", "tag"))
    resubstituted = await put_substitutes(
        tx, {c["code"]: c["substitutes"] or () for c in changes if "substitutes" in c}
    )
    for code in codes:
        _tell(tx, known.get(code), saved[code], ["substitutes"] if code in resubstituted else [])
    return [saved[code] for code in codes]


async def _save(tx: Tx, rows: Sequence[dict[str, Any]], known: Collection[str]) -> dict[str, Sku]:
    key = ("tenant_id", "code")
    fresh = [row for row in rows if row["code"] not in known]
    made = await tx.upsert(Sku, fresh, key=key)
    if len(made) < len(fresh):
        raise TryAgain("another put has made one of these SKUs a moment ago: now it is to be changed")
    columns = [name for name in rows[0] if name not in (*key, "id", "created_at")]
    changed = await tx.upsert(Sku, [row for row in rows if row["code"] in known], key=key, change=columns)
    return {row.code: row for row in (*made, *changed)}


async def _name(tx: Tx, skus: Sequence[Sku]) -> None:
    """Let these barcodes name these SKUs, and no others of before."""
    if not skus:
        return
    await tx.run(_FORGET, {"skus": [sku.code for sku in skus]})
    rows = [
        {"tenant_id": tx.tenant_id, "id": ids.new(), "sku": sku.code, "barcode": barcode}
        for sku in skus
        for barcode in sku.barcodes
    ]
    try:
        await tx.insert(SkuBarcode, rows)
    except Conflict as error:
        raise TryAgain("another put has taken one of these barcodes a moment ago") from error


def _blank(tx: Tx) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(Sku.model_fields)
    return row | _NEW | {"tenant_id": tx.tenant_id, "id": ids.new(), "entries": {}}


def _tell(tx: Tx, old: Sku | None, new: Sku, also: Sequence[str]) -> None:
    subject = SKU.ref(new.id)
    if old is None:
        emit(tx, SkuCreated(code=new.code, kind=new.kind), subject=subject, added=["sku"])
        return
    columns = [name for name, value in new.__dict__.items() if name not in _INNER and old.__dict__[name] != value]
    updated = [*dict.fromkeys(_PUBLIC.get(name) or camel(name) for name in columns), *also]
    if updated:
        emit(tx, SkuUpdated(code=new.code, kind=new.kind), subject=subject, updated=updated)
