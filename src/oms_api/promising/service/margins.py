"""What units cost where they lie."""

from collections.abc import Iterable, Mapping

from oms_api.catalog import Item
from oms_api.sourcing import Source


class UnitCosts:
    """Unit costs of SKUs in a currency, in minor units. A SKU whose cost is not known in it costs the same anywhere."""

    def __init__(self, items: Iterable[Item], currency: str) -> None:
        costs = {item.code: item.unit_cost for item in items if item.unit_cost and item.unit_cost.currency == currency}
        self._plain = {sku: cost.minor for sku, cost in costs.items()}
        self._at: dict[str, dict[str, int]] = {}
        for sku, cost in costs.items():
            for handle, minor in cost.at.items():
                self._at.setdefault(handle, {})[sku] = minor
        self._least = {sku: min(cost.minor, *cost.at.values()) for sku, cost in costs.items() if cost.at}
        self._lost: dict[str, Mapping[str, int]] = {}
        self._lost_elsewhere = self._more(self._plain)

    def at(self, handle: str, sku: str) -> int | None:
        """What a unit costs at a location; None when it is not known."""
        return self._at.get(handle, {}).get(sku, self._plain.get(sku))

    def priced(self, source: Source) -> Source:
        """A source with what a unit costs more there than where it costs least."""
        if not self._least:
            return source
        own = self._at.get(source.location)
        if own is None:
            return source._replace(margins=self._lost_elsewhere)
        lost = self._lost.get(source.location)
        if lost is None:
            lost = self._lost[source.location] = self._more({**self._plain, **own})
        return source._replace(margins=lost)

    def _more(self, costs: Mapping[str, int]) -> dict[str, int]:
        return {sku: costs[sku] - least for sku, least in self._least.items() if costs[sku] > least}
