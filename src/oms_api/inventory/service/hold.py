"""What becomes of a reservation: an order takes it over, somebody extends it or lets it go."""

from collections.abc import Mapping
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, case, or_, update
from sqlmodel import col

from oms_api.inventory import queries, rules
from oms_api.inventory.events import ReservationAdopted, ReservationExtended, ReservationReleased
from oms_api.inventory.models import RESERVATION, Reservation, ReservationLine, ReservationState
from oms_api.inventory.service import ledger
from oms_api.kit import clock
from oms_api.kit.db import Instant, Tx, json_rows, mine, now, param, prepared
from oms_api.kit.errors import Expired, Invalid, NotFound, Path, check_version
from oms_api.kit.events import emit

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
    update(Reservation.__table__)  # type: ignore[attr-defined]
    .where(*_open, col(Reservation.expires_at) > now())
    .values(owner_id=param("owner", Uuid()), expires_at=None, version=col(Reservation.version) + 1)
    .returning(Reservation)
)
_EXTEND = prepared(
    update(Reservation.__table__)  # type: ignore[attr-defined]
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
    update(Reservation.__table__)  # type: ignore[attr-defined]
    .where(*_open, _version)
    .values(state=ReservationState.RELEASED, version=col(Reservation.version) + 1)
    .returning(Reservation)
)
_DATE_LINES = prepared(
    update(ReservationLine.__table__)  # type: ignore[attr-defined]
    .where(mine(ReservationLine), col(ReservationLine.reservation_id) == param("of", Uuid()))
    .values(expires_at=param("until", Instant()))
    .returning(ReservationLine)
)
_tied = json_rows("tied", {"id": Uuid(), "line": Uuid()})
_TIE = prepared(
    update(ReservationLine.__table__)  # type: ignore[attr-defined]
    .where(
        mine(ReservationLine),
        col(ReservationLine.reservation_id) == param("of", Uuid()),
        col(ReservationLine.id) == _tied.c.id,
    )
    .values(line_id=_tied.c.line)
)


async def adopt(tx: Tx, reservation_id: UUID, *, owner_id: UUID) -> tuple[Reservation, list[ReservationLine]]:
    """A cart's reservation becomes an order's, with its lines; it does not expire any more. Two statements.

    One guarded change of its state: of an expiry, a release and this, one wins. Raises NotFound, Expired, or Invalid
    when it was released or belongs to an order already.
    """
    row: Reservation | None = await tx.first(_ADOPT, {"of": reservation_id, "owner": owner_id})
    if row is None:
        await _refuse(tx, reservation_id, None, "reservationAdopt", ("input", "reservationId"))
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
        await _refuse(tx, id, expected_version, "reservationExtend", _PATH)
    assert row.expires_at is not None
    await _date(tx, id, row.expires_at)
    emit(tx, ReservationExtended(expires_at=row.expires_at), subject=RESERVATION.ref(id), updated=["expiresAt"])
    return row


async def release(tx: Tx, id: UUID, expected_version: int | None = None) -> Reservation:
    """Let a cart's reservation go. Raises NotFound, VersionConflict, InvalidTransition (an order's, or gone)."""
    before = (await queries.lines_by_reservation(tx, [id])).get(id, [])
    await ledger.lock(tx, {(line.sku, line.location_id) for line in before})
    row: Reservation | None = await tx.first(_RELEASE, {"of": id, "seen": expected_version})
    if row is None:
        await _refuse(tx, id, expected_version, "reservationRelease", _PATH)
    lines = (await queries.lines_by_reservation(tx, [id]))[id]
    held = [(line, line.quantity) for line in lines if line.quantity]
    await ledger.change(tx, (), await ledger.take_lines(tx, held))
    emit(tx, ReservationReleased(lines=ledger.told(held)), subject=RESERVATION.ref(id), updated=["state"])
    return row


async def tie(tx: Tx, reservation_id: UUID, lines: Mapping[UUID, UUID]) -> None:
    """Say which order line each line of the reservation (by its id) is held for. One statement."""
    await tx.run(_TIE, {"of": reservation_id, "tied": [{"id": id_, "line": line_id} for id_, line_id in lines.items()]})


async def _date(tx: Tx, reservation_id: UUID, expires_at: datetime | None) -> list[ReservationLine]:
    lines: list[ReservationLine] = await tx.all(_DATE_LINES, {"of": reservation_id, "until": expires_at})
    return sorted(lines, key=lambda line: line.id)


async def _refuse(tx: Tx, id: UUID, expected_version: int | None, action: str, path: Path) -> NoReturn:
    """Why the guarded change found nothing to change."""
    row = (await queries.reservations_by_id(tx, [id])).get(id)
    name = RESERVATION(id)
    if row is None:
        raise NotFound(f"There is no reservation {name}.", path=path)
    if row.state is ReservationState.EXPIRED or (row.expires_at is not None and row.expires_at <= clock.now()):
        raise Expired(f"{name} ended at {row.expires_at}; make a new one.", path=path, details={"subject_id": name})
    if row.owner_id is not None:
        raise Invalid(f"{name} belongs to an order already; change the order.", path=path)
    check_version(row.version, expected_version, name)
    rules.RESERVATION_STATES.after(action, row.state, name, path)
    raise Expired(f"{name} ended just now; make a new one.", path=path, details={"subject_id": name})
