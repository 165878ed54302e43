"""Units leave a location's work without having left the location: it says no, or somebody gives them to another."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Text, Uuid, update
from sqlmodel import col

from oms_api import inventory, network, orders, promising
from oms_api.fulfillment import rules
from oms_api.fulfillment.events import FulfillmentCancelled, FulfillmentReassigned, FulfillmentRejected
from oms_api.fulfillment.models import FULFILLMENT, FULFILLMENT_LINE, Fulfillment, FulfillmentLine
from oms_api.fulfillment.service.plan import plan
from oms_api.fulfillment.service.work import OrderWork, change, name, open_fulfillment, told
from oms_api.kit import clock
from oms_api.kit.db import Tx, changed, mine, param, prepared, table_of
from oms_api.kit.errors import (
    ExceedsRemaining,
    Invalid,
    InvalidTransition,
    NotFound,
    Path,
    Refusal,
    check_version,
    refuse,
)
from oms_api.kit.events import Fact, emit
from oms_api.kit.texts import is_text
from oms_api.network import LOCATION
from oms_api.orders import ORDER, UnitState

NOTE_MAX = 1_000
_LINES: Path = ("input", "lines")
_WHY = prepared(
    update(table_of(Fulfillment))
    .where(mine(Fulfillment), col(Fulfillment.id) == param("of", Uuid()))
    .values(rejection_reason=param("reason", Text()), rejection_note=param("note", Text()))
)


async def reject(
    tx: Tx,
    fulfillment_id: UUID,
    *,
    lines: Sequence[tuple[UUID, int]] | None,
    reason: str,
    note: str | None,
    expected_version: int | None = None,
) -> Fulfillment:
    """The location says no: to these units (fulfillment line, units), or to all that it has not sent.

    They go back to the order, which finds them another place, never one that has said no to the line, or lets them wait
    (`orders.source_again`). What the no says of the stock is not believed: that takes an `inventoryAdjust`.
    Raises NotFound, VersionConflict, InvalidTransition, Invalid, ExceedsRemaining.
    """
    problems = rules.not_a_code(reason, ("input", "reason"))
    if note is not None and not is_text(note, NOTE_MAX):
        problems.append(Invalid(f"note must have 1 to {NOTE_MAX:,} printable characters.", path=("input", "note")))
    refuse(problems)
    work, row = await open_fulfillment(tx, fulfillment_id)
    check_version(row.version, expected_version, name(row))
    rules.STATES.after("fulfillmentReject", row.status, name(row))
    back = _back(work, _chosen(work, row, lines))
    work.fulfillments[row.id] = changed(row, rejected_at=clock.now())
    await tx.run(_WHY, {"of": row.id, "reason": reason, "note": note})
    taken = await _take(tx, work, row, back)
    after = changed(work.fulfillments[row.id], rejection_reason=reason, rejection_note=note)
    fact = FulfillmentRejected(
        order_id=ORDER(row.order_id),
        location_id=LOCATION(row.location_id),
        status=after.status,
        reason=reason,
        lines=told(taken),
    )
    _tell(tx, row, fact)
    await orders.source_again(
        tx, row.order_id, {line_id: one.units for line_id, one in back.items()}, refused_by=row.location_id
    )
    await plan(tx, row.order_id)
    return after


async def reassign(
    tx: Tx, fulfillment_id: UUID, *, to: str | None, reason: str | None, expected_version: int | None = None
) -> Fulfillment:
    """Give all that a location has not sent to the one with the handle `to`, or to whom the planner chooses.

    Of a rejected fulfillment those of its units that wait for a person. All or nothing. Raises NotFound,
    VersionConflict, InvalidTransition, Invalid, NoSource.
    """
    if reason is not None:
        refuse(rules.not_a_code(reason, ("input", "reason")))
    work, row = await open_fulfillment(tx, fulfillment_id)
    check_version(row.version, expected_version, name(row))
    rules.STATES.after("fulfillmentReassign", row.status, name(row))
    if to is not None and row.status is not rules.REJECTED:
        here = (await network.locations_by_handle(tx, [to])).get(to)
        if here is not None and here.id == row.location_id:
            raise Invalid(
                f"{name(row)} is {to}'s work already; name another location, or none and the planner chooses one.",
                path=("input", "location"),
            )
    taken: list[tuple[FulfillmentLine, int]] = []
    if row.status is rules.REJECTED:
        units = _waiting(work, row)
        await orders.move(
            tx,
            row.order_id,
            [orders.Move(line_id, UnitState.PENDING, UnitState.RESERVED, count) for line_id, count in units.items()],
        )
    else:
        back = _back(work, _chosen(work, row, None))
        units = {line_id: one.units for line_id, one in back.items()}
        taken = await _take(tx, work, row, back)
    await orders.move_to(tx, row.order_id, units, to=to, away_from=row.location_id, path=("input", "location"))
    after: Fulfillment = work.fulfillments[row.id]
    fact = FulfillmentReassigned(
        order_id=ORDER(row.order_id), location_id=LOCATION(row.location_id), status=after.status, lines=told(taken)
    )
    _tell(tx, row, fact)
    await plan(tx, row.order_id)
    return after


def _tell(tx: Tx, row: Fulfillment, fact: Fact) -> None:
    emit(tx, fact, subject=FULFILLMENT.ref(row.id), owner=row.order_id, updated=["status", "lines"])


def _waiting(work: OrderWork, row: Fulfillment) -> dict[UUID, int]:
    """Units by order line that went back from this fulfillment and that the order cannot place."""
    units: dict[UUID, int] = {}
    for line_id, parts in rules.grouped(work.of_fulfillment(row.id)).items():
        moved = max(-(-part.moved // part.per_unit) for part in parts)
        if count := min(moved, work.order_lines[line_id].pending):
            units[line_id] = count
    if not units:
        raise InvalidTransition(
            f"{name(row)} is REJECTED and none of its units waits for a place any more.",
            path=("input", "id"),
            details={"current_state": row.status, "allowed_actions": []},
        )
    return units


def _chosen(work: OrderWork, row: Fulfillment, lines: Sequence[tuple[UUID, int]] | None) -> dict[UUID, int]:
    """Units by fulfillment line."""
    here = {line.id: line for line in work.of_fulfillment(row.id)}
    if lines is None:
        return {line.id: line.free for line in here.values() if line.free}
    found: list[Refusal] = []
    if not lines:
        found.append(Invalid("lines is empty; leave it out to name all that is left.", path=_LINES))
    named: dict[UUID, int] = {}
    for i, (line_id, units) in enumerate(lines):
        path: Path = (*_LINES, i)
        line = here.get(line_id)
        if line is None:
            found.append(NotFound("The fulfillment has no such line.", path=(*path, "fulfillmentLineId")))
        elif line_id in named:
            found.append(Invalid(f"{line.sku} is named twice; send each line once.", path=path))
        elif units < 1:
            found.append(Invalid(f"{units} units of {line.sku}: send 1 or more.", path=(*path, "quantity")))
        elif units > line.free:
            found.append(
                ExceedsRemaining(
                    f"{units} of {line.sku} were named, {line.free} have not left.",
                    path=(*path, "quantity"),
                    details={"subject_id": FULFILLMENT_LINE(line_id), "remaining_quantity": line.free},
                )
            )
        named[line_id] = units
    refuse(found)
    return named


def _back(work: OrderWork, named: Mapping[UUID, int]) -> dict[UUID, rules.GivenBack]:
    """Whole units by order line. Raises ExceedsRemaining for a kit of which other parts have left."""
    found: dict[UUID, rules.GivenBack] = {}
    problems: list[Refusal] = []
    for line_id in dict.fromkeys(work.lines[id_].order_line_id for id_ in named):
        one = rules.given_back(work.of_line(line_id), named)
        if one is None:
            sku = work.order_lines[line_id].sku
            problems.append(
                ExceedsRemaining(
                    f"Other parts of these units of {sku} have left or are asked for; send the rest, or cancel it.",
                    path=_LINES,
                )
            )
        else:
            found[line_id] = one
    refuse(problems)
    return found


async def _take(
    tx: Tx, work: OrderWork, row: Fulfillment, back: Mapping[UUID, rules.GivenBack]
) -> list[tuple[FulfillmentLine, int]]:
    """Take units off locations' work and let go what is held there; in the order they are RESERVED with nothing held.

    Gives those that this fulfillment had; parts of kits that others had are told of there.
    """
    parts = [part for one in back.values() for part in one.parts]
    moves = [orders.Move(line_id, UnitState.ALLOCATED, UnitState.RESERVED, one.units) for line_id, one in back.items()]
    work.order = await orders.move(tx, row.order_id, moves)
    for line_id, one in back.items():
        line = work.order_lines[line_id]
        work.order_lines[line_id] = changed(
            line, allocated=line.allocated - one.units, reserved=line.reserved + one.units
        )
    steps = await change(tx, work, {line.id: {"cancelled": units, "moved": units} for line, units in parts})
    if steps:
        raise AssertionError(f"{name(row)}: what goes back to the order moves nothing else in it, not {steps}")
    await promising.let_go(
        tx,
        row.order_id,
        [
            inventory.Units(line.order_line_id, line.sku, work.fulfillments[line.fulfillment_id].location_id, units)
            for line, units in parts
        ],
    )
    of: dict[UUID, list[tuple[FulfillmentLine, int]]] = defaultdict(list)
    for part in parts:
        of[part[0].fulfillment_id].append(part)
    ours = of.pop(row.id, [])
    for id_, theirs in of.items():
        other = work.fulfillments[id_]
        _tell(tx, other, FulfillmentCancelled(order_id=ORDER(row.order_id), status=other.status, lines=told(theirs)))
    return ours
