"""What becomes of a reservation: an order takes it over, somebody extends it or lets it go."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, NoReturn
from uuid import UUID

from sqlalchemy import BigInteger, Date, Uuid, case, or_, update
from sqlmodel import col

from oms_api.inventory import queries, rules
from oms_api.inventory.events import ReservationAdopted, ReservationExtended, ReservationReleased
from oms_api.inventory.models import RESERVATION, Reservation, ReservationLine, ReservationState
from oms_api.inventory.service import ledger
from oms_api.inventory.service.daily import give_back
from oms_api.inventory.service.ledger import LetGo
from oms_api.kit import clock
from oms_api.kit.db import Instant, Tx, json_rows, mine, now, param, prepared, table_of
from oms_api.kit.errors import ExceedsRemaining, Expired, Invalid, NotFound, Path, Refusal, check_version, refuse
from oms_api.kit.events import emit, rfc3339

_PATH = ("input", "id")
_seen = param("seen", BigInteger())
_version = or_(_seen.is_(None), col(Reservation.version) == _seen)
_open = (
    mine(Reservation),
    col(Reservation.id) == param("of", Uuid()),
    col(Reservation.state) == ReservationState.OPEN,
    col(Reservation.owner_id).is_(None),
)
_ADOPT = prepared(
    update(table_of(Reservation))
    .where(*_open, col(Reservation.expires_at) > now())
    .values(owner_id=param("owner", Uuid()), expires_at=None, version=col(Reservation.version) + 1)
    .returning(Reservation)
)
_EXTEND = prepared(
    update(table_of(Reservation))
    .where(*_open, col(Reservation.expires_at) > now(), _version)
    .values(
        expires_at=case(
            (col(Reservation.expires_at) > param("until", Instant()), col(Reservation.expires_at)),
            else_=param("until", Instant()),
        ),
        version=col(Reservation.version) + 1,
    )
    .returning(Reservation)
)
_RELEASE = prepared(
    update(table_of(Reservation))
    .where(*_open, _version)
    .values(state=ReservationState.RELEASED, version=col(Reservation.version) + 1)
    .returning(Reservation)
)
_DATE_LINES = prepared(
    update(table_of(ReservationLine))
    .where(mine(ReservationLine), col(ReservationLine.reservation_id) == param("of", Uuid()))
    .values(expires_at=param("until", Instant()))
    .returning(ReservationLine)
)
TOUCH = prepared(
    update(table_of(Reservation))
    .where(*_open, col(Reservation.expires_at) > now(), _version)
    .values(version=col(Reservation.version) + 1)
    .returning(Reservation)
)
"""A cart's reservation changes while it is open: of a release, an expiry, an order and this, one comes first."""
_tied = json_rows("tied", {"id": Uuid(), "line": Uuid()})
_TIE = prepared(
    update(table_of(ReservationLine))
    .where(
        mine(ReservationLine),
        col(ReservationLine.reservation_id) == param("of", Uuid()),
        col(ReservationLine.id) == _tied.c.id,
    )
    .values(line_id=_tied.c.line)
)


_promised = json_rows("promised", {"id": Uuid(), "ship_by": Instant(), "deliver_by": Date()})
_PROMISE = prepared(
    update(table_of(ReservationLine))
    .where(mine(ReservationLine), col(ReservationLine.id) == _promised.c.id)
    .values(ship_by=_promised.c.ship_by, deliver_by=_promised.c.deliver_by)
)


async def adopt(tx: Tx, reservation_id: UUID, *, owner_id: UUID) -> tuple[Reservation, list[ReservationLine]]:
    """A cart's reservation becomes an order's, with its lines; it does not expire any more. Two statements.

    One guarded change of its state: of an expiry, a release and this, one wins. Raises NotFound, Expired, or Invalid
    when it was released or belongs to an order already.
    """
    row: Reservation | None = await tx.first(_ADOPT, {"of": reservation_id, "owner": owner_id})
    if row is None:
        await refuse_change(tx, reservation_id, None, "reservationAdopt", ("input", "reservationId"))
    lines = await _date(tx, reservation_id, None)
    emit(
        tx,
        ReservationAdopted(lines=ledger.told((line, line.quantity) for line in lines)),
        subject=RESERVATION.ref(reservation_id),
        owner=owner_id,
        updated=["ownerId", "expiresAt"],
    )
    return row, lines


async def extend(tx: Tx, id: UUID, expires_at: datetime, expected_version: int | None = None) -> Reservation:
    """Hold it until then, never shorter than before. Two statements.

    Raises NotFound, Expired, VersionConflict, InvalidTransition.
    """
    row: Reservation | None = await tx.first(_EXTEND, {"of": id, "until": expires_at, "seen": expected_version})
    if row is None:
        await refuse_change(tx, id, expected_version, "reservationExtend", _PATH)
    assert row.expires_at is not None
    lines = await _date(tx, id, row.expires_at)
    emit(
        tx,
        ReservationExtended(
            expires_at=row.expires_at, lines=ledger.told((line, line.quantity) for line in lines if line.quantity)
        ),
        subject=RESERVATION.ref(id),
        updated=["expiresAt"],
    )
    return row


