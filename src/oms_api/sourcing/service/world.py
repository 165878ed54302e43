"""What a policy may refer to, and what decides now."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from oms_api import catalog, network
from oms_api.kit.db import Reading
from oms_api.kit.remembered import Remembered
from oms_api.network import Network
from oms_api.sourcing import queries
from oms_api.sourcing.rules.policy import Rule, Spot, World

BUILT_IN = "built-in"
"""The handle of what decides for a channel without a policy: no rules."""
REMEMBERED_TENANTS_MAX = 1_000


class Live(NamedTuple):
    """What decides for a channel: a version of a policy, and its rules."""

    policy: str
    number: int
    rules: tuple[Rule, ...]


NOTHING = Live(BUILT_IN, 1, ())


async def world_of(reading: Reading, rules: Sequence[Rule]) -> World:
    """What these rules may refer to. Three statements."""
    channels = {name for rule in rules for name in rule.when.channels}
    tags = {tag for rule in rules for tag in (*rule.when.sku_tags, *rule.settings.together_tags)}
    return World(
        channels=(await network.channels_by_handle(reading, sorted(channels))).keys(),
        spots=[
            Spot(row.handle, row.kind, frozenset(row.tags or ()), row.address["country"] if row.address else None)
            for row in await network.every_location(reading)
        ],
        sku_tags=await catalog.known_tags(reading, sorted(tags)),
        countries=network.countries(),
    )


_remembered: Remembered[UUID, Mapping[UUID, Live]] = Remembered(REMEMBERED_TENANTS_MAX)


async def live_of(reading: Reading, found: Network) -> Live:
    """What decides for a network's channel now. No statement without policies, or when remembered."""
    if found.policy is None:
        return NOTHING
    known = _remembered.get(reading.tenant_id, found.policy)
    if known is None:
        known = {
            row.channel_id: Live(row.handle, row.number, tuple(Rule.model_validate(rule) for rule in row.effective))
            for row in await queries.live(reading)
        }
        _remembered.put(reading.tenant_id, found.policy, known)
    return known.get(found.channel.id, NOTHING)
