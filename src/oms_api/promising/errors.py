"""Refusals of promising."""

from oms_api.kit.errors import NotFound, Path, Refusal


class NoSource(Refusal):
    """No location can serve the line under the constraints.

    Relax what the message names: another destination, other locations of the channel, more shipments, or pick-up.
    """


def unknown_sku(sku: str, path: Path) -> NotFound:
    return NotFound(f"There is no SKU {sku[:60]!r}; create it with skuPut first.", path=path)
