"""What ATP rules bring becomes true: announced, set aside or counted in, in the transaction that holds its units.

The rows of the rules are the lock of their generators' days. They are locked after positions, everywhere in this order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from oms_api import inventory, network
from oms_api.inventory import Brought, InsufficientStock, SupplyKind
from oms_api.kit import ids
from oms_api.kit.db import Tx
from oms_api.kit.errors import Refusal, refuse
from oms_api.promising import queries
from oms_api.promising.models import AtpMode, AtpRule, DeliveryMethod, Generated, GeneratorKind, Promised

Key = tuple[str, UUID]
_KINDS: dict[str, SupplyKind] = {
    GeneratorKind.TRANSFER: SupplyKind.TRANSFER,
    GeneratorKind.MAKE: SupplyKind.PRODUCTION,
}


async def bring(tx: Tx, promised: Promised) -> Mapping[UUID, UUID]:
    """Announce what is generated of a promise, as supplies of its own; their ids by those that the promise names.

    Raises InsufficientStock when a rule brings it no more, or others have taken its day. No statement when nothing is
    generated, else five; four more for what is set aside, three for what is counted in.
    """
    generated = promised.generated
    if not generated:
        return {}
    supplies = {
        one.id: Brought(
            ids.new(),
            one.sku,
            one.location_id,
            one.quantity,
            _KINDS.get(one.kind, SupplyKind.PURCHASE),
            one.expected_at,
            one.origin,
            one.capacity_on,
            one.takes,
        )
        for one in generated
        if one.kind != AtpMode.INFINITE
    }
    held = {(units.sku, parcel.location_id) for parcel in promised.parcels for units in parcel.lines}
    rules = await lock(tx, held, generated)
    refuse([problem for one in generated if (problem := _ended(one, rules.get(one.rule)))])
    await _check_days(tx, generated, rules)
    if supplies:
        await inventory.bring(tx, list(supplies.values()), method=DeliveryMethod.SHIPPING)
    if len(supplies) < len(generated):
        await _count_in(tx, promised)
    return {id_: one.id for id_, one in supplies.items()}


async def lock(tx: Tx, keys: Iterable[Key], generated: Sequence[Generated]) -> Mapping[str, AtpRule]:
    """Lock positions, those that what is generated comes to or is made from, and then its rules, by handle."""
    named = {*keys, *((sku, id_) for one in generated for sku, id_, _ in one.takes)}
    if not generated:
        await inventory.lock(tx, named)
        return {}
    goals = {(one.sku, one.location_id) for one in generated}
    await inventory.open_positions(tx, goals)
    await inventory.lock(tx, named | goals)
    handles = sorted({one.rule for one in generated})
    return {row.handle: row for row in await queries.locked_rules(tx, handles)}


def _ended(one: Generated, rule: AtpRule | None) -> Refusal | None:
    """What is wrong when the rule does not bring it any more."""
    if rule is not None and rule.active and (not rule.skus or one.sku in rule.skus):
        if one.generator == 0 and rule.mode == one.kind:
            return None
        if 0 < one.generator <= len(rule.generators) and rule.generators[one.generator - 1]["kind"] == one.kind:
            return None
    return _short(one, 0, f"ATP rule {one.rule} brings {one.sku} by {one.kind} no more")


async def _check_days(tx: Tx, generated: Sequence[Generated], rules: Mapping[str, AtpRule]) -> None:
    """Others may have taken the days that a plan has found free."""
    days = [one for one in generated if one.capacity_on is not None]
    if not days:
        return
    first = min(one.capacity_on for one in days if one.capacity_on)
    taken = Counter(await inventory.brought(tx, sorted({one.origin for one in days}), first))
    problems = []
    for one in days:
        assert one.capacity_on is not None
        most = rules[one.rule].generators[one.generator - 1]["perDay"]
        left = one.quantity if most is None else max(most - taken[one.origin, one.capacity_on], 0)
        if one.quantity > left:
            problems.append(_short(one, left, f"{one.kind} of ATP rule {one.rule} brings {left} on {one.capacity_on}"))
        taken[one.origin, one.capacity_on] += one.quantity
    refuse(problems)


def _short(one: Generated, available: int, said: str) -> InsufficientStock:
    return InsufficientStock(
        f"{said}, {one.quantity} were promised; ask for a new promise.",
        details={"sku": one.sku, "requested": one.quantity, "available": available},
    )


async def _count_in(tx: Tx, promised: Promised) -> None:
    """Units of INFINITE rules that are not there when they are held."""
    anyhow = {one.sku for one in promised.generated if one.kind == AtpMode.INFINITE}
    wanted: Counter[tuple[str, UUID]] = Counter()
    method = None
    for parcel in promised.parcels:
        method = parcel.method
        for units in parcel.lines:
            if units.supply_id is None and units.sku in anyhow:
                wanted[units.sku, parcel.location_id] += units.quantity
    at = sorted({id_ for _, id_ in wanted})
    stock, _ = await inventory.stock(tx, sorted({sku for sku, _ in wanted}), at, method=method)
    places = await network.locations_by_id(tx, at)
    free = {
        (row.sku, row.location_id): row._replace(allowed=None).free(places[row.location_id].safety_stock)
        for row in stock
    }
    missing = [(*key, units - free.get(key, 0)) for key, units in sorted(wanted.items()) if units > free.get(key, 0)]
    if missing:
        await inventory.count_in(tx, missing, reason="infinite")
