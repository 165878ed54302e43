"""Promise tokens: a plan signed, so that it can be held exactly as it was shown.

Readable but not changeable; how it was decided is encrypted. Bound to the tenant, the channel, the lines and the
destination; valid for 15 minutes. Short keys, ids in hex, days and instants as numbers: a token travels in URLs and
cookies.
"""

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID

import orjson

from oms_api import sourcing
from oms_api.kit import clock, secrets
from oms_api.kit.db import Reading
from oms_api.kit.errors import Expired, Invalid, Path
from oms_api.promising.models import DeliveryMethod, Destination, Generated, Line, Parcel, PlannedUnits, Promised, Told
from oms_api.promising.service.planning import Planned

PURPOSE = "promise"
VERSION = 3
EARLIER = frozenset({1, 2})
"""Told apart from what is no token: whoever holds one through an upgrade asks again, as for one that has ended."""


def token_of(tenant_id: UUID, promised: Planned) -> str:
    """The token of a plan that serves all its lines."""
    skus = sorted({units.sku for parcel in promised.parcels for units in parcel.lines})
    number = {sku: i for i, sku in enumerate(skus)}
    return secrets.sign(
        PURPOSE,
        {
            "v": VERSION,
            "t": tenant_id.hex,
            "c": promised.channel,
            "l": [_line(line) for line in promised.lines],
            "d": _destination(promised.destination) if promised.destination else None,
            "u": promised.pickup.hex if promised.pickup else None,
            "s": skus,
            "p": [
                [
                    parcel.location_id.hex,
                    parcel.method.value,
                    parcel.service,
                    int(parcel.ship_by.timestamp()),
                    parcel.delivered_by.toordinal(),
                    [
                        [number[sku], quantity, line, supply_id.hex if supply_id else None]
                        for sku, quantity, line, supply_id in parcel.lines
                    ],
                    parcel.works_on.toordinal() if parcel.works_on else None,
                ]
                for parcel in promised.parcels
            ],
            "x": int(promised.expires_at.timestamp()),
            **({"i": 1} if promised.imagined else {}),
            **({"k": promised.demand_class} if promised.rationed else {}),
            **({} if promised.imagined else {"y": _sealed(promised)}),
            **({"g": [_generated(one) for one in promised.generated]} if promised.generated else {}),
        },
    )


def open_token(reading: Reading, token: str, path: Path = ("input", "promiseToken")) -> Promised:
    """What a token of this tenant promises. Raises Invalid for one that we did not sign for it, Expired."""
    try:
        content = cast(dict[str, Any], secrets.verify(PURPOSE, token))
    except secrets.Unsigned:
        content = {}
    version = content.get("v")
    if version in EARLIER and content["t"] == reading.tenant_id.hex:
        raise Expired("This promise was made before an upgrade; ask for a new one.", path=path)
    if version != VERSION or content["t"] != reading.tenant_id.hex:
        # the same answer for another tenant's token: it tells nothing about it
        raise Invalid("This is not a promise token of ours; pass an option's `token` unchanged.", path=path)
    if "i" in content:
        raise Invalid(
            "This promise was only imagined (`assuming`): it cannot be held. Ask again without assumptions.", path=path
        )
    expires_at = datetime.fromtimestamp(content["x"], UTC)
    if clock.now() >= expires_at:
        raise Expired(f"The promise ended at {expires_at:%Y-%m-%dT%H:%M:%SZ}; ask for a new one.", path=path)
    skus: list[str] = content["s"]
    return Promised(
        channel=content["c"],
        lines=tuple(_line_of(*line) for line in content["l"]),
        destination=Destination(*content["d"]) if content["d"] else None,
        pickup=UUID(content["u"]) if content["u"] else None,
        parcels=tuple(
            Parcel(
                UUID(location),
                DeliveryMethod(method),
                service,
                datetime.fromtimestamp(ship_by, UTC),
                date.fromordinal(delivered_by),
                tuple(
                    PlannedUnits(skus[sku], quantity, line, UUID(supply) if supply else None)
                    for sku, quantity, line, supply in lines
                ),
                date.fromordinal(works_on) if works_on else None,
            )
            for location, method, service, ship_by, delivered_by, lines, works_on in content["p"]
        ),
        expires_at=expires_at,
        rationed="k" in content,
        demand_class=content.get("k"),
        told=Told(*orjson.loads(secrets.decrypt(PURPOSE, content["y"]))),
        generated=tuple(_generated_of(*one) for one in content.get("g", ())),
    )


def _generated(one: Generated) -> list[Any]:
    return [
        one.id.hex,
        one.rule,
        one.generator,
        one.kind,
        one.sku,
        one.location_id.hex,
        one.quantity,
        int(one.expected_at.timestamp()),
        one.capacity_on.toordinal() if one.capacity_on else None,
        [[sku, location_id.hex, units] for sku, location_id, units in one.takes],
    ]


def _generated_of(
    id_: str, rule: str, number: int, kind: str, sku: str, at: str, units: int, due: int, day: int | None, takes: Any
) -> Generated:
    return Generated(
        UUID(id_),
        rule,
        number,
        kind,
        sku,
        UUID(at),
        units,
        datetime.fromtimestamp(due, UTC),
        date.fromordinal(day) if day else None,
        tuple((part, UUID(location_id), each) for part, location_id, each in takes),
    )


def told_of(planned: Planned) -> Told:
    """How a plan was decided."""
    live = planned.question.steering.live
    costs: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    penalties: dict[str, int] = defaultdict(int)
    for _, found in planned.made:
        for sent in found.parcels:
            source = sent.source
            costs[source.location, source.service, source.arrives_on].append(sent.cost)
        for name, amount in found.penalties.items():
            penalties[name] += amount
    handles = {id_: location.handle for id_, location in planned.used.items()}
    plans = [found for _, found in planned.made]
    return Told(
        live.policy,
        live.number,
        sourcing.ENGINE,
        planned.objective.value,
        planned.question.steering.cart.customer_group,
        [
            costs[handles[one.location_id], one.service or "", one.delivered_by.toordinal()].pop()
            for one in planned.parcels
        ],
        dict(planned.terms),
        dict(penalties),
        sum(found.score for found in plans),
        sum(found.lower_bound for found in plans),
        all(found.exact for found in plans),
    )


def _sealed(planned: Planned) -> str:
    return secrets.encrypt(PURPOSE, orjson.dumps(list(told_of(planned))).decode())


def _destination(destination: Destination) -> list[Any]:
    return list(destination if destination.latitude is not None else destination[:2])


def _line(line: Line) -> list[Any]:
    sku, quantity, requested_on, early = line
    return [sku, quantity] if requested_on is None else [sku, quantity, requested_on.toordinal(), int(early)]


def _line_of(sku: str, quantity: int, day: int | None = None, early: int = 0) -> Line:
    return Line(sku, quantity, None if day is None else date.fromordinal(day), bool(early))
