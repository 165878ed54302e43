"""One tenant never sees, changes or even notices another: held for every statement and every root field."""

import hashlib
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import pytest

import oms_api
from documents import document, leaves, root_field, root_fields, tenant_tables, with_leaf
from oms_api.kit import ids
from oms_api.kit.db import Reading, observe
from oms_api.kit.db.drivers import driver_for
from oms_api.kit.db.statements import Compiled, Prepared
from oms_api.kit.ids import Prefix
from whole_walk import Walk
from world import World

# What no tenant is known for yet, and what looks for work in all of them. The rows that these find name their tenant,
# and whatever is done with them is done as that tenant.
SPANNING = {
    "access.queries._BY_HASH", "access.queries._TENANT", "access.queries._TENANTS", "access.service._REVOKE",
    "doctor._DEAD", "doctor._UNTOLD", "inventory.queries.rows._LAPSED", "inventory.queries.rows._OVERDUE",
    "kit.events._UNSTAMPED_TENANTS", "fulfillment.queries._LATE", "fulfillment.queries._OVERDUE",
    "kit.inbox._TENANTS_WITH_OLD", "payments.queries._ACCOUNTS_CALLED_BACK", "payments.queries._ACCOUNT_OF_CALLBACK",
    "payments.queries._OVERDUE",
    "kit.jobs._AGAIN", "kit.jobs._TENANTS_WITH_KEYS", "kit.relay._CLAIM", "kit.relay._HURRY",
    "sourcing.queries._SHADOWED", "returns.queries._EXPIRING", "orders.queries.rows._OVERDUE",
    "orders.queries.rows._LAPSING", "orders.queries.waves._STALE",
    "payments.queries._DUE", "payments.queries._UNRESOLVED", "webhooks.queries._DUE",
    "webhooks.queries._FORGETTABLE", "webhooks.queries._TENANTS_BEHIND",
}  # fmt: skip
TIMERS = [
    "inventory.expire", "inventory.late", "orders.lapse", "payments.retry", "webhooks.deliver", "webhooks.forget",
    "kit.forget_keys", "kit.forget_inbox", "payments.overdue", "fulfillment.overdue", "orders.backorders_overdue",
    "returns.expire", "sourcing.shadow", "orders.waves",
]  # fmt: skip

_DRIVERS = {
    "sqlite": driver_for("sqlite+aiosqlite:///none"),
    "postgresql": driver_for("postgresql+asyncpg://none/none"),
}
_COLUMNS = r"\((?:[^()]|\([^()]*\))*\)"


def unbound(sql: str) -> list[str]:
    """Tables (or their aliases) of a statement that it reads or changes without asking for their tenant."""
    found = []
    # columns that are called like a table (`skus`): those of a row that is put in, and of what comes back of it
    sql = re.sub(rf"\A(INSERT INTO \w+) {_COLUMNS}|( AS _r){_COLUMNS}|\bRETURNING [^()]*\Z", r"\1\2", sql)
    sql = re.sub(r"DO UPDATE SET .*?(?= RETURNING |\Z)", "DO UPDATE SET", sql, flags=re.DOTALL)
    given = re.search(r"tenant_id = (\?|\$\d)|tenant_id = _\w+\.tenant_id", sql)
    for table in tenant_tables():
        for match in re.finditer(rf"(?:\b(?:FROM|JOIN|UPDATE)|,)\s+{table}\b(?:\s+AS\s+(\w+))?(?![.\w(])", sql):
            name = match.group(1) or table
            if not given or not re.search(rf"\b{name}\.tenant_id =|= {name}\.tenant_id\b", sql):
                found.append(name)
    return found


def _statements(value: Any) -> Iterator[Prepared]:
    if isinstance(value, Prepared):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _statements(inner)


@cache
def prepared_statements() -> dict[str, Prepared]:
    """Every statement that stands at module level, whether or not a walk comes to it, by where it stands."""
    found: dict[str, Prepared] = {}
    for info in pkgutil.walk_packages(oms_api.__path__, "oms_api."):
        if not info.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(info.name)).items():
                for i, statement in enumerate(_statements(value)):
                    found[f"{info.name.removeprefix('oms_api.')}.{name}{f'[{i}]' if i else ''}"] = statement
    return found


def _sql(engine: str) -> dict[str, str]:
    dialect = _DRIVERS[engine].dialect
    return {name: Compiled(one.statement, dialect).sql for name, one in prepared_statements().items()}


