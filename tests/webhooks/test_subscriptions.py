"""Subscriptions through the API: put, pause, rotate, try out; and where nothing may be sent."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select
from standardwebhooks import Webhook, WebhookVerificationError

from oms_api import webhooks
from oms_api.kit import clock
from oms_api.kit.db import mine
from oms_api.webhooks import rules
from oms_api.webhooks.models import Subscription
from world import Api, World, travel

from .partners import PAUSE, PUT, ROTATE, SHOW, TEST, happen, partner, rows

HOOK: dict[str, Any] = {"handle": "hook", "url": "https://hooks.example.com/oms", "topics": ["*"]}


@pytest.fixture
def strict() -> Iterator[None]:
    """As in production: nothing is sent to this machine."""
    webhooks.configure(allow_loopback=False)
    yield
    webhooks.configure(allow_loopback=True)


async def test_a_subscription_is_created_with_its_secret_and_changed_without(api: Api) -> None:
    new = await api.ok(PUT, input=HOOK)
    assert rules.secret_key(new["secret"])
    assert new["previousSecretExpiresAt"] is None
    subscription = new["webhookSubscription"]
    assert {name: subscription[name] for name in ("handle", "url", "topics", "ordered", "status")} == {
        "handle": "hook", "url": "https://hooks.example.com/oms", "topics": ["*"], "ordered": False,
        "status": "ACTIVE",
    }  # fmt: skip
    changed = await api.ok(PUT, input={**HOOK, "topics": ["sku.created", "sku.updated"], "ordered": True})
    assert changed["secret"] is None
    assert changed["webhookSubscription"] == {
        **subscription, "topics": ["sku.created", "sku.updated"], "ordered": True,
    }  # fmt: skip
    kept = await api.ok(PUT, input=HOOK)
    assert kept["webhookSubscription"]["ordered"] is True
    cleared = await api.ok(PUT, input={**HOOK, "ordered": None})
    assert cleared["webhookSubscription"]["ordered"] is False


async def test_secrets_are_stored_encrypted(world: World, api: Api) -> None:
    new = await api.ok(PUT, input=HOOK)
    async with world.db.reading(api.tenant_id) as reading:
        row = await reading.first(select(Subscription).where(mine(Subscription)))
    assert row is not None
    assert new["secret"] not in row.secret
    assert "whsec_" not in row.secret


async def test_all_problems_of_a_subscription_are_told_at_once_and_nothing_is_kept(api: Api) -> None:
    errors = await api.refused(
        PUT,
        input={"handle": "Not a handle", "url": "https://x", "topics": ["sku.created", "sku.creatd", "*", "*", "?"]},
    )
    assert [(error["code"], error["path"]) for error in errors] == [
        ("INVALID", ["input", "topics", "1"]),
        ("INVALID", ["input", "topics", "3"]),
        ("INVALID", ["input", "topics", "4"]),
        ("INVALID", ["input", "handle"]),
        ("INVALID", ["input", "url"]),
    ]
    assert await api.codes(PUT, input={**HOOK, "topics": []}) == ["REQUIRED"]
    assert (await api(SHOW, handle="hook"))["webhookSubscription"] is None


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/", "https://0x7f.1/", "https://localhost/", "http://127.0.0.1:8000/",
        "https://user:pass@hooks.example.com/", "https://printer.local/", "https://2130706433/",
    ],
)  # fmt: skip
async def test_an_address_that_is_not_public_is_refused_when_put(strict: None, api: Api, url: str) -> None:
    (error,) = await api.refused(PUT, input={**HOOK, "url": url})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "url"])
    assert (await api(SHOW, handle="hook"))["webhookSubscription"] is None


async def test_an_address_that_is_not_public_is_refused_when_sent(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        webhooks.configure(allow_loopback=False)
        try:
            await happen(api, "A")
            await world.settle()
        finally:
            webhooks.configure(allow_loopback=True)
        delivery = await hook.delivery()
        assert (delivery["status"], hook.hook.connections) == ("RETRYING", 0)
        (attempt,) = delivery["attempts"]
        assert (attempt["responseStatus"], attempt["responseBody"]) == (None, None)
        assert "is not a public address (loopback)" in attempt["error"]


async def test_a_key_without_the_scope_is_forbidden(world: World) -> None:
    api = await world.tenant("orders:read")
    body = await api.answer(SHOW, handle="hook")
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_handle_that_nobody_has_is_not_found(api: Api) -> None:
    assert await api.codes(PAUSE, input={"handle": "nobody", "paused": True}) == ["NOT_FOUND"]
    assert await api.codes(ROTATE, input={"handle": "nobody"}) == ["NOT_FOUND"]
    assert await api.codes(TEST, input={"handle": "nobody", "topic": "sku.created"}) == ["NOT_FOUND"]


async def test_a_tenant_has_a_hundred_subscriptions_at_most(api: Api) -> None:
    for i in range(100):
        await api.ok(PUT, input={**HOOK, "handle": f"hook{i}"})
    assert await api.codes(PUT, input=HOOK) == ["LIMIT_EXCEEDED"]
    assert (await api.ok(PUT, input={**HOOK, "handle": "hook7"}))["secret"] is None


async def test_two_at_once_do_not_pass_the_limit(api: Api) -> None:
    for i in range(98):
        await api.ok(PUT, input={**HOOK, "handle": f"hook{i}"})
    answers = await asyncio.gather(*(api(PUT, input={**HOOK, "handle": f"last{i}"}) for i in range(6)))
    codes = [error["code"] for answer in answers for error in answer["webhookSubscriptionPut"]["userErrors"]]
    assert codes == ["LIMIT_EXCEEDED"] * 4


async def test_after_a_rotation_both_secrets_sign_until_the_overlap_ends(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        rotated = await api.ok(ROTATE, input={"handle": hook.handle, "overlapSeconds": 3600})
        assert rotated["secret"] != hook.secret
        ends = datetime.fromisoformat(rotated["previousSecretExpiresAt"])
        assert abs(ends - clock.now() - timedelta(hours=1)) < timedelta(seconds=10)
        await happen(api, "A")
        await world.settle()
        (message,) = hook.heard
        assert len(message.headers["webhook-signature"].split()) == 2
        hook.verify(message)
        hook.verify(message, rotated["secret"])
        with travel(seconds=3601):
            await happen(api, "B")
            await world.settle()
        late = hook.heard[1]
        assert late.headers["webhook-signature"] == rules.sign(
            late.id, int(late.headers["webhook-timestamp"]), late.body, [rotated["secret"]]
        )


async def test_a_rotation_without_overlap_stops_the_old_secret_at_once(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        rotated = await api.ok(ROTATE, input={"handle": hook.handle, "overlapSeconds": 0})
        assert rotated["previousSecretExpiresAt"] is None
        await happen(api, "A")
        await world.settle()
        (message,) = hook.heard
        hook.verify(message, rotated["secret"])
        with pytest.raises(WebhookVerificationError):
            hook.verify(message)


async def test_a_repeated_rotation_with_its_key_shows_the_same_secret_again(api: Api) -> None:
    await api.ok(PUT, input=HOOK)
    given = {"handle": "hook", "idempotencyKey": "rotate-1"}
    first = await api.ok(ROTATE, input=given)
    again = await api.answer(ROTATE, input=given)
    assert again["extensions"]["idempotency"] == {"replayed": True}
    assert again["data"]["webhookSecretRotate"]["secret"] == first["secret"]
    assert again["data"]["webhookSecretRotate"]["previousSecretExpiresAt"] == first["previousSecretExpiresAt"]
    other = await api.ok(ROTATE, input={**given, "idempotencyKey": "rotate-2"})
    assert other["secret"] != first["secret"]
    assert await api.codes(ROTATE, input={**given, "overlapSeconds": -1, "idempotencyKey": "x"}) == ["INVALID"]


# --- trying out ----------------------------------------------------------------------------------------------------


async def test_a_test_renders_a_made_up_payload_and_sends_nothing(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        shown = await api.ok(TEST, input={"handle": hook.handle, "topic": "sku.created"})
        content = Webhook(hook.secret).verify(shown["body"], shown["headers"])
        assert content["type"] == "sku.created"
        assert (content["data"]["code"], content["data"]["kind"]) == ("example", "example")
        assert content["data"]["subjectId"].startswith("sku_")
        assert shown["responseStatus"] is None
        assert hook.heard == []
        assert await rows(world, api.tenant_id) == (0, 0)


async def test_a_test_renders_what_really_happened_to_an_object(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        (sku,) = await happen(api, "A")
        await world.settle()
        given = {"handle": hook.handle, "topic": "sku.created", "subjectId": sku}
        shown = await api.ok(TEST, input=given)
        assert shown["body"] == hook.heard[0].body.decode()
        (error,) = await api.refused(TEST, input={**given, "topic": "sku.updated"})
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "subjectId"])
        (error,) = await api.refused(TEST, input={**given, "topic": "sku.*"})
        assert (error["code"], error["path"]) == ("INVALID", ["input", "topic"])


async def test_a_test_that_is_sent_is_logged_without_event_and_never_retried(world: World, api: Api) -> None:
    async with partner(world, api, 204, 410) as hook:
        given = {"handle": hook.handle, "topic": "sku.created", "send": True}
        sent = await api.ok(TEST, input=given)
        (message,) = hook.heard
        hook.verify(message)
        assert sent["responseStatus"] == 204
        assert sent["body"] == message.body.decode()
        assert sent["headers"] == {name: message.headers[name] for name in sent["headers"]}
        refused = await api.ok(TEST, input=given)
        assert refused["responseStatus"] == 410
        with travel(days=1):
            await hook.deliver()
        dead, delivered = await hook.deliveries()
        assert (dead["status"], delivered["status"]) == ("DEAD", "DELIVERED")
        assert (dead["events"], delivered["events"]) == ([], [])
        assert delivered["messageId"] == message.id
        assert delivered["attempts"][0]["responseStatus"] == 204
        assert len(hook.heard) == 2
        assert (await hook.show())["status"] == "ACTIVE"
        assert await hook.replay() == 0


async def test_a_test_that_reaches_nobody_says_why(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        webhooks.configure(allow_loopback=False)
        try:
            (error,) = await api.refused(TEST, input={"handle": hook.handle, "topic": "sku.created", "send": True})
        finally:
            webhooks.configure(allow_loopback=True)
        assert error["code"] == "UPSTREAM_UNAVAILABLE"
        assert "is not a public address (loopback)" in error["message"]
        assert hook.hook.connections == 0
        (delivery,) = await hook.deliveries()
        assert delivery["status"] == "DEAD"
