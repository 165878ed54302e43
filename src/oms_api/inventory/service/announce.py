"""Stock that is expected: announced, changed, withdrawn."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from oms_api.inventory import queries, rules
from oms_api.inventory.events import SupplyAnnounced, SupplyChanged
from oms_api.inventory.models import SUPPLY, UNITS_MAX, Position, Supply, SupplyKind
from oms_api.inventory.service import ledger
from oms_api.inventory.service.places import check_size, places
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx
from oms_api.kit.errors import Invalid, Path, Refusal, camel, refuse
from oms_api.kit.events import emit, rfc3339
from oms_api.kit.times import out_of_reach
from oms_api.network import LOCATION

REFERENCE_LENGTH_MAX = 255
PAST_MAX = timedelta(days=1)
"""Whoever says a day, not an instant, says its first; what is longer past when it is first said is a mistake."""


class Expected(NamedTuple):
    """Units still to come of one SKU to one location (a handle). `kind` None: as it was, PURCHASE for a new one.

    `confident_at` is when they will have come with good confidence (a p80); promises lean on it when it is given.
    """

    reference: str
    sku: str
    location: str
    quantity: int
    expected_at: datetime
    kind: SupplyKind | None = None
    confident_at: datetime | None = None

    @property
    def due_at(self) -> datetime:
        """As `rules.due_at` has it of a supply."""
        return self.confident_at or self.expected_at


async def put_supplies(tx: Tx, supplies: Sequence[Expected]) -> tuple[list[Supply], list[Position]]:
    """Announce, change or (quantity 0) withdraw supplies by reference, all or none.

    Promised units may exceed what is now to come; then `inventory.short` is told. Raises Invalid (also for a reference
    that names another SKU or location, and for a date that is past when it is first said), NotFound.
    """
    check_size(supplies, "supplies")
    problems = _put_problems(supplies)
    keys = await places(tx, [(row.sku, row.location) for row in supplies], "supplies", problems)
    await ledger.open_positions(tx, keys)
    positions = await ledger.lock(tx, keys)
    known = await queries.supplies_by_reference(tx, [row.reference for row in supplies])
    refuse(
        [
            _moved(row.reference, ("input", "supplies", i))
            for i, (row, key) in enumerate(zip(supplies, keys, strict=True))
            if (old := known.get(row.reference)) and (old.sku, old.location_id) != key
        ]
    )
    at = clock.now()
    refuse(
        [
            _past(row, ("input", "supplies", i))
            for i, row in enumerate(supplies)
            if row.quantity
            and row.due_at < at - PAST_MAX
            and ((old := known.get(row.reference)) is None or rules.due_at(old) != row.due_at)
        ]
    )
    rows: list[dict[str, Any]] = []
    for row, (sku, location_id) in zip(supplies, keys, strict=True):
        old = known.get(row.reference)
        kind = row.kind or (old.kind if old else SupplyKind.PURCHASE)
        if old and (old.quantity, old.expected_at, old.confident_at, old.kind) == (
            row.quantity,
            row.expected_at,
            row.confident_at,
            kind,
        ):
            continue
        rows.append(
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "reference": row.reference,
                "sku": sku,
                "location_id": location_id,
                "kind": kind,
                "quantity": row.quantity,
                "reserved": 0,
                "received": 0,
                "expected_at": row.expected_at,
                "confident_at": row.confident_at,
                # told once a date: another date may be late again
                "late_at": old.late_at if old and rules.due_at(old) == row.due_at else None,
                "version": 1,
                "created_at": at,
            }
        )
    rows.sort(key=lambda row: row["reference"])  # two that put new references at once wait in one order
    saved: dict[str, Supply] = {
        row.reference: row
        for row in await tx.upsert(
            Supply,
            rows,
            key=("tenant_id", "reference"),
            change=("kind", "quantity", "expected_at", "confident_at", "late_at"),
            add=("version",),
        )
    }
    for i, (row, key) in enumerate(zip(supplies, keys, strict=True)):
        now_ = saved.get(row.reference)
        if now_ and (now_.sku, now_.location_id) != key:  # somebody else named it at the same moment
            raise _moved(row.reference, ("input", "supplies", i))
    for row in supplies:
        if row.reference in saved:
            tell(tx, known.get(row.reference), saved[row.reference])
    return (
        [saved.get(row.reference) or known[row.reference] for row in supplies],
        [positions[key] for key in dict.fromkeys(keys)],
    )


def _put_problems(supplies: Sequence[Expected]) -> list[Refusal]:
    problems: list[Refusal] = []
    counted = Counter(row.reference for row in supplies)
    for i, row in enumerate(supplies):
        path = ("input", "supplies", i)
        if not 1 <= len(row.reference) <= REFERENCE_LENGTH_MAX or not row.reference.isprintable():
            problems.append(
                Invalid(
                    f"{row.reference[:40]!r}: a reference has 1 to {REFERENCE_LENGTH_MAX} printable characters.",
                    path=(*path, "reference"),
                )
            )
        if counted[row.reference] > 1:
            problems.append(
                Invalid(f"{row.reference} is named twice; send each supply once.", path=(*path, "reference"))
            )
        if not 0 <= row.quantity <= UNITS_MAX:
            problems.append(Invalid(f"{row.quantity} units must be 0 to {UNITS_MAX:,}.", path=(*path, "quantity")))
        times = out_of_reach(row.expected_at, (*path, "expectedAt"))
        times += out_of_reach(row.confident_at, (*path, "confidentAt"))
        problems += times
        if not times and row.confident_at is not None and row.confident_at < row.expected_at:
            problems.append(
                Invalid(
                    f"confidentAt {rfc3339(row.confident_at)} is before expectedAt {rfc3339(row.expected_at)}; send "
                    "when it is expected, and no earlier by when it is certain.",
                    path=(*path, "confidentAt"),
                )
            )
    return problems


def _moved(reference: str, path: Path) -> Refusal:
    return Invalid(
        f"{reference} names another SKU or location; a reference keeps both. Withdraw it (quantity 0), use another.",
        path=(*path, "reference"),
    )


def _past(row: Expected, path: Path) -> Refusal:
    name = "expectedAt" if row.confident_at is None else "confidentAt"
    return Invalid(
        f"{row.reference} would have come on {rfc3339(row.due_at)}, which is past; send when it is expected now, or "
        "add what has come with inventoryAdjust.",
        path=(*path, name),
    )


def tell(tx: Tx, old: Supply | None, row: Supply) -> None:
    said: dict[str, Any] = {
        "reference": row.reference,
        "sku": row.sku,
        "location_id": LOCATION(row.location_id),
        "kind": row.kind,
        "quantity": row.quantity,
        "expected_at": row.expected_at,
        "confident_at": row.confident_at,
    }
    if old is None:
        emit(tx, SupplyAnnounced(**said, origin=row.origin), subject=SUPPLY.ref(row.id), added=["supply"])
    else:
        names = ("kind", "quantity", "expected_at", "confident_at")
        updated = [camel(name) for name in names if getattr(old, name) != getattr(row, name)]
        emit(tx, SupplyChanged(**said), subject=SUPPLY.ref(row.id), updated=updated)
    ledger.tell_supply_short(tx, row)