class Part(NamedTuple):
    """Units of a SKU that a cart holds, at a location or wherever it holds them."""

    sku: str
    quantity: int
    location_id: UUID | None = None


async def release(
    tx: Tx, id: UUID, expected_version: int | None = None, parts: Sequence[Part] | None = None
) -> tuple[Reservation, list[LetGo]]:
    """Let a cart's reservation go, or parts of it: units to come first, then those held last. At most seven statements.

    Gives also the units that are counted in shares too.
    Raises NotFound, VersionConflict, InvalidTransition (an order's, or gone), ExceedsRemaining for more than it holds.
    """
    before = (await queries.lines_by_reservation(tx, [id])).get(id, [])
    await ledger.lock(tx, {(line.sku, line.location_id) for line in before})
    asked = {"of": id, "seen": expected_version}
    row: Reservation | None = await tx.first(_RELEASE if parts is None else TOUCH, asked)
    if row is None:
        await refuse_change(tx, id, expected_version, "reservationRelease", _PATH)
    lines = [line for line in (await queries.lines_by_reservation(tx, [id]))[id] if line.quantity]
    held = [(line, line.quantity) for line in lines] if parts is None else _parts(lines, parts)
    await ledger.change(tx, (), await ledger.take_lines(tx, held))
    await give_back(tx, held)
    if parts is not None and sum(units for _, units in held) == sum(line.quantity for line in lines):
        row = await tx.first(_RELEASE, {"of": id, "seen": None})
        assert row is not None  # this transaction has just changed it
    updated = "state" if row.state is ReservationState.RELEASED else "lines"
    emit(tx, ReservationReleased(lines=ledger.told(held)), subject=RESERVATION.ref(id), updated=[updated])
    return row, ledger.rationed(held)


def _parts(lines: Sequence[ReservationLine], parts: Sequence[Part]) -> list[tuple[ReservationLine, int]]:
    """Which units the parts name. Raises ExceedsRemaining for what is not held."""
    left = {line.id: line.quantity for line in lines}
    last = sorted(lines, key=lambda line: (line.supply_id is not None, line.id), reverse=True)
    problems: list[Refusal] = []
    for i, (sku, quantity, location_id) in enumerate(parts):
        wanted = quantity
        for line in last:
            if line.sku == sku and location_id in (None, line.location_id):
                some = min(wanted, left[line.id])
                left[line.id] -= some
                wanted -= some
        if wanted:
            problems.append(
                ExceedsRemaining(
                    f"{quantity - wanted} of {sku} are held there, not {quantity}.",
                    path=("input", "lines", i, "quantity"),
                    details={"sku": sku, "remaining_quantity": quantity - wanted},
                )
            )
    refuse(problems)
    return [(line, line.quantity - left[line.id]) for line in lines if left[line.id] < line.quantity]


async def tie(tx: Tx, reservation_id: UUID, lines: Mapping[UUID, UUID]) -> None:
    """Say which order line each line of the reservation (by its id) is held for. One statement."""
    await tx.run(_TIE, {"of": reservation_id, "tied": [{"id": id_, "line": line_id} for id_, line_id in lines.items()]})


async def date_lines(tx: Tx, dates: Sequence[tuple[UUID, datetime, date]]) -> None:
    """Units that are held leave and arrive at other times: (line, ship by, arrival). One statement."""
    rows = [{"id": id_, "ship_by": ship_by, "deliver_by": day} for id_, ship_by, day in dates]
    await tx.run(_PROMISE, {"promised": rows})


async def _date(tx: Tx, reservation_id: UUID, expires_at: datetime | None) -> list[ReservationLine]:
    lines: list[ReservationLine] = await tx.all(_DATE_LINES, {"of": reservation_id, "until": expires_at})
    return sorted(lines, key=lambda line: line.id)


async def refuse_change(tx: Tx, id: UUID, expected_version: int | None, action: str, path: Path) -> NoReturn:
    """Why the guarded change found nothing to change."""
    row = (await queries.reservations_by_id(tx, [id])).get(id)
    name = RESERVATION(id)
    if row is None:
        raise NotFound(RESERVATION.missing("reservation", id), path=path)
    if row.state is ReservationState.EXPIRED or (row.expires_at is not None and row.expires_at <= clock.now()):
        at = f" at {rfc3339(row.expires_at)}" if row.expires_at is not None else ""
        raise Expired(f"{name} ended{at}; make a new one.", path=path, details={"subject_id": name})
    if row.owner_id is not None:
        raise Invalid(f"{name} belongs to an order already; change the order.", path=path)
    check_version(row.version, expected_version, name)
    rules.RESERVATION_STATES.after(action, row.state, name, path)
    raise Expired(f"{name} ended just now; make a new one.", path=path, details={"subject_id": name})
