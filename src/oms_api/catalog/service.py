"""The verbs of the catalog."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete

from oms_api.catalog import queries
from oms_api.catalog.events import SkuCreated, SkuUpdated
from oms_api.catalog.models import SKU, Sku, SkuBarcode, SkuKind, TrackingMode
from oms_api.kit import clock, ids
from oms_api.kit.db import Conflict, TryAgain, Tx, any_of, mine, prepared
from oms_api.kit.errors import Invalid, InvalidTransition, Refusal, Required, Taken, camel, refuse
from oms_api.kit.events import emit
from oms_api.kit.metadata import merged
from oms_api.kit.texts import is_text

PUT_MAX = 250
_CODE = re.compile(r"[!-~]([ -~]{0,98}[!-~])?")
_TEXTS = {"name": 255, "unit": 20, "hs_code": 20}  # characters at most
_MEASURES = ("weight_grams", "length_mm", "width_mm", "height_mm")
_NEW = {"kind": SkuKind.PHYSICAL, "tracking": TrackingMode.NONE, "unit": "piece", "components": [], "barcodes": []}
_FORGET = prepared(
    delete(SkuBarcode.__table__).where(mine(SkuBarcode), any_of(SkuBarcode.sku, "skus"))  # type: ignore[attr-defined]
)


async def put(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[Sku]:
    """Create or, by `code`, change SKUs, all or none: an absent key stays as it is, None clears it.

    Keys are the columns of `Sku` but for `metadata` (key → value, None deletes a key). Raises every problem of the
    input at once: Invalid, Required, Taken, and InvalidTransition for a kind that cannot change any more.
    """
    problems: list[Refusal] = []
    if not 1 <= len(changes) <= PUT_MAX:
        raise Invalid(f"Send 1 to {PUT_MAX} SKUs, not {len(changes)}.", path=("input", "skus"))
    codes = [change["code"] for change in changes]
    parts = [code for change in changes for code, _ in change.get("components") or ()]
    known = await queries.locked(tx, [*codes, *parts])
    before = {code: known.get(code) for code in codes}
    now = clock.now()
    rows = []
    for i, change in enumerate(changes):
        path = ("input", "skus", i)
        problems += _problems(change, path, codes, known, {c["code"]: c for c in changes})
        old = known.get(change["code"])
        row = dict(old.__dict__) if old else {**_blank(tx), "created_at": now}
        row |= {key: _NEW.get(key) if value is None else value for key, value in change.items() if key != "metadata"}
        row["entries"] = merged(row["entries"], change.get("metadata"), (*path, "metadata"), problems)
        row["updated_at"] = now
        if old and old.kind != row["kind"] and SkuKind.KIT in (old.kind, row["kind"]):
            problems.append(
                InvalidTransition(
                    f"{old.code} is {old.kind}; a kit cannot become something else, nor something else a kit. "
                    "Make a new SKU.",
                    path=(*path, "kind"),
                    details={"current_state": old.kind},
                )
            )
        rows.append(row)
    problems += await _barcode_problems(tx, changes)
    refuse(problems)
    saved = await _save(tx, rows, known)
    await _name(tx, [saved[change["code"]] for change in changes if "barcodes" in change])
    for code in codes:
        _tell(tx, before[code], saved[code])
    return [saved[code] for code in codes]


async def _save(tx: Tx, rows: Sequence[dict[str, Any]], known: Mapping[str, Sku]) -> dict[str, Sku]:
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


def _tell(tx: Tx, old: Sku | None, new: Sku) -> None:
    subject = SKU.ref(new.id)
    if old is None:
        emit(tx, SkuCreated(code=new.code, kind=new.kind), subject=subject, added=["sku"])
        return
    updated = [name for name, value in new.__dict__.items() if name != "updated_at" and old.__dict__[name] != value]
    if updated:
        emit(tx, SkuUpdated(code=new.code, kind=new.kind), subject=subject, updated=updated)


def _problems(
    change: Mapping[str, Any],
    path: tuple[str | int, ...],
    codes: Sequence[str],
    known: Mapping[str, Sku],
    put_now: Mapping[str, Mapping[str, Any]],
) -> list[Refusal]:
    found: list[Refusal] = []
    code = change["code"]
    if not _CODE.fullmatch(code):
        found.append(Invalid(f"{code[:40]!r} is not a SKU code; use 1 to 100 printable ASCII characters.", path=path))
    if codes.count(code) > 1:
        found.append(Invalid(f"{code} is named twice; send each SKU once.", path=(*path, "code")))
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
            found.append(Invalid(f"{name} {value} must be 0 to 100,000,000.", path=(*path, name)))
    old = known.get(code)
    kind = change.get("kind") or (old.kind if old else SkuKind.PHYSICAL)
    components = change["components"] if "components" in change else (old.components if old else [])
    if kind is SkuKind.KIT and not components:
        found.append(Required(f"{code} is a kit: name its components.", path=(*path, "components")))
    if kind is not SkuKind.KIT and components:
        found.append(Invalid(f"{code} is {kind}; only a kit has components.", path=(*path, "components")))
    counted = Counter(part for part, _ in components or ())
    for j, (part, quantity) in enumerate(change.get("components") or ()):
        at = (*path, "components", j)
        part_kind = (
            put_now[part].get("kind") or SkuKind.PHYSICAL
            if part in put_now and part not in known
            else known[part].kind
            if part in known
            else None
        )
        if part_kind is None:
            found.append(Invalid(f"{part!r} is not a known SKU; put it first or in the same call.", path=(*at, "sku")))
        elif part_kind is not SkuKind.PHYSICAL:
            found.append(Invalid(f"{part} is {part_kind}; a kit is made of physical SKUs.", path=(*at, "sku")))
        if not 1 <= quantity <= 10_000:
            found.append(Invalid(f"{quantity} of {part} must be 1 to 10,000.", path=(*at, "quantity")))
        if counted[part] > 1:
            found.append(Invalid(f"{part} is named twice in {code}.", path=(*at, "sku")))
    return found


async def _barcode_problems(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[Refusal]:
    sent = [
        (("input", "skus", i, "barcodes", j), change["code"], barcode)
        for i, change in enumerate(changes)
        for j, barcode in enumerate(change.get("barcodes") or ())
    ]
    if not sent:
        return []
    taken = await queries.barcodes(tx, [barcode for _, _, barcode in sent])
    counted = Counter(barcode for _, _, barcode in sent)
    leaving = {change["code"] for change in changes if "barcodes" in change}
    found: list[Refusal] = []
    for path, code, barcode in sent:
        owner = taken.get(barcode)
        if not barcode.isascii() or not barcode.isalnum() or len(barcode) > 50:
            found.append(Invalid(f"{barcode[:50]!r} is not a barcode; use 1 to 50 letters and digits.", path=path))
        elif counted[barcode] > 1 or (owner and owner.sku != code and owner.sku not in leaving):
            found.append(Taken(f"{barcode} names {owner.sku if owner else 'another SKU of this call'}.", path=path))
    return found
