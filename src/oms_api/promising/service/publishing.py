"""Publishing a sourcing policy: its examples are planned by the planner of every promise."""

from collections import Counter
from collections.abc import Mapping, Sequence

from oms_api import network, sourcing
from oms_api.kit.db import Tx
from oms_api.kit.errors import Invalid, NotFound, Path, Refusal
from oms_api.promising.models import Destination, Line, ShortagePolicy
from oms_api.promising.service.availability import chosen
from oms_api.promising.service.imagining import Assumptions, ImaginedStock, not_of_channel
from oms_api.promising.service.planning import Planned, solve
from oms_api.promising.service.question import read
from oms_api.sourcing import Content, Example, Live, Policy, PolicyVersion, Rule

Shipments = Mapping[str, Mapping[str, int]]


async def publish(
    tx: Tx,
    *,
    handle: str,
    currency: str,
    content: Content,
    extends: str | None,
    note: str | None,
    expected_version: int | None,
) -> tuple[Policy, PolicyVersion]:
    """A new version of a policy, if every example comes out as it says. Raises what `sourcing.publish` raises."""

    async def check(rules: Sequence[Rule], examples: Sequence[Example]) -> list[Refusal]:
        live = Live(handle, 0, tuple(rules))
        found: list[Refusal] = []
        for i, example in enumerate(examples):
            found += await _check(tx, live, example, currency, ("input", "examples", i))
        return found

    return await sourcing.publish(
        tx,
        handle=handle,
        currency=currency,
        content=content,
        extends=extends,
        note=note,
        expected_version=expected_version,
        check=check,
    )


async def _check(tx: Tx, live: Live, example: Example, currency: str, path: Path) -> list[Refusal]:
    """What is wrong with an example: it names what is not there, or the plan is another."""
    served_by = await network.network_of(tx, example.channel)
    if served_by is None:
        return [
            NotFound(
                f"There is no channel {example.channel[:60]!r}; create it with channelPut first.",
                path=(*path, "channel"),
            )
        ]
    if served_by.channel.currency != currency:
        return [
            Invalid(
                f"Channel {example.channel} sells in {served_by.channel.currency}, not {currency}.",
                path=(*path, "channel"),
            )
        ]
    problems: list[Refusal] = []
    pickup = chosen(served_by, example.pickup, problems, (*path, "pickupLocations")) if example.pickup else None
    if pickup is None and example.country is None:
        problems.append(Invalid("Say where to: `country`, or `pickupLocations`.", path=(*path, "country")))
    if problems:
        return problems
    destination = Destination(example.country, example.postal_code) if example.country and pickup is None else None
    known = {location.handle for location in served_by.locations}
    problems += [
        not_of_channel(sent.location, (*path, "shipments", i, "location"))
        for i, sent in enumerate(example.shipments)
        if sent.location not in known
    ]
    twice = Counter((sent.location, sent.sku) for sent in example.stock)
    problems += [
        Invalid(f"{sent.sku} at {sent.location} is named twice; send each once.", path=(*path, "stock", i))
        for i, sent in enumerate(example.stock)
        if twice[sent.location, sent.sku] > 1
    ]
    stock = [ImaginedStock(row.sku, row.location, row.quantity) for row in example.stock]
    try:
        question = await read(
            tx,
            network=served_by,
            lines=[Line(line.sku, line.quantity) for line in example.lines],
            destination=destination,
            pickup=pickup,
            items=None,
            path=(*path, "lines"),
            assuming=Assumptions(stock=stock, alone=True, path=path),
            live=live,
            customer_group=example.customer_group,
        )
    except Refusal as refusal:
        return [*problems, *(_within(part, path) for part in refusal.parts())]
    if problems:
        return problems
    planned = solve(question, ShortagePolicy.REJECT, None)
    got, wanted = _got(planned), _wanted(example)
    if got == wanted:
        return []
    why = f", since {planned.short[0].message}" if planned.short else "."
    return [
        Invalid(
            f"Example '{example.name}' wants {_told(wanted)}; these rules plan {_told(got)}{why} Change one of them.",
            path=(*path, "shipments"),
        )
    ]


def _within(refusal: Refusal, path: Path) -> Refusal:
    """The same, told of where the example says it: `input.destination.country` is its `country`."""
    if refusal.path[:2] == ["input", "destination"]:
        refusal.path = [*map(str, path), *refusal.path[2:]]
    return refusal


def _got(planned: Planned) -> Shipments:
    handles = {place.id: place.handle for place in planned.question.candidates}
    found: dict[str, Counter[str]] = {}
    for parcel in planned.parcels:
        units = found.setdefault(handles[parcel.location_id], Counter())
        for line in parcel.lines:
            units[line.sku] += line.quantity
    return found


def _wanted(example: Example) -> Shipments:
    found: dict[str, Counter[str]] = {}
    for shipment in example.shipments:
        units = found.setdefault(shipment.location, Counter())
        for line in shipment.lines:
            units[line.sku] += line.quantity
    return found


def _told(shipments: Shipments) -> str:
    said = [
        f"{', '.join(f'{quantity} of {sku}' for sku, quantity in sorted(units.items()))} from {location}"
        for location, units in sorted(shipments.items())
    ]
    return " and ".join(said) or "nothing"