@pytest.mark.parametrize("engine", _DRIVERS)
def test_every_prepared_statement_asks_for_the_tenant_but_for_those_that_are_named(engine: str) -> None:
    """A name on the list that is not there or asks for the tenant after all is a mistake too."""
    found = _sql(engine)
    assert len(found) > 100
    assert {name for name, sql in found.items() if unbound(sql)} == SPANNING


def test_a_table_without_its_tenant_is_found() -> None:
    assert unbound("SELECT p.id FROM payments AS p JOIN orders ON orders.id = p.id WHERE p.tenant_id = ?") == ["orders"]
    assert unbound("UPDATE orders SET status = ? WHERE orders.id = ?") == ["orders"]
    assert unbound("DELETE FROM orders WHERE orders.tenant_id = ?") == []


async def test_every_statement_of_a_whole_walk_asks_for_the_tenant(world: World) -> None:
    seen: set[str] = set()
    with observe(seen.add):
        await Walk(await world.tenant(), "o").run()
        for timer in TIMERS:
            await world.tick(timer)
    known = _sql(world.db.engine)
    asked = {sql for sql in seen if re.match(r"\s*(SELECT|UPDATE|DELETE|WITH)", sql)} - {
        known[name] for name in SPANNING
    }
    assert len(asked) > 100
    assert {sql: unbound(sql) for sql in asked if unbound(sql)} == {}


# --- what is another tenant's answers like what is not there -------------------------------------------------------

_ID = re.compile(r"\b[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}\b")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
# what differs from one request to the next whatever was asked for
_OWN = {"number", "secret", "cursor", "startCursor", "endCursor", "position", "requestId", "remaining"}


def _absent(theirs: str, mark: str) -> str:
    """A value of the same shape that nobody has."""
    prefix = ids.decode(theirs)[0]
    if prefix in Prefix.registry:
        return ids.encode(prefix, ids.new())
    if f"-{mark}" in theirs:
        return theirs.replace(f"-{mark}", "-zz")
    return theirs[:-1] + ("A" if theirs[-1] != "A" else "B")


def _is_instant(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "…" if name in _OWN else _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _normal(body: dict[str, Any], sent: str) -> str:
    text = json.dumps(_plain(body), ensure_ascii=False, sort_keys=True).replace(sent, "<it>")
    return _INSTANT.sub("<instant>", _ID.sub("<id>", text))


async def _digest(reading: Reading) -> dict[str, str]:
    """What a tenant has, by table."""
    found = {}
    for table in tenant_tables():
        rows = await reading.text(f"SELECT * FROM {table} WHERE tenant_id = '{reading.tenant_id.hex}'")
        found[table] = hashlib.sha256("\n".join(sorted(map(repr, map(tuple, rows)))).encode()).hexdigest()
    return found


async def test_what_is_another_tenants_answers_exactly_like_what_is_not_there(world: World) -> None:
    """Every id, handle, code, reference, cursor and token that the walk sends anywhere, one at a time."""
    theirs, ours = await Walk(await world.tenant(), "th").run(), await Walk(await world.tenant(), "us").run()
    async with world.db.reading(theirs.api.tenant_id) as reading:
        before = await _digest(reading)
    different: list[Any] = []
    tried: set[str] = set()
    # the last first: what a put creates here is not foreign any more
    for their, our in reversed(list(zip(theirs.steps, ours.steps, strict=True))):
        assert their.field == our.field
        foreign = dict(leaves(their.variables))
        for path, mine in reversed(list(leaves(our.variables))):
            value = foreign[path]
            if value == mine or path[-1] == "idempotencyKey" or _is_instant(value):
                continue
            answers = []
            for sent in (value, _absent(value, "th")):
                variables = with_leaf(our.variables, path, sent)
                if "idempotencyKey" in variables.get("input", {}):
                    variables = with_leaf(variables, ("input", "idempotencyKey"), f"key-{ids.new()}")
                body = await ours.api.answer(document(our.field), **variables)
                answers.append(_normal(body, sent))
            tried.add(our.field)
            # a put that takes it as a new name meets what it put before; it must only show nothing of theirs
            named = '"userErrors": []' in answers[0] and root_field(our.field)[0] == "mutation"
            if "-th" in answers[0] if named else answers[0] != answers[1]:
                different.append((our.field, path, *answers))
    assert different == []
    assert set(root_fields()) - tried == {"carrierServices", "sourcingPolicies", "viewer"}  # none names anything
    async with world.db.reading(theirs.api.tenant_id) as reading:
        assert await _digest(reading) == before
