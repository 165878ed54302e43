"""Kits that hold kits: checked for circles and depth, and worked out into SKUs with stock of their own."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete

from oms_api.catalog import queries, rules
from oms_api.catalog.models import KitInKit, Sku, SkuKind
from oms_api.kit.db import TryAgain, Tx, any_of, mine, prepared, table_of
from oms_api.kit.errors import Refusal, refuse

_FORGET = prepared(delete(table_of(KitInKit)).where(mine(KitInKit), any_of(KitInKit.kit, "kits")))

Rows = dict[str, dict[str, Any]]


async def nest(tx: Tx, rows: Rows, known: Mapping[str, Sku]) -> Collection[str]:
    """Work out `parts` of the kits among `rows` (as they will be, by code, in the caller's order).

    Kits that hold one of them are added to `rows`. Gives back the kits whose kits must be remembered. Raises Invalid
    for circles, depth and size. No statement when none of them is new to holding or being held.
    """
    codes = list(rows)
    changed = [
        code
        for code, row in rows.items()
        if row["kind"] is SkuKind.KIT and (code not in known or known[code].components != row["components"])
    ]
    inner = {part for code in changed for part, _ in rows[code]["components"] if _is_kit(part, rows, known)}
    old = [code for code in changed if code in known]
    outer = await queries.holders(tx, old) if old else set()
    if not inner and not outer and all(known[code].parts is None for code in old):
        return ()
    below = await queries.held_kits(tx, inner | outer)
    others = await queries.locked(tx, sorted((inner | outer | below) - rows.keys()))
    if old and await queries.holders(tx, old) != outer:
        raise TryAgain("another put has made a kit hold one of these a moment ago")
    made = {code: row.components for code, row in others.items()} | {
        code: row["components"] for code, row in rows.items() if row["kind"] is SkuKind.KIT
    }
    worked_out: dict[str, rules.Kit] = {}
    concerned = [*changed, *sorted(outer - set(changed))]
    misfits = rules.misfits(made, concerned, worked_out)
    refuse([_at(refusal, codes, code) for code, refusal in misfits.items()])
    for code in concerned:
        row = rows.setdefault(code, dict(others[code].__dict__) if code in others else {})
        kit = worked_out[code]
        row["parts"] = [list(part) for part in kit.parts.items()] if kit.nesting > 1 else None
    return changed


def _is_kit(code: str, rows: Rows, known: Mapping[str, Sku]) -> bool:
    return bool(rows[code]["kind"] is SkuKind.KIT if code in rows else known[code].kind is SkuKind.KIT)


def _at(refusal: Refusal, codes: Sequence[str], code: str) -> Refusal:
    refusal.path = ["input", "skus", *([str(codes.index(code)), "components"] if code in codes else [])]
    return refusal


async def remember(tx: Tx, changed: Collection[str], rows: Rows, saved: Mapping[str, Sku]) -> None:
    """Keep which kits these hold; `saved` are all that could be among them."""
    if not changed:
        return
    await tx.run(_FORGET, {"kits": sorted(changed)})
    await tx.insert(
        KitInKit,
        [
            {"tenant_id": tx.tenant_id, "kit": code, "part": part}
            for code in sorted(changed)
            for part, _ in rows[code]["components"]
            if saved[part].kind is SkuKind.KIT
        ],
    )
