"""A key makes one effect and one answer of any number of requests: held for every mutation that takes one."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from graphql import get_named_type

from documents import document, leaves, root_field, root_fields, tenant_tables, with_leaf
from oms_api.kit import ids
from oms_api.kit.db import Reading
from oms_api.kit.ids import Prefix
from whole_walk import Walk
from world import Api, World

# what a request names and does not make: the first of these in it is put out of place
NAMED = ("location", "channel", "id", "fulfillmentId", "reference", "handle", "number", "channels")


def keyed() -> set[str]:
    """Mutations that take a key."""
    found = set()
    for name in root_fields():
        kind, field = root_field(name)
        if kind == "mutation" and "idempotencyKey" in get_named_type(field.args["input"].type).fields:
            found.add(name)
    return found


def elsewhere(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The same request about something that is not there."""
    found = dict(leaves(variables))
    name = {path: next(part for part in reversed(path) if isinstance(part, str)) for path in found}
    path = min(
        (path for path in found if name[path] in NAMED),
        key=lambda path: (NAMED.index(name[path]), len(path), str(path)),
    )
    prefix = ids.decode(found[path])[0]
    absent = ids.encode(prefix, ids.new()) if prefix in Prefix.registry else f"{found[path]}9"
    return dict(with_leaf(variables, path, absent))


async def _counts(world: World, api: Api) -> dict[str, Any]:
    """How much a tenant has of everything, and what its facts were."""

    async def count(reading: Reading, sql: str) -> list[Any]:
        return [tuple(row) for row in await reading.text(sql.replace("{t}", f"tenant_id = '{api.tenant_id.hex}'"))]

    async with world.db.reading(api.tenant_id) as reading:
        found: dict[str, Any] = {
            table: await count(reading, f"SELECT COUNT(*) FROM {table} WHERE {{t}}")
            for table in tenant_tables()
            if table != "webhook_attempts"  # how often nobody answered depends on the time
        }
        found["topics"] = Counter(await count(reading, "SELECT topic FROM events WHERE {t}"))
        found["stock"] = sorted(await count(reading, "SELECT on_hand, reserved, damaged FROM positions WHERE {t}"))
        found["money"] = sorted(await count(reading, "SELECT captured_minor, refunded_minor FROM payments WHERE {t}"))
    return found


async def test_every_keyed_request_sent_many_times_at_once_has_one_effect_and_one_answer(world: World) -> None:
    once, often = await world.tenant(), await world.tenant()
    await Walk(once, "i").run()
    seen: set[str] = set()

    async def send(field: str, variables: Mapping[str, Any]) -> Any:
        if field not in keyed():
            return await often.ok(document(field), **variables)
        seen.add(field)
        other = elsewhere(variables)
        # refused before it had an effect: the key is free again
        assert [error["code"] for error in await often.refused(document(field), **other)] == ["NOT_FOUND"]
        answers = await asyncio.gather(*(often.answer(document(field), **variables) for _ in range(3)))
        answers.append(await often.answer(document(field), **variables))
        first = answers[0]["data"]
        assert first[field]["userErrors"] == []
        assert [answer.get("errors") or answer["data"] for answer in answers] == [first] * 4
        replayed = [answer["extensions"].get("idempotency") for answer in answers]
        assert replayed.count({"replayed": True}) == 3
        assert replayed[3] == {"replayed": True}
        assert [error["code"] for error in await often.refused(document(field), **other)] == ["IDEMPOTENCY_KEY_REUSED"]
        return first[field]

    await Walk(often, "i", send).run()
    assert seen == keyed()
    assert await _counts(world, often) == await _counts(world, once)
