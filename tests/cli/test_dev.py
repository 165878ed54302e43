"""`oms dev` and `oms demo` as their users start them."""

import asyncio
import json
import os
import signal
import socket
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from oms_api import access, demo, seed
from oms_api.client import Client, Failed
from programs import Program, Programs, Warm, free_port, programs
from witness import QUIET, eventually, stock

READY_S = 5.0
LOAD_FACTOR = 8.0  # machines that run tests do other things as well: only a runaway fails
REVOKED_S = 6.0
LAPSED = "query($id: ID!) { order(by: {id: $id}) { status cancelReason } }"
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id } userErrors { code path message } } }"""
SET = "mutation($input: InventorySetInput!) { inventorySet(input: $input) { userErrors { code path message } } }"


@pytest.fixture
async def begin(warm: Warm, tmp_path: Path) -> AsyncIterator[Programs]:
    async with programs(warm, tmp_path) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def _dev(begin: Programs, folder: Path, *more: str, **how: Any) -> tuple[Program, dict[str, Any]]:
    port = str(free_port())
    program = await begin.start("dev", "--json", "--port", port, "--data-dir", str(folder), *more, **how)
    return program, json.loads(await program.line())


async def test_dev_prints_one_line_of_json_and_keeps_its_key(begin: Programs, folder: Path) -> None:
    program, ready = await _dev(begin, folder)
    assert ready.keys() == {"url", "apiKey", "pid"}
    assert ready["pid"] == program.pid
    async with Client(ready["url"], ready["apiKey"]) as client:
        viewer = await client("{ viewer { tenant scopes } }")
        assert (viewer["tenant"], viewer["scopes"]) == ("demo", list(access.SCOPES))
        assert len(await stock(client)) == 6
    assert await program.end() == 0
    assert len(program.out.splitlines()) == 1
    assert stat.S_IMODE((folder / "api.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600
    again, ready_again = await _dev(begin, folder, "--no-seed")
    assert ready_again["apiKey"] == ready["apiKey"]
    assert await again.end() == 0


async def test_without_seed_nothing_is_there(begin: Programs, folder: Path) -> None:
    _, ready = await _dev(begin, folder, "--no-seed")
    async with Client(ready["url"], ready["apiKey"]) as client:
        assert await stock(client) == []


async def test_a_taken_port_is_said_aloud_and_the_next_one_used(begin: Programs, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = await begin.start("dev", "--json", "--no-seed", "--port", str(port), "--data-dir", str(folder))
        ready = json.loads(await program.line())
    used = int(ready["url"].rpartition(":")[2])
    assert port < used < port + 50
    assert f"Port {port} is taken, so this runs on port {used}." in program.err


async def test_the_second_start_is_ready_in_seconds(begin: Programs, folder: Path) -> None:
    program, _ = await _dev(begin, folder)
    assert await program.end() == 0
    started, before = time.monotonic(), os.times()
    program, _ = await _dev(begin, folder, cold=True)
    took = time.monotonic() - started
    assert await program.end() == 0
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"\nsecond start: ready in {took:.2f} s, {cpu:.2f} s of CPU until its end")
    assert took < READY_S * LOAD_FACTOR


async def test_a_key_is_made_and_revoked_while_dev_runs(begin: Programs, folder: Path) -> None:
    _, ready = await _dev(begin, folder)
    made = await begin.run(
        "keys", "create", "--tenant", "demo", "--scopes", "orders:read", "--data-dir", str(folder), "--json"
    )
    key = json.loads(made.out)
    assert key.keys() == {"id", "key", "tenant", "scopes"}
    assert (key["tenant"], key["scopes"]) == ("demo", ["orders:read"])
    headers = {"Authorization": f"Bearer {key['key']}"}
    async with httpx2.AsyncClient(base_url=ready["url"], headers=headers) as http:

        async def status(query: str) -> tuple[int, Any]:
            answer = await http.post("/graphql", json={"query": query})
            return answer.status_code, answer.json()

        code, body = await status("{ viewer { tenant } }")
        assert (code, body["data"]) == (200, {"viewer": {"tenant": "demo"}})
        _, refused = await status("{ inventory(first: 1) { nodes { sku } } }")
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        revoked = await begin.run("keys", "revoke", key["id"], "--data-dir", str(folder))
        assert await revoked.wait() == 0
        until = time.monotonic() + REVOKED_S
        while (await status("{ viewer { tenant } }"))[0] != 401:
            assert time.monotonic() < until
            await asyncio.sleep(0.1)
    twice = await begin.run("keys", "revoke", key["id"], "--data-dir", str(folder))
    assert await twice.wait() == 1
    assert f"There is no key '{key['id']}' in use." in twice.err


async def test_an_unknown_scope_makes_no_key(begin: Programs, folder: Path) -> None:
    refused = await begin.run("keys", "create", "--tenant", "demo", "--scopes", "everything", "--data-dir", str(folder))
    assert await refused.wait() == 1
    assert "everything" in refused.err
    assert "Traceback" not in refused.err
    assert refused.out == ""


async def test_the_clock_lets_an_unpaid_order_lapse_and_a_reservation_expire(begin: Programs, folder: Path) -> None:
    _, ready = await _dev(begin, folder)
    async with Client(ready["url"], ready["apiKey"]) as client:
        before = await stock(client)
        lines = [{"sku": "TEE-BLACK-M", "quantity": 2}]
        destination = {"country": "US", "postalCode": "10001"}
        promised = await client(demo.PROMISE, input={"channel": "web", "lines": lines, "destination": destination})
        order = await client(
            demo.CREATE,
            input={
                "idempotencyKey": "clock", "channel": "web", "externalId": "clock", "lines": lines,
                "promiseToken": promised["promise"]["options"][0]["token"],
                "customer": {"email": "ada@example.com"},
                "shippingAddress": {"name": "Ada", "lines": ["1 Street"], "city": "New York", "region": "NY",
                                    "postalCode": "10001", "country": "US"},
            },
        )  # fmt: skip
        held = await client(RESERVE, input={"idempotencyKey": "hold", "channel": "web", "lines": lines})
        assert held["reservation"]["id"].startswith("rsv_")
        assert await stock(client) != before
        advanced = await begin.run("clock", "advance", str(40 * 86400), "--data-dir", str(folder))
        assert await advanced.wait() == 0
        assert f"{40 * 86400} seconds ahead" in advanced.out
        lapsed = await client.until(
            "query($id: ID!) { order(by: {id: $id}) { status } }",
            lambda now: now["status"] == "CANCELLED",
            seconds=20,
            id=order["order"]["id"],
        )
        assert lapsed["status"] == "CANCELLED"
        for _ in range(400):
            if await stock(client) == before:
                break
            await asyncio.sleep(0.05)
        assert await stock(client) == before
        topics = {node["topic"] for node in (await client("{ events(first: 100) { nodes { topic } } }"))["nodes"]}
        assert {"order.lapsed", "reservation.expired"} <= topics


async def test_units_of_one_sku_from_two_places_go_back_to_where_they_came_from(begin: Programs, folder: Path) -> None:
    _, ready = await _dev(begin, folder)
    async with Client(ready["url"], ready["apiKey"]) as client:
        few = [
            {"sku": "TEE-BLACK-M", "location": location, "quantity": quantity}
            for location, quantity in (("store-nyc", 1), ("dc-east", 1), ("dc-west", 0))
        ]
        await client(SET, input={"quantities": few, "reason": "cycle_count"})
        before = await stock(client)
        order_id = await demo.walk(client, QUIET)
        order = await client("query($id: ID!) { order(by: {id: $id}) { fulfillments { id } } }", id=order_id)
        assert len(order["fulfillments"]) >= 2
        assert await stock(client) == before


async def test_sigterm_ends_a_start_with_0_at_any_moment(begin: Programs, tmp_path: Path) -> None:
    for part in range(5):
        program = await begin.start(
            "demo", "--port", str(free_port()), "--data-dir", str(tmp_path / f"demo{part}"), cold=part == 0
        )
        await program.minds(signal.SIGTERM)
        await asyncio.sleep(part * 0.25)
        started = time.monotonic()
        assert await program.end() == 0, program.err
        assert time.monotonic() - started < 10 * LOAD_FACTOR
        assert "Traceback" not in program.err
        assert not (tmp_path / f"demo{part}" / "dev.json").exists()


async def test_sigterm_ends_a_walk_with_0(begin: Programs, folder: Path) -> None:
    program = await begin.start("demo", "--port", str(free_port()), "--data-dir", str(folder))
    await eventually(lambda: "The order is placed" in program.out, 60, "the walk is on its way")
    started = time.monotonic()
    assert await program.end() == 0, program.err
    assert time.monotonic() - started < 10 * LOAD_FACTOR
    assert "Traceback" not in program.err


async def test_a_failed_step_of_the_demo_is_a_status_other_than_0(begin: Programs, folder: Path) -> None:
    _, ready = await _dev(begin, folder)
    async with Client(ready["url"], ready["apiKey"]) as client:
        none = [
            {"sku": sku, "location": location, "quantity": 0}
            for sku, location in seed.STOCK
            if sku in ("TEE-BLACK-M", "MUG-WHITE")
        ]
        await client(SET, input={"quantities": none, "reason": "cycle_count"})
        with pytest.raises(Failed, match="nothing can be promised"):
            await demo.walk(client, QUIET)
    walked = await begin.run("demo", "--once", "--port", str(free_port()), "--data-dir", str(folder))
    assert await walked.wait() == 1
    assert "That did not work" in walked.out
