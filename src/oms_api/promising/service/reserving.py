"""Reservations of a cart: from a token exactly as planned, or planned and held in one step."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from oms_api import inventory, network
from oms_api.inventory import Reservation
from oms_api.kit import clock
from oms_api.kit.db import Tx
from oms_api.kit.errors import Invalid, Refusal, Required, refuse
from oms_api.promising.models import Destination, Line, ShortagePolicy
from oms_api.promising.service.holding import hold, plan_and_hold
from oms_api.promising.service.question import unknown_channel
from oms_api.promising.service.tokens import open_token

TTL_MAX_S = 86_400
"""Longest hold of a cart: a day."""


async def create(
    tx: Tx,
    *,
    token: str | None,
    lines: Sequence[Line] | None,
    channel: str | None,
    destination: Destination | None,
    on_shortage: ShortagePolicy,
    ttl_s: int,
) -> Reservation:
    """Hold the units of a promise, or of lines of a channel, for `ttl_s` seconds.

    Raises Invalid, Required, NotFound for a wrong question; Expired for an old token; InsufficientStock and
    NoSource. With BACKORDER what is short is held of the supply that will bring it; what no supply brings is refused.
    With PARTIAL it is left out, and refused when nothing at all is left.
    """
    problems: list[Refusal] = _ttl(ttl_s)
    if token is not None and (lines is not None or channel is not None or destination is not None):
        problems.append(
            Invalid(
                "A token says everything: send `promiseToken`, or `lines` with `channel`, not both.",
                path=("input", "promiseToken"),
            )
        )
    if token is None and lines is None:
        problems.append(Required("Send `promiseToken`, or `lines` with `channel`.", path=("input", "lines")))
    if token is None and lines is not None and channel is None:
        problems.append(Required("Name the `channel` of these lines.", path=("input", "channel")))
    refuse(problems)
    expires_at = clock.now() + timedelta(seconds=ttl_s)
    if token is not None:
        held = await hold(tx, open_token(tx, token), owner_id=None, expires_at=expires_at)
        short: Sequence[Refusal] = ()
    else:
        assert lines is not None and channel is not None
        found = await network.network_of(tx, channel)
        if found is None:
            raise unknown_channel(channel)
        planned, held = await plan_and_hold(
            tx,
            network=found,
            lines=lines,
            destination=destination,
            on_shortage=on_shortage,
            owner_id=None,
            expires_at=expires_at,
        )
        short = planned.short
        if on_shortage is ShortagePolicy.BACKORDER:
            refuse(short)
    if held is None:
        refuse(short)
        raise Invalid("None of these SKUs has stock: there is nothing to hold.", path=("input", "lines"))
    return held


async def extend(tx: Tx, id: UUID, *, ttl_s: int, expected_version: int | None) -> Reservation:
    """Hold it until `ttl_s` seconds from now, never shorter than before. Raises Invalid and what inventory raises."""
    refuse(_ttl(ttl_s))
    return await inventory.extend(tx, id, clock.now() + timedelta(seconds=ttl_s), expected_version)


def _ttl(ttl_s: int) -> list[Refusal]:
    if 1 <= ttl_s <= TTL_MAX_S:
        return []
    return [Invalid(f"ttlSeconds {ttl_s} must be 1 to {TTL_MAX_S:,}.", path=("input", "ttlSeconds"))]
