"""Who is asking: keys, scopes, tenants."""

from oms_api import access
from oms_api.kit.caller import system
from oms_api.kit.ids import NOBODY
from world import Api, World

VIEWER = "{ viewer { tenant clientId scopes test serverVersion rateLimit { limit remaining restoreRate } } }"


async def test_a_key_sees_its_tenant_and_scopes(world: World) -> None:
    api = await world.tenant("orders:read", "events:read")
    viewer = await api.ok(VIEWER)
    assert viewer["tenant"] == api.handle
    assert viewer["scopes"] == ["events:read", "orders:read"]
    assert viewer["test"] is True
    assert viewer["clientId"].startswith("key_")


async def test_without_a_key_the_answer_is_401_and_says_what_to_send(world: World) -> None:
    response = await world.http.post("/graphql", json={"query": VIEWER})
    assert response.status_code == 401
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["extensions"]["requestId"] == response.headers["x-request-id"]
    assert "Authorization: Bearer" in error["message"]


async def test_a_revoked_key_is_refused_like_an_unknown_one(world: World, api: Api) -> None:
    viewer = await api.ok(VIEWER)
    async with world.db.transaction(system(NOBODY)) as tx:
        await access.revoke_key(tx, viewer["clientId"])
    assert await access.credential(world.db, api.key) is None
    assert await access.credential(world.db, "oms_test_" + "x" * 43) is None
