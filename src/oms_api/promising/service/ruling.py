"""Put ATP rules: which way of working out what can be promised applies to which SKU."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from oms_api import catalog, network
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx
from oms_api.kit.errors import Invalid, LimitExceeded, NotFound, Path, Refusal, Required, Taken, camel, refuse
from oms_api.kit.events import emit
from oms_api.promising import queries
from oms_api.promising.events import AtpRuleCreated, AtpRuleUpdated
from oms_api.promising.models import ATP_RULE, AtpMode, AtpRule, GeneratorKind

PUT_MAX = 100
RULES_MAX = 100
SKUS_MAX = 1000
GENERATORS_MAX = 10
COMPONENTS_MAX = 50
DAYS_MAX = 3650
UNITS_MAX = 2**31 - 1
_DAYS = ("past_due_supply_days", "past_due_demand_days", "delayed_offset_days", "horizon_days", "lead_time_days")
_NEW: dict[str, Any] = {
    "skus": [],
    "mode": AtpMode.CUMULATIVE,
    "delayed_offset_days": 1,
    "period_days": 1,
    "consume_backward": True,
    "consume_forward": False,
    "generators": [],
    "active": True,
}
_KEPT = ("tenant_id", "id", "handle", "created_at")


async def put_rules(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[AtpRule]:
    """Create or, by `handle`, change ATP rules, all or none: an absent key stays as it is, None clears it.

    Keys are the columns of `AtpRule`. Raises every problem at once: Invalid, Required, NotFound for a SKU or location
    that is not known, Taken where two active rules would name a SKU or be for all others, LimitExceeded.
    """
    if not 1 <= len(changes) <= PUT_MAX:
        raise Invalid(f"Send 1 to {PUT_MAX} rules, not {len(changes)}.", path=("input", "rules"))
    await network.stamp_policy(tx)  # puts of a tenant run one after another
    known = {row.handle: row for row in await queries.atp_rules(tx)}
    counted = Counter(change["handle"] for change in changes)
    problems: list[Refusal] = []
    now = clock.now()
    rows: list[dict[str, Any]] = []
    for i, change in enumerate(changes):
        old = known.get(change["handle"])
        row: dict[str, Any] = dict(old.__dict__) if old else {**_blank(tx), "created_at": now}
        row |= {key: _NEW.get(key) if value is None else value for key, value in change.items()}
        rows.append({**row, "updated_at": now})
        _check(rows[-1], counted, ("input", "rules", i), problems)
    await _check_known(tx, rows, problems)
    after = {**{handle: row.__dict__ for handle, row in known.items()}, **{row["handle"]: row for row in rows}}
    problems += _overlaps([row["handle"] for row in rows], after)
    if len(after) > RULES_MAX:
        problems.append(LimitExceeded(f"There would be {len(after)} ATP rules, at most {RULES_MAX} are kept."))
    refuse(problems)
    saved = await tx.upsert(
        AtpRule, rows, key=("tenant_id", "handle"), change=[name for name in rows[0] if name not in _KEPT]
    )
    by_handle = {row.handle: row for row in saved}
    for row in rows:
        _tell(tx, known.get(row["handle"]), by_handle[row["handle"]])
    return [by_handle[change["handle"]] for change in changes]


def _blank(tx: Tx) -> dict[str, Any]:
    return {**dict.fromkeys(AtpRule.model_fields), **_NEW, "tenant_id": tx.tenant_id, "id": ids.new()}


def _tell(tx: Tx, old: AtpRule | None, new: AtpRule) -> None:
    said: dict[str, Any] = {"handle": new.handle, "mode": str(new.mode), "skus": new.skus, "active": new.active}
    subject = ATP_RULE.ref(new.id)
    if old is None:
        emit(tx, AtpRuleCreated(**said), subject=subject, added=["atpRule"])
        return
    updated = [
        camel(name) for name, value in new.__dict__.items() if name != "updated_at" and getattr(old, name) != value
    ]
    if updated:
        emit(tx, AtpRuleUpdated(**said), subject=subject, updated=updated)


def _check(row: Mapping[str, Any], counted: Counter[str], path: Path, problems: list[Refusal]) -> None:
    network.check_handle(row["handle"], path, counted, problems)
    for name in _DAYS:
        _number(row[name], 0, DAYS_MAX, (*path, name), problems)
    _number(row["period_days"], 1, DAYS_MAX, (*path, "period_days"), problems)
    _number(row["accumulation_periods"], 0, DAYS_MAX, (*path, "accumulation_periods"), problems)
    if row["mode"] is AtpMode.LEAD_TIME and row["lead_time_days"] is None:
        problems.append(
            Required("Send leadTimeDays: from then on anything can be had.", path=(*path, "lead_time_days"))
        )
    if len(row["skus"]) > SKUS_MAX:
        problems.append(Invalid(f"Name at most {SKUS_MAX:,} SKUs, not {len(row['skus']):,}.", path=(*path, "skus")))
    if len(set(row["skus"])) < len(row["skus"]):
        problems.append(Invalid("Name each SKU once.", path=(*path, "skus")))
    if len(row["generators"]) > GENERATORS_MAX:
        problems.append(Invalid(f"Name at most {GENERATORS_MAX} generators.", path=(*path, "generators")))
    for i, generator in enumerate(row["generators"]):
        _check_generator(generator, (*path, "generators", i), problems)


def _check_generator(generator: Mapping[str, Any], path: Path, problems: list[Refusal]) -> None:
    kind = generator["kind"]
    _number(generator["leadDays"], 0, DAYS_MAX, (*path, "leadDays"), problems)
    _number(generator["perDay"], 1, UNITS_MAX, (*path, "perDay"), problems)
    days = generator["openDays"]
    if not days or len(set(days)) < len(days) or not all(1 <= day <= 7 for day in days):
        problems.append(
            Invalid("openDays must name weekdays 1 (Monday) to 7 (Sunday), at least one, each once.",
                    path=(*path, "openDays"))
        )  # fmt: skip
    if (generator["location"] is None) is (kind == GeneratorKind.TRANSFER):
        words = "TRANSFER needs the `location` that it comes from" if kind == GeneratorKind.TRANSFER else (
            f"Only TRANSFER has a `location`; {kind} brings units to wherever they are wanted"
        )  # fmt: skip
        problems.append(Invalid(f"{words}.", path=(*path, "location")))
    parts = generator["components"]
    if bool(parts) is not (kind == GeneratorKind.MAKE):
        words = "MAKE needs its `components`" if kind == GeneratorKind.MAKE else "Only MAKE has `components`"
        problems.append(Invalid(f"{words}.", path=(*path, "components")))
    if len(parts) > COMPONENTS_MAX or len({sku for sku, _ in parts}) < len(parts):
        problems.append(Invalid(f"Name at most {COMPONENTS_MAX} components, each once.", path=(*path, "components")))
    for j, (_, quantity) in enumerate(parts):
        _number(quantity, 1, 10_000, (*path, "components", j, "quantity"), problems)


def _number(value: int | None, least: int, most: int, path: Path, problems: list[Refusal]) -> None:
    if value is not None and not least <= value <= most:
        problems.append(Invalid(f"{camel(str(path[-1]))} {value} must be {least:,} to {most:,}.", path=path))


async def _check_known(tx: Tx, rows: Sequence[Mapping[str, Any]], problems: list[Refusal]) -> None:
    """SKUs and locations must exist. At most two statements."""
    named: list[tuple[str, Path]] = [
        (sku, ("input", "rules", i, "skus", j)) for i, row in enumerate(rows) for j, sku in enumerate(row["skus"])
    ]
    places: list[tuple[str, Path]] = []
    for i, row in enumerate(rows):
        for j, generator in enumerate(row["generators"]):
            path: Path = ("input", "rules", i, "generators", j)
            named += [(sku, (*path, "components", k, "sku")) for k, (sku, _) in enumerate(generator["components"])]
            if generator["location"] is not None:
                places.append((generator["location"], (*path, "location")))
    if named:
        skus = await catalog.items(tx, sorted({sku for sku, _ in named}))
        problems += [
            NotFound(f"There is no SKU {sku[:60]!r}; create it with skuPut first.", path=path)
            for sku, path in named
            if sku not in skus
        ]
    if places:
        found = await network.locations_by_handle(tx, sorted({handle for handle, _ in places}))
        problems += [
            NotFound(f"There is no location {handle[:60]!r}; create it with locationPut first.", path=path)
            for handle, path in places
            if handle not in found
        ]


def _overlaps(sent: Sequence[str], after: Mapping[str, Mapping[str, Any]]) -> list[Refusal]:
    """Two active rules for one SKU, or for all others: said of the rule that was sent."""
    owner: dict[str | None, str] = {}
    found: list[Refusal] = []
    order = sorted(after, key=lambda handle: handle in sent)
    for handle in order:
        row = after[handle]
        if not row["active"]:
            continue
        for sku in row["skus"] or [None]:
            other = owner.setdefault(sku, handle)
            if other != handle:
                what = f"{sku} has the rule {other}" if sku else f"{other} is for all SKUs that no other rule names"
                found.append(
                    Taken(
                        f"{what} already; name the SKU there, or make that rule inactive first.",
                        path=("input", "rules", sent.index(handle), "skus"),
                    )
                )
                break
    return found
